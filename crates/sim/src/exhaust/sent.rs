//! What is under way between members, and which of it may be said when.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use types::Epoch;
use wire::GroupMessage;

use super::memo::{join, mark};

/// A frame: all that one member says to another in one step. It arrives after what was sent before it
/// on its lane.
#[derive(Clone)]
pub struct Sent {
    pub(super) from: usize,
    pub(super) to: usize,
    is_bulk: bool,
    pub(super) messages: Vec<(Epoch, GroupMessage)>,
    mark: u64,
}

impl Sent {
    /// A frame to a member on a lane, which is the one for bulk or the one for the log.
    pub(super) fn new(
        from: usize,
        (to, is_bulk): (usize, bool),
        messages: Vec<(Epoch, GroupMessage)>,
    ) -> Self {
        let mark = join([from as u64, to as u64, is_bulk.into(), mark(&messages)]);
        Self { from, to, is_bulk, messages, mark }
    }

    pub(super) const fn mark(&self) -> u64 {
        self.mark
    }

    pub(super) const fn lane(&self) -> (usize, usize, bool) {
        (self.from, self.to, self.is_bulk)
    }

    pub(super) const fn is_between(&self, a: usize, b: usize) -> bool {
        self.from == a && self.to == b || self.from == b && self.to == a
    }

    /// The frame without what a member that has promised `epoch` refuses; `None` if that is all.
    pub(super) fn without_stale(self: &Arc<Self>, promised: Epoch) -> Option<Arc<Self>> {
        if self.messages.iter().all(|(epoch, _)| *epoch >= promised) {
            return Some(self.clone());
        }
        let fresh = self.messages.iter().filter(|(epoch, _)| *epoch >= promised);
        let messages: Vec<_> = fresh.cloned().collect();
        let lane = (self.to, self.is_bulk);
        (!messages.is_empty()).then(|| Arc::new(Self::new(self.from, lane, messages)))
    }
}

/// Whether it acknowledges something under its epoch.
pub(super) const fn is_ack(body: &GroupMessage) -> bool {
    matches!(
        body,
        GroupMessage::AppendAck { .. }
            | GroupMessage::NewEpochAck { .. }
            | GroupMessage::Adopted { .. }
    )
}

/// Whether only members of an open epoch say so.
pub(super) const fn is_of_an_open_epoch(body: &GroupMessage) -> bool {
    matches!(
        body,
        GroupMessage::AppendAck { .. }
            | GroupMessage::NewEpochAck { .. }
            | GroupMessage::Append { .. }
            | GroupMessage::NewEpoch { .. }
    )
}

impl PartialEq for Sent {
    fn eq(&self, other: &Self) -> bool {
        self.mark == other.mark
    }
}

impl Debug for Sent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "n{} hears from n{}:", self.to + 1, self.from + 1)?;
        for (epoch, body) in &self.messages {
            let body = format!("{body:?}");
            let name = body.split([' ', '{']).next().unwrap_or_default();
            write!(f, " {name} of {epoch}")?;
        }
        Ok(())
    }
}
