//! A base that moves too far takes the last copy of a payment with it; one that is not believed leaves a
//! witness outside for ever.

use alloc::vec;

use types::{
    ConfigId, EpochTable, Hash, Instant, Member, ModelVersion, Place, Position, RegionId, Stamp,
    Start, ZoneId,
};
use wire::{Record, RecordKind, Snapshot};

use super::super::super::fetch::Fetching;
use super::super::super::fixture::{Count, at, header, member, registered};
use super::super::Heard;
use super::*;

/// Nodes 1 and 3 full, node 2, this one, a witness or full.
fn config(role: MemberRole) -> Config {
    let roles = [MemberRole::Full, role, MemberRole::Full].into_iter().zip(1_u16..);
    let member = |(role, node)| {
        let place = Place { region: RegionId(node), zone: ZoneId(0) };
        Member { node: NodeId(node), role, place }
    };
    Config::placed(ConfigId(1), roles.map(member).collect(), 2, 1).unwrap()
}

/// This witness with six committed records of epoch 1.
fn witness() -> Group<Count> {
    let mut group = member(6, 1, usize::MAX);
    group.meta.config = config(MemberRole::Witness);
    let state = registered(&group, NodeId(1), group.meta.table.clone());
    group.register = Some(state);
    group
}

/// A full member has passed `points` and keeps `kept`.
fn hears(group: &mut Group<Count>, node: u16, points: &[u64], kept: u64) {
    for seq in points.iter().copied().map(Seq) {
        let head = group.chain.tail_at(seq).map_or(Hash::ZERO, |tail| tail.hash);
        group.on_digest(NodeId(node), seq, (head, Hash::ZERO), Seq(kept));
    }
}

fn moves_to(group: &mut Group<Count>) -> Seq {
    group.move_base(&mut Vec::new());
    group.base()
}

/// A base after the record that follows `group`'s chain by `ahead`, and the records up to there.
fn ahead(group: &Group<Count>, ahead: usize) -> (Base, Vec<Record>) {
    let mut other = group.clone();
    let mut records = Vec::new();
    for _ in 0..ahead {
        let record = Record::build(header(&other, RecordKind::Commands), &[]);
        other.chain.push(&record, None);
        records.push(record);
    }
    let tail = other.chain.tail();
    (Base { tail, stamp: Stamp(tail.seq.0), model: ModelVersion::FIRST }, records)
}

fn fetches(group: &mut Group<Count>, from: u16) {
    let (from, goal) = (NodeId(from), Seq(99));
    group.fetching = Some(Fetching { from, goal, asked: Some(Instant(1)) });
}

#[test]
fn the_base_goes_no_further_than_the_slowest_full_member() {
    let mut group = witness();
    assert_eq!(moves_to(&mut group), Seq(0));
    hears(&mut group, 1, &[3, 5], 5);
    assert_eq!(moves_to(&mut group), Seq(0), "the other has said nothing");
    hears(&mut group, 3, &[3, 5], 3);
    assert_eq!(group.base_waits_for(), [NodeId(3)]);
    assert_eq!(moves_to(&mut group), Seq(3));
    hears(&mut group, 3, &[5], 5);
    assert_eq!(group.base_waits_for(), []);
    assert_eq!(moves_to(&mut group), Seq(5));
    // One that goes back, as after it lost a file, takes nothing back.
    hears(&mut group, 3, &[3], 3);
    assert_eq!(moves_to(&mut group), Seq(5));
}

#[test]
fn the_base_stays_while_anything_is_not_as_it_is_to_be() {
    let check = |change: fn(&mut Group<Count>)| {
        let mut group = witness();
        hears(&mut group, 1, &[5], 5);
        hears(&mut group, 3, &[5], 5);
        change(&mut group);
        assert_eq!(moves_to(&mut group), Seq(0));
    };
    // Sealed: the next home may ask for all that there is.
    check(|group| group.meta.promised = Epoch(2));
    // Degraded: whoever was left out needs it.
    check(|group| {
        let whole = Some(group.meta.config.clone());
        group.register.as_mut().unwrap().whole = whole;
    });
    // The register has gone on to members that this node has not heard of.
    check(|group| {
        let config = group.meta.config.clone().numbered(ConfigId(2));
        group.register.as_mut().unwrap().config = config;
    });
    check(|group| group.register = None);
    // Not known to be committed.
    check(|group| group.known = Seq(4));
    // All copies wanted: the witness's records are one of them, and no snapshot stands in for it.
    check(|group| {
        let members = config(MemberRole::Witness).each().collect();
        group.meta.config = Config::placed(ConfigId(1), members, 3, 1).unwrap();
    });
    // A record that cannot be read is repaired first.
    check(|group| group.chain.lose(Seq(2)));
    // Another record stands there: somebody's snapshot is of another history.
    check(|group| {
        let state = (Hash([7; 32]), Hash::ZERO);
        group.on_digest(NodeId(1), Seq(5), state, Seq(5));
    });
    // Where nobody is without a state there is no base.
    check(|group| group.meta.config = config(MemberRole::Full));
}

