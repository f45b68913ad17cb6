//! Problem details (RFC 9457) as a node sends them.

use core::fmt;

use serde_json::{Map, Value};

/// Why a request was not carried out, in the words of who refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The last part of the problem's type, such as `conflict`; empty if the answer was no problem
    /// document.
    pub kind: String,
    /// What kind of thing is the matter.
    pub title: String,
    /// What is the matter this time, and what to do; empty if nothing was said.
    pub detail: String,
    /// All members of the document.
    pub members: Map<String, Value>,
}

impl Problem {
    /// Reads an answer's body. Anything else than a problem document gives a problem that has only a
    /// status and the beginning of the body.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let members: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = text("type").rsplit('/').next().unwrap_or_default().to_owned();
        let (mut title, detail) = (text("title").to_owned(), text("detail").to_owned());
        if title.is_empty() {
            let shown = body.get(..body.len().min(SHOWN_BYTES_MAX)).unwrap_or_default();
            title = String::from_utf8_lossy(shown).into_owned();
        }
        Self { status, kind, title, detail, members }
    }

    /// A text among the members.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// A whole number among the members.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.members.get(name).and_then(Value::as_u64)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.title)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

/// How much is shown of an answer that is no problem document.
const SHOWN_BYTES_MAX: usize = 200;
