//! One group without its node: the same machine, driven input by input.
//!
//! A [`Node`](crate::Node) adds what concerns all groups at once: frames, pulses, the register's own
//! consensus, the look-out. Whether the rules of one group lose anything is a question that needs none
//! of it, and can be asked exhaustively without. [`Solo`] hands inputs straight to the group; whoever
//! drives it plays the register and the disk. The simulator does; the product drives nodes only.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;
use model::Model;
use register::{GroupState, Transition};
use types::{Config, Epoch, GroupId, Instant, NodeId, Now, Position, RequestId, Until};
use wire::{Command, GroupMessage, Meta, Record, Reply};

use crate::desk::Asker;
use crate::group::{Out, Writing};
use crate::{Event, Group, GroupOptions};

/// What happens to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoloInput {
    /// Another member says something.
    Message {
        /// Who.
        from: NodeId,
        /// Under which epoch.
        epoch: Epoch,
        /// What.
        body: GroupMessage,
    },
    /// The register has decided something about the group.
    Register(Box<GroupState>),
    /// A client's command, which is never given up.
    Command {
        /// The driver's number for it.
        request: RequestId,
        /// The command.
        command: Command,
    },
    /// The session to another member ended and another was opened: what was under way is lost.
    Reconnected(NodeId),
    /// The oldest write in flight is durable.
    Written,
    /// Time has passed.
    Wake,
}

/// What a group wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoloEffect {
    /// Say something to another member.
    Send {
        /// To whom.
        to: NodeId,
        /// Under which epoch.
        epoch: Epoch,
        /// What.
        body: GroupMessage,
    },
    /// Append a record to the log; [`SoloInput::Written`] in its turn.
    Append(Bytes),
    /// Put this in place of the group's blob in the superblock; [`SoloInput::Written`] in its turn.
    Superblock(Bytes),
    /// Answer a command.
    Answer {
        /// The driver's number for it.
        to: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Ask the register for a change, if the group still has this version there.
    Propose {
        /// The version.
        version: u64,
        /// The change.
        transition: Transition,
    },
    /// Tell people.
    Note(Event),
}

/// What a disk held that a group cannot be built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the disk does not hold a group's chain")]
pub struct NotAChain;

/// One group at one member.
#[derive(Clone, Debug)]
pub struct Solo<M>(Group<M>);

impl<M: Model> Solo<M> {
    /// The group as its member finds it on its disk: `blob` and the records of `log` in their order.
    /// `state` is what the member's seat in the register knew when it stopped. All other members of
    /// `first` can be reached. How far the chain was known to be committed is not on this disk.
    ///
    /// # Errors
    /// [`NotAChain`]: the disk is damaged.
    pub fn recover(
        options: GroupOptions,
        first: &Config,
        fresh: M,
        blob: Option<&Bytes>,
        log: &[Bytes],
        state: &GroupState,
    ) -> Result<Self, NotAChain> {
        let meta = blob.map(|blob| Meta::decode(blob)).transpose().map_err(|_| NotAChain)?;
        let mut group = Group::new(options, GroupId(0), meta, first.clone(), fresh);
        for bytes in log {
            let record = Record::decode(bytes.clone()).map_err(|_| NotAChain)?;
            if !group.replay(NOWHERE, &record, Writing::First) {
                return Err(NotAChain);
            }
        }
        group.recovered(state);
        let now = Now { instant: Instant(0), wall: types::Stamp(0) };
        for node in first.members().iter().filter(|node| **node != options.me) {
            group.peer(now, *node, true);
        }
        Ok(Self(group))
    }

    /// Handles inputs that came in together, as one step.
    pub fn handle_all(
        &mut self,
        now: Now,
        inputs: impl IntoIterator<Item = SoloInput>,
        out: &mut Vec<SoloEffect>,
    ) {
        let mut outs = Vec::new();
        for input in inputs {
            match input {
                SoloInput::Message { from, epoch, body } => {
                    self.0.message(now, from, epoch, body, &mut outs);
                }
                SoloInput::Register(state) => self.0.register(now, &state, &mut outs),
                SoloInput::Command { request, command } => {
                    let (asker, never) = (Asker::Local(request), Instant(u64::MAX));
                    self.0.command(now, asker, command, Until::Commit, never, &mut outs);
                }
                SoloInput::Reconnected(node) => {
                    self.0.peer(now, node, false);
                    self.0.peer(now, node, true);
                }
                SoloInput::Written => self.0.written(NOWHERE, &mut outs),
                SoloInput::Wake => {}
            }
        }
        self.0.proceed(now, &mut outs);
        out.extend(outs.into_iter().filter_map(effect));
    }

    /// The group.
    #[must_use]
    pub const fn group(&self) -> &Group<M> {
        &self.0
    }
}

/// The effect of a group that stands alone. It hands nothing to other groups or nodes but its own, keeps
/// in memory whatever it may have to read, and takes no snapshots.
fn effect(out: Out) -> Option<SoloEffect> {
    Some(match out {
        Out::Send { to, epoch, body } => SoloEffect::Send { to, epoch, body },
        Out::Append(bytes, _) => SoloEffect::Append(bytes),
        Out::Meta(bytes) => SoloEffect::Superblock(bytes.into()),
        Out::Answer { to: Asker::Local(to), reply } => SoloEffect::Answer { to, reply },
        Out::Propose { version, transition } => SoloEffect::Propose { version, transition },
        Out::Note(event) => SoloEffect::Note(event),
        Out::Answer { to: Asker::Remote { .. }, .. }
        | Out::Forward { .. }
        | Out::Post { .. }
        | Out::SnapshotWrite { .. }
        | Out::SnapshotRead { .. }
        | Out::SnapshotRemove { .. }
        | Out::Kept
        | Out::Lower
        | Out::Rewind
        | Out::Load { .. } => {
            return None;
        }
    })
}

/// Nothing is read back, so no place in the log matters.
const NOWHERE: Position = Position(0);
