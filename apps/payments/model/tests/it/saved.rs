//! The state saved and taken in again.

use ledger::State;
use model::{LoadError, Model, Outcome, Resolution};
use payments_model::{Command, Payments, Reply, Route, Settle, Way};
use proptest::prelude::*;

use types::{Amount, ChannelKey, GroupId, ModelVersion, Stamp};

use super::{books, currency, eur, message, open, pay, run, set, transfer};

const KEYS: [&str; 4] = ["rich", "poor", "held", "new"];

/// Does something of everything, as far as `steps` say.
fn carry_on(payments: &mut Payments, from: usize, steps: &[(u8, u8, u8)]) {
    for (number, (what, one, two)) in (from..).zip(steps) {
        let key = |of: &u8| KEYS[usize::from(*of) % KEYS.len()];
        let id = format!("m{number}");
        if what % 10 == 9 {
            settle(payments, number as u64, *one, *two);
            continue;
        }
        let command = match what % 10 {
            0 => open(key(one), 50),
            1 => set(key(one), if two % 2 == 0 { State::Open } else { State::Blocked }),
            2 => {
                let message = message(&id, [transfer(one ^ two, &id, key(one), key(two))]);
                Command::PayAcross { message, routes: vec![Route::To(GroupId(5))], raw: b"" }
            }
            3 => {
                between(payments, number as u64, *one, *two);
                continue;
            }
            4 => {
                let pay = pay(&id, [transfer(one ^ two, &id, key(one), key(two))]);
                pay.withdrawal(u64::from(two % 3)).unwrap()
            }
            _ => pay(&id, [transfer(one ^ two, &id, key(one), key(two))]),
        };
        let reply = run(payments, number as u64, &command);
        assert!(!matches!(reply, Reply::Refused(payments_model::Refusal::Malformed)));
    }
}

/// A step of a case, as it may be.
fn settle(payments: &mut Payments, stamp: u64, one: u8, two: u8) {
    const WAYS: [Way; 4] = [Way::Pay, Way::Return, Way::WriteBack, Way::Collect];
    let items: Vec<_> = payments.cases().flat_map(|(_, items)| items.cloned()).collect();
    let Some(item) = items.get(usize::from(one) % items.len().max(1)) else { return };
    let settle = Settle {
        currency: item.currency,
        case: item.case,
        item: item.id,
        way: WAYS[usize::from(two) % 4],
        amount: Amount(u128::from(two)),
        by: "anna",
        reason: "a test",
        account: None,
    };
    run(payments, stamp, &Command::Settle(settle));
}

/// Another group's answer to what is pending, or its own debit, as it may be.
fn between(payments: &mut Payments, stamp: u64, one: u8, two: u8) {
    let mut outcome = Outcome::default();
    let pending: Vec<_> = payments.pending().map(|(key, pending)| (key, pending.to)).collect();
    let resolution = match two % 3 {
        0 => Resolution::Applied(b""),
        1 => Resolution::Refused(&[8]),
        _ => Resolution::Cancelled,
    };
    if let Some((key, to)) = pending.get(usize::from(one) % pending.len().max(1)) {
        let (stamp, key) = (Stamp(stamp), ChannelKey(*key));
        payments.resolve(ModelVersion::FIRST, stamp, *to, key, resolution, &mut outcome);
        return;
    }
    let mut other = books();
    let id = format!("x{stamp}");
    let message = message(&id, [transfer(one, &id, "rich", KEYS[usize::from(two) % 4])]);
    let routes = vec![Route::To(GroupId(5))];
    let body = Command::PayAcross { message, routes, raw: b"" }.encode().unwrap().body;
    other.apply(ModelVersion::FIRST, Stamp(stamp), &body, &mut outcome);
    for outward in std::mem::take(&mut outcome.outward) {
        let model::Outward::Send { message, .. } = outward else { continue };
        let (version, from) = (ModelVersion::FIRST, GroupId(6));
        payments.receive(version, Stamp(stamp), from, &message, &mut outcome);
    }
}

fn parts(payments: &Payments, bytes_max: usize) -> Vec<Vec<u8>> {
    let mut saving = payments.save();
    std::iter::from_fn(|| payments.save_next(&mut saving, bytes_max)).collect()
}

