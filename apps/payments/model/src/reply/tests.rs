//! Every reply has one encoding, and nothing else is a reply.

use super::*;
use crate::Reason;

fn all() -> Vec<Reply> {
    let verdicts: Vec<_> = [Verdict::Settled, Verdict::Pending]
        .into_iter()
        .chain(Reason::ALL.map(Verdict::Rejected))
        .collect();
    let mut all = alloc::vec![
        Reply::Decided { stamp: Stamp(u64::MAX), verdicts },
        Reply::Opened,
        Reply::Exists,
        Reply::StateSet,
        Reply::Cancelling(300),
    ];
    all.extend(Difference::ALL.map(Reply::ExistsDifferent));
    all.extend(Refusal::ALL.map(Reply::Refused));
    all
}

fn encoded(reply: &Reply) -> Vec<u8> {
    let mut bytes = Vec::new();
    reply.encode(&mut bytes);
    bytes
}

/// A retry would get another answer than the first request.
#[test]
fn replies_come_back_as_they_went() {
    for reply in all() {
        assert_eq!(Reply::decode(&encoded(&reply)), Ok(reply));
    }
}

/// A damaged reply would be taken for an answer.
#[test]
fn a_part_of_a_reply_is_none() {
    for reply in all() {
        let bytes = encoded(&reply);
        for length in 0..bytes.len() {
            assert!(Reply::decode(bytes.get(..length).unwrap()).is_err());
        }
        let longer: Vec<_> = bytes.iter().copied().chain([0]).collect();
        assert_eq!(Reply::decode(&longer), Err(DecodeError::Trailing(1)));
    }
}

/// Stored numbers would be read as other answers, or a count of four billion be believed.
#[test]
fn unknown_numbers_are_errors() {
    let hostile: [&[u8]; 6] = [
        &[0],
        &[10],
        &[4, 0],
        &[4, 4],
        &[6, 25],
        &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    ];
    for bytes in hostile {
        assert!(matches!(Reply::decode(bytes), Err(DecodeError::Invalid { .. })), "{bytes:?}");
    }
    assert_eq!(encoded(&Reply::Refused(Refusal::Full)), [6, 9]);
    assert_eq!(encoded(&Reply::ExistsDifferent(Difference::Funding)), [4, 3]);
}

/// A sender would read that a message was settled of which a part was rejected.
#[test]
fn the_group_status_says_all_none_or_part() {
    let (good, bad) = (Verdict::Settled, Verdict::Rejected(Reason::ZeroAmount));
    let open = Verdict::Pending;
    let cases: [(&[Verdict], &str); 9] = [
        (&[open], "ACSP"),
        (&[good, open], "ACSP"),
        (&[bad, open], "PART"),
        (&[bad, bad], "RJCT"),
        (&[good], "ACSC"),
        (&[bad], "RJCT"),
        (&[good, good], "ACSC"),
        (&[bad, good], "PART"),
        (&[bad, bad], "RJCT"),
    ];
    for (verdicts, expect) in cases {
        let reply = Reply::Decided { stamp: Stamp(1), verdicts: verdicts.into() };
        assert_eq!(reply.group_status(), Some(expect));
    }
    assert_eq!(Reply::Opened.group_status(), None);
}
