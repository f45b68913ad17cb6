//! One group at this node as JSON (PROTOCOL 7.8): both ends of every distance, with ages.

use group::{GroupStatus, PeerStatus, RoleStatus};
use model::Model;
use register::{Disposal, GroupState};
use replication::Lack;
use runtime::NodeView;
use serde_json::{Value, json};
use types::{Class, Config, GroupId, MemberRole, NodeId, Now, QuorumLoss, Seq};
use wire::{Fault, Orphan, OrphanReason};

use crate::{Site, hash_hex, json as write, models, orphans};

/// How a group stands here; `None` if there is no such group.
pub(crate) fn group<M: Model>(
    site: &Site,
    view: &NodeView<'_, M>,
    group: GroupId,
) -> Option<Value> {
    let here = view.node.group(group)?;
    let state = view.node.register().group(group);
    Some(standing(site, view.now, group, &here.status(view.now), state))
}

pub(crate) fn standing(
    site: &Site,
    now: Now,
    group: GroupId,
    status: &GroupStatus,
    state: Option<&GroupState>,
) -> Value {
    let mut value = write::position(now, status.applied, status.closed);
    let members = json!({
        "group": group.0,
        "home": status.home.map(|home| home.0),
        "home_region": status.home.map(|home| site.region_of(home)),
        "epoch": status.epoch.0,
        "promised_epoch": status.promised.0,
        "phase": state.map(|state| write::phase(&state.phase)),
        "role": role(&status.role),
        "candidacy": candidacy(&status.role),
        "appended_seq": status.appended.0,
        "w1_seq": status.durable.0,
        "w2_seq": status.commit.0,
        "uncommitted_records": status.appended.0.saturating_sub(status.commit.0),
        "stalled_us": status.stalled_us,
        "class": class(status.terms.class),
        "on_quorum_loss": on_quorum_loss(status.terms.on_quorum_loss),
        "rpo_at_risk": {
            "records": status.at_risk.records,
            "bytes": status.at_risk.bytes,
            "oldest_us": status.at_risk.oldest_us,
        },
        "degraded_from": status.degraded_from.as_ref().map(config),
        "home_loss_loses": status.home_loss_loses,
        "head": hash_hex(status.head),
        "trail": hash_hex(status.trail),
        "peers": status.peers.iter().map(|peer| one_peer(site, peer)).collect::<Vec<_>>(),
        "outcomes_count": status.answers,
        "waiting_commands": status.waiting,
        "orphan_runs": status.orphan_runs,
        "orphan_records": status.orphan_records,
        "vouched_seq": status.vouched.0,
        "contradiction": status.contradiction.map(|one| json!({
            "seq": one.seq.0,
            "node": one.peer.0,
        })),
        "faults": status.faults.iter().map(fault).collect::<Vec<_>>(),
        "repaired_records": status.repaired,
        "snapshot_seq": status.snapshot.0,
        "confirmed_snapshot_seq": status.confirmed.0,
        "trimmed_seq": status.trimmed.0,
        "base": base(status),
    });
    for members in [members, models::standing(status)] {
        if let (Some(value), Value::Object(members)) = (value.as_object_mut(), members) {
            value.extend(members);
        }
    }
    value
}

/// What keeps records where there is a witness, and whether this node lacks a state.
fn base(status: &GroupStatus) -> Value {
    let numbers = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect::<Vec<_>>();
    let needs =
        |(seq, from): &(Seq, Vec<NodeId>)| json!({ "up_to_seq": seq.0, "from": numbers(from) });
    json!({
        "seq": status.base.0,
        "above_bytes": status.above_base_bytes,
        "waits_for": numbers(&status.base_waits_for),
        "needs_state": status.needs_state.as_ref().map(needs),
    })
}

/// What the register and the superblock know beyond the standing: configuration and history.
pub(crate) fn history(state: &GroupState) -> Value {
    let starts = state.history.starts().iter().map(|start| {
        json!({
            "epoch": start.epoch.0,
            "start_seq": start.seq.0,
            "previous_head": hash_hex(start.hash),
            "config": start.config.0,
            "forced": start.forced,
            "class": class(start.class),
        })
    });
    json!({
        "version": state.version,
        "issued_epoch": state.issued.0,
        "epoch": state.epoch.0,
        "home": state.home.map(|home| home.0),
        "phase": write::phase(&state.phase),
        "ordered_model_version": state.model.0,
        "config": config(&state.config),
        "degraded_from": state.whole.as_ref().map(config),
        "moved_at_us": (state.moved_at.0 > 0).then_some(state.moved_at.0),
        "changed_by": state.actor,
        "changed_because": state.reason,
        "history": starts.collect::<Vec<_>>(),
    })
}

