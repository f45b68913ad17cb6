//! The inside of a start tag.
//!
//! Written out here because the library's own iterator is lenient: it takes attributes that are not
//! separated by white space, and leaves names and references unchecked.

use std::borrow::Cow;

use super::error::{Error, Limit};
use super::{is_space, names, reference};
use crate::limits::Limits;

/// One attribute, its value resolved.
#[derive(Debug)]
pub(crate) struct Attribute<'a> {
    /// Empty for none.
    pub(super) prefix: &'a str,
    /// Without its prefix.
    pub(crate) local: &'a str,
    /// References resolved, white space turned into spaces.
    pub(crate) value: Cow<'a, str>,
    /// Where its namespace is declared.
    pub(super) namespace: Option<usize>,
}

/// The name in a tag and what follows it. `inside` is the tag without its brackets.
pub(super) fn halves(inside: &str) -> (&str, &str) {
    let end = inside.bytes().position(is_space).unwrap_or(inside.len());
    inside.split_at(end)
}

/// Reads `inside`, which begins after the element's name, into `out`.
pub(super) fn read<'a>(
    inside: &'a str,
    at: u64,
    limits: &Limits,
    out: &mut Vec<Attribute<'a>>,
) -> Result<(), Error> {
    out.clear();
    let mut rest = inside;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if trimmed.is_empty() {
            return Ok(());
        }
        // An attribute is parted from what stands before it.
        if trimmed.len() == rest.len() {
            return Err(Error::Attribute { at });
        }
        if out.len() == limits.attributes_max {
            return Err(Error::Limit { limit: Limit::Attributes, at });
        }
        let (name, after) = trimmed.split_once('=').ok_or(Error::Attribute { at })?;
        let name = name.trim_end_matches([' ', '\t', '\r', '\n']);
        let (prefix, local) = names::split(name).ok_or(Error::Name { at })?;
        let after = after.trim_start_matches([' ', '\t', '\r', '\n']);
        let mark = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let mark = mark.ok_or(Error::Attribute { at })?;
        let (value, after) =
            after.get(1..).and_then(|v| v.split_once(mark)).ok_or(Error::Attribute { at })?;
        if out.iter().any(|known| known.prefix == prefix && known.local == local) {
            return Err(Error::AttributeTwice { at });
        }
        out.push(Attribute { prefix, local, value: resolve(value, at)?, namespace: None });
        rest = after;
    }
}

/// A value as XML hands it on (3.3.3): references resolved, each white space a space.
fn resolve(raw: &str, at: u64) -> Result<Cow<'_, str>, Error> {
    if !raw.bytes().any(|b| matches!(b, b'&' | b'<') || (is_space(b) && b != b' ')) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(special) = rest.find(['&', '<', '\t', '\r', '\n']) {
        let (plain, from) = rest.split_at(special);
        out.push_str(plain);
        if let Some(after) = from.strip_prefix('&') {
            let (name, after) = after.split_once(';').ok_or(Error::Attribute { at })?;
            out.push(reference::resolve(name).ok_or_else(|| Error::reference(name, at))?);
            rest = after;
        } else if from.starts_with('<') {
            return Err(Error::Attribute { at });
        } else {
            out.push(' ');
            rest = from.strip_prefix("\r\n").or_else(|| from.get(1..)).unwrap_or_default();
        }
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}