fn fresh() -> Payments {
    Payments::new([eur(), currency("USD")])
}

fn load(parts: &[Vec<u8>]) -> Result<Payments, LoadError> {
    let mut payments = fresh();
    parts.iter().try_for_each(|part| payments.load(part))?;
    payments.loaded()?;
    Ok(payments)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_saved_comes_back_whole(
        before in prop::collection::vec(any::<(u8, u8, u8)>(), 0..60),
        during in prop::collection::vec(any::<(u8, u8, u8)>(), 0..20),
        bytes_max in 1_usize..4_000,
    ) {
        // Without this a node that starts from a snapshot would pay what was paid, or refuse what was
        // not: state, indexes and counts must be those of the moment when the save began.
        let mut payments = books();
        carry_on(&mut payments, 100, &before);
        let then = payments.clone();
        let mut saving = payments.save();
        let mut saved = Vec::new();
        let mut steps = during.chunks(3);
        let mut number = 1_000;
        while let Some(part) = payments.save_next(&mut saving, bytes_max) {
            saved.push(part);
            let some = steps.next().unwrap_or_default();
            carry_on(&mut payments, number, some);
            number += some.len();
        }
        let again = load(&saved).unwrap();
        again.assert_books();
        prop_assert_eq!(again.digest(), then.digest());
        prop_assert_eq!(again, then);
    }

    #[test]
    fn changed_bytes_never_panic_and_never_pass(
        steps in prop::collection::vec(any::<(u8, u8, u8)>(), 1..20),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..=255,
    ) {
        // Without this a damaged snapshot would stop the node, or give it another state.
        let mut payments = books();
        carry_on(&mut payments, 100, &steps);
        let mut saved = parts(&payments, 500);
        let lengths: usize = saved.iter().map(Vec::len).sum();
        let mut at = at.index(lengths);
        for part in &mut saved {
            if at < part.len() {
                part[at] ^= flip;
                break;
            }
            at -= part.len();
        }
        if let Ok(again) = load(&saved) {
            prop_assert_ne!(again.digest(), payments.digest());
        }
    }
}

#[test]
fn a_load_that_ends_early_or_is_of_another_version_is_refused() {
    // Without this a snapshot that was cut short would pass for a smaller state.
    let payments = books();
    let saved = parts(&payments, 200);
    for count in 0..saved.len() {
        assert!(load(&saved[..count]).is_err());
    }
    let mut newer = saved.clone();
    newer[0][1] = 9;
    assert_eq!(load(&newer), Err(LoadError::Version(9)));
    // Before cases could be settled the head did not count their steps.
    let mut older = saved.clone();
    older[0][1] = 2;
    assert!(load(&older).is_err(), "its head is longer than that");
    let counted = older[0].len() - 8;
    older[0].truncate(counted);
    assert_eq!(load(&older).as_ref(), Ok(&payments));
    let mut twice = saved.clone();
    twice.insert(1, saved[1].clone());
    assert!(load(&twice).is_err());
    let mut other = Payments::new([eur()]);
    assert!(other.load(&saved[0]).is_err());
}

#[test]
fn a_state_that_was_saved_before_legs_were_accounted_for_comes_back() {
    // A node that was upgraded would have no snapshot to start from, and no peer of the same version to take one from.
    let mut payments = books();
    // Something settled between groups, something withdrawn to a case and settled there, something pending.
    carry_on(&mut payments, 100, &[(2, 0, 1), (3, 0, 0), (4, 0, 2), (9, 0, 2), (2, 0, 3)]);
    let ends = (payments.ended().count(), payments.pending().count());
    let items: Vec<_> = payments.cases().flat_map(|(_, items)| items).collect();
    assert_eq!((ends, items.len(), items[0].settled), ((1, 1), 1, Amount(2)));
    let mut saved = parts(&payments, 500);
    // The head as version 3 had it: without the count of lost legs at its end.
    let head = &mut saved[0];
    assert_eq!(head[1], 4, "see to the version before, too");
    head[1] = 3;
    let end = head.split_off(head.len() - 4);
    assert_eq!(end, [0; 4]);
    let again = load(&saved).unwrap();
    assert_eq!((again.digest(), &again), (payments.digest(), &payments));
}
