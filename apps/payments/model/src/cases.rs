//! Money in suspense, item by item, and what became of each.
//!
//! An item is one payment whose amount was posted to the account of a case instead of being carried out, or of which
//! one leg was lost between two ledgers. It is *open* until all of it has left the case again: to its beneficiary, to its payer, or back to the house,
//! which advanced it. Each step names who ordered it and why and is kept for ever. The items themselves are
//! not saved: they follow from the archive and the ledger, and are found again when a state is loaded.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use ledger::{Digested, Roll};
use sha2::{Digest, Sha256};
use types::{Amount, Currency, GroupId, Hash, Stamp};
use wire::{DecodeError, Reader, Writer};

use crate::limits::{NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::message::currency;
use crate::text;

/// Which way money leaves a case, or comes into it. Numbers never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Way {
    /// To the account that the payment names as its beneficiary's.
    Pay = 1,
    /// To the account that the payment names as its payer's.
    Return = 2,
    /// Back to the house's funding account, from which the case was opened.
    WriteBack = 3,
    /// From the payer's account into the case: what the payment was to take, and no more.
    Collect = 4,
}

/// Why something stands in a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A payment that was withdrawn: the house has advanced it.
    Withdrawn,
    /// A payment that another ledger credited, and whose debit was lost here: the case owes it.
    Owed(GroupId),
    /// A payment that another ledger debited, and whose credit was lost here: the case holds it.
    Held(GroupId),
}

/// A payment that stands, or stood, in suspense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name: that of the payment's transfer, or of the transfer that accounted for it.
    pub id: [u8; 16],
    /// Why it stands there.
    pub source: Source,
    /// The case.
    pub case: u64,
    /// The currency of its book.
    pub currency: Currency,
    /// What was posted to the case.
    pub amount: Amount,
    /// When.
    pub opened: Stamp,
    /// What was collected from the payer since.
    pub collected: Amount,
    /// What has left the case since.
    pub settled: Amount,
    /// Its steps, by number.
    steps: Vec<u32>,
}

/// One step in which a case was settled, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The item.
    pub item: [u8; 16],
    /// Which way.
    pub way: Way,
    /// How much.
    pub amount: Amount,
    /// When.
    pub stamp: Stamp,
    /// The currency of the book.
    pub currency: Currency,
    /// The account at the other side.
    pub account: Box<str>,
    /// Who ordered it.
    pub by: Box<str>,
    /// Why.
    pub reason: Box<str>,
}

/// Items by when they were opened, and by name.
type Opened = BTreeSet<(Stamp, [u8; 16])>;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cases {
    items: BTreeMap<[u8; 16], Item>,
    /// The items of each case by when they were opened.
    by_case: BTreeMap<(Currency, u64), Opened>,
    pub(crate) steps: Roll<Settlement>,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Pay, Self::Return, Self::WriteBack, Self::Collect];

    pub(crate) fn from_number(number: u8) -> Result<Self, DecodeError> {
        let known = Self::ALL.into_iter().find(|way| *way as u8 == number);
        known.ok_or(DecodeError::Invalid { field: "way", value: number.into() })
    }
}

impl Item {
    /// An item of which nothing is settled.
    pub(crate) const fn new(
        (id, source): ([u8; 16], Source),
        (currency, case): (Currency, u64),
        amount: Amount,
        opened: Stamp,
    ) -> Self {
        let (collected, settled) = (Amount::ZERO, Amount::ZERO);
        Self { id, source, case, currency, amount, opened, collected, settled, steps: Vec::new() }
    }

    /// Whether the case owes it, instead of holding it.
    #[must_use]
    pub const fn is_owed(&self) -> bool {
        matches!(self.source, Source::Owed(_))
    }

    /// What stands in the case for it now, or what the case owes for it.
    #[must_use]
    pub fn left(&self) -> Amount {
        let left = if self.is_owed() {
            let left = self.amount.checked_sub(self.collected);
            left.and_then(|left| left.checked_sub(self.settled))
        } else {
            let all = self.amount.checked_add(self.collected);
            all.and_then(|all| all.checked_sub(self.settled))
        };
        left.expect("no more leaves a case than came into it")
    }

    /// How much may go that way now.
    #[must_use]
    pub fn most(&self, way: Way) -> Amount {
        match (self.source, way) {
            (Source::Withdrawn, Way::Pay | Way::Return | Way::WriteBack)
            | (Source::Held(_), Way::Pay | Way::WriteBack)
            | (Source::Owed(_), Way::WriteBack | Way::Collect) => self.left(),
            (Source::Withdrawn, Way::Collect) => {
                self.amount.checked_sub(self.collected).unwrap_or_default()
            }
            // The payer, or the payee, is with the other ledger.
            (Source::Held(_), Way::Return | Way::Collect)
            | (Source::Owed(_), Way::Pay | Way::Return) => Amount::ZERO,
        }
    }

    /// Whether a step that way moves money into the case.
    pub(crate) const fn is_inward(&self, way: Way) -> bool {
        self.is_owed() || matches!(way, Way::Collect)
    }
}

