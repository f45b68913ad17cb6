//! Money in suspense, and how people settle it.

use ledger::{Balance, State};
use payments_model::{Command, Payments, Refusal, Reply, Settle, Way};
use proptest::prelude::*;
use types::{Amount, Stamp};

use crate::{books, eur, pay, run, set, transfer};

const CASE: u64 = 12;

/// Books with one payment of 100 from `rich` to `poor` in suspense.
fn suspended() -> (Payments, [u8; 16]) {
    let mut payments = books();
    let command = pay("M1", [transfer(1, "T1", "rich", "poor")]).withdrawal(CASE).unwrap();
    assert!(run(&mut payments, 5, &command).is_withdrawal());
    let item = payments.case(eur(), CASE).next().unwrap().id;
    (payments, item)
}

fn settle(item: [u8; 16], way: Way, amount: u128) -> Command<'static> {
    let (amount, by, reason) = (Amount(amount), "anna", "agreed with the bank");
    Command::Settle(Settle {
        currency: eur(),
        case: CASE,
        item,
        way,
        amount,
        by,
        reason,
        account: None,
    })
}

fn balance(payments: &Payments, key: &str) -> i128 {
    match payments.account(eur(), key).unwrap().balance {
        Balance::Credit(amount) => i128::try_from(amount.0).unwrap(),
        Balance::Debit(amount) => -i128::try_from(amount.0).unwrap(),
    }
}

fn left(stamp: u64, item_left: u128) -> Reply {
    let amount = Amount(item_left);
    Reply::CaseSettled { stamp: Stamp(stamp), item_left: amount, case_left: amount }
}

#[test]
fn a_case_is_settled_in_parts_and_closes_when_nothing_is_left() {
    // Money in suspense would stand there for ever; or the house would pay what the payer owes.
    let (mut payments, item) = suspended();
    let before = balance(&payments, "HOUSE:FUNDING");
    assert_eq!(run(&mut payments, 6, &settle(item, Way::Collect, 100)), left(6, 200));
    assert_eq!(run(&mut payments, 7, &settle(item, Way::Pay, 30)), left(7, 170));
    assert_eq!(run(&mut payments, 8, &settle(item, Way::Pay, 70)), left(8, 100));
    assert_eq!(run(&mut payments, 9, &settle(item, Way::WriteBack, 100)), left(9, 0));
    // As if the payment had been carried out.
    assert_eq!([balance(&payments, "rich"), balance(&payments, "poor")], [900, 100]);
    assert_eq!(balance(&payments, "HOUSE:FUNDING"), before + 100);
    assert_eq!(balance(&payments, "HOUSE:SUSPENSE:12"), 0);
    let found = payments.case(eur(), CASE).next().unwrap();
    let steps = payments.settlements(found).map(|step| (step.way, step.amount.0, step.stamp.0));
    let steps: Vec<_> = steps.collect();
    let expected =
        [(Way::Collect, 100, 6), (Way::Pay, 30, 7), (Way::Pay, 70, 8), (Way::WriteBack, 100, 9)];
    assert_eq!(steps, expected);
    let last = payments.settlements(found).last().unwrap();
    assert_eq!((&*last.by, &*last.reason), ("anna", "agreed with the bank"));
    payments.assert_books();
}

#[test]
fn what_the_payment_came_to_is_found_by_the_payment() {
    // Whoever asks for the payment would be told that it was rejected, and not where its money is.
    let (mut payments, item) = suspended();
    run(&mut payments, 6, &settle(item, Way::Return, 40));
    let (recorded, index) = payments.payment([1; 16]).unwrap();
    let found = payments.items(&recorded)[index].unwrap();
    assert_eq!((found.case, found.amount, found.left()), (CASE, Amount(100), Amount(60)));
    assert_eq!(payments.settlements(found).count(), 1);
    assert_eq!(balance(&payments, "rich"), 1_040);
    // A message that was refused as known does not stand for the money of the first.
    run(&mut payments, 7, &pay("M2", [transfer(1, "T1", "rich", "poor")]).withdrawal(13).unwrap());
    let second = payments.message("AAAADEFF", "M2").unwrap();
    assert_eq!(payments.items(&second)[0], None);
    payments.assert_books();
}

