//! What must be confirmed before a linearizable read is answered, and by whose word.

use alloc::vec::Vec;

use super::*;
use crate::group::fixture::{Count, RESEND_US, at, home};

/// A home with sessions whose epoch's first record is committed by `NodeId(1)`, and applied.
fn serving() -> Group<Count> {
    let mut out = Vec::new();
    let mut group = home(&mut out);
    for node in [NodeId(1), NodeId(3)] {
        group.peer(at(1), node, true);
    }
    while !group.in_flight.is_empty() {
        group.written(types::Position(0), &mut out);
    }
    let tail = group.tail();
    group.message(at(2), NodeId(1), Epoch(2), GroupMessage::NewEpochAck { tail }, &mut out);
    group.proceed(at(2), &mut out);
    assert_eq!(group.applied(), Seq(5));
    group
}

/// To whom which round went.
fn rounds(out: &mut Vec<Out>) -> Vec<(NodeId, u64)> {
    let sent = out.drain(..).filter_map(|one| {
        let Out::Send { to, body: GroupMessage::Confirm { round }, .. } = one else { return None };
        Some((to, round))
    });
    sent.collect()
}

const READ: RequestId = RequestId(1);

#[test]
fn only_an_answer_to_what_was_asked_after_the_read_came_counts() {
    // An earlier answer says nothing of what was sealed between it and the read.
    let (mut group, mut out) = (serving(), Vec::new());
    group.begin_confirm(at(3), READ).unwrap();
    assert_eq!(group.is_current(READ), Ok(false));
    group.proceed(at(3), &mut out);
    assert_eq!(rounds(&mut out), [(NodeId(1), 1), (NodeId(3), 1)]);
    let ack = |round| GroupMessage::ConfirmAck { round };
    group.message(at(4), NodeId(3), Epoch(2), ack(2), &mut out);
    assert_eq!(group.is_current(READ), Ok(false), "a round that nobody asked for");
    group.message(at(4), NodeId(3), Epoch(2), ack(1), &mut out);
    assert_eq!(group.is_current(READ), Ok(true));
    let later = RequestId(2);
    group.begin_confirm(at(5), later).unwrap();
    assert_eq!(group.is_current(later), Ok(false), "the answer came before this read");
    group.end_confirm(READ);
    group.proceed(at(5), &mut out);
    assert_eq!(rounds(&mut out), [(NodeId(1), 2), (NodeId(3), 2)]);
}

#[test]
fn what_is_appended_after_the_read_asks_for_it() {
    // A round beside every record would double the frames of a busy group.
    let (mut group, mut out) = (serving(), Vec::new());
    group.begin_confirm(at(3), READ).unwrap();
    group.append_own(at(3), wire::RecordKind::Beat, &[], &mut out);
    group.proceed(at(3), &mut out);
    assert_eq!(rounds(&mut out), []);
    let (before, tail) = (group.chain().tail_at(Seq(5)).unwrap(), group.tail());
    let ack = |tail| GroupMessage::AppendAck { tail };
    group.message(at(4), NodeId(1), Epoch(2), ack(before), &mut out);
    assert_eq!(group.is_current(READ), Ok(false), "of a record from before the read");
    group.message(at(5), NodeId(1), Epoch(2), ack(tail), &mut out);
    assert_eq!(group.is_current(READ), Ok(true));
}

#[test]
fn a_member_whose_disk_hangs_is_asked_by_a_round_after_a_while() {
    // It cannot acknowledge the record, and could say at once that this is still the home.
    let (mut group, mut out) = (serving(), Vec::new());
    group.begin_confirm(at(3), READ).unwrap();
    group.append_own(at(3), wire::RecordKind::Beat, &[], &mut out);
    group.proceed(at(3), &mut out);
    assert_eq!(rounds(&mut out), []);
    assert_eq!(group.reads_deadline(), Some(Instant(3 + RESEND_US)));
    group.proceed(at(3 + RESEND_US), &mut out);
    assert_eq!(rounds(&mut out), [(NodeId(1), 1), (NodeId(3), 1)]);
    assert!(group.reads_deadline() > Some(Instant(3 + RESEND_US)), "it does not spin");
}

#[test]
fn a_read_ends_with_the_epoch_in_which_it_came() {
    // The same node may be home again, and what confirmed it then says nothing of between.
    let (mut group, mut out) = (serving(), Vec::new());
    group.begin_confirm(at(3), READ).unwrap();
    group.proceed(at(3), &mut out);
    group.message(at(4), NodeId(3), Epoch(3), GroupMessage::Seal, &mut out);
    let ack = GroupMessage::ConfirmAck { round: 1 };
    group.message(at(5), NodeId(1), Epoch(2), ack, &mut out);
    assert!(matches!(group.is_current(READ), Err(ReadRefusal::NotHome { .. })));
    assert!(matches!(group.begin_confirm(at(6), READ), Err(ReadRefusal::NotHome { .. })));
}

