//! A node that applies too much in one step, or reads without end, does not tell others that it lives.

use types::Instant;

use super::*;
use crate::Event;
use crate::group::fixture::{RESEND_US, at, member};

fn loads(out: &mut Vec<Out>) -> Vec<Seq> {
    let load = |one| if let Out::Load { seq, .. } = one { Some(seq) } else { None };
    out.drain(..).filter_map(load).collect()
}

#[test]
fn large_records_are_as_much_work_as_their_commands() {
    // 512 records of 8,192 commands are seconds of work: the node would be taken for dead.
    let mut group = member(10, 40, usize::MAX);
    group.apply_ready(100, &mut Vec::new());
    assert_eq!((group.applied(), group.model().0), (Seq(3), 120));
    group.apply_ready(100, &mut Vec::new());
    assert_eq!(group.applied(), Seq(6));
}

#[test]
fn a_record_that_cannot_be_read_is_asked_for_again_after_a_while_and_holds_up_no_memory() {
    // A bad sector under one record once made the node read it without end, and everything behind it.
    let mut group = member(500, 1, 1);
    let mut out = Vec::new();
    group.proceed(at(0), &mut out);
    let asked = loads(&mut out);
    assert_eq!(asked.len() as u64, READ_AHEAD_RECORDS);
    assert_eq!(asked.first(), Some(&Seq(1)));
    group.loaded(at(1), Seq(1), None, &mut out);
    assert!(matches!(out.pop(), Some(Out::Note(Event::Unreadable { seq: Seq(1), .. }))));
    for micros in 2..RESEND_US {
        group.proceed(at(micros), &mut out);
        assert_eq!(loads(&mut out), [], "neither it nor anything further ahead");
    }
    assert_eq!(group.next_deadline(), Some(Instant(1 + RESEND_US)));
    group.proceed(at(1 + RESEND_US), &mut out);
    assert_eq!(loads(&mut out), [Seq(1)]);
}