impl Cases {
    /// Opens an item.
    ///
    /// # Panics
    /// If its name is not new: a payment is withdrawn, or accounted for, once.
    pub(crate) fn open(&mut self, item: Item) {
        let case = self.by_case.entry((item.currency, item.case)).or_default();
        case.insert((item.opened, item.id));
        let earlier = self.items.insert(item.id, item);
        assert!(earlier.is_none(), "a payment is posted to suspense once");
    }

    /// Whether nothing was ever posted to suspense.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item of that name.
    pub(crate) fn item(&self, id: [u8; 16]) -> Option<&Item> {
        self.items.get(&id)
    }

    /// The cases with their items, each in the order in which they were opened.
    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = ((Currency, u64), impl Iterator<Item = &Item>)> {
        let named = |(_, id): &(Stamp, [u8; 16])| self.items.get(id);
        self.by_case.iter().map(move |(case, ids)| (*case, ids.iter().filter_map(named)))
    }

    /// The items of one case.
    pub(crate) fn items(&self, case: (Currency, u64)) -> impl Iterator<Item = &Item> {
        let ids = self.by_case.get(&case).into_iter().flatten();
        ids.filter_map(|(_, id)| self.items.get(id))
    }

    /// The steps of an item in order.
    pub(crate) fn steps_of<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Settlement> {
        item.steps.iter().filter_map(|number| self.steps.get(*number))
    }

    /// The number of the step that is kept next; `None` if there is none.
    pub(crate) fn next_step(&self) -> Option<u32> {
        u32::try_from(self.steps.len()).ok()
    }

    /// Keeps a step whose posting was made. `false` if it cannot have been: there is no such item, or it
    /// would move more than stood there.
    pub(crate) fn keep(&mut self, step: Settlement) -> bool {
        self.count(&step) && self.steps.push(step).is_some()
    }

    /// Counts the steps that a load has brought, now that the items are there. `false` if one cannot have
    /// been.
    pub(crate) fn count_again(&mut self) -> bool {
        let steps = core::mem::take(&mut self.steps);
        steps.iter().all(|step| self.keep(step.clone()))
    }

    /// Counts the step that is kept next in its item.
    fn count(&mut self, step: &Settlement) -> bool {
        let Some(number) = self.next_step() else { return false };
        let Some(item) = self.items.get_mut(&step.item) else { return false };
        let fits = item.currency == step.currency
            && step.amount > Amount::ZERO
            && step.amount <= item.most(step.way);
        if fits {
            let sum = match step.way {
                Way::Pay | Way::Return | Way::WriteBack => &mut item.settled,
                Way::Collect => &mut item.collected,
            };
            *sum = sum.checked_add(step.amount).expect("it is within twice the item's amount");
            item.steps.push(number);
        }
        fits
    }

    /// SHA-256 over the steps; `None` while there are none, so that a state without any has the digest that
    /// it always had. What the items are follows from the rest.
    pub(crate) fn digest(&self) -> Option<Hash> {
        if self.steps.is_empty() {
            return None;
        }
        let hasher = Sha256::new_with_prefix(b"cases/1").chain_update(self.steps.digest().0);
        Some(Hash(hasher.finalize().into()))
    }

    /// Asserts that no list has changed and that every item is the sum of its steps.
    pub(crate) fn assert_complete(&self) {
        self.steps.assert_unchanged();
        let mut again = Self::default();
        for (id, item) in &self.items {
            assert_eq!(item.id, *id, "items are found");
            let case = (item.currency, item.case);
            again.open(Item::new((item.id, item.source), case, item.amount, item.opened));
        }
        assert!(self.steps.iter().all(|step| again.keep(step.clone())), "steps fit their items");
        assert_eq!(&again, self, "an item is the sum of its steps");
    }
}

impl Settlement {
    /// item 16, way u8, amount u128, stamp u64, currency u16, account, by and reason, each a run.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.raw(&self.item).u8(self.way as u8).u128(self.amount.0).u64(self.stamp.0);
        writer.u16(self.currency.number()).run(self.account.as_bytes());
        writer.run(self.by.as_bytes()).run(self.reason.as_bytes());
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (item, way) = (reader.array()?, Way::from_number(reader.u8()?)?);
        let (amount, stamp) = (Amount(reader.u128()?), Stamp(reader.u64()?));
        let currency = currency(reader)?;
        let mut text = |field, size_max| -> Result<Box<str>, DecodeError> {
            Ok(text::utf8(field, reader.run(field, size_max)?)?.into())
        };
        let account = text("account key", TEXT_BYTES_MAX)?;
        let (by, reason) = (text("who", TEXT_BYTES_MAX)?, text("reason", NAME_BYTES_MAX)?);
        Ok(Self { item, way, amount, stamp, currency, account, by, reason })
    }
}

/// As they are saved.
impl Digested for Settlement {
    fn feed(&self, hasher: &mut Sha256) {
        let mut bytes = Vec::new();
        self.encode(&mut Writer::new(&mut bytes));
        hasher.update(bytes);
    }
}
