//! A healthy node that takes itself out costs a region; a sick one that does not costs money.

use alloc::vec;

use super::*;

const G: GroupId = GroupId(0);

fn mark(seq: u64, trail: u8) -> Mark {
    Mark { seq: Seq(seq), head: Hash([9; 32]), trail: Hash([trail; 32]), state: None }
}

fn with_state(seq: u64, state: u8) -> Mark {
    Mark { state: Some(Hash([state; 32])), ..mark(seq, 1) }
}

fn node(id: u16) -> NodeId {
    NodeId(id)
}

#[test]
fn all_nodes_choose_the_same_marks_by_the_records_alone() {
    // Marks at moments of each node's own would never meet.
    let check = |seq, before, stamp, expect: Due| {
        assert_eq!(Marks::due(G, Seq(seq), Stamp(before), Stamp(stamp)), expect, "{seq} {stamp}");
    };
    check(1, 0, 500_000, Due::Nothing);
    check(2, 999_999, 1_000_000, Due::Trail);
    check(3, 1_000_000, 1_999_999, Due::Nothing);
    check(4, 1_999_999, 7_500_000, Due::Trail);
    check(5, 9_999_999, 10_000_000, Due::State);
    check(10_000, 5, 5, Due::Trail);
    check(10_001, 5, 5, Due::Nothing);
    // Another group reads its state at another moment.
    let other = Marks::due(GroupId(1), Seq(5), Stamp(9_999_999), Stamp(10_000_000));
    assert_eq!(other, Due::Trail);
}

#[test]
fn the_odd_one_of_three_is_the_one_that_finds_it_out() {
    // Each node sees the same three voices; exactly one of them may take itself out.
    let voices = [(node(1), mark(5, 1)), (node(2), mark(5, 1)), (node(3), mark(5, 7))];
    for (me, own) in voices {
        let mut marks = Marks::default();
        marks.pass(own);
        let mut last = Finding::Nothing;
        for (from, heard) in voices.into_iter().filter(|(from, _)| *from != me) {
            last = marks.hear(from, heard);
        }
        let is_odd = matches!(last, Finding::Odd { .. });
        assert_eq!(is_odd, me == node(3), "{me}");
        let differing: Vec<NodeId> = marks.differing().map(|(node, _)| node).collect();
        if !is_odd {
            assert_eq!(differing, [node(3)], "{me}");
        }
    }
}

#[test]
fn two_voices_differ_and_nobody_is_odd() {
    // With two voices the wrong one could as well be the one that stays.
    let mut marks = Marks::default();
    marks.pass(mark(5, 1));
    let expected = Finding::Differs { seq: Seq(5), nodes: vec![node(2)] };
    assert_eq!(marks.hear(node(2), mark(5, 2)), expected);
    assert_eq!(marks.hear(node(2), mark(5, 2)), Finding::Nothing, "told once");
    // A later mark at which they are the same ends it.
    marks.pass(mark(9, 3));
    assert_eq!(marks.hear(node(2), mark(9, 3)), Finding::Agrees { seq: Seq(9) });
    assert_eq!(marks.differing().count(), 0);
}

#[test]
fn no_majority_no_verdict() {
    // Three that all differ, and two against two: whoever took itself out might be right.
    let check = |own: Mark, others: &[Mark]| {
        let mut marks = Marks::default();
        marks.pass(own);
        for (index, other) in others.iter().enumerate() {
            let finding = marks.hear(node(2 + u16::try_from(index).unwrap()), *other);
            assert!(!matches!(finding, Finding::Odd { .. }), "{finding:?}");
        }
    };
    check(mark(5, 1), &[mark(5, 2), mark(5, 3)]);
    check(mark(5, 1), &[mark(5, 1), mark(5, 2), mark(5, 2)]);
}

#[test]
fn marks_of_other_records_say_nothing() {
    // After a forced switch two chains may for a while hold different records at one seq: that the
    // states differ then is no fault of a state machine.
    let mut marks = Marks::default();
    marks.pass(mark(5, 1));
    for from in [2, 3] {
        let other = Mark { head: Hash([8; 32]), ..mark(5, 2) };
        assert_eq!(marks.hear(node(from), other), Finding::Nothing);
    }
    assert_eq!(marks.differing().count(), 0);
}

#[test]
fn a_mark_heard_before_it_is_passed_counts_when_it_is() {
    // A node that lags would otherwise never be compared.
    let mut marks = Marks::default();
    for from in [2, 3] {
        assert_eq!(marks.hear(node(from), mark(5, 1)), Finding::Nothing);
    }
    let odd = Finding::Odd { mark: mark(5, 1), nodes: vec![node(2), node(3)] };
    assert_eq!(marks.pass(mark(5, 4)), odd);
}

#[test]
fn equal_trails_with_other_states_differ() {
    // A bit that flipped in an account nobody has used since changes no outcome.
    let mut marks = Marks::default();
    marks.pass(with_state(5, 4));
    marks.hear(node(2), with_state(5, 1));
    let odd = Finding::Odd { mark: with_state(5, 1), nodes: vec![node(2), node(3)] };
    assert_eq!(marks.hear(node(3), with_state(5, 1)), odd);
    // One that did not take the state has no say about it, and is not told apart by that.
    let mut marks = Marks::default();
    marks.pass(with_state(5, 4));
    assert_eq!(marks.hear(node(2), mark(5, 1)), Finding::Nothing);
    let differs = Finding::Differs { seq: Seq(5), nodes: vec![node(3)] };
    assert_eq!(marks.hear(node(3), with_state(5, 1)), differs);
}

#[test]
fn each_mark_is_said_once_and_after_a_catch_up_only_the_last() {
    // Thousands of marks in one frame would hold up the log behind them.
    let mut marks = Marks::default();
    for seq in 1..=1_000 {
        marks.pass(mark(seq, 1));
    }
    let said: Vec<u64> = marks.say().iter().map(|mark| mark.seq.0).collect();
    assert_eq!(said, [997, 998, 999, 1_000]);
    assert!(marks.say().is_empty());
    marks.pass(mark(1_001, 1));
    assert_eq!(marks.say().len(), 1);
    marks.restart();
    marks.pass(mark(3, 1));
    assert_eq!(marks.say().len(), 1, "what is applied again is said again");
}

#[test]
fn what_is_kept_is_bounded() {
    // A peer that says marks without end must not fill the memory.
    let mut marks = Marks::default();
    for seq in 1..=10_000 {
        marks.pass(mark(seq, 1));
        marks.hear(node(2), mark(seq + 5, 1));
    }
    assert_eq!(marks.own.len(), KEPT_MAX);
    assert_eq!(marks.others[&node(2)].len(), KEPT_MAX);
}
