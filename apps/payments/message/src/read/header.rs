//! The business application header beside a document.
//!
//! Read for what it says about the document it travels with; not validated, because nothing is
//! booked by it.

use crate::message::Header;
use crate::schema::NAMESPACE_STEM;
use crate::schema::text::Gathered;
use crate::xml::{Reader, Token};

/// Deepest element of interest: `Fr/FIId/FinInstnId/ClrSysMmbId/MmbId`.
const DEPTH_MAX: usize = 5;

/// Follows the tokens outside of documents and picks the first `AppHdr`.
#[derive(Default)]
pub(super) struct HeaderReader<'a> {
    header: Option<Header>,
    /// Elements open below `AppHdr`; `None` outside of one.
    depth: Option<usize>,
    /// Their names, down to [`DEPTH_MAX`].
    path: Vec<String>,
    text: Gathered<'a>,
}

impl<'a> HeaderReader<'a> {
    pub(super) fn token(&mut self, reader: &Reader<'a>, token: Token<'a>) {
        match (token, self.depth) {
            (Token::Open, None) => {
                let name = reader.name();
                let message = name.namespace.strip_prefix(NAMESPACE_STEM).unwrap_or_default();
                if self.header.is_none()
                    && name.local == "AppHdr"
                    && message.starts_with("head.001.")
                {
                    self.header = Some(Header::default());
                    self.depth = Some(0);
                }
            }
            (Token::Open, Some(depth)) => {
                if depth < DEPTH_MAX {
                    self.path.push(reader.name().local.to_owned());
                }
                self.depth = Some(depth + 1);
                self.text = Gathered::default();
            }
            (Token::Text(piece), Some(depth)) if depth <= DEPTH_MAX => self.text.push(piece),
            (Token::Close, Some(0)) => self.depth = None,
            (Token::Close, Some(depth)) => {
                if depth <= DEPTH_MAX {
                    self.keep();
                    self.path.pop();
                }
                self.depth = Some(depth - 1);
                self.text = Gathered::default();
            }
            (Token::Text(_) | Token::Close | Token::End, _) => {}
        }
    }

    /// Takes the text of the element that ends, if it is one of the four.
    fn keep(&mut self) {
        let Some(header) = &mut self.header else { return };
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let place = match path.as_slice() {
            ["BizMsgIdr"] => &mut header.business_message,
            ["MsgDefIdr"] => &mut header.definition,
            ["Fr", "FIId", "FinInstnId", "BICFI" | "ClrSysMmbId", ..] => &mut header.from,
            ["To", "FIId", "FinInstnId", "BICFI" | "ClrSysMmbId", ..] => &mut header.to,
            _ => return,
        };
        let text = self.text.as_str().trim();
        let member = path
            .last()
            .is_some_and(|last| matches!(*last, "ClrSysMmbId" | "ClrSysId" | "Cd" | "Prtry"));
        if place.is_none() && !text.is_empty() && !member {
            *place = Some(text.to_owned());
        }
    }

    pub(super) fn finish(self) -> Option<Header> {
        self.header
    }
}
