//! What runs a model on one machine: which versions its code knows, and whether its memory holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use types::ModelVersion;

/// The code on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The newest model version that it knows; it knows all older ones too.
    pub newest: ModelVersion,
    /// Whether it behaves as its newest version before any barrier has put that in force: a fault of
    /// those who wrote it.
    pub strays: bool,
}

/// Strikes the memory of one machine: the next command that its model applies finds a bit flipped.
/// Copies of a model share the machine's.
#[derive(Clone, Debug, Default)]
pub struct Ray(Arc<AtomicBool>);

impl Code {
    /// Code that knows every version up to `newest`.
    #[must_use]
    pub const fn up_to(newest: u16) -> Self {
        Self { newest: ModelVersion(newest), strays: false }
    }

    /// Code that behaves as `newest` without asking.
    #[must_use]
    pub const fn straying(newest: u16) -> Self {
        Self { newest: ModelVersion(newest), strays: true }
    }
}

impl Default for Code {
    fn default() -> Self {
        Self { newest: ModelVersion::FIRST, strays: false }
    }
}

impl Ray {
    /// Is on its way.
    pub(crate) fn aim(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn strikes(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}