#[test]
fn what_was_kept_before_a_forced_switch_moves_no_base_after_it() {
    let mut group = witness();
    hears(&mut group, 1, &[5], 5);
    hears(&mut group, 3, &[3], 3);
    assert_eq!(moves_to(&mut group), Seq(3));
    let (start, hash) =
        (*group.meta.table.last().unwrap(), group.chain.tail_at(Seq(4)).unwrap().hash);
    let forced = Start { epoch: Epoch(2), seq: Seq(5), hash, forced: true, ..start };
    let table = EpochTable::from_starts(vec![start, forced]).unwrap();
    assert!(group.take_table(&table, NodeId(3), &mut Vec::new()));
    assert!(group.keep.heard.values().all(|heard: &Heard| heard.kept == Seq(0)));
    assert_eq!((group.base(), group.tail().seq), (Seq(3), Seq(4)));
}

#[test]
fn s20_a_witness_goes_on_from_a_base_once_that_is_durable_and_the_chain_from_its_head() {
    let mut group = witness();
    let (base, records) = ahead(&group, 3);
    let later = { ahead(&group, 4).1.pop().unwrap() };
    let mut out = Vec::new();
    // Nobody asked for it.
    group.on_base(NodeId(1), Epoch(1), base, base.tail, &mut out);
    assert!(out.is_empty());
    fetches(&mut group, 1);
    group.on_base(NodeId(1), Epoch(1), base, base.tail, &mut out);
    assert_eq!(group.tail().seq, Seq(6), "not before it is on the disk");
    assert!(matches!(out[..], [Out::Meta(_)]));
    group.written(Position(0), &mut out);
    assert_eq!((group.tail(), group.durable(), group.commit()), (base.tail, Seq(9), Seq(9)));
    assert!(!group.chain.passes(group.chain.tail_at(Seq(6)).unwrap_or_default()));
    assert_eq!(group.chain.fit(later.header(), later.hash()), journal::Fit::Next);
    let other = records.first().unwrap();
    assert_eq!(group.chain.fit(other.header(), other.hash()), journal::Fit::Have);
    // And so it is after a start.
    let first = group.meta.config.clone();
    let meta = Some(group.meta.clone());
    let again = Group::new(group.options, group.id, meta, first, Count::default());
    assert_eq!((again.tail(), again.durable(), again.commit()), (base.tail, Seq(9), Seq(9)));
    assert!(!again.has_lost_all());
}

#[test]
fn a_full_member_told_of_a_base_takes_nothing_and_says_what_it_lacks() {
    // It would believe to be up to date with the state of before.
    let mut group = witness();
    let mut others: Vec<Member> = config(MemberRole::Full).each().collect();
    others.push(Member { node: NodeId(4), role: MemberRole::Witness, ..others[0] });
    group.meta.config = Config::placed(ConfigId(1), others, 2, 1).unwrap();
    let (base, _) = ahead(&group, 3);
    fetches(&mut group, 4);
    let mut out = Vec::new();
    group.on_base(NodeId(4), Epoch(1), base, base.tail, &mut out);
    assert!(out.is_empty());
    assert_eq!((group.tail().seq, group.durable()), (Seq(6), Seq(6)));
    assert_eq!(group.needs_state(), Some((Seq(9), vec![NodeId(1), NodeId(3)])));
    // Whoever can give it is asked next, and then it says so no more.
    group.meta.snapshots = vec![Snapshot {
        tail: base.tail,
        stamp: base.stamp,
        digest: Hash::ZERO,
        bytes: 1,
        sha256: Hash::ZERO,
        own: false,
    }];
    group.go_on_from(base.tail, base.stamp);
    assert_eq!(group.needs_state(), None);
    let status = group.status(at(1));
    assert_eq!(status.needs_state, None);
}

