//! How far the saving of a model has come, and why a saved one cannot be read.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A save under way. Only the model that began it knows what its fields mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// Parts encoded when the save began, not yet given.
    pub aside: VecDeque<Vec<u8>>,
    /// How long each growing part was when the save began, in the model's own order.
    pub ends: Vec<u64>,
    /// Which of them comes next.
    pub part: usize,
    /// Which of its items comes next.
    pub next: u64,
}

/// Why bytes are not a saved state of this model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Another version of the model has saved it.
    #[error("the state was saved in version {0}, which is not known here")]
    Version(u8),
    /// The bytes end before the value does.
    #[error("the saved state ends early")]
    Truncated,
    /// Bytes are left after the value.
    #[error("{0} bytes are left over in a part of the saved state")]
    Trailing(usize),
    /// A field that this version does not know or allow.
    #[error("{field} has the impossible value {value} in the saved state")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it held, or where it stands.
        value: u64,
    },
}
