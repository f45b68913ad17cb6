//! The book of one settlement currency: its accounts by key, and the ledger under them.
//!
//! Every book has one account of its own, the funding account, which opening balances come from; its
//! debit balance is the money that the house has brought in. Accounts of the house may go below
//! zero, so no payment message may ever name one: the accounts' kinds are checked before the ledger
//! is asked.

pub(crate) mod clearing;
mod suspense;

use alloc::boxed::Box;

use ledger::{
    Account, AccountId, Balance, Digested, Index, Ledger, Limit, Posted, Refusal as Unposted, Roll,
    State, Transfer, TransferId,
};
use sha2::{Digest, Sha256};
use types::{Amount, Currency, Hash};
use wire::{DecodeError, Reader, Writer};

use crate::limits::{AMOUNT_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::reply::{Difference, Refusal, Reply};
use crate::{OpenAccount, Reason, Transaction, Verdict, identity};

/// The key of the account that opening balances are debited to, in every book.
pub(crate) const FUNDING_KEY: &str = "HOUSE:FUNDING";

/// The number of that account: it is opened first.
const FUNDING: AccountId = AccountId(0);

/// What an account is for. Numbers never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Of a customer; holds at least zero.
    Customer = 1,
    /// Of an agent, for payments that name no customer account; holds at least zero.
    Settlement = 2,
    /// Of the house; may go below zero, and takes no payments.
    House = 3,
}

/// An account as a query sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountView<'a> {
    /// How it is called in messages.
    pub key: &'a str,
    /// Whose it is.
    pub name: Option<&'a str>,
    /// What it is for.
    pub kind: Kind,
    /// What it was opened with.
    pub funding: Amount,
    /// Whether it takes postings.
    pub state: State,
    /// All that was ever debited.
    pub debits: Amount,
    /// All that was ever credited.
    pub credits: Amount,
    /// Credits less debits.
    pub balance: Balance,
}

/// The accounts of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Book {
    ledger: Ledger,
    /// By account number.
    details: Roll<Details>,
    /// From an account's key to its number.
    keys: Index,
    /// Payments to other groups that are not answered; each may have to be given back.
    pending: u64,
}

/// What an account is apart from its sums, fixed when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    key: Box<str>,
    name: Option<Box<str>>,
    kind: Kind,
    funding: Amount,
}

impl Kind {
    /// The kind of a stored number.
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Customer),
            2 => Some(Self::Settlement),
            3 => Some(Self::House),
            _ => None,
        }
    }

    /// The number it is stored under.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    const fn limit(self) -> Limit {
        match self {
            Self::Customer | Self::Settlement => Limit::DebitsWithinCredits,
            Self::House => Limit::None,
        }
    }
}

impl Book {
    /// A book with its funding account.
    pub(crate) fn new(currency: Currency) -> Self {
        let ledger = Ledger::new(currency);
        let mut book = Self { ledger, details: Roll::new(), keys: Index::new(), pending: 0 };
        let funding = Details {
            key: FUNDING_KEY.into(),
            name: None,
            kind: Kind::House,
            funding: Amount::ZERO,
        };
        let id = book.add(funding);
        assert_eq!(id, Some(FUNDING), "the funding account is the first");
        book
    }

    /// A book without any account, to take a saved one in.
    pub(crate) fn blank(currency: Currency) -> Self {
        let ledger = Ledger::new(currency);
        Self { ledger, details: Roll::new(), keys: Index::new(), pending: 0 }
    }