#[test]
fn a_member_that_has_promised_another_does_not_confirm() {
    // Its word would let the old home answer beside the new one.
    let (mut group, mut out) = (crate::group::fixture::member(4, 1, usize::MAX), Vec::new());
    let ask = || GroupMessage::Confirm { round: 1 };
    group.message(at(1), NodeId(1), Epoch(1), ask(), &mut out);
    let said = |out: &mut Vec<Out>| {
        let bodies = out.drain(..).filter_map(|one| {
            let Out::Send { body, .. } = one else { return None };
            Some(body)
        });
        bodies.collect::<Vec<_>>()
    };
    assert_eq!(said(&mut out), [GroupMessage::ConfirmAck { round: 1 }]);
    group.message(at(2), NodeId(3), Epoch(1), ask(), &mut out);
    assert_eq!(said(&mut out), [], "that is not the home");
    group.message(at(2), NodeId(3), Epoch(2), GroupMessage::Seal, &mut out);
    said(&mut out);
    group.message(at(3), NodeId(1), Epoch(1), ask(), &mut out);
    assert_eq!(said(&mut out), [GroupMessage::Refused { promised: Epoch(2) }]);
}

#[test]
fn a_token_is_judged_by_the_table_before_anything_is_waited_for() {
    // What is in no chain would be waited for in vain, or taken for what stands there now.
    let group = serving();
    let at_seq = |seq: u64| group.chain().tail_at(Seq(seq)).unwrap();
    let token = |epoch: u64, seq: u64, tail: Tail| {
        let tail = Tail { epoch: Epoch(epoch), seq: Seq(seq), ..tail };
        Token::new(group.id(), tail)
    };
    assert_eq!(group.has_seen(&token(1, 4, at_seq(4))), Ok(true));
    assert_eq!(group.has_seen(&token(2, 5, at_seq(5))), Ok(true));
    assert_eq!(group.has_seen(&token(3, 5, at_seq(5))), Ok(false), "of a home not heard of");
    let orphan = token(1, 5, at_seq(4));
    let (by, start) = (Epoch(2), Seq(5));
    let refused = ReadRefusal::Orphaned { token: orphan, by, start, forced: false };
    assert_eq!(group.has_seen(&orphan), Err(refused));
    let beyond = token(2, 6, at_seq(5));
    for foreign in [token(2, 4, at_seq(4)), token(1, 4, at_seq(3)), token(0, 3, at_seq(3)), beyond]
    {
        assert_eq!(group.has_seen(&foreign), Err(ReadRefusal::Foreign { token: foreign }));
    }
}

#[test]
fn a_token_of_what_is_not_here_yet_is_waited_for_by_whoever_is_not_the_home() {
    // The home has all of its own epoch; a member cannot know what the home has told of since.
    let (mut group, mut out) = (crate::group::fixture::member(4, 1, usize::MAX), Vec::new());
    let tail = group.tail();
    let next = Token::new(group.id(), Tail { seq: Seq(6), ..tail });
    assert_eq!((group.has_seen(&next), group.unheard(&next)), (Ok(false), Some((0, 2))));
    let newer = Token::new(group.id(), Tail { epoch: Epoch(3), ..tail });
    assert_eq!((group.has_seen(&newer), group.unheard(&newer)), (Ok(false), Some((2, 0))));
    // It is in the chain and not applied: the one record of that epoch and seq, or none.
    let here = Token::new(group.id(), tail);
    assert_eq!((group.has_seen(&here), group.unheard(&here)), (Ok(false), None));
    let other = Token { head: here.head.map(|byte| !byte), ..here };
    assert_eq!(group.has_seen(&other), Err(ReadRefusal::Foreign { token: other }));
    group.proceed(at(1), &mut out);
    assert_eq!(group.has_seen(&here), Ok(true));
}

#[test]
fn a_read_that_is_confirmed_and_waits_on_does_not_hide_that_the_next_ones_question_was_lost() {
    // A read of two ledgers waits for the other one; all others here would time out meanwhile.
    let (mut group, mut out) = (serving(), Vec::new());
    group.begin_confirm(at(3), READ).unwrap();
    group.proceed(at(3), &mut out);
    let ack = GroupMessage::ConfirmAck { round: 1 };
    group.message(at(4), NodeId(3), Epoch(2), ack, &mut out);
    assert_eq!(group.is_current(READ), Ok(true));
    group.begin_confirm(at(5), RequestId(2)).unwrap();
    group.proceed(at(5), &mut out);
    assert_eq!(rounds(&mut out), [(NodeId(1), 1), (NodeId(3), 1), (NodeId(1), 2), (NodeId(3), 2)]);
    assert_eq!(group.reads_deadline(), Some(Instant(5 + RESEND_US)));
    group.proceed(at(5 + RESEND_US), &mut out);
    assert_eq!(rounds(&mut out), [(NodeId(1), 3), (NodeId(3), 3)]);
}
