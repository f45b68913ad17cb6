//! What keeps records where there is a witness, and who lacks a state that a witness cannot give.

use group::GroupStatus;
use serde_json::json;
use types::{NodeId, Seq};

use super::{Reason, all};
use crate::Site;

/// Both, where there is something to say.
pub(super) fn reasons(site: &Site, status: &GroupStatus) -> Vec<Reason> {
    let lacks = status.needs_state.as_ref().map(|(seq, from)| needs_state(site, *seq, from));
    let is_held = !status.base_waits_for.is_empty();
    lacks.into_iter().chain(is_held.then(|| held(site, status))).collect()
}

fn needs_state(site: &Site, seq: Seq, from: &[NodeId]) -> Reason {
    Reason {
        name: "needs-state",
        figures: json!({ "up_to_seq": seq.0, "from": numbers(from) }),
        text: format!(
            "this node lacks records up to {seq}, which no node keeps any more: whoever was asked has only \
             what follows. Their state is in the snapshots of the full members; it needs one from: {}.",
            all(site, from)
        ),
        next: "bring one of them back, or mend the link to it: a witness has no state to give."
            .to_owned(),
    }
}

fn held(site: &Site, status: &GroupStatus) -> Reason {
    let waits = &status.base_waits_for;
    Reason {
        name: "records-kept",
        figures: json!({
            "base_seq": status.base.0,
            "above_base_bytes": status.above_base_bytes,
            "waits_for": numbers(waits),
        }),
        text: format!(
            "all nodes keep the records from {} on, {} bytes here, until there are newer confirmed \
             snapshots at: {}.",
            status.base,
            status.above_base_bytes,
            all(site, waits)
        ),
        next: "none while that takes a moment. If it lasts, bring those nodes back, or see whether their \
               disks take snapshots: the journals of this node grow meanwhile, and it takes no more commands \
               before its disk is full."
            .to_owned(),
    }
}

fn numbers(nodes: &[NodeId]) -> Vec<u16> {
    nodes.iter().map(|node| node.0).collect()
}
