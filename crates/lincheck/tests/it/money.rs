//! Small histories of payments, as the suites of this project write them.

use lincheck::models::{Accounts, Entry, Once, Sums, Told};
use lincheck::{Operation, check};

use crate::STEPS_MAX;

fn pay(amount: u64, told: Told, called: u64, at: u64) -> Operation<Entry, Told> {
    Operation::answered(Entry::Transfer { debtor: 0, creditor: 1, amount }, called, told, at)
}

fn stands(debits: u64, credits: u64, called: u64, at: u64) -> Operation<Entry, Told> {
    let told = Told::Stands(Sums { debits, credits });
    Operation::answered(Entry::Read { account: 0 }, called, told, at)
}

fn holds(history: &[Operation<Entry, Told>], expect: bool) {
    let verdict = check(&Accounts { funding: vec![10, 0] }, history, STEPS_MAX);
    assert_eq!(verdict.is_linearizable(), expect, "{history:?}: {verdict:?}");
}

#[test]
fn money_is_spent_once() {
    // Two payments of ten from an account that holds ten, both settled.
    holds(&[pay(10, Told::Settled, 0, 5), pay(10, Told::Short, 0, 5)], true);
    holds(&[pay(10, Told::Settled, 0, 5), pay(10, Told::Settled, 0, 5)], false);
    // A refusal for want of money that was there.
    holds(&[pay(4, Told::Settled, 0, 1), pay(4, Told::Short, 2, 3)], false);
    // A payment that was never answered explains the refusal.
    let lost = Operation::pending(Entry::Transfer { debtor: 0, creditor: 1, amount: 7 }, 0);
    holds(&[lost.clone(), pay(4, Told::Short, 2, 3)], true);
    // But not if the money is seen to be there still afterwards.
    holds(&[lost, pay(4, Told::Short, 2, 3), stands(0, 10, 4, 5)], false);
}

#[test]
fn a_payment_has_one_outcome() {
    // An id that is settled in one region and rejected in another.
    let ask = |told: &'static str, called, at| Operation::answered(false, called, Some(told), at);
    let look = |told, called, at| Operation::answered(true, called, told, at);
    let holds = |history: &[_]| check(&Once::new(), history, STEPS_MAX).is_linearizable();
    assert!(holds(&[ask("ACSC", 0, 1), ask("ACSC", 2, 3), look(Some("ACSC"), 4, 5)]));
    assert!(!holds(&[ask("ACSC", 0, 1), ask("RJCT", 2, 3)]));
    assert!(!holds(&[ask("ACSC", 0, 1), look(None, 2, 3)]));
    assert!(holds(&[ask("ACSC", 0, 9), look(None, 2, 3), look(Some("ACSC"), 4, 5)]));
    assert!(!holds(&[ask("ACSC", 0, 9), look(Some("ACSC"), 2, 3), look(None, 4, 5)]));
    // A client that was not told, then one that was.
    let unknown: Operation<bool, Option<&'static str>> = Operation::pending(false, 0);
    assert!(holds(&[unknown, ask("RJCT", 2, 3), ask("RJCT", 4, 5)]));
}
