//! Ledgers put together again.

use alloc::vec::Vec;

use types::{Amount, Currency};

use crate::{Account, AccountId, Ledger, Limit, State, Transfer, TransferId};

fn ledger() -> Ledger {
    let mut ledger = Ledger::new(Currency::from_code("EUR").unwrap());
    for limit in [Limit::None, Limit::DebitsWithinCredits, Limit::DebitsWithinCredits] {
        ledger.open(limit).unwrap();
    }
    for number in 0..700_u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        let credit = AccountId(if number.is_multiple_of(2) { 1 } else { 2 });
        let amount = Amount(u128::from(number) + 1);
        let transfer = Transfer { id: TransferId(id), debit: AccountId(0), credit, amount };
        ledger.post(transfer).unwrap();
    }
    ledger.set_state(AccountId(2), State::Blocked).unwrap();
    ledger
}

fn again(of: &Ledger) -> Ledger {
    let mut again = Ledger::new(of.currency());
    for account in of.accounts() {
        let account = Account::from_bytes(&account.to_bytes()).unwrap();
        again.restore_account(account).unwrap();
    }
    for transfer in of.transfers() {
        let transfer = Transfer::from_bytes(&transfer.to_bytes()).unwrap();
        assert!(again.restore_transfer(transfer));
    }
    again
}

#[test]
fn a_ledger_comes_back_as_it_was() {
    // Without this a node that starts from a snapshot would hold other money than it had.
    let (ledger, again) = (ledger(), again(&ledger()));
    assert!(again.is_whole());
    assert_eq!(again, ledger);
    assert_eq!(again.digest(), ledger.digest());
    again.assert_books();
}

#[test]
fn sums_that_are_not_those_of_the_transfers_are_seen() {
    // Without this a flipped bit in an account's sum would become money.
    let ledger = ledger();
    let mut again = Ledger::new(ledger.currency());
    for account in ledger.accounts() {
        let mut bytes = account.to_bytes();
        bytes[2] ^= 1;
        again.restore_account(Account::from_bytes(&bytes).unwrap()).unwrap();
    }
    let transfers: Vec<Transfer> = ledger.transfers().copied().collect();
    assert!(transfers.into_iter().all(|transfer| again.restore_transfer(transfer)));
    assert!(!again.is_whole());
}

#[test]
fn what_was_never_posted_is_refused() {
    // Without this a saved state from elsewhere could carry a transfer to nobody, or one id twice.
    let mut again = again(&ledger());
    let known = *again.transfers().next().unwrap();
    let fresh = TransferId([9; 16]);
    assert!(!again.restore_transfer(known));
    assert!(!again.restore_transfer(Transfer { id: fresh, amount: Amount::ZERO, ..known }));
    assert!(!again.restore_transfer(Transfer { id: fresh, credit: known.debit, ..known }));
    assert!(!again.restore_transfer(Transfer { id: fresh, credit: AccountId(7), ..known }));
    assert!(!again.restore_transfer(Transfer { id: fresh, amount: Amount(u128::MAX), ..known }));
    assert!(Account::from_bytes(&[3; Account::BYTES]).is_none());
}
