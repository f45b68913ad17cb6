//! The applications that the worlds run, as one model.

mod across;
mod code;
mod moves;
mod payments;

use std::ops::RangeInclusive;

use bytes::Bytes;
use model::{LoadError, Missed, Model, Outcome, Passed, Rebase, Receipt, Resolution, Saving};
use types::{ChannelKey, GroupId, Hash, ModelVersion, Stamp};

use crate::Rng;
use across::Across;
pub use across::{Between, End, Sent};
pub use code::{Code, Ray};
pub use moves::{Moves, REOPENED};
pub use payments::Books;

/// Which application a world runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbered moves of money, which notice when they are done twice.
    Moves,
    /// The payments of the product.
    Payments,
}

/// An application's state, and what runs it.
#[derive(Clone, Debug)]
pub struct App {
    state: State,
    code: Code,
    ray: Ray,
}

#[derive(Clone, Debug)]
enum State {
    Moves(Moves),
    Payments(Box<Books>),
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
        let state = match kind {
            Kind::Moves => State::Moves(Moves::default()),
            Kind::Payments => State::Payments(Box::new(Books::new())),
        };
        Self { state, code: Code::default(), ray: Ray::default() }
    }

    /// The same, run by this code on a machine that this ray may strike.
    #[must_use]
    pub fn on(self, code: Code, ray: Ray) -> Self {
        Self { code, ray, ..self }
    }

    /// What is wrong with this state, if anything, and which invariant that breaks.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        match &self.state {
            State::Moves(moves) => moves.fault(),
            State::Payments(books) => books.fault(),
        }
    }

    /// What it holds of moves between groups.
    #[must_use]
    pub fn between(&self) -> Between {
        match &self.state {
            State::Moves(moves) => moves.between(),
            State::Payments(books) => books.between(),
        }
    }

    /// Reads the whole state again and checks that everything in it agrees.
    ///
    /// # Panics
    /// If it does not.
    pub fn audit(&self) {
        if let State::Payments(books) = &self.state {
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
            Self::Payments => payments::content(rng, place, number, amount),
        }
    }
}

impl Content {
    /// The order to open one end of a channel again, for [`Kind::Moves`].
    #[must_use]
    pub fn reopen(number: u64, plan: Vec<u8>) -> Self {
        moves::reopen(number, plan)
    }

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
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        match &self.state {
            State::Moves(_) => ModelVersion::FIRST..=self.code.newest,
            State::Payments(books) => books.versions(),
        }
    }

    fn apply(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        command: &[u8],
        outcome: &mut Outcome,
    ) {
        let version = if self.code.strays { self.code.newest } else { version };
        match &mut self.state {
            State::Moves(moves) => {
                if self.ray.strikes() {
                    moves.flip();
                }
                moves.apply(version, stamp, command, outcome);
            }
            State::Payments(books) => books.apply(version, stamp, command, outcome),
        }
    }

    fn receive(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        from: GroupId,
        message: &[u8],
        outcome: &mut Outcome,
    ) -> Receipt {
        match &mut self.state {
            State::Moves(moves) => moves.receive(version, stamp, from, message, outcome),
            State::Payments(books) => books.receive(version, stamp, from, message, outcome),
        }
    }

    fn resolve(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        to: GroupId,
        key: ChannelKey,
        resolution: Resolution<'_>,
        outcome: &mut Outcome,
    ) {
        match &mut self.state {
            State::Moves(moves) => moves.resolve(version, stamp, to, key, resolution, outcome),
            State::Payments(books) => books.resolve(version, stamp, to, key, resolution, outcome),
        }
    }

    fn passed(&self, peer: GroupId, end: model::End) -> Vec<Passed> {
        match &self.state {
            State::Moves(moves) => moves.passed(peer, end),
            State::Payments(books) => books.passed(peer, end),
        }
    }

    fn passed_detail(&self, peer: GroupId, end: model::End, place: u64) -> Vec<u8> {
        match &self.state {
            State::Moves(moves) => moves.passed_detail(peer, end, place),
            State::Payments(books) => books.passed_detail(peer, end, place),
        }
    }

    fn message_detail(&self, message: &[u8]) -> Vec<u8> {
        match &self.state {
            State::Moves(moves) => moves.message_detail(message),
            State::Payments(books) => books.message_detail(message),
        }
    }

    fn may_rebase(&self, end: (GroupId, model::End), missed: &[Missed<'_>], note: &[u8]) -> bool {
        match &self.state {
            State::Moves(moves) => moves.may_rebase(end, missed, note),
            State::Payments(books) => books.may_rebase(end, missed, note),
        }
    }

    fn rebased(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        end: (GroupId, model::End),
        rebase: Rebase<'_>,
        note: &[u8],
        outcome: &mut Outcome,
    ) {
        match &mut self.state {
            State::Moves(moves) => moves.rebased(version, stamp, end, rebase, note, outcome),
            State::Payments(books) => books.rebased(version, stamp, end, rebase, note, outcome),
        }
    }

    fn digest(&self) -> Hash {
        match &self.state {
            State::Moves(moves) => moves.digest(),
            State::Payments(books) => books.digest(),
        }
    }

    fn save(&self) -> Saving {
        match &self.state {
            State::Moves(moves) => moves.save(),
            State::Payments(books) => books.save(),
        }
    }

    fn save_next(&self, saving: &mut Saving, bytes_max: usize) -> Option<Vec<u8>> {
        match &self.state {
            State::Moves(moves) => moves.save_next(saving, bytes_max),
            State::Payments(books) => books.save_next(saving, bytes_max),
        }
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        match &mut self.state {
            State::Moves(moves) => moves.load(part),
            State::Payments(books) => books.load(part),
        }
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        match &mut self.state {
            State::Moves(moves) => moves.loaded(),
            State::Payments(books) => books.loaded(),
        }
    }
}
