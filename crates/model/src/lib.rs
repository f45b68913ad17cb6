//! The contract between a group and the application it carries.
//!
//! An application is a value that commands change, one at a time, in the order of the journal. The
//! same commands give the same value in every region and at every replay, so a model sees no clock,
//! no randomness, no float, and no entry that is not committed.
#![no_std]

extern crate alloc;

mod outward;
mod rebase;
mod saving;

use alloc::vec::Vec;
use core::fmt::Debug;
use core::ops::RangeInclusive;

use types::{ChannelKey, GroupId, Hash, ModelVersion, Stamp};

pub use outward::{Outward, Receipt, Resolution};
pub use rebase::{End, Missed, Passed, Rebase, RebaseRefusal};
pub use saving::{LoadError, Saving};

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The answer, in the application's own encoding. Kept with the message id for ever: a retry
    /// gets these bytes again.
    pub reply: Vec<u8>,
    /// What it sends to other groups, in this order.
    pub outward: Vec<Outward>,
}

/// Application state that committed commands change.
pub trait Model: Clone + Debug {
    /// The versions of the state machine that this code can run, oldest and newest.
    ///
    /// A change of what any command comes to, or of the state it leaves, is a new version. The old
    /// behaviour stays in the code for as long as a chain may hold records of its version: a replica
    /// that starts anew applies them again.
    fn versions(&self) -> RangeInclusive<ModelVersion>;

    /// Applies one committed command under `version`, which is one of [`Model::versions`] and never
    /// falls from one command to the next. A state that a newer version holds differently is converted
    /// at the first command of that version.
    ///
    /// `stamp` is the time of the record that carries the command; it never falls inside a group and
    /// commands of one record share it. `command` comes from outside: bytes that do not decode must
    /// give a refusal as `reply`, never a panic.
    fn apply(&mut self, version: ModelVersion, stamp: Stamp, command: &[u8], outcome: &mut Outcome);

    /// Takes the next message of another group, once; its reply goes back there. What comes this way was
    /// sent by that group's model: no client can cause it. A model that expects none refuses.
    ///
    /// `stamp` is above that of the command that sent it.
    fn receive(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        from: GroupId,
        message: &[u8],
        outcome: &mut Outcome,
    ) -> Receipt {
        let (_, _, _, _, _) = (version, stamp, from, message, outcome);
        Receipt::Refused
    }

    /// Hears how a message ended that this model sent to `to` under the name `key`, once for each.
    fn resolve(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        to: GroupId,
        key: ChannelKey,
        resolution: Resolution<'_>,
        outcome: &mut Outcome,
    ) {
        let (_, _, _, _, _, _) = (version, stamp, to, key, resolution, outcome);
    }

    /// All messages that were done over the channel with `peer`, whether by themselves or accounted for by
    /// [`Model::rebased`], in an order that is the same at both ends wherever both have the same.
    fn passed(&self, peer: GroupId, end: End) -> Vec<Passed> {
        let (_, _) = (peer, end);
        Vec::new()
    }

    /// What the model at the other end must know of one of them, should it have lost it: at most 192 bytes.
    fn passed_detail(&self, peer: GroupId, end: End, place: u64) -> Vec<u8> {
        let (_, _, _) = (peer, end, place);
        Vec::new()
    }

    /// What the other end's [`Model::passed_detail`] tells of a message that this model has sent, were it done as it says.
    /// Only a message that says the same as what was done under its name is taken to be that.
    fn message_detail(&self, message: &[u8]) -> Vec<u8> {
        let _ = message;
        Vec::new()
    }

    /// Whether it can account for all of these, as [`Model::rebased`] is to; asked before anything is done. What it
    /// accounts for it must know from then on as a message that was done: it neither sends nor takes another of that name.
    fn may_rebase(&self, end: (GroupId, End), missed: &[Missed<'_>], note: &[u8]) -> bool {
        let (_, _) = (end, note);
        missed.is_empty()
    }

    /// Hears what came of an [`Outward::Rebase`], within the command that ordered it, whose reply it gives. `note` is
    /// what that command said besides the plan.
    fn rebased(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        (peer, end): (GroupId, End),
        rebase: Rebase<'_>,
        note: &[u8],
        outcome: &mut Outcome,
    ) {
        let (_, _, _, _, _, _, _) = (version, stamp, peer, end, rebase, note, outcome);
    }

    /// SHA-256 over the whole state in a fixed order. Equal states, and only they, have equal
    /// digests in every region and every replay.
    fn digest(&self) -> Hash;

    /// Begins to save the state as it is now.
    ///
    /// What later commands may change is encoded at once and set aside; what only grows is remembered
    /// by how long it is. So commands may be applied while [`Model::save_next`] goes on, and what is
    /// saved is still the state of this moment. This call is a pause: it must cost no more than
    /// [`Model::digest`] does.
    fn save(&self) -> Saving;

    /// The next part of a save that [`Model::save`] of this model began: about `bytes_max` bytes, or one
    /// item if that alone is larger. `None` when all has been given. The first part names the version
    /// of the encoding.
    fn save_next(&self, saving: &mut Saving, bytes_max: usize) -> Option<Vec<u8>>;

    /// Takes a part of a saved state, in the order in which they were given, into a model that is as it
    /// was before the first command.
    ///
    /// # Errors
    /// [`LoadError`]; the model is of no use then. Parts come from disks and from other nodes: bytes
    /// that make no state must never cause a panic.
    fn load(&mut self, part: &[u8]) -> Result<(), LoadError>;

    /// Ends a load: all parts have come. After this the model is the one that was saved, exactly when
    /// its digest is.
    ///
    /// # Errors
    /// [`LoadError`] if parts are missing or do not fit each other.
    fn loaded(&mut self) -> Result<(), LoadError>;
}
