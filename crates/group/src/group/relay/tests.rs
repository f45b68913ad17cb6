//! Without the relay a region whose link to the home is cut stands still, though it sees who has it all.

use register::GroupState;
use types::Start;
use wire::GroupMessage;

use super::*;
use crate::group::fixture::{Count, RESEND_US, at, member};

const HOME: NodeId = NodeId(1);
const RELAY: NodeId = NodeId(3);

/// Who is asked for what follows which seq.
fn fetches(out: &mut Vec<Out>) -> Vec<(NodeId, Seq)> {
    let mut asked = Vec::new();
    for one in out.drain(..) {
        if let Out::Send { to, body: GroupMessage::Fetch { after }, .. } = one {
            asked.push((to, after.seq));
        }
    }
    asked
}

/// Node 2, which follows node 1 in epoch 1 with three records, of which two are known to be committed.
fn follower() -> Group<Count> {
    let mut group = member(3, 1, usize::MAX);
    group.known = Seq(2);
    group
}

#[test]
fn another_followers_watermark_counts_and_what_is_missing_is_fetched_there() {
    let (mut group, mut out) = (follower(), Vec::new());
    let commit = |seq| GroupMessage::Commit { commit: Seq(seq) };
    group.message(at(1), RELAY, Epoch(1), commit(3), &mut out);
    assert_eq!((group.commit(), fetches(&mut out)), (Seq(3), Vec::new()));
    group.message(at(2), RELAY, Epoch(1), commit(9), &mut out);
    assert_eq!(fetches(&mut out), [(RELAY, Seq(3))]);
    assert_eq!(group.commit(), Seq(3), "nothing is committed here that is not held here");
    // What is asked for is not asked for again elsewhere before its time.
    group.message(at(3), RELAY, Epoch(1), commit(10), &mut out);
    assert_eq!(fetches(&mut out), []);
    group.message(at(3 + RESEND_US), RELAY, Epoch(1), commit(10), &mut out);
    assert_eq!(fetches(&mut out), [(RELAY, Seq(3))]);
}

#[test]
fn strangers_and_followers_of_other_epochs_relay_nothing() {
    // A watermark of another epoch may speak of another chain.
    let mut out = Vec::new();
    for (from, epoch) in [(NodeId(9), Epoch(1)), (RELAY, Epoch(2)), (RELAY, Epoch(0))] {
        let mut group = follower();
        let body = GroupMessage::Commit { commit: Seq(3) };
        group.message(at(1), from, epoch, body, &mut out);
        assert_eq!(group.commit(), Seq(2), "{from} {epoch}");
    }
    let mut sealed = follower();
    sealed.promise(Epoch(4), RELAY, &mut out);
    let body = GroupMessage::Commit { commit: Seq(3) };
    sealed.message(at(1), RELAY, Epoch(4), body, &mut out);
    assert_eq!(sealed.commit(), Seq(2), "promised, and no home of that epoch is known");
}

#[test]
fn an_epoch_that_only_the_relay_has_seen_is_taken_from_the_register() {
    // The home started anew while the link to it was cut: nobody else could tell of its epoch.
    let (mut group, mut out) = (follower(), Vec::new());
    let mut history = group.meta.table.clone();
    let (first, hash) = (*history.last().unwrap(), group.tail().hash);
    history.push(Start { epoch: Epoch(2), seq: Seq(4), hash, ..first });
    let state = GroupState {
        version: 3,
        issued: Epoch(2),
        epoch: Epoch(2),
        home: Some(HOME),
        history,
        ..GroupState::genesis(group.meta.config.clone())
    };
    let body = GroupMessage::Commit { commit: Seq(5) };
    group.message(at(1), RELAY, Epoch(2), body.clone(), &mut out);
    assert_eq!((group.commit(), group.promised()), (Seq(2), Epoch(1)), "the register decides");
    group.register(at(2), &state, &mut out);
    out.clear();
    group.message(at(3), RELAY, Epoch(2), body, &mut out);
    assert_eq!(group.followed(), Some((HOME, Epoch(2))));
    let metas = out.iter().filter(|one| matches!(one, Out::Meta(_))).count();
    assert_eq!((metas, fetches(&mut out)), (1, Vec::from([(RELAY, Seq(3))])));
}
