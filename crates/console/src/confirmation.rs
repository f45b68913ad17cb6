//! Codes by which a second person confirms what a first was shown.
//!
//! One is open at a time. It is good once, for a quarter of an hour, for exactly what was shown, and a few
//! wrong guesses end it: whoever has the administrators' token and not the node's log does not come to it.

use std::sync::{Mutex, PoisonError};

use types::{Hash, Instant};

use crate::guard;
use crate::limits::{CODE_LIFE_US, CODE_TRIES_MAX};

/// The code that is open, if there is one. Not kept over a restart: then it is asked for anew.
#[derive(Debug, Default)]
pub(crate) struct Confirmations(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    /// A digest of all that was shown and ordered.
    what: Hash,
    code: String,
    since: Instant,
    tries: u8,
}

/// Why a code confirms nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unconfirmed {
    /// No code was written, or it was used, or it is too old, or was guessed at too often.
    #[error("no code is open here")]
    NoneOpen,
    /// What is ordered, or how things stand, is not what was shown when the code was written.
    #[error(
        "the code is another's: what is ordered, or what would be lost, is not what was shown with it"
    )]
    Changed,
    /// It is not the code.
    #[error("the code is another; {left} more wrong ones end it")]
    Wrong {
        /// How many more may be tried.
        left: u8,
    },
}

impl Confirmations {
    /// Opens a code for `what`, in place of any other.
    pub(crate) fn open(&self, what: Hash, code: String, now: Instant) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *open = Some(Open { what, code, since: now, tries: 0 });
    }

    /// Whether `code` confirms `what`. It stays good until it is [used](Self::used).
    ///
    /// # Errors
    /// [`Unconfirmed`].
    pub(crate) fn check(&self, what: Hash, code: &str, now: Instant) -> Result<(), Unconfirmed> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = slot.as_mut().filter(|open| now.since(open.since) < CODE_LIFE_US);
        let open = open.ok_or(Unconfirmed::NoneOpen)?;
        if !guard::same(code.as_bytes(), open.code.as_bytes()) {
            open.tries += 1;
            let left = CODE_TRIES_MAX.saturating_sub(open.tries);
            if left == 0 {
                *slot = None;
            }
            return Err(Unconfirmed::Wrong { left });
        }
        if open.what == what { Ok(()) } else { Err(Unconfirmed::Changed) }
    }

    /// What was confirmed is done.
    pub(crate) fn used(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests;
