//! The applications that the worlds run, as one model.

mod moves;
mod payments;

use bytes::Bytes;
use model::{LoadError, Model, Outcome, Saving};
use types::{Hash, Stamp};

use crate::Rng;
pub use moves::Moves;
pub use payments::Books;

/// Which application a world runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbered moves of money, which notice when they are done twice.
    Moves,
    /// The payments of the product.
    Payments,
}

/// An application's state.
#[derive(Clone, Debug)]
pub enum App {
    /// See [`Kind::Moves`].
    Moves(Moves),
    /// See [`Kind::Payments`].
    Payments(Books),
}

/// A command's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// For the model.
    pub body: Bytes,
    /// What tells it from other content under the same id.
    pub digest: Hash,
}

impl App {
    /// The state before the first command.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Moves => Self::Moves(Moves::default()),
            Kind::Payments => Self::Payments(Books::new()),
        }
    }

    /// What is wrong with this state, if anything, and which invariant that breaks.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Moves(moves) => moves.fault(),
            Self::Payments(books) => books.fault(),
        }
    }

    /// Reads the whole state again and checks that everything in it agrees.
    ///
    /// # Panics
    /// If it does not.
    pub fn audit(&self) {
        if let Self::Payments(books) = self {
            books.audit();
        }
    }
}

impl Kind {
    /// A new command. `number` is its own, in the whole world.
    #[must_use]
    pub fn content(self, rng: &mut Rng, number: u64, amount: u32) -> Content {
        match self {
            Self::Moves => moves::content(rng, number, amount),
            Self::Payments => payments::content(rng, number, amount),
        }
    }
}

impl Model for App {
    fn apply(&mut self, stamp: Stamp, command: &[u8], outcome: &mut Outcome) {
        match self {
            Self::Moves(moves) => moves.apply(stamp, command, outcome),
            Self::Payments(books) => books.apply(stamp, command, outcome),
        }
    }

    fn digest(&self) -> Hash {
        match self {
            Self::Moves(moves) => moves.digest(),
            Self::Payments(books) => books.digest(),
        }
    }

    fn save(&self) -> Saving {
        match self {
            Self::Moves(moves) => moves.save(),
            Self::Payments(books) => books.save(),
        }
    }

    fn save_next(&self, saving: &mut Saving, bytes_max: usize) -> Option<Vec<u8>> {
        match self {
            Self::Moves(moves) => moves.save_next(saving, bytes_max),
            Self::Payments(books) => books.save_next(saving, bytes_max),
        }
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        match self {
            Self::Moves(moves) => moves.load(part),
            Self::Payments(books) => books.load(part),
        }
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        match self {
            Self::Moves(moves) => moves.loaded(),
            Self::Payments(books) => books.loaded(),
        }
    }
}