fn config(config: &Config) -> Value {
    json!({
        "id": config.id().0,
        "members": config.members().iter().map(|node| node.0).collect::<Vec<_>>(),
        "copies": config.copies(),
        "spread": config.spread(),
        "roles": config.each().map(|one| member_role(one.role)).collect::<Vec<_>>(),
        "class": class(config.terms().class),
        "on_quorum_loss": on_quorum_loss(config.terms().on_quorum_loss),
    })
}

pub(crate) const fn class(class: Class) -> &'static str {
    match class {
        Class::Sync => "sync",
        Class::Async => "async",
        Class::Local => "local",
    }
}

pub(crate) const fn on_quorum_loss(on_quorum_loss: QuorumLoss) -> &'static str {
    match on_quorum_loss {
        QuorumLoss::Block => "block",
        QuorumLoss::Degrade => "degrade",
    }
}

/// What a node held, or may have held, and cannot read.
pub(crate) fn fault(fault: &Fault) -> Value {
    json!({ "first_seq": fault.first.0, "last_seq": fault.last.map(|last| last.0) })
}

/// A run of records set aside.
pub(crate) fn orphan(group: GroupId, orphan: &Orphan, disposals: &[Disposal]) -> Value {
    let disposal = disposals.iter().find(|one| one.head == orphan.head);
    let disposal = disposal.map(|one| {
        json!({
            "disposition": orphans::name(one.disposition),
            "case": (one.case > 0).then_some(one.case),
            "decided_us": one.at.0,
        })
    });
    let reason = match orphan.reason {
        OrphanReason::Superseded => "superseded",
        OrphanReason::Forced => "forced",
        OrphanReason::Answered => "answered",
    };
    json!({
        "group": group.0,
        "epoch": orphan.epoch.0,
        "first_seq": orphan.first.0,
        "last_seq": orphan.last.0,
        "records": orphan.last.0.saturating_sub(orphan.first.0).saturating_add(1),
        "head": hash_hex(orphan.head),
        "set_aside_by_epoch": orphan.by.0,
        "reason": reason,
        "may_have_been_acknowledged": orphan.reason.may_be_acknowledged(),
        "disposal": disposal,
    })
}

fn one_peer(site: &Site, peer: &PeerStatus) -> Value {
    json!({
        "node": peer.node.0,
        "region": site.region_of(peer.node),
        "counts": peer.counts,
        "joined": peer.joined,
        "shipped_seq": peer.sent.0,
        "acked_seq": peer.acked.0,
        "in_flight_records": peer.sent.0.saturating_sub(peer.acked.0),
        "unacked_bytes": peer.behind_bytes,
        "oldest_unacked_us": peer.behind_us,
        "since_progress_us": peer.still_us,
    })
}

pub(crate) const fn role(role: &RoleStatus) -> &'static str {
    match role {
        RoleStatus::Follower => "follower",
        RoleStatus::Witness => "witness",
        RoleStatus::Sealed => "sealed",
        RoleStatus::Candidate { .. } => "candidate",
        RoleStatus::Home => "home",
        RoleStatus::Learner => "learner",
        RoleStatus::Elsewhere => "elsewhere",
        RoleStatus::Quarantined => "quarantined",
    }
}

const fn member_role(role: MemberRole) -> &'static str {
    match role {
        MemberRole::Full => "full",
        MemberRole::Witness => "witness",
        MemberRole::Learner => "learner",
    }
}

fn candidacy(role: &RoleStatus) -> Value {
    match role {
        RoleStatus::Candidate { lacks, for_us } => json!({
            "for_us": for_us,
            "lacks": lacks.as_ref().map(lack),
        }),
        RoleStatus::Follower
        | RoleStatus::Witness
        | RoleStatus::Sealed
        | RoleStatus::Home
        | RoleStatus::Learner
        | RoleStatus::Elsewhere
        | RoleStatus::Quarantined => Value::Null,
    }
}

/// What a candidate waits for.
pub(crate) fn lack(lack: &Lack) -> Value {
    let numbers = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect::<Vec<_>>();
    match lack {
        Lack::Promises(nodes) => json!({ "name": "promises", "nodes": numbers(nodes) }),
        Lack::History(seq) => json!({ "name": "history", "seq": seq.0 }),
        Lack::Copies(nodes) => json!({ "name": "copies", "nodes": numbers(nodes) }),
        Lack::Record { seq, from } => {
            json!({ "name": "record", "seq": seq.0, "nodes": numbers(from) })
        }
    }
}
