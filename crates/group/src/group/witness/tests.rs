//! A witness that applied would need the memory of a model in a region that was chosen for having none;
//! one that answered queries would say that there is nothing.

use alloc::string::ToString;
use alloc::vec::Vec;

use types::{Config, ConfigId, Member, Place, RegionId, Tail, ZoneId};
use wire::GroupMessage;

use super::*;
use crate::group::fixture::{Count, at, member};
use crate::group::{Out, Role};

/// Nodes 1 and 3 full, node 2 of this role.
fn config(role: MemberRole) -> Config {
    let roles = [MemberRole::Full, role, MemberRole::Full].into_iter().zip(1_u16..);
    let member = |(role, node)| {
        let place = Place { region: RegionId(node), zone: ZoneId(0) };
        Member { node: NodeId(node), role, place }
    };
    Config::placed(ConfigId(1), roles.map(member).collect(), 2, 1).unwrap()
}

/// Node 2 in this role, with committed records of which only the last is in memory.
fn group(role: MemberRole) -> Group<Count> {
    let mut group = member(6, 1, 0);
    group.meta.config = config(role);
    group
}

#[test]
fn a_witness_applies_nothing_and_reads_nothing_to_apply() {
    let check = |role, reads| {
        let (mut group, mut out) = (group(role), Vec::new());
        group.proceed(at(1), &mut out);
        let loads = out.iter().filter(|one| matches!(one, Out::Load { .. })).count();
        assert_eq!((loads, group.applied), (reads, Seq(0)));
        assert_eq!(group.next_deadline(), None, "nor does it wake to try");
    };
    check(MemberRole::Witness, 0);
    // The others read ahead for the model, so that the check is worth something.
    check(MemberRole::Full, 5);
    check(MemberRole::Learner, 5);
}

#[test]
fn a_witness_serves_what_it_keeps_and_then_forgets_what_it_read_for_that() {
    // The tail it holds may be the only other copy; and what it read from disk stayed in memory for ever,
    // as it was kept for a model that is not there.
    let (mut group, mut out) = (group(MemberRole::Witness), Vec::new());
    let after = Tail { epoch: types::Epoch(1), ..group.chain.tail_at(Seq(4)).unwrap() };
    group.on_fetch(NodeId(3), types::Epoch(1), after, &mut out);
    let loads: Vec<Seq> = group.loading.keys().copied().collect();
    assert_eq!(loads, [Seq(5)]);
    let full = member(6, 1, usize::MAX);
    for seq in loads {
        let bytes = full.chain.link(seq).and_then(|link| link.bytes.clone());
        group.loaded(at(2), seq, bytes, &mut out);
    }
    group.proceed(at(3), &mut out);
    let mut served = Vec::new();
    for one in &out {
        if let Out::Send { to, body: GroupMessage::Entries { records, .. }, .. } = one {
            served.push((*to, records.len()));
        }
    }
    assert_eq!(served, [(NodeId(3), 2)]);
    assert!(group.loaded.is_empty());
}

#[test]
fn a_query_at_a_witness_is_sent_to_a_member_that_has_the_model() {
    assert!(group(MemberRole::Full).query().is_ok());
    let mut witness = group(MemberRole::Witness);
    let refused = witness.query().map(|_| ()).unwrap_err();
    assert_eq!(refused, NoModel { ask: Some(NodeId(1)) });
    assert_eq!(refused.to_string(), "this node runs no model here; ask n1");
    // Without a home, one that can be reached.
    witness.meta.home = None;
    witness.connected.insert(NodeId(3));
    assert_eq!(witness.query().map(|_| ()), Err(NoModel { ask: Some(NodeId(3)) }));
}

#[test]
fn nothing_that_is_known_to_be_committed_is_cut_from_a_witness() {
    // Applied tells the others that a new history leaves out too much; a witness has applied nothing.
    let (mut group, mut out) = (group(MemberRole::Witness), Vec::new());
    assert_eq!((group.applied, group.settled()), (Seq(0), Seq(6)));
    let mut table = group.meta.table.clone();
    let hash = group.chain.tail_at(Seq(3)).unwrap().hash;
    let first = *table.last().unwrap();
    table.push(types::Start { epoch: types::Epoch(2), seq: Seq(4), hash, ..first });
    assert!(!group.take_table(&table, NodeId(3), &mut out));
    assert_eq!(group.role, Role::Quarantined);
    assert_eq!(group.chain.tail().seq, Seq(6));
}
