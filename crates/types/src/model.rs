//! The version of a group's state machine.

use core::fmt;

/// Which behaviour of a model is meant. Raised for a group by a record of its chain and by nothing else,
/// so every replica and every replay changes its behaviour between the same two commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelVersion(pub u16);

impl ModelVersion {
    /// In force from the first record of every chain on, until a record raises it.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for ModelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
