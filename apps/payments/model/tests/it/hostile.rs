//! Random histories and random bytes: books balance, replays agree, nothing panics.

use ledger::State;
use model::{Model, Outcome};
use payments_model::{Payments, Reply, Transaction};
use proptest::prelude::*;
use types::{Amount, ModelVersion, Stamp};

use crate::{books, currency, eur, open, pay, set, transfer};

const KEYS: [&str; 8] =
    ["rich", "poor", "shut", "held", "fees", "HOUSE:FUNDING", "nobody", "somebody"];
const IDS: [&str; 6] = ["M1", "M2", "M3", "M4", "M5", "M6"];
const TEXTS: [&str; 4] = ["T1", "T2", "T3", "NOTPROVIDED"];

fn any_transaction() -> impl Strategy<Value = Transaction<'static>> {
    let key = || prop::sample::select(&KEYS[..]);
    (
        proptest::option::of(0..9_u8),
        proptest::option::of(prop::sample::select(&TEXTS[..])),
        proptest::option::of(prop::sample::select(&TEXTS[..])),
        prop_oneof![8 => 0..400_u128, 1 => any::<u128>()],
        key(),
        key(),
    )
        .prop_map(|(uetr, transaction_id, instruction_id, amount, debtor, creditor)| {
            Transaction {
                uetr: uetr.map(|number| [number; 16]),
                amount: Amount(amount),
                instruction_id,
                transaction_id,
                ..transfer(0, "", debtor, creditor)
            }
        })
}

fn any_command() -> impl Strategy<Value = Vec<u8>> {
    let key = || prop::sample::select(&KEYS[..]);
    let state = prop::sample::select(vec![State::Open, State::Blocked, State::Closed]);
    prop_oneof![
        1 => (key(), 0..300_u128).prop_map(|(key, funding)| open(key, funding)),
        1 => (key(), state).prop_map(|(key, state)| set(key, state)),
        6 => (prop::sample::select(&IDS[..]), prop::collection::vec(any_transaction(), 1..6))
            .prop_map(|(id, transactions)| pay(id, transactions)),
        1 => (
            prop::sample::select(&IDS[..]),
            prop::collection::vec(any_transaction(), 1..6),
            0..3_u64,
        )
            .prop_map(|(id, transactions, case)| pay(id, transactions).withdrawal(case).unwrap()),
    ]
    .prop_map(|command| command.encode().unwrap().body)
}

fn apply(payments: &mut Payments, stamp: u64, command: &[u8]) -> Vec<u8> {
    let mut outcome = Outcome { reply: vec![0xff; 3], ..Outcome::default() };
    payments.apply(ModelVersion::FIRST, Stamp(stamp), command, &mut outcome);
    payments.assert_invariants();
    outcome.reply
}

proptest! {
    /// After some history money would have come from nowhere, or two regions would hold different
    /// states and give different answers.
    #[test]
    fn books_balance_and_replays_agree(commands in prop::collection::vec(any_command(), 0..60)) {
        let (mut payments, mut replay) = (books(), books());
        let mut restart = None;
        for (stamp, command) in (2..).zip(&commands) {
            let reply = apply(&mut payments, stamp, command);
            prop_assert!(Reply::decode(&reply).is_ok());
            prop_assert_eq!(apply(&mut replay, stamp, command), reply);
            prop_assert_eq!(payments.digest(), replay.digest());
            if stamp == 20 {
                restart = Some(payments.clone());
            }
        }
        payments.assert_books();
        prop_assert_eq!(&payments, &replay);
        if let Some(mut restart) = restart {
            for (stamp, command) in (2..).zip(&commands).skip(19) {
                apply(&mut restart, stamp, command);
            }
            prop_assert_eq!(restart, payments);
        }
    }

    /// A hostile or damaged command would stop every region at once, at the same record, for ever.
    #[test]
    fn no_bytes_stop_the_model(
        command in any_command(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = command;
        for (index, value) in changes {
            *index.get_mut(&mut bytes) = value;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let mut payments = books();
        let before = payments.clone();
        let reply = Reply::decode(&apply(&mut payments, 2, &bytes)).unwrap();
        if matches!(reply, Reply::Refused(_)) {
            prop_assert_eq!(&payments, &before);
        }
        payments.assert_books();
    }

    /// As before, with bytes that were never a command.
    #[test]
    fn no_garbage_stops_the_model(bytes in any::<Vec<u8>>(), tag in 0..8_u8) {
        let mut payments = books();
        let before = payments.clone();
        let garbage: Vec<u8> = [tag].into_iter().chain(bytes).collect();
        let reply = Reply::decode(&apply(&mut payments, 2, &garbage)).unwrap();
        prop_assert!(matches!(reply, Reply::Refused(_)), "{:?}", reply);
        prop_assert_eq!(payments, before);
    }
}

/// Replicas that were given their currencies in another order would differ from the first record on.
#[test]
fn the_order_of_currencies_does_not_matter() {
    let there = Payments::new([eur(), currency("USD")]);
    let back = Payments::new([currency("USD"), eur(), eur()]);
    assert_eq!(there.digest(), back.digest());
    assert_eq!(there, back);
}
