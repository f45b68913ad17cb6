//! The table of outcomes is what makes a retry harmless.

use super::*;

fn stored(content: u8) -> Stored {
    Stored {
        digest: Hash([content; 32]),
        seq: Seq(7),
        stamp: Stamp(9),
        origin: None,
        outcome: Bytes::from_static(b"done"),
    }
}

#[test]
fn the_same_content_gets_the_outcome_and_other_content_the_owner() {
    let mut answers = Answers::default();
    let id = MessageId([1; 16]);
    assert_eq!(answers.get(id, Hash([1; 32]), None), None);
    answers.keep(id, stored(1));
    let outcome = Bytes::from_static(b"done");
    let done = Reply::Done { seq: Seq(7), stamp: Stamp(9), repeated: true, outcome, seen: None };
    assert_eq!(answers.get(id, Hash([1; 32]), None), Some(done));
    assert_eq!(
        answers.get(id, Hash([2; 32]), None),
        Some(Reply::Conflict { first: Hash([1; 32]) })
    );
    assert_eq!(answers.count(), 1);
}