#[test]
fn whoever_lacks_what_is_gone_is_told_what_it_can_use() {
    // A state sent to a witness fills its disk; a base sent to a full member alone leaves it without state.
    let check = |to: u16, wants: &str| {
        let mut group = member(6, 1, usize::MAX);
        let all = config(MemberRole::Full);
        let members = all.each().map(|one| Member {
            role: if one.node == NodeId(3) { MemberRole::Witness } else { one.role },
            ..one
        });
        group.meta.config = Config::placed(ConfigId(1), members.collect(), 2, 1).unwrap();
        let tail = group.chain.tail_at(Seq(4)).unwrap();
        let (stamp, model) = (Stamp(4), ModelVersion::FIRST);
        group.meta.base = Some(Base { tail, stamp, model });
        let (digest, sha256) = (Hash::ZERO, Hash::ZERO);
        group.meta.snapshots = vec![Snapshot { tail, stamp, digest, bytes: 1, sha256, own: true }];
        group.chain.forget(tail, stamp);
        let mut out = Vec::new();
        group.on_fetch(NodeId(to), Epoch(1), Tail::default(), &mut out);
        let [Out::Send { body, .. }] = &out[..] else { panic!("{out:?}") };
        let is_base = matches!(body, GroupMessage::Base { base, .. } if base.tail == tail);
        let is_snapshot = matches!(body, GroupMessage::SnapshotOffer { .. });
        assert_eq!((is_base, is_snapshot), (wants == "base", wants == "snapshot"));
    };
    check(1, "snapshot");
    check(3, "base");
}

#[test]
fn a_first_base_below_what_this_node_alone_went_on_to_lowers_the_floor() {
    // The log is read from the floor at the next start, and the chain begins at the base: what lies
    // between would be missing for ever, and the node would not start.
    let mut group = member(6, 1, usize::MAX);
    group.meta.config = two_and_a_witness();
    group.register = Some(registered(&group, NodeId(1), group.meta.table.clone()));
    let snapshot = |seq| {
        let tail = group.chain.tail_at(Seq(seq)).unwrap();
        let (digest, sha256) = (Hash::ZERO, Hash::ZERO);
        Snapshot { tail, stamp: Stamp(seq), digest, bytes: 10, sha256, own: true }
    };
    group.meta.snapshots = [4, 5].map(snapshot).to_vec();
    group.keep.durable.extend([Seq(4), Seq(5)]);
    hears(&mut group, 1, &[2, 4, 5], 2);
    let mut out = Vec::new();
    group.move_base(&mut out);
    assert_eq!(group.base(), Seq(2));
    assert!(matches!(out.first(), Some(Out::Lower)), "{out:?}");
}

/// Nodes 1 and 2, this one, full and 3 a witness.
fn two_and_a_witness() -> Config {
    let roles = [MemberRole::Full, MemberRole::Full, MemberRole::Witness].into_iter().zip(1_u16..);
    let member = |(role, node)| {
        let place = Place { region: RegionId(node), zone: ZoneId(0) };
        Member { node: NodeId(node), role, place }
    };
    Config::placed(ConfigId(1), roles.map(member).collect(), 2, 1).unwrap()
}

/// This node alone in a degraded group with six records, of which it has those after the fourth; the ones
/// before came in a snapshot.
fn left_alone() -> Group<Count> {
    let mut group = member(6, 1, usize::MAX);
    let whole = two_and_a_witness();
    group.meta.config = whole.reduced(ConfigId(2), |node| node == NodeId(2)).unwrap();
    let mut state = registered(&group, NodeId(2), group.meta.table.clone());
    state.whole = Some(whole);
    group.register = Some(state);
    let tail = group.chain.tail_at(Seq(4)).unwrap();
    let (stamp, digest, sha256) = (Stamp(4), Hash::ZERO, Hash::ZERO);
    group.meta.snapshots = vec![Snapshot { tail, stamp, digest, bytes: 1, sha256, own: false }];
    group.keep.durable.insert(Seq(4));
    group.chain.forget(tail, stamp);
    group
}