    /// The ledger under the book.
    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Opens and funds an account, once.
    pub(crate) fn open(&mut self, open: &OpenAccount<'_>) -> Reply {
        if is_reserved(open.key) {
            return Reply::Refused(Refusal::KeyReserved);
        }
        if let Some((_, known)) = self.find(open.key) {
            return known.difference(open).map_or(Reply::Exists, Reply::ExistsDifferent);
        }
        if open.funding > AMOUNT_MAX {
            return Reply::Refused(Refusal::FundingTooLarge);
        }
        if self.ledger.is_full() {
            return Reply::Refused(Refusal::Full);
        }
        let details = Details {
            key: open.key.into(),
            name: open.name.map(Into::into),
            kind: open.kind,
            funding: open.funding,
        };
        let Some(credit) = self.add(details) else { return Reply::Refused(Refusal::Full) };
        if open.funding > Amount::ZERO {
            let id = TransferId(identity::funding(open.key));
            let transfer = Transfer { id, debit: FUNDING, credit, amount: open.funding };
            // Both accounts are open, the id is new as the key is, the ledger has a number left, and
            // 2^32 transfers of at most AMOUNT_MAX cannot overflow.
            assert_eq!(
                self.ledger.post(transfer),
                Ok(Posted::Created),
                "funding cannot be refused"
            );
        }
        Reply::Opened
    }

    /// Sets whether an account takes postings.
    pub(crate) fn set_state(&mut self, key: &str, state: State) -> Reply {
        if is_reserved(key) {
            return Reply::Refused(Refusal::KeyReserved);
        }
        let Some((id, account)) = self.account_by_key(key) else {
            return Reply::Refused(Refusal::AccountUnknown);
        };
        let empty = account.balance() == Balance::Credit(Amount::ZERO);
        match (account.state(), state) {
            (State::Closed, State::Open | State::Blocked) => Reply::Refused(Refusal::AccountClosed),
            (State::Open | State::Blocked, State::Closed) if !empty => {
                Reply::Refused(Refusal::BalanceNotZero)
            }
            (State::Open | State::Blocked | State::Closed, _) => {
                self.ledger.set_state(id, state).expect("the account was found");
                Reply::StateSet
            }
        }
    }

    /// Moves a transaction's amount from debtor to creditor under `id`, if every rule from the
    /// accounts on allows it.
    pub(crate) fn settle(&mut self, id: TransferId, transaction: &Transaction<'_>) -> Verdict {
        let Some((debit, debtor)) = self.find(transaction.debtor) else {
            return Verdict::Rejected(Reason::DebtorUnknown);
        };
        let Some((credit, creditor)) = self.find(transaction.creditor) else {
            return Verdict::Rejected(Reason::CreditorUnknown);
        };
        if debtor.kind == Kind::House {
            return Verdict::Rejected(Reason::DebtorForbidden);
        }
        if creditor.kind == Kind::House {
            return Verdict::Rejected(Reason::CreditorForbidden);
        }
        if self.ledger.room() <= self.pending.saturating_add(1) {
            // What is pending must be able to come back.
            return Verdict::Rejected(Reason::SettlementFailed);
        }
        let transfer = Transfer { id, debit, credit, amount: transaction.amount };
        match self.ledger.post(transfer) {
            Ok(Posted::Created) => Verdict::Settled,
            Ok(Posted::Exists) | Err(Unposted::ExistsDifferent(_)) => {
                // The id is made of the transaction's identity, which was free; the ledger is the
                // second lock on the same door.
                Verdict::Rejected(Reason::DuplicateTransaction)
            }
            Err(refusal) => Verdict::Rejected(reason(refusal)),
        }
    }

