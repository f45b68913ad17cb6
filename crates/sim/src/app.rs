//! The applications that the worlds run, as one model.

mod across;
mod moves;
mod payments;

use bytes::Bytes;
use model::{LoadError, Model, Outcome, Receipt, Resolution, Saving};
use types::{ChannelKey, GroupId, Hash, Stamp};

use crate::Rng;
use across::Across;
pub use across::{Between, End, Sent};
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

/// Where a command is to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The group.
    pub group: GroupId,
    /// How many there are.
    pub groups: u16,
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

    /// What it holds of moves between groups.
    #[must_use]
    pub fn between(&self) -> Between {
        match self {
            Self::Moves(moves) => moves.between(),
            Self::Payments(_) => Between::default(),
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
    pub fn content(self, rng: &mut Rng, place: Place, number: u64, amount: u32) -> Content {
        match self {
            Self::Moves => moves::content(rng, place, number, amount),
            Self::Payments => payments::content(rng, number, amount),
        }
    }
}

impl Content {
    /// A move of an amount to another group, for [`Kind::Moves`].
    #[must_use]
    pub fn across(number: u64, to: GroupId, amount: u32) -> Self {
        moves::across(number, to, amount)
    }

    /// The wish to have that move back.
    #[must_use]
    pub fn cancel(number: u64, of: u64, to: GroupId) -> Self {
        moves::cancel(number, of, to)
    }
}

impl Model for App {
    fn apply(&mut self, stamp: Stamp, command: &[u8], outcome: &mut Outcome) {
        match self {
            Self::Moves(moves) => moves.apply(stamp, command, outcome),
            Self::Payments(books) => books.apply(stamp, command, outcome),
        }
    }

    fn receive(
        &mut self,
        stamp: Stamp,
        from: GroupId,
        message: &[u8],
        outcome: &mut Outcome,
    ) -> Receipt {
        match self {
            Self::Moves(moves) => moves.receive(stamp, from, message, outcome),
            Self::Payments(books) => books.receive(stamp, from, message, outcome),
        }
    }

    fn resolve(
        &mut self,
        stamp: Stamp,
        to: GroupId,
        key: ChannelKey,
        resolution: Resolution<'_>,
        outcome: &mut Outcome,
    ) {
        match self {
            Self::Moves(moves) => moves.resolve(stamp, to, key, resolution, outcome),
            Self::Payments(books) => books.resolve(stamp, to, key, resolution, outcome),
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