fn in_places(nodes: [u16; 3]) -> Config {
    let config = two_and_a_witness();
    let members = config.each().zip(nodes);
    let members = members.map(|(member, node)| Member { node: NodeId(node), ..member });
    Config::placed(ConfigId(1), members.collect(), 2, 1).unwrap()
}

#[test]
fn left_alone_without_a_base_it_is_where_the_records_begin_unless_somebody_may_lack_them() {
    // Without one, a witness that is to come is given nothing for ever. With one that says too much, node 1
    // comes back to records that only a home has, and is lost with it.
    let check = |change: fn(&mut Group<Count>), expected: u64| {
        let mut group = left_alone();
        change(&mut group);
        assert_eq!(moves_to(&mut group), Seq(expected));
    };
    check(|_| {}, 0);
    // Another comes for the witness alone, and node 1 is still to come back.
    check(|group| group.aim(at(1), Some(in_places([1, 2, 5]))), 0);
    // Nobody is to come back.
    check(|group| group.aim(at(1), Some(in_places([4, 2, 5]))), 4);
    // There is a base already, or nothing but what follows the first record.
    let keep = |group: &mut Group<Count>, seq| {
        let tail = group.chain.tail_at(Seq(seq)).unwrap_or_default();
        group.meta.base = Some(Base { tail, stamp: Stamp(seq), model: ModelVersion::FIRST });
    };
    let mut group = left_alone();
    keep(&mut group, 3);
    group.meta.base.as_mut().unwrap().tail.seq = Seq(3);
    group.aim(at(1), Some(in_places([4, 2, 5])));
    assert_eq!(moves_to(&mut group), Seq(3));
    // Its own state is not on the disk.
    check(
        |group| {
            group.keep.durable.clear();
            group.aim(at(1), Some(in_places([4, 2, 5])));
        },
        0,
    );
}

#[test]
fn a_base_is_kept_while_the_witness_is_only_left_out() {
    // Given up, the next start would begin at this node's own snapshot, and the witness could not link to it.
    let mut group = left_alone();
    let tail = group.chain.tail_at(Seq(4)).unwrap();
    let base = Base { tail, stamp: Stamp(4), model: ModelVersion::FIRST };
    group.meta.base = Some(base);
    assert_eq!(moves_to(&mut group), Seq(4));
    assert_eq!(group.meta.base, Some(base));
    // Nor by who does not know yet which configuration it follows.
    group.register.as_mut().unwrap().whole = None;
    group.register.as_mut().unwrap().config = in_places([1, 2, 3]);
    group.look_at_base();
    group.move_base(&mut Vec::new());
    assert_eq!(group.meta.base, Some(base));
    // And given up where no witness is to be.
    group.register.as_mut().unwrap().config = group.meta.config.clone();
    group.look_at_base();
    group.move_base(&mut Vec::new());
    assert_eq!(group.meta.base, None);
}

#[test]
fn a_witness_that_comes_after_the_first_snapshot_is_kept_for_from_the_first_record() {
    // The chain would begin at the first record, and the next start read the log from the snapshot on: the
    // node would take its whole log for one with a gap, and never start again (seed 401000).
    let mut group = member(6, 1, usize::MAX);
    group.meta.config = config(MemberRole::Full);
    let tail = group.chain.tail_at(Seq(4)).unwrap();
    let (stamp, digest, sha256) = (Stamp(4), Hash::ZERO, Hash::ZERO);
    group.meta.snapshots = vec![Snapshot { tail, stamp, digest, bytes: 1, sha256, own: true }];
    group.keep.durable.insert(Seq(4));
    let mut out = Vec::new();
    group.keep_from_first(&mut out);
    assert!(out.is_empty() && group.meta.base.is_none(), "without a witness there is no base");
    let all = config(MemberRole::Full);
    let members = all.each().map(|one| Member {
        role: if one.node == NodeId(3) { MemberRole::Witness } else { one.role },
        ..one
    });
    group.meta.config = Config::placed(ConfigId(1), members.collect(), 2, 1).unwrap();
    group.keep_from_first(&mut out);
    assert_eq!(group.meta.base.map(|base| base.tail.seq), Some(Seq(0)));
    assert!(matches!(out[..], [Out::Lower]), "{out:?}");
    group.keep_from_first(&mut out);
    assert_eq!(out.len(), 1, "once");
}
