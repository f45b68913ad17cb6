//! Reading and writing fixed-layout bytes: little-endian integers and length-prefixed runs.
//!
//! All decoding in the house goes through [`Reader`], so that hostile lengths meet one check.

use alloc::vec::Vec;

use types::{Hash, MessageId};

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("bytes end early")]
    Truncated,
    /// Bytes are left after the value.
    #[error("{0} bytes left over")]
    Trailing(usize),
    /// A tag, count or length that this version does not know or allow.
    #[error("{field} has the impossible value {value}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it held.
        value: u64,
    },
}

/// Takes values off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// `Truncated` if there are fewer.
    pub const fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(DecodeError::Truncated),
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// `Truncated` if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated)
    }

    /// One byte.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A little-endian `u16`.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// A little-endian `u32`.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A little-endian `u64`.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A little-endian `u128`.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn u128(&mut self) -> Result<u128, DecodeError> {
        self.array().map(u128::from_le_bytes)
    }

    /// A byte that is 0 or 1.
    ///
    /// # Errors
    /// `Truncated`, or `Invalid` for any other byte: a value has one encoding.
    pub fn flag(&mut self, field: &'static str) -> Result<bool, DecodeError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            value => Err(DecodeError::Invalid { field, value: value.into() }),
        }
    }

    /// A hash.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn hash(&mut self) -> Result<Hash, DecodeError> {
        self.array().map(Hash)
    }

    /// A message id.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn message_id(&mut self) -> Result<MessageId, DecodeError> {
        self.array().map(MessageId)
    }

    /// A `u32` length of at most `bytes_max`, then that many bytes.
    ///
    /// # Errors
    /// `Truncated`, or `Invalid` for a length beyond `bytes_max`.
    pub fn run(&mut self, field: &'static str, bytes_max: usize) -> Result<&'a [u8], DecodeError> {
        let length = self.count(field, bytes_max)?;
        self.take(length)
    }

    /// A `u32` count of at most `max`.
    ///
    /// # Errors
    /// `Truncated`, or `Invalid` for a count beyond `max`.
    pub fn count(&mut self, field: &'static str, max: usize) -> Result<usize, DecodeError> {
        let value = self.u32()?;
        let count = usize::try_from(value).unwrap_or(usize::MAX);
        if count > max {
            return Err(DecodeError::Invalid { field, value: value.into() });
        }
        Ok(count)
    }

    /// Checks that everything has been read.
    ///
    /// # Errors
    /// `Trailing`.
    pub const fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.rest.len())) }
    }
}

/// Appends values to a buffer, in the layout that [`Reader`] reads.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Writes at the end of `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    /// A little-endian `u16`.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A little-endian `u32`.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A little-endian `u64`.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// A little-endian `u128`.
    pub fn u128(&mut self, value: u128) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// 0 or 1.
    pub fn flag(&mut self, value: bool) -> &mut Self {
        self.u8(value.into())
    }

    /// A hash.
    pub fn hash(&mut self, value: Hash) -> &mut Self {
        self.raw(&value.0)
    }

    /// A message id.
    pub fn message_id(&mut self, value: MessageId) -> &mut Self {
        self.raw(&value.0)
    }

    /// A count as `u32`.
    ///
    /// # Panics
    /// If it does not fit; every count in the house has a far lower limit.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).expect("counts are limited far below 2^32"))
    }

    /// A length as `u32`, then the bytes.
    ///
    /// # Panics
    /// As [`Writer::count`].
    pub fn run(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len()).raw(bytes)
    }
}
