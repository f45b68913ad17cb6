//! Unit tests.

use std::collections::BTreeMap;

use payments_message::Refusal;
use payments_message::read;
use types::Stamp;

use super::super::cast;
use super::{Kind, Script};

const NOW: Stamp = Stamp(1_795_161_600_000_000);

#[test]
fn messages_are_what_they_are_called() {
    // Without this, the demo could claim to have sent what it never sent, and to have checked
    // refusals that were refusals of something else.
    let mut script = Script::new(42, cast::all(), 3);
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut earlier = BTreeMap::new();
    for _ in 0..2_000 {
        let sending = script.next(NOW, |_| true);
        *counts.entry(sending.kind).or_default() += 1;
        let found = read(&sending.bytes);
        match sending.kind {
            Kind::Valid | Kind::UnknownCreditor | Kind::Forbidden | Kind::Funds => {
                let message = found.unwrap();
                assert_eq!(Some(message.currency), sending.currency);
                earlier.insert(sending.number, sending.bytes.clone());
            }
            Kind::Schema => assert!(matches!(found, Err(Refusal::Schema { .. })), "{found:?}"),
            Kind::CheckDigits | Kind::Decimals | Kind::ControlSum => {
                let Err(Refusal::Rule(broken)) = found else { panic!("{found:?}") };
                let codes: Vec<_> =
                    broken.findings().iter().map(|finding| finding.reason.code()).collect();
                let all = [
                    (Kind::CheckDigits, "AC02"),
                    (Kind::Decimals, "CH20"),
                    (Kind::ControlSum, "AM10"),
                ];
                let expected = all.iter().find(|(kind, _)| *kind == sending.kind).unwrap().1;
                assert!(codes.contains(&expected), "{:?}: {codes:?}", sending.kind);
            }
            Kind::Duplicate => assert_eq!(sending.bytes, earlier[&sending.of.unwrap()]),
            Kind::Conflict => {
                assert_ne!(sending.bytes, earlier[&sending.of.unwrap()]);
                assert!(found.is_ok());
            }
            Kind::File => unreachable!("scripts read no files"),
        }
    }
    assert_eq!(counts.len(), 10, "all kinds occur: {counts:?}");
}

#[test]
fn one_seed_is_one_load() {
    // Without this, a failed demo could not be run again with the same messages.
    let take = |seed| {
        let mut script = Script::new(seed, cast::all(), 3);
        (0..200).map(|_| script.next(NOW, |_| true)).collect::<Vec<_>>()
    };
    assert_eq!(take(7), take(7));
    assert_ne!(take(7), take(8));
}