    /// The account of that key.
    pub(crate) fn account(&self, key: &str) -> Option<AccountView<'_>> {
        let (id, details) = self.find(key)?;
        Some(details.view(self.ledger.account(id)?))
    }

    /// All accounts in the order in which they were opened, the funding account first.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = AccountView<'_>> {
        self.details
            .iter()
            .zip(self.ledger.accounts())
            .map(|(details, account)| details.view(account))
    }

    /// How many accounts there are.
    pub(crate) const fn account_count(&self) -> usize {
        self.details.len()
    }

    /// The accounts from that number on. Those before it are not looked at.
    pub(crate) fn accounts_from(&self, number: usize) -> impl Iterator<Item = AccountView<'_>> {
        let numbers = u32::try_from(number).map_or(0..0, |number| number..u32::MAX);
        numbers.map_while(|number| {
            let details = self.details.get(number)?;
            Some(details.view(self.ledger.account(AccountId(number))?))
        })
    }

    /// SHA-256 over ledger and accounts.
    pub(crate) fn digest(&self) -> Hash {
        let ledger = self.ledger.digest();
        let hasher = Sha256::new_with_prefix(ledger.0).chain_update(self.details.digest().0);
        Hash(hasher.finalize().into())
    }

    /// Asserts that the ledger balances and that every account has a key.
    pub(crate) fn assert_invariants(&self) {
        self.ledger.assert_invariants();
        assert_eq!(self.details.len(), self.keys.len(), "every account has one key");
    }

    /// Adds everything up again; see [`Ledger::assert_books`].
    pub(crate) fn assert_books(&self) {
        self.assert_invariants();
        self.ledger.assert_books();
        self.details.assert_unchanged();
        assert_eq!(
            self.details.len(),
            self.ledger.accounts().count(),
            "every account has a holder"
        );
        for (number, details) in (0_u32..).zip(self.details.iter()) {
            assert_eq!(
                self.find(&details.key).map(|(id, _)| id),
                Some(AccountId(number)),
                "keys lead to their accounts"
            );
        }
    }

    /// Writes who holds the account of that number; `None` if there is none.
    pub(crate) fn write_holder(&self, number: u32, writer: &mut Writer<'_>) -> Option<()> {
        let details = self.details.get(number)?;
        writer.u8(details.kind.number()).u128(details.funding.0).run(details.key.as_bytes());
        writer.run(details.name.as_deref().unwrap_or_default().as_bytes());
        Some(())
    }

    /// Adds the sums of the next account, as they were saved.
    pub(crate) fn restore_account(&mut self, account: Account) -> Option<()> {
        self.ledger.restore_account(account).ok().map(|_| ())
    }

    /// Adds the holder of the next account, as it was saved. `false` if there is no such account, or
    /// it is another's.
    pub(crate) fn restore_holder(&mut self, reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
        let kind = reader.u8()?;
        let unknown = DecodeError::Invalid { field: "account kind", value: kind.into() };
        let kind = Kind::from_number(kind).ok_or(unknown)?;
        let funding = Amount(reader.u128()?);
        let key = text("account key", reader.run("account key", TEXT_BYTES_MAX)?)?;
        let name = text("account name", reader.run("account name", NAME_BYTES_MAX)?)?;
        let name = (!name.is_empty()).then(|| name.into());
        let details = Details { key: key.into(), name, kind, funding };
        let number = self.details.len();
        let account = u32::try_from(number).ok().and_then(|n| self.ledger.account(AccountId(n)));
        let is_funding = details.kind == Kind::House && *details.key == *FUNDING_KEY;
        if account.is_none_or(|account| account.limit() != kind.limit())
            || key.is_empty()
            || self.find(&details.key).is_some()
            || (number == 0) != is_funding
        {
            return Ok(false);
        }
        let index = identity::account(&details.key);
        let Some(number) = self.details.push(details) else { return Ok(false) };
        Ok(self.keys.insert(index, number))
    }

    /// Counts a payment as pending that was saved as such; `false` if its debit is not in the ledger.
    pub(crate) fn restore_pending(&mut self, id: TransferId, amount: Amount) -> bool {
        self.pending = self.pending.saturating_add(1);
        self.ledger.transfer(id).is_some_and(|transfer| transfer.amount == amount)
    }

    /// Whether a transfer debited the account of that key.
    pub(crate) fn has_debited(&self, key: &str, id: TransferId) -> bool {
        let account = self.find(key).map(|(account, _)| account);
        account.is_some() && self.ledger.transfer(id).map(|transfer| transfer.debit) == account
    }

    /// Adds a transfer as it was saved; `false` if the ledger cannot have it.
    pub(crate) fn restore_transfer(&mut self, transfer: Transfer) -> bool {
        self.ledger.restore_transfer(transfer)
    }

    /// Whether every account has a holder, and all sums are those of the transfers.
    pub(crate) fn is_whole(&self) -> bool {
        self.details.len() == self.ledger.account_count() && self.ledger.is_whole()
    }

    /// The account of that key, by number.
    fn find(&self, key: &str) -> Option<(AccountId, &Details)> {
        let number = self.keys.get(&identity::account(key))?;
        let details = self.details.get(number)?;
        // The index goes by half a hash; money goes by the whole key.
        (*details.key == *key).then_some((AccountId(number), details))
    }

    fn account_by_key(&self, key: &str) -> Option<(AccountId, &Account)> {
        let (id, _) = self.find(key)?;
        Some((id, self.ledger.account(id)?))
    }

    /// Opens an account whose key is free; `None` when there are no numbers left.
    fn add(&mut self, details: Details) -> Option<AccountId> {
        let key = identity::account(&details.key);
        let id = self.ledger.open(details.kind.limit()).ok()?;
        let number = self.details.push(details)?;
        assert_eq!(AccountId(number), id, "accounts and their details are numbered alike");
        let fresh = self.keys.insert(key, number);
        assert!(fresh, "the key was looked up before");
        Some(id)
    }
}

