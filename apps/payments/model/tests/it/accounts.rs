//! Accounts are opened once, funded from the house, and change their state by rules.

use ledger::{Balance, State};
use model::Model;
use payments_model::{Command, Difference, Kind, OpenAccount, Payments, Refusal, Reply, limits};
use types::Amount;

use crate::{books, currency, eur, open, run, set};

/// An account would be funded twice by a retry, or handed to another holder.
#[test]
fn an_account_is_opened_once() {
    let rich = OpenAccount {
        currency: eur(),
        key: "rich",
        name: None,
        kind: Kind::Customer,
        funding: Amount(1_000),
    };
    let different = |difference| Reply::ExistsDifferent(difference);
    let refused = |refusal| Reply::Refused(refusal);
    let beyond = Amount(limits::AMOUNT_MAX.0 + 1);
    let cases = [
        (rich, Reply::Exists),
        (OpenAccount { kind: Kind::House, name: Some("x"), ..rich }, different(Difference::Kind)),
        (OpenAccount { name: Some("x"), funding: Amount(1), ..rich }, different(Difference::Name)),
        (OpenAccount { funding: Amount(1_001), ..rich }, different(Difference::Funding)),
        (OpenAccount { key: "HOUSE:FUNDING", ..rich }, refused(Refusal::KeyReserved)),
        (OpenAccount { key: "new", funding: beyond, ..rich }, refused(Refusal::FundingTooLarge)),
        (OpenAccount { currency: currency("JPY"), ..rich }, refused(Refusal::CurrencyNotCarried)),
        (OpenAccount { currency: currency("USD"), ..rich }, Reply::Opened),
        (OpenAccount { key: "new", funding: limits::AMOUNT_MAX, ..rich }, Reply::Opened),
    ];
    for (open, expect) in cases {
        let mut payments = books();
        let before = payments.digest();
        let reply = run(&mut payments, 2, &Command::OpenAccount(open));
        assert_eq!(reply, expect, "{open:?}");
        assert_eq!(payments.digest() == before, expect != Reply::Opened, "{open:?}");
        payments.assert_books();
    }
}

/// Money would lie for ever in a closed account, or a closed one come back to life.
#[test]
fn states_change_by_rules() {
    let refused = |refusal| Reply::Refused(refusal);
    let cases = [
        ("rich", State::Blocked, Reply::StateSet),
        ("rich", State::Open, Reply::StateSet),
        ("rich", State::Closed, refused(Refusal::BalanceNotZero)),
        ("held", State::Open, Reply::StateSet),
        ("held", State::Closed, refused(Refusal::BalanceNotZero)),
        ("poor", State::Closed, Reply::StateSet),
        ("shut", State::Closed, Reply::StateSet),
        ("shut", State::Open, refused(Refusal::AccountClosed)),
        ("shut", State::Blocked, refused(Refusal::AccountClosed)),
        ("nobody", State::Open, refused(Refusal::AccountUnknown)),
        ("HOUSE:FUNDING", State::Blocked, refused(Refusal::KeyReserved)),
    ];
    for (key, state, expect) in cases {
        let mut payments = books();
        let reply = run(&mut payments, 2, &set(key, state));
        assert_eq!(reply, expect, "{key} {state:?}");
        if reply == Reply::StateSet {
            assert_eq!(payments.account(eur(), key).map(|account| account.state), Some(state));
        }
    }
}

/// The console would show money that is not there.
#[test]
fn accounts_and_sums_add_up() {
    let payments = books();
    let accounts: Vec<_> = payments
        .accounts(eur())
        .map(|account| (account.key, account.kind, account.balance))
        .collect();
    let credit = |amount| Balance::Credit(Amount(amount));
    assert_eq!(
        accounts,
        [
            ("HOUSE:FUNDING", Kind::House, Balance::Debit(Amount(1_500))),
            ("rich", Kind::Customer, credit(1_000)),
            ("poor", Kind::Customer, credit(0)),
            ("shut", Kind::Customer, credit(0)),
            ("held", Kind::Customer, credit(500)),
            ("fees", Kind::House, credit(0)),
        ]
    );
    let sums = payments.sums(eur()).unwrap();
    assert_eq!(sums.debits, Amount(1_500));
    assert_eq!(sums.credits, Amount(1_500));
    assert_eq!(sums.debit_balances, Amount(1_500));
    assert_eq!(sums.credit_balances, Amount(1_500));
    assert_eq!(payments.totals(eur()).map(|totals| totals.debits), Some(Amount(1_500)));
    assert_eq!(payments.sums(currency("JPY")), None);
    assert_eq!(payments.accounts(currency("JPY")).count(), 0);
    assert!(payments.currencies().eq([eur(), currency("USD")]));
}

/// A key in one currency would open the account of another.
#[test]
fn books_do_not_share_accounts() {
    let mut payments = Payments::new([eur(), currency("USD")]);
    run(&mut payments, 1, &open("rich", 7));
    assert!(payments.account(eur(), "rich").is_some());
    assert_eq!(payments.account(currency("USD"), "rich"), None);
}

/// If a page began elsewhere than where the one before ended, a recount would find a loss that is none.
#[test]
fn accounts_are_counted_and_found_by_number() {
    let payments = books();
    let all: Vec<_> = payments.accounts(eur()).collect();
    assert_eq!((payments.account_count(eur()), all.len()), (6, 6));
    for number in 0..=all.len() + 1 {
        let from: Vec<_> = payments.accounts_from(eur(), number).collect();
        assert_eq!(from, all[number.min(all.len())..]);
    }
    assert_eq!(payments.accounts_from(eur(), usize::MAX).count(), 0);
    assert_eq!(payments.account_count(currency("JPY")), 0);
    assert_eq!(payments.accounts_from(currency("JPY"), 0).count(), 0);
}
