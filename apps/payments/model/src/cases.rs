//! Money in suspense, item by item, and what became of each.
//!
//! An item is one payment whose amount was posted to the account of a case instead of being carried out. It is
//! *open* until all of it has left the case again: to its beneficiary, to its payer, or back to the house,
//! which advanced it. Each step names who ordered it and why and is kept for ever. The items themselves are
//! not saved: they follow from the archive and the ledger, and are found again when a state is loaded.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ledger::{Digested, Index, Roll};
use sha2::{Digest, Sha256};
use types::{Amount, Currency, Hash, Stamp};
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

/// A payment that stands, or stood, in suspense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name: that of the payment's transfer.
    pub id: [u8; 16],
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

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cases {
    items: Vec<Item>,
    /// From an item's name to its number in `items`.
    index: Index,
    by_case: BTreeMap<(Currency, u64), Vec<u32>>,
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
        id: [u8; 16],
        (currency, case): (Currency, u64),
        amount: Amount,
        opened: Stamp,
    ) -> Self {
        let (collected, settled) = (Amount::ZERO, Amount::ZERO);
        Self { id, case, currency, amount, opened, collected, settled, steps: Vec::new() }
    }

    /// What stands in the case for it now.
    #[must_use]
    pub fn left(&self) -> Amount {
        let all = self.amount.checked_add(self.collected);
        let left = all.and_then(|all| all.checked_sub(self.settled));
        left.expect("no more leaves a case than came into it")
    }

    /// How much may go that way now.
    #[must_use]
    pub fn most(&self, way: Way) -> Amount {
        match way {
            Way::Pay | Way::Return | Way::WriteBack => self.left(),
            Way::Collect => self.amount.checked_sub(self.collected).unwrap_or_default(),
        }
    }
}

impl Cases {
    /// Opens an item.
    ///
    /// # Panics
    /// If its name is not new: a payment is withdrawn once.
    pub(crate) fn open(&mut self, item: Item) {
        let number = u32::try_from(self.items.len()).expect("the ledger is full before this list");
        assert!(self.index.insert(item.id, number), "a payment is withdrawn once");
        self.by_case.entry((item.currency, item.case)).or_default().push(number);
        self.items.push(item);
    }

    /// Whether nothing was ever posted to suspense.
    pub(crate) const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item of that name.
    pub(crate) fn item(&self, id: [u8; 16]) -> Option<&Item> {
        self.items.get(usize::try_from(self.index.get(&id)?).ok()?)
    }

    /// The cases with their items, each in the order in which they were opened.
    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = ((Currency, u64), impl Iterator<Item = &Item>)> {
        self.by_case.iter().map(|(case, numbers)| (*case, self.numbered(numbers)))
    }

    /// The items of one case.
    pub(crate) fn items(&self, case: (Currency, u64)) -> impl Iterator<Item = &Item> {
        self.numbered(self.by_case.get(&case).map_or(&[][..], Vec::as_slice))
    }

    fn numbered<'a>(&'a self, numbers: &'a [u32]) -> impl Iterator<Item = &'a Item> {
        numbers.iter().filter_map(|number| self.items.get(usize::try_from(*number).ok()?))
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
        let index = self.index.get(&step.item).and_then(|index| usize::try_from(index).ok());
        let Some(item) = index.and_then(|index| self.items.get_mut(index)) else { return false };
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
        for item in &self.items {
            assert_eq!(self.item(item.id), Some(item), "items are found");
            let case = (item.currency, item.case);
            again.open(Item::new(item.id, case, item.amount, item.opened));
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