impl Details {
    /// In what `open` asks for another account than this.
    fn difference(&self, open: &OpenAccount<'_>) -> Option<Difference> {
        if self.kind != open.kind {
            return Some(Difference::Kind);
        }
        if self.name.as_deref() != open.name {
            return Some(Difference::Name);
        }
        (self.funding != open.funding).then_some(Difference::Funding)
    }

    fn view(&self, account: &Account) -> AccountView<'_> {
        AccountView {
            key: &self.key,
            name: self.name.as_deref(),
            kind: self.kind,
            funding: self.funding,
            state: account.state(),
            debits: account.debits(),
            credits: account.credits(),
            balance: account.balance(),
        }
    }
}

/// Kind, funding, key and name, the last two with their lengths.
impl Digested for Details {
    fn feed(&self, hasher: &mut Sha256) {
        hasher.update([self.kind.number()]);
        hasher.update(self.funding.0.to_le_bytes());
        for text in [&*self.key, self.name.as_deref().unwrap_or_default()] {
            hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(text);
        }
    }
}

/// Whether a key belongs to accounts that the book opens by itself.
fn is_reserved(key: &str) -> bool {
    key == FUNDING_KEY || clearing::is_clearing(key) || suspense::is_suspense(key)
}

fn text<'a>(field: &'static str, bytes: &'a [u8]) -> Result<&'a str, DecodeError> {
    let invalid = DecodeError::Invalid { field, value: 0 };
    core::str::from_utf8(bytes).map_err(|_| invalid)
}

/// What a payment is told when the ledger says no.
const fn reason(refusal: Unposted) -> Reason {
    match refusal {
        Unposted::SameAccount => Reason::SameAccount,
        Unposted::ZeroAmount => Reason::ZeroAmount,
        Unposted::DebitUnknown => Reason::DebtorUnknown,
        Unposted::CreditUnknown => Reason::CreditorUnknown,
        Unposted::DebitClosed => Reason::DebtorClosed,
        Unposted::CreditClosed => Reason::CreditorClosed,
        Unposted::DebitBlocked => Reason::DebtorBlocked,
        Unposted::CreditBlocked => Reason::CreditorBlocked,
        Unposted::DebitLimit => Reason::InsufficientFunds,
        Unposted::ExistsDifferent(_) | Unposted::Overflow | Unposted::CreditLimit => {
            Reason::SettlementFailed
        }
    }
}
