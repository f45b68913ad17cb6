//! A node's sign of life.

use alloc::vec::Vec;

use types::{Epoch, GroupId, Hash, NodeId, Seq, Stamp};

use crate::{DecodeError, Reader, Writer, limits};

/// A node's sign of life: durable progress, not a heartbeat (PROTOCOL 7.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Rises with every pulse record that the sender's disk has made durable.
    pub durable: u64,
    /// The sender's wall clock.
    pub wall: Stamp,
    /// For each other node, microseconds since the sender last saw it progress.
    pub seen: Vec<(NodeId, u64)>,
    /// The groups whose home the sender is.
    pub homes: Vec<HomeReport>,
}

/// How a group stands at its home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HomeReport {
    /// The group.
    pub group: GroupId,
    /// The epoch under which the sender is home.
    pub epoch: Epoch,
    /// W2.
    pub commit: Seq,
    /// Hash of the record at W2.
    pub head: Hash,
    /// Stamp of the record at W2: no later home writes below it.
    pub closed: Stamp,
    /// Whether records wait above W2 and have not moved for the sender's patience.
    pub stalled: bool,
}

impl Pulse {
    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        writer.u64(self.durable).u64(self.wall.0).count(self.seen.len());
        for (node, age) in &self.seen {
            writer.u16(node.0).u64(*age);
        }
        writer.count(self.homes.len());
        for home in &self.homes {
            writer.u16(home.group.0).u64(home.epoch.0).u64(home.commit.0).hash(home.head);
            writer.u64(home.closed.0).flag(home.stalled);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (durable, wall) = (reader.u64()?, Stamp(reader.u64()?));
        let count = reader.count("nodes in a pulse", limits::MEMBERS_MAX)?;
        let mut seen = Vec::with_capacity(count);
        for _ in 0..count {
            seen.push((NodeId(reader.u16()?), reader.u64()?));
        }
        let count = reader.count("groups in a pulse", limits::GROUPS_MAX)?;
        let mut homes = Vec::with_capacity(count.min(256));
        for _ in 0..count {
            homes.push(HomeReport {
                group: GroupId(reader.u16()?),
                epoch: Epoch(reader.u64()?),
                commit: Seq(reader.u64()?),
                head: reader.hash()?,
                closed: Stamp(reader.u64()?),
                stalled: reader.flag("stalled flag")?,
            });
        }
        Ok(Self { durable, wall, seen, homes })
    }
}
