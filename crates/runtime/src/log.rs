//! What a node notes, as lines of the process's log.

use group::{Event, NodeEvent};

/// Writes one event. Changes of homes are information; what needs a person is a warning or an error.
pub(crate) fn event(event: &NodeEvent) {
    match event {
        NodeEvent::Group(event) => group(event),
        NodeEvent::Register(event) => match event {
            register::Event::Leader(leader) => tracing::info!(?leader, "register leader"),
            register::Event::Lost { peer } => tracing::debug!(%peer, "register frames lost"),
            register::Event::Refused { from, why } => {
                tracing::warn!(%from, %why, "register frame refused");
            }
            register::Event::TooLarge { to } => {
                tracing::warn!(%to, "a register message is too large to be sent");
            }
        },
    }
}

fn group(event: &Event) {
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
            tracing::warn!(%from, %error, "a peer sent what is not a message");
        }
        Event::Unreadable { group, seq } => {
            tracing::error!(%group, %seq, "a record cannot be read back");
        }
    }
}
