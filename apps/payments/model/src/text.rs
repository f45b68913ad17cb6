//! Texts in commands and records: short, never empty, UTF-8, with one encoding each.
//!
//! A short text is its length as `u8` and its bytes; a text that may be absent has the length 0
//! then. That is why no text is ever empty.

use alloc::vec::Vec;

use wire::{DecodeError, Reader, Writer};

/// A value that a command cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} has the size {size}, and 1 to {size_max} is allowed")]
pub struct OutOfLimits {
    /// Which value.
    pub field: &'static str,
    /// Its bytes, or its entries if it is a list.
    pub size: usize,
    /// How many there may be.
    pub size_max: usize,
}

/// Checks that a value has something in it, and not too much.
pub(crate) const fn within(
    field: &'static str,
    size: usize,
    size_max: usize,
) -> Result<(), OutOfLimits> {
    if size == 0 || size > size_max {
        return Err(OutOfLimits { field, size, size_max });
    }
    Ok(())
}

/// Writes a short text.
pub(crate) fn put(
    out: &mut Vec<u8>,
    field: &'static str,
    text: &str,
    bytes_max: usize,
) -> Result<(), OutOfLimits> {
    within(field, text.len(), bytes_max)?;
    let length = u8::try_from(text.len()).expect("short texts are at most 255 bytes");
    Writer::new(out).u8(length).raw(text.as_bytes());
    Ok(())
}

/// Writes a short text that may be absent.
pub(crate) fn put_optional(
    out: &mut Vec<u8>,
    field: &'static str,
    text: Option<&str>,
    bytes_max: usize,
) -> Result<(), OutOfLimits> {
    match text {
        Some(text) => put(out, field, text, bytes_max),
        None => {
            out.push(0);
            Ok(())
        }
    }
}

/// Reads a short text.
pub(crate) fn get<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
    bytes_max: usize,
) -> Result<&'a str, DecodeError> {
    get_optional(reader, field, bytes_max)?.ok_or(DecodeError::Invalid { field, value: 0 })
}

/// Reads a short text that may be absent.
pub(crate) fn get_optional<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
    bytes_max: usize,
) -> Result<Option<&'a str>, DecodeError> {
    let length = usize::from(reader.u8()?);
    if length > bytes_max {
        return Err(DecodeError::Invalid { field, value: wide(length) });
    }
    let text = utf8(field, reader.take(length)?)?;
    Ok((length > 0).then_some(text))
}

/// The bytes as text; where they stop being UTF-8, if they do.
pub(crate) fn utf8<'a>(field: &'static str, bytes: &'a [u8]) -> Result<&'a str, DecodeError> {
    core::str::from_utf8(bytes)
        .map_err(|error| DecodeError::Invalid { field, value: wide(error.valid_up_to()) })
}

/// A size as an error carries it.
fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