#[test]
fn a_case_gives_no_more_than_it_has_and_only_where_the_payment_said() {
    // An order with a slip in it would pay twice, or pay from another case, or charge a payer too much.
    let (mut payments, item) = suspended();
    let before = payments.totals(eur());
    let refuse = |payments: &mut Payments, command: &Command<'_>, refusal| {
        assert_eq!(run(payments, 6, command), Reply::Refused(refusal));
        payments.assert_books();
    };
    refuse(&mut payments, &settle(item, Way::Pay, 101), Refusal::CaseOverdrawn);
    refuse(&mut payments, &settle(item, Way::Collect, 101), Refusal::CaseOverdrawn);
    refuse(&mut payments, &settle(item, Way::Return, 0), Refusal::AmountZero);
    refuse(&mut payments, &settle([9; 16], Way::Pay, 10), Refusal::CaseUnknown);
    let Command::Settle(right) = settle(item, Way::Pay, 10) else { panic!() };
    let other = Command::Settle(Settle { case: CASE + 1, ..right });
    refuse(&mut payments, &other, Refusal::CaseUnknown);
    let other = Command::Settle(Settle { currency: crate::currency("USD"), ..right });
    refuse(&mut payments, &other, Refusal::CaseUnknown);
    let other = Command::Settle(Settle { currency: crate::currency("JPY"), ..right });
    refuse(&mut payments, &other, Refusal::CurrencyNotCarried);
    assert_eq!(payments.totals(eur()), before);

    run(&mut payments, 7, &set("poor", State::Blocked));
    refuse(&mut payments, &settle(item, Way::Pay, 10), Refusal::AccountBlocked);
    run(&mut payments, 7, &set("poor", State::Closed));
    refuse(&mut payments, &settle(item, Way::Pay, 10), Refusal::AccountClosed);
    let odd = |id, number, debtor, creditor| {
        let tag = if id == "M7" { "T7" } else { "T8" };
        pay(id, [transfer(number, tag, debtor, creditor)]).withdrawal(CASE).unwrap()
    };
    run(&mut payments, 8, &odd("M7", 7, "poor", "nobody"));
    run(&mut payments, 9, &odd("M8", 8, "held", "fees"));
    let items: Vec<_> = payments.case(eur(), CASE).map(|item| item.id).collect();
    refuse(&mut payments, &settle(items[1], Way::Pay, 10), Refusal::AccountUnknown);
    refuse(&mut payments, &settle(items[1], Way::Collect, 10), Refusal::AccountClosed);
    refuse(&mut payments, &settle(items[2], Way::Pay, 10), Refusal::AccountForbidden);
    refuse(&mut payments, &settle(items[2], Way::Collect, 10), Refusal::AccountBlocked);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_ordered_the_books_balance_and_nobody_gets_more_than_there_was(
        orders in prop::collection::vec((0_usize..4, 0_u128..160), 1..24),
    ) {
        // Held against sums that can be checked by eye.
        const WAYS: [Way; 4] = [Way::Pay, Way::Return, Way::WriteBack, Way::Collect];
        let (mut payments, item) = suspended();
        let (mut inside, mut collected) = (100_u128, 0_u128);
        for (way, amount) in orders {
            let most = if WAYS[way] == Way::Collect { 100 - collected } else { inside };
            let reply = run(&mut payments, 6, &settle(item, WAYS[way], amount));
            if amount == 0 || amount > most {
                prop_assert!(matches!(reply, Reply::Refused(_)), "{reply:?}");
                continue;
            }
            if WAYS[way] == Way::Collect {
                collected += amount;
                inside += amount;
            } else {
                inside -= amount;
            }
            prop_assert_eq!(reply, left(6, inside));
            prop_assert_eq!(balance(&payments, "HOUSE:SUSPENSE:12"), i128::try_from(inside).unwrap());
            payments.assert_books();
        }
    }
}

#[test]
fn the_order_has_one_encoding() {
    // A replica that reads it otherwise would pay somebody else.
    let command = settle([7; 16], Way::Pay, 12);
    let encoded = command.encode().unwrap();
    assert_eq!(Command::decode(&encoded.body), Ok(command.clone()));
    assert_eq!(encoded.body.len(), 1 + 2 + 8 + 16 + 1 + 16 + 5 + 4 + 20);
    for cut in 0..encoded.body.len() {
        assert!(Command::decode(&encoded.body[..cut]).is_err(), "cut at {cut}");
    }
    assert_eq!(command.clone().withdrawal(3), None);
    let Command::Settle(order) = command else { panic!() };
    for (by, reason) in [("", "why"), ("who", "")] {
        assert!(Command::Settle(Settle { by, reason, ..order }).encode().is_err());
    }
}
