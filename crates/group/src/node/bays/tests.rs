//! Who is woken by what: whoever sleeps on waits for ever, whoever is woken for nothing costs all others.

use alloc::vec;
use alloc::vec::Vec;

use types::{Epoch, NodeId};
use wire::GroupMessage;

use super::*;
use crate::group::fixture::{Count, at, member};

fn token(epoch: u64, seq: u64) -> Token {
    Token { group: GroupId(0), epoch: Epoch(epoch), seq: Seq(seq), head: [0; 8] }
}

/// Reads 1 to 6 at a group that has applied nothing of its four records yet.
fn waiting() -> (Group<Count>, Bays) {
    let (group, mut bays) = (member(4, 1, usize::MAX), Bays::default());
    let lacks = [
        Lack::Record(token(1, 2)),
        Lack::Record(token(1, 4)),
        Lack::Record(token(1, 5)),
        Lack::News(token(7, 1)),
        Lack::Age(2_000),
        Lack::Age(1_000),
    ];
    for (number, lack) in (1..).zip(lacks) {
        bays.put(&group, RequestId(number), lack);
    }
    (group, bays)
}

fn woken(bays: &mut Bays, group: &Group<Count>, age_us: Option<u64>) -> Vec<u64> {
    bays.wake(group, || age_us).into_iter().map(|request| request.0).collect()
}

#[test]
fn a_group_that_moves_wakes_those_who_waited_for_that_and_no_others() {
    // With thousands who wait for what is far ahead, each record would cost a look at all of them.
    let (mut group, mut bays) = waiting();
    assert_eq!(woken(&mut bays, &group, None), []);
    group.proceed(at(1), &mut Vec::new());
    assert_eq!(group.applied(), Seq(4));
    assert_eq!(woken(&mut bays, &group, Some(1_500)), [1, 2, 5]);
    assert_eq!(woken(&mut bays, &group, Some(1_000)), [1, 2, 6, 5]);
    bays.take(GroupId(0), RequestId(1), Lack::Record(token(1, 2)));
    assert_eq!(woken(&mut bays, &group, Some(2_001)), [2]);
}

#[test]
fn what_may_refuse_them_wakes_all() {
    // What a new epoch leaves out would be waited for in vain, up to the last moment.
    let (mut group, mut bays) = waiting();
    group.message(at(1), NodeId(3), Epoch(2), GroupMessage::Seal, &mut Vec::new());
    assert_eq!(woken(&mut bays, &group, None), vec![4, 1, 2, 3, 6, 5]);
    assert_eq!(woken(&mut bays, &group, None), [], "once");
}

#[test]
fn nothing_is_left_of_those_that_are_gone() {
    // What is kept of each read that ever came is a leak that readers can cause.
    let (group, mut bays) = (member(4, 1, usize::MAX), Bays::default());
    for lack in [Lack::Turn, Lack::News(token(7, 1)), Lack::Early(token(1, 9)), Lack::Age(1)] {
        bays.put(&group, RequestId(1), lack);
        bays.take(GroupId(0), RequestId(1), lack);
        assert_eq!(bays, Bays::default());
    }
}
