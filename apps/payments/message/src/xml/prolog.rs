//! What comes before the root element: bytes that are text, and a declaration that says so.

use quick_xml::events::BytesDecl;

use super::attributes;
use super::error::{Error, Limit};
use crate::limits::Limits;

/// A document that may be looked at.
pub(super) struct Text<'a> {
    /// All of it, a leading byte order mark removed.
    pub(super) text: &'a str,
    /// Whether there is a carriage return anywhere. Most documents have none, and their texts need
    /// no search for one.
    pub(super) carriage_returns: bool,
    /// Whether there is a closing bracket anywhere, likewise.
    pub(super) brackets: bool,
}

/// The document as text.
///
/// # Errors
/// Too many bytes, not UTF-8, or a character that XML does not have.
pub(super) fn text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Text<'a>, Error> {
    if bytes.len() > limits.document_bytes_max {
        return Err(Error::Limit { limit: Limit::Document, at: offset(limits.document_bytes_max) });
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = core::str::from_utf8(bytes).map_err(|_| Error::Encoding)?;
    // In UTF-8 the characters XML lacks are the low control bytes and EF BF BE, EF BF BF. One pass
    // without an early end runs over many bytes at a time; who fails it may be looked at slowly.
    let (mut low, mut special, mut carriage_returns, mut brackets) = (false, false, false, false);
    for byte in bytes {
        low |= is_control(*byte);
        special |= *byte == 0xEF;
        carriage_returns |= *byte == b'\r';
        brackets |= *byte == b']';
    }
    let wrong = if low {
        bytes.iter().position(|byte| is_control(*byte))
    } else if special {
        text.find(['\u{FFFE}', '\u{FFFF}'])
    } else {
        None
    };
    match wrong {
        Some(at) => Err(Error::Character { at: offset(at) }),
        None => Ok(Text { text, carriage_returns, brackets }),
    }
}

const fn is_control(byte: u8) -> bool {
    byte < b' ' && !super::is_space(byte)
}

fn offset(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}

/// Checks `<?xml version="1.0" encoding="…" standalone="…"?>`. `rest` is the document after it.
///
/// An encoding whose first 128 characters are ASCII's is believed when the document has no others:
/// the bytes then mean the same. Anything else but UTF-8 is refused rather than converted.
pub(super) fn declaration(declaration: &BytesDecl<'_>, rest: &[u8]) -> Result<(), Error> {
    const WRONG: Error = Error::Declaration { at: 0 };
    let inside = declaration.strip_prefix("xml").ok_or(WRONG)?;
    let mut found = Vec::new();
    attributes::read(inside, 0, &Limits::DEFAULT, &mut found).map_err(|_| WRONG)?;
    let mut left = found.iter();
    let mut next = left.next().ok_or(WRONG).map(Some)?;
    let mut take = |name: &str| match next {
        Some(one) if one.prefix.is_empty() && one.local == name => {
            next = left.next();
            Some(&*one.value)
        }
        Some(_) | None => None,
    };
    if take("version") != Some("1.0") {
        return Err(WRONG);
    }
    let encoding = take("encoding").unwrap_or("UTF-8");
    let standalone = take("standalone");
    if next.is_some() || !matches!(standalone, None | Some("yes" | "no")) {
        return Err(WRONG);
    }
    let ascii_based = ["US-ASCII", "ASCII", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252"];
    if encoding.eq_ignore_ascii_case("UTF-8")
        || (ascii_based.iter().any(|known| encoding.eq_ignore_ascii_case(known)) && rest.is_ascii())
    {
        return Ok(());
    }
    Err(Error::Encoding)
}
