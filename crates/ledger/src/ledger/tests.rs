//! Refusals in their order, ids kept, books balanced.

use super::*;
use crate::Field;

const SPENDER: AccountId = AccountId(1);
const KEEPER: AccountId = AccountId(2);
const CLAIMS: AccountId = AccountId(3);
const CLOSED: AccountId = AccountId(4);
const BLOCKED: AccountId = AccountId(5);
const HOUSE: AccountId = AccountId(0);
const NOBODY: AccountId = AccountId(99);

fn eur() -> Currency {
    Currency::from_code("EUR").unwrap()
}

fn transfer(id: u8, debit: AccountId, credit: AccountId, amount: u128) -> Transfer {
    Transfer { id: TransferId([id; 16]), debit, credit, amount: Amount(amount) }
}

/// A house account, two with money, one for claims, a closed and a blocked one; transfer 1 has moved
/// 100 to the spender.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new(eur());
    for limit in [
        Limit::None,
        Limit::DebitsWithinCredits,
        Limit::DebitsWithinCredits,
        Limit::CreditsWithinDebits,
        Limit::None,
        Limit::None,
    ] {
        ledger.open(limit).unwrap();
    }
    assert_eq!(ledger.set_state(CLOSED, State::Closed), Ok(State::Open));
    assert_eq!(ledger.set_state(BLOCKED, State::Blocked), Ok(State::Open));
    assert_eq!(ledger.post(transfer(1, HOUSE, SPENDER, 100)), Ok(Posted::Created));
    ledger
}

/// A refusal would be given under another name, or two regions would name it differently; each case
/// also violates every rule that comes later in the order, where that is possible.
#[test]
fn refusals_come_in_their_order() {
    use Refusal::*;
    #[rustfmt::skip]
    let cases = [
        (transfer(1, HOUSE, SPENDER, 100), Ok(Posted::Exists)),
        (transfer(1, NOBODY, SPENDER, 0), Err(ExistsDifferent(Field::Debit))),
        (transfer(1, HOUSE, HOUSE, 0), Err(ExistsDifferent(Field::Credit))),
        (transfer(1, HOUSE, SPENDER, 0), Err(ExistsDifferent(Field::Amount))),
        (transfer(2, NOBODY, NOBODY, 0), Err(SameAccount)),
        (transfer(2, NOBODY, CLOSED, 0), Err(ZeroAmount)),
        (transfer(2, NOBODY, AccountId(98), 1), Err(DebitUnknown)),
        (transfer(2, CLOSED, NOBODY, 1), Err(CreditUnknown)),
        (transfer(2, CLOSED, BLOCKED, u128::MAX), Err(DebitClosed)),
        (transfer(2, BLOCKED, CLOSED, u128::MAX), Err(CreditClosed)),
        (transfer(2, BLOCKED, SPENDER, u128::MAX), Err(DebitBlocked)),
        (transfer(2, SPENDER, BLOCKED, u128::MAX), Err(CreditBlocked)),
        (transfer(2, KEEPER, SPENDER, u128::MAX), Err(Overflow)),
        (transfer(2, HOUSE, KEEPER, u128::MAX), Err(Overflow)),
        (transfer(2, SPENDER, CLAIMS, 101), Err(DebitLimit)),
        (transfer(2, SPENDER, CLAIMS, 100), Err(CreditLimit)),
        (transfer(2, SPENDER, KEEPER, 100), Ok(Posted::Created)),
        (transfer(2, CLAIMS, KEEPER, 1), Ok(Posted::Created)),
    ];
    let before = ledger();
    for (transfer, expect) in cases {
        let mut after = before.clone();
        assert_eq!(after.post(transfer), expect, "{transfer:?}");
        assert_eq!(after == before, expect != Ok(Posted::Created), "{transfer:?}");
        assert_eq!(after.digest() == before.digest(), after == before, "{transfer:?}");
        after.assert_books();
    }
}

/// Money would move twice on a retry, or a refused wish could never succeed later.
#[test]
fn an_id_is_taken_by_the_transfer_that_was_posted() {
    let mut ledger = ledger();
    let large = transfer(2, SPENDER, KEEPER, 150);
    assert_eq!(ledger.post(large), Err(Refusal::DebitLimit));
    assert_eq!(ledger.transfer(large.id), None);
    ledger.post(transfer(3, HOUSE, SPENDER, 50)).unwrap();
    assert_eq!(ledger.post(large), Ok(Posted::Created));
    assert_eq!(ledger.post(large), Ok(Posted::Exists));
    assert_eq!(ledger.set_state(SPENDER, State::Closed), Ok(State::Open));
    assert_eq!(ledger.post(large), Ok(Posted::Exists), "the state today does not undo the past");
    assert_eq!(ledger.account(SPENDER).unwrap().balance(), Balance::Credit(Amount::ZERO));
    assert_eq!(ledger.account(HOUSE).unwrap().balance(), Balance::Debit(Amount(150)));
    assert_eq!(ledger.totals(), Totals { debits: Amount(300), credits: Amount(300) });
    assert_eq!(ledger.transfers().count(), 3);
}

/// Two regions with different accounts would believe that they are equal.
#[test]
fn the_digest_sees_accounts_and_currency() {
    let base = ledger();
    let mut blocked = base.clone();
    blocked.set_state(KEEPER, State::Blocked).unwrap();
    let mut opened = base.clone();
    opened.open(Limit::None).unwrap();
    let mut other = base.clone();
    other.open(Limit::DebitsWithinCredits).unwrap();
    let digests = [base, blocked, opened, other].map(|ledger| ledger.digest());
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests.iter().skip(index + 1).any(|other| other == digest));
    }
    let usd = Currency::from_code("USD").unwrap();
    assert_ne!(Ledger::new(eur()).digest(), Ledger::new(usd).digest());
}

/// A caller's mistake in a number would be a panic in every region.
#[test]
fn an_unknown_account_is_an_error() {
    let mut ledger = ledger();
    assert_eq!(ledger.set_state(NOBODY, State::Open), Err(UnknownAccount(NOBODY)));
    assert_eq!(ledger.account(NOBODY), None);
}

/// An account could be made to slip past the check of the books.
#[test]
fn tampered_books_do_not_pass() {
    let tampers: [fn(&mut Ledger); 4] = [
        |ledger| ledger.totals.debits = Amount(101),
        |ledger| ledger.accounts.get_mut(1).unwrap().credits = Amount(101),
        |ledger| ledger.accounts.get_mut(0).unwrap().limit = Limit::DebitsWithinCredits,
        |ledger| assert!(ledger.index.insert([9; 16], 0)),
    ];
    for tamper in tampers {
        let mut ledger = ledger();
        ledger.assert_books();
        tamper(&mut ledger);
        assert!(std::panic::catch_unwind(|| ledger.assert_books()).is_err());
    }
}

proptest::proptest! {
    /// Books would not balance after some order of postings, or a replay would end elsewhere.
    #[test]
    fn books_balance_after_any_postings(
        wishes in proptest::collection::vec((0..60_u8, 0..8_u32, 0..8_u32, 0..300_u128), 0..400),
    ) {
        let mut ledger = ledger();
        let mut replay = ledger.clone();
        for (id, debit, credit, amount) in wishes {
            let wish = transfer(id, AccountId(debit), AccountId(credit), amount);
            let outcome = ledger.post(wish);
            ledger.assert_invariants();
            assert_eq!(replay.post(wish), outcome);
        }
        ledger.assert_books();
        assert_eq!(ledger.digest(), replay.digest());
        assert_eq!(ledger, replay);
    }
}
