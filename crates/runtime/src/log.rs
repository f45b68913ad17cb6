//! What a node notes, as lines of the process's log.
//!
//! Changes of homes are information; what needs a person is a warning or an error. Lines that
//! another node or a stranger can cause again and again have a [`Quota`].

use core::error::Error;
use core::fmt;
use std::collections::BTreeMap;

use group::{Event, NodeEvent};
use types::{Instant, NodeId};

use crate::limits::{LINES_MAX, LINES_SPAN_US};

/// Writes one event. `peers` bounds the lines that other nodes cause by sending what they should not.
pub(crate) fn event(event: &NodeEvent, now: Instant, peers: &mut Quota) {
    match event {
        NodeEvent::Group(event) => group(event, now, peers),
        NodeEvent::SlowDisk { stalls, within_us } => tracing::error!(
            stalls,
            within_s = within_us / 1_000_000,
            "this disk stalls again and again: groups leave this node by plan where another can serve \
             them. Replace it"
        ),
        NodeEvent::Register(event) => match event {
            register::Event::Leader(leader) => tracing::info!(?leader, "register leader"),
            register::Event::Lost { peer } => tracing::debug!(%peer, "register frames lost"),
            register::Event::Refused { from, why } => {
                if let Some(left_out) = peers.take(now) {
                    let why = Chain(why);
                    tracing::warn!(%from, %why, left_out, "register frame refused");
                }
            }
            register::Event::TooLarge { to } => {
                if let Some(left_out) = peers.take(now) {
                    tracing::warn!(%to, left_out, "a register message is too large to be sent");
                }
            }
            register::Event::Outside { generation } => tracing::warn!(
                generation,
                "this node has no vote in the register any more; it follows what the others decide"
            ),
            register::Event::Member { generation } => {
                tracing::info!(generation, "this node votes in the register");
            }
            register::Event::Split { peer, generation } => tracing::error!(
                %peer,
                generation,
                "the register was begun anew by force here and at that node, by people who did not \
                 know of each other: neither takes anything from the other. Stop one of the two histories"
            ),
            register::Event::Diverged { generation, entries } => tracing::error!(
                generation,
                entries,
                "the register was begun anew by force without what was decided here last"
            ),
        },
    }
}

/// Lets a few lines through in each span of time and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Quota {
    /// Whether a line may be written now: how many were left out before it, or `None` if this one is.
    pub(crate) fn take(&mut self, now: Instant) -> Option<u64> {
        if now.since(self.since) >= LINES_SPAN_US {
            (self.since, self.lines) = (now, 0);
        }
        if self.lines == LINES_MAX {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(core::mem::take(&mut self.left_out))
    }
}

/// Why each node was not reached last. The dialing side tries again every second at most; the reason is
/// told when it is another than before.
#[derive(Debug, Default)]
pub(crate) struct Unreached {
    why: BTreeMap<NodeId, &'static str>,
}

impl Unreached {
    /// Notes a failed attempt; whether it says something new.
    pub(crate) fn is_news(&mut self, node: NodeId, why: &'static str) -> bool {
        self.why.insert(node, why) != Some(why)
    }

    /// The node was reached.
    pub(crate) fn reached(&mut self, node: NodeId) {
        self.why.remove(&node);
    }
}

/// An error with all its causes in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

fn group(event: &Event, now: Instant, peers: &mut Quota) {
    match event {
        Event::Promised { group, epoch } => tracing::debug!(%group, %epoch, "promised"),
        Event::Opened { group, epoch, start } => {
            tracing::info!(%group, %epoch, %start, "home here");
        }
        Event::Serving { group, epoch } => tracing::info!(%group, %epoch, "serving"),
        Event::Demoted { group, epoch } => tracing::info!(%group, %epoch, "no longer home"),
        Event::Joined { group, epoch, home } => {
            tracing::debug!(%group, %epoch, %home, "following");
        }
        Event::Sealed { group, epoch, target } => {
            tracing::info!(%group, %epoch, target = %target.seq, "sealed");
        }
        Event::Degraded { group, epoch, members, copies } => tracing::error!(
            %group, %epoch, members, copies,
            "degraded: fewer members or copies than there are to be; a further failure may lose \
             what is acknowledged from here on"
        ),
        Event::Restored { group, epoch } => tracing::info!(%group, %epoch, "whole again"),
        Event::Retuned { group, epoch, terms } => tracing::warn!(
            %group, %epoch, class = ?terms.class, on_quorum_loss = ?terms.on_quorum_loss,
            "under other terms from here on, by order"
        ),
        Event::Orphaned { group, orphan } => tracing::warn!(
            %group,
            epoch = %orphan.epoch,
            first = %orphan.first,
            last = %orphan.last,
            head = %orphan.head,
            by = %orphan.by,
            reason = ?orphan.reason,
            "records set aside"
        ),
        Event::Quarantined { group, seq, peer } => tracing::error!(
            %group, %seq, %peer,
            "records here contradict a peer's: the group is out of service on this node"
        ),
        Event::Malformed { from, error } => {
            if let Some(left_out) = peers.take(now) {
                tracing::warn!(%from, %error, left_out, "a peer sent what is not a message");
            }
        }
        Event::Newer { from, tag } => {
            if let Some(left_out) = peers.take(now) {
                tracing::warn!(
                    %from, tag, left_out,
                    "a message of newer code was passed over: upgrade this node, too"
                );
            }
        }
        Event::Reopened { group, peer } => {
            tracing::info!(%group, %peer, "a frozen channel is open again");
        }
        Event::Frozen { group, peer, sends, cause } => tracing::error!(
            %group, %peer, sends, ?cause,
            "a channel between two groups is frozen: what one of them holds was lost at the other"
        ),
        Event::Upgraded { group, seq, version } => {
            tracing::info!(%group, %seq, %version, "model version in force");
        }
        Event::Differs { group, seq, nodes } => tracing::error!(
            %group, %seq, ?nodes,
            "others came to another state by the same records: which is right is not known"
        ),
        Event::Agrees { group, seq } => {
            tracing::info!(%group, %seq, "all states are the same again");
        }
        Event::Odd { group, seq, nodes } => tracing::error!(
            %group, %seq, ?nodes,
            "the state here is not what most others came to: out of service, all is applied again"
        ),
        Event::Mended { group, seq } => tracing::error!(
            %group, %seq,
            "applied again, the state is what the others have: have this machine's memory tested"
        ),
        Event::StillOdd { group, seq } => tracing::error!(
            %group, %seq,
            "applied again, the state still differs: the group stays out of service on this node"
        ),
        Event::Snapshot { group, seq, bytes } => {
            tracing::info!(%group, %seq, bytes, "snapshot kept");
        }
        Event::SnapshotFailed { group, seq } => {
            tracing::warn!(%group, %seq, "snapshot given up; the next save point brings another");
        }
        Event::SnapshotLost { group, seq, why } => {
            tracing::error!(%group, %seq, why = %Chain(why), "snapshot of no use");
        }
        Event::Installed { group, seq } => {
            tracing::warn!(%group, %seq, "state taken over from another node's snapshot");
        }
        Event::Unreadable { group, seq } => {
            tracing::error!(%group, %seq, "a record cannot be read back: peers are asked for it");
        }
        Event::Damaged { group } => {
            tracing::error!(%group, "not all that was held here can be read; see its fault ranges");
        }
        Event::Repaired { group } => {
            tracing::info!(%group, "all that was held here can be read again")
        }
    }
}

#[cfg(test)]
mod tests;
