//! Every byte that is stored or sent.
//!
//! Encodings are fixed layouts, little-endian, with one encoding per value. Each stored or sent kind
//! has a number that is never reused; golden files under `golden/` hold the bytes of every version.
//! Nothing here decides.
#![no_std]

extern crate alloc;

mod bytes;

pub use self::bytes::{DecodeError, Reader, Writer};
