//! The whole state as bytes, in parts, and back.
//!
//! What later commands may change (the accounts' sums and states, payments that are pending) is encoded
//! when the save begins; what only grows (holders, transfers, messages, ends, credits) is read later, up to
//! the length it had then.
//! Indexes and counts are not saved: they follow from the rest and are built again, which is also a
//! check. A new kind of state gets a tag of its own and one pair of functions here.
//!
//! Part, little-endian: tag u8, then by tag
//! 1. head, always the first: version u8, count of books u32, per book currency u16, accounts u32,
//!    transfers u32; messages u32; pending payments, ended ones, credits and their claims, u32 each; since
//!    version 3 steps in which cases were settled u32; since version 4 lost legs that were accounted for u32;
//! 2. accounts: currency u16, first number u32, count u32, per account 34 bytes;
//! 3. holders: currency, first, count, per holder kind u8, funding u128, key, name;
//! 4. transfers: currency, first, count, per transfer 40 bytes;
//! 5. messages: first u32, count u32, per message a length u32 and its record;
//! 6. pending payments: first, count, per payment its transfer 16 and what `transit` says of it;
//! 7. ended payments, 8. credits, 9. claims: first, count, and each as in `transit`;
//! 10. steps in which cases were settled: first, count, and each as in `cases`;
//! 11. lost legs that were accounted for: first, count, and each as in `accounted`.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ledger::{Account, Transfer, TransferId};
use model::{LoadError, Saving};
use types::Currency;
use wire::{DecodeError, Reader, Writer};

use crate::accounted::Accounted;
use crate::book::Book;
use crate::cases::Settlement;
use crate::identity::{self, Identities};
use crate::limits::COMMAND_BYTES_MAX;
use crate::transit::{Claim, Ended, Received, Transit};
use crate::{Payments, Pending, Verdict, archive};

/// Version of this encoding; numbers never reused.
const VERSION: u8 = 4;

/// The version before: nothing was accounted for in it.
const VERSION_SETTLED: u8 = 3;

/// The oldest version that is read. Nothing was settled in it either.
const VERSION_MIN: u8 = 2;

const HEAD: u8 = 1;
const ACCOUNTS: u8 = 2;
const HOLDERS: u8 = 3;
const TRANSFERS: u8 = 4;
const MESSAGES: u8 = 5;
const PENDING: u8 = 6;
const ENDED: u8 = 7;
const RECEIVED: u8 = 8;
const CLAIMS: u8 = 9;
const STEPS: u8 = 10;
const ACCOUNTED: u8 = 11;

/// Accounts in one part: 140 KB, so that a part stays a short piece of work.
const ACCOUNTS_MAX: usize = 4_096;

/// Pending payments in one part, each of 60 bytes.
const PENDING_PART_MAX: usize = 4_096;

/// Items in one part, where they are counted. Each takes a byte at least.
const ITEMS_MAX: usize = 1 << 20;

/// What a load under way was promised by the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    books: BTreeMap<Currency, (u32, u32)>,
    messages: u32,
    pending: u32,
    ended: u32,
    received: u32,
    claims: u32,
    steps: u32,
    accounted: u32,
}

pub(crate) fn begin(payments: &Payments) -> Saving {
    let mut saving = Saving::default();
    let mut head = Vec::new();
    let mut writer = Writer::new(&mut head);
    writer.u8(HEAD).u8(VERSION).count(payments.books.len());
    for (currency, book) in &payments.books {
        let (accounts, transfers) = (book.account_count(), book.ledger().transfer_count());
        writer.u16(currency.number()).count(accounts).count(transfers);
        saving.ends.extend([accounts, transfers].map(wide));
    }
    let Transit { pending, ended, received, claims, accounted, .. } = &payments.transit;
    writer.count(payments.archive.len()).count(pending.len());
    let steps = payments.cases.steps.len();
    writer.count(ended.len()).count(received.len()).count(claims.len()).count(steps);
    writer.count(accounted.len());
    let messages = payments.archive.len();
    let lists = [messages, ended.len(), received.len(), claims.len(), steps, accounted.len()];
    saving.ends.extend(lists.map(wide));
    saving.aside.push_back(head);
    for (currency, book) in &payments.books {
        let mut first = 0_usize;
        let mut accounts = book.ledger().accounts().peekable();
        while accounts.peek().is_some() {
            let count = book.account_count().saturating_sub(first).min(ACCOUNTS_MAX);
            let mut part = Vec::with_capacity(count.saturating_mul(Account::BYTES));
            let mut writer = Writer::new(&mut part);
            writer.u8(ACCOUNTS).u16(currency.number()).count(first).count(count);
            for account in accounts.by_ref().take(count) {
                writer.raw(&account.to_bytes());
            }
            saving.aside.push_back(part);
            first = first.saturating_add(count);
        }
    }
    let mut first = 0_usize;
    let mut all = pending.iter().peekable();
    while all.peek().is_some() {
        let count = pending.len().saturating_sub(first).min(PENDING_PART_MAX);
        let mut part = Vec::new();
        let mut writer = Writer::new(&mut part);
        writer.u8(PENDING).count(first).count(count);
        for (transfer, one) in all.by_ref().take(count) {
            writer.raw(transfer);
            one.encode(&mut writer);
        }
        saving.aside.push_back(part);
        first = first.saturating_add(count);
    }
    saving
}

pub(crate) fn next(payments: &Payments, saving: &mut Saving, bytes_max: usize) -> Option<Vec<u8>> {
    if let Some(part) = saving.aside.pop_front() {
        return Some(part);
    }
    loop {
        let end = *saving.ends.get(saving.part)?;
        if saving.next < end {
            break;
        }
        saving.part = saving.part.saturating_add(1);
        saving.next = 0;
    }
    let end = *saving.ends.get(saving.part)?;
    let first = saving.next;
    let books = payments.books.len().saturating_mul(2);
    let (index, is_transfers) = (saving.part.wrapping_div(2), saving.part.wrapping_rem(2) == 1);
    let mut items = Vec::new();
    let mut count = 0_usize;
    while saving.next < end && items.len() < bytes_max && count < ITEMS_MAX {
        let number = u32::try_from(saving.next).ok()?;
        let writer = &mut Writer::new(&mut items);
        let Transit { ended, received, claims, .. } = &payments.transit;
        if let Some(list) = saving.part.checked_sub(books) {
            match list {
                0 => {
                    writer.run(payments.archive.record_at(number)?);
                }
                1 => ended.get(number)?.encode(writer),
                2 => received.get(number)?.encode(writer),
                3 => {
                    writer.raw(&claims.get(number)?.0);
                }
                4 => payments.cases.steps.get(number)?.encode(writer),
                _ => payments.transit.accounted.get(number)?.encode(writer),
            }
        } else {
            let book = payments.books.values().nth(index)?;
            if is_transfers {
                writer.raw(&book.ledger().transfer_at(number)?.to_bytes());
            } else {
                book.write_holder(number, writer)?;
            }
        }
        saving.next = saving.next.saturating_add(1);
        count = count.saturating_add(1);
    }
    let mut part = Vec::with_capacity(items.len().saturating_add(16));
    let mut writer = Writer::new(&mut part);
    if let Some(list) = saving.part.checked_sub(books) {
        writer.u8(*[MESSAGES, ENDED, RECEIVED, CLAIMS, STEPS, ACCOUNTED].get(list)?);
    } else {
        let tag = if is_transfers { TRANSFERS } else { HOLDERS };
        writer.u8(tag).u16(payments.books.keys().nth(index)?.number());
    }
    writer.u32(u32::try_from(first).ok()?).count(count).raw(&items);
    Some(part)
}

pub(crate) fn load(payments: &mut Payments, part: &[u8]) -> Result<(), LoadError> {
    let mut reader = Reader::new(part);
    let tag = reader.u8().map_err(refused)?;
    if (tag == HEAD) != payments.loading.is_none() {
        return Err(LoadError::Invalid { field: "first part", value: tag.into() });
    }
    match tag {
        HEAD => head(payments, &mut reader)?,
        ACCOUNTS => accounts(payments, &mut reader)?,
        HOLDERS => holders(payments, &mut reader)?,
        TRANSFERS => transfers(payments, &mut reader)?,
        MESSAGES => messages(payments, &mut reader)?,
        PENDING => pending(payments, &mut reader)?,
        ENDED => ended(payments, &mut reader)?,
        RECEIVED => received(payments, &mut reader)?,
        CLAIMS => claims(payments, &mut reader)?,
        STEPS => steps(payments, &mut reader)?,
        ACCOUNTED => accounted(payments, &mut reader)?,
        _ => return Err(LoadError::Invalid { field: "part", value: tag.into() }),
    }
    reader.end().map_err(refused)
}

pub(crate) fn loaded(payments: &mut Payments) -> Result<(), LoadError> {
    let Some(expected) = payments.loading.take() else { return Err(LoadError::Truncated) };
    for (currency, book) in &payments.books {
        let found = (book.account_count(), book.ledger().transfer_count());
        let found = (u32::try_from(found.0).ok(), u32::try_from(found.1).ok());
        let wanted = expected.books.get(currency).map(|(one, two)| (Some(*one), Some(*two)));
        if wanted != Some(found) {
            return Err(LoadError::Truncated);
        }
        if !book.is_whole() {
            let value = currency.number().into();
            return Err(LoadError::Invalid { field: "sum of a book", value });
        }
    }
    let Transit { pending, ended, received, claims, accounted, .. } = &payments.transit;
    let (messages, steps) = (payments.archive.len(), payments.cases.steps.len());
    let between = [pending.len(), ended.len(), received.len(), claims.len(), accounted.len()];
    let Expected { messages: wanted_messages, steps: wanted_steps, .. } = expected;
    let Expected { pending, ended, received, claims, accounted, .. } = expected;
    let wanted = [pending, ended, received, claims, accounted].map(Some);
    let is_all = between.map(|length| u32::try_from(length).ok()) == wanted
        && u32::try_from(messages) == Ok(wanted_messages)
        && u32::try_from(steps) == Ok(wanted_steps);
    if !is_all {
        return Err(LoadError::Truncated);
    }
    payments.restore_items();
    if !payments.cases.count_again() {
        return Err(LoadError::Invalid { field: "settled case", value: wide(steps) });
    }
    all_pending(payments)
}

/// Holds what is pending against the messages that it is of and the debits that stand for it.
fn all_pending(payments: &mut Payments) -> Result<(), LoadError> {
    for (number, (transfer, one)) in (0_u64..).zip(&payments.transit.pending) {
        let invalid = LoadError::Invalid { field: "pending payment", value: number };
        let index = usize::from(one.index);
        let recorded = payments.archive.read(one.record, &payments.transit).ok_or(invalid)?;
        let transaction = recorded.message.transactions.get(index).ok_or(invalid)?;
        let is_it = Identities::new(&recorded.message, transaction).strongest() == *transfer
            && recorded.verdicts.get(index) == Some(&Verdict::Pending)
            && (transaction.amount, recorded.message.currency) == (one.amount, one.currency);
        let book = payments.books.get_mut(&one.currency).filter(|_| is_it).ok_or(invalid)?;
        if !book.restore_pending(TransferId(*transfer), one.amount) {
            return Err(invalid);
        }
    }
    let counted =
        payments.counts().values().fold(0_u64, |sum, counts| sum.saturating_add(counts.pending));
    if counted != wide(payments.transit.pending.len()) {
        return Err(LoadError::Invalid { field: "pending payments", value: counted });
    }
    Ok(())
}

fn head(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let version = reader.u8().map_err(refused)?;
    if !(VERSION_MIN..=VERSION).contains(&version) {
        return Err(LoadError::Version(version));
    }
    let count = reader.count("books", payments.books.len()).map_err(refused)?;
    let mut books = BTreeMap::new();
    for _ in 0..count {
        let currency = currency(payments, reader)?;
        let counts = (reader.u32().map_err(refused)?, reader.u32().map_err(refused)?);
        books.insert(currency, counts);
    }
    // A group's currencies are part of what it is.
    if books.len() != payments.books.len() || payments.archive.len() != 0 {
        return Err(LoadError::Invalid { field: "books", value: wide(count) });
    }
    let mut list = || reader.u32().map_err(refused);
    let (messages, pending, ended) = (list()?, list()?, list()?);
    let (received, claims) = (list()?, list()?);
    let steps = if version >= VERSION_SETTLED { list()? } else { 0 };
    let accounted = if version >= VERSION { list()? } else { 0 };
    for (currency, book) in &mut payments.books {
        *book = Book::blank(*currency);
    }
    payments.loading =
        Some(Expected { books, messages, pending, ended, received, claims, steps, accounted });
    Ok(())
}

fn accounts(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (book, first, count) = run(payments, reader)?;
    at("account", first, book.ledger().account_count())?;
    for _ in 0..count {
        let account = Account::from_bytes(&reader.array().map_err(refused)?);
        let account =
            account.ok_or(LoadError::Invalid { field: "account", value: first.into() })?;
        book.restore_account(account)
            .ok_or(LoadError::Invalid { field: "account", value: u64::from(u32::MAX) })?;
    }
    Ok(())
}

fn holders(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (book, first, count) = run(payments, reader)?;
    at("holder", first, book.account_count())?;
    for _ in 0..count {
        if !book.restore_holder(reader).map_err(refused)? {
            return Err(LoadError::Invalid { field: "holder", value: wide(book.account_count()) });
        }
    }
    Ok(())
}

fn transfers(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (book, first, count) = run(payments, reader)?;
    at("transfer", first, book.ledger().transfer_count())?;
    for _ in 0..count {
        let transfer = Transfer::from_bytes(&reader.array().map_err(refused)?);
        if !transfer.is_some_and(|transfer| book.restore_transfer(transfer)) {
            let value = wide(book.ledger().transfer_count());
            return Err(LoadError::Invalid { field: "transfer", value });
        }
    }
    Ok(())
}

fn messages(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let first = reader.u32().map_err(refused)?;
    at("message", first, payments.archive.len())?;
    let count = reader.count("messages", ITEMS_MAX).map_err(refused)?;
    for _ in 0..count {
        let number = wide(payments.archive.len());
        let record = reader.run("message", RECORD_BYTES_MAX).map_err(refused)?;
        let recorded = archive::read(record).map_err(refused)?;
        if !payments.archive.restore(record, &recorded) || !payments.count(&recorded) {
            return Err(LoadError::Invalid { field: "message", value: number });
        }
    }
    Ok(())
}

fn pending(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (first, count) = list(reader, payments.transit.pending.len(), "pending payment")?;
    for _ in 0..count {
        let transfer = reader.array().map_err(refused)?;
        let one = Pending::decode(reader).map_err(refused)?;
        // In their order, so that a state has one encoding.
        let last = payments.transit.pending.last_key_value();
        if last.is_some_and(|(last, _)| *last >= transfer) {
            return Err(LoadError::Invalid { field: "pending payment", value: first.into() });
        }
        payments.transit.pending.insert(transfer, one);
    }
    Ok(())
}

fn ended(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (first, count) = list(reader, payments.transit.ended.len(), "ended payment")?;
    for _ in 0..count {
        let one = Ended::decode(reader).map_err(refused)?;
        let book = payments.books.get(&one.currency);
        let transfer = book.and_then(|book| book.ledger().transfer(TransferId(one.transfer)));
        let is_posted = transfer.is_some_and(|transfer| transfer.amount == one.amount);
        if !is_posted || !payments.transit.restore_ended(one) || !payments.count_ended(&one) {
            return Err(LoadError::Invalid { field: "ended payment", value: first.into() });
        }
    }
    Ok(())
}

fn received(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (first, count) = list(reader, payments.transit.received.len(), "credit")?;
    for _ in 0..count {
        let one = Received::decode(reader).map_err(refused)?;
        let book = payments.books.get(&one.currency);
        let transfer = book.and_then(|book| book.ledger().transfer(TransferId(one.transfer)));
        let is_posted = transfer.is_some_and(|transfer| transfer.amount == one.amount);
        let is_counted = is_posted && payments.count_received(&one);
        if !is_counted || payments.transit.received.push(one).is_none() {
            return Err(LoadError::Invalid { field: "credit", value: first.into() });
        }
    }
    Ok(())
}

fn claims(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (first, count) = list(reader, payments.transit.claims.len(), "claim")?;
    for _ in 0..count {
        if !payments.transit.restore_claim(Claim(reader.array().map_err(refused)?)) {
            return Err(LoadError::Invalid { field: "claim", value: first.into() });
        }
    }
    Ok(())
}

fn accounted(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (first, count) = list(reader, payments.transit.accounted.len(), "lost leg")?;
    for _ in 0..count {
        let one = Accounted::decode(reader).map_err(refused)?;
        let invalid = LoadError::Invalid { field: "lost leg", value: first.into() };
        let book = payments.books.get(&one.leg.currency).ok_or(invalid)?;
        let id = TransferId(identity::accounted(one.transfer, one.peer, one.end));
        if book.suspended_by(id) != Some((one.case, one.leg.amount))
            || !payments.transit.restore_accounted(one, id.0)
        {
            return Err(invalid);
        }
    }
    Ok(())
}

fn steps(payments: &mut Payments, reader: &mut Reader<'_>) -> Result<(), LoadError> {
    let (first, count) = list(reader, payments.cases.steps.len(), "settled case")?;
    for number in (first..).take(count) {
        let one = Settlement::decode(reader).map_err(refused)?;
        let book = payments.books.get(&one.currency);
        let id = TransferId(identity::settlement(one.item, number));
        let transfer = book.and_then(|book| book.ledger().transfer(id));
        let is_posted = transfer.is_some_and(|transfer| transfer.amount == one.amount);
        if !is_posted || payments.cases.steps.push(one).is_none() {
            return Err(LoadError::Invalid { field: "settled case", value: first.into() });
        }
    }
    Ok(())
}

/// What opens a part of a list: the first number, the count.
fn list(
    reader: &mut Reader<'_>,
    have: usize,
    field: &'static str,
) -> Result<(u32, usize), LoadError> {
    let first = reader.u32().map_err(refused)?;
    at(field, first, have)?;
    Ok((first, reader.count("items", ITEMS_MAX).map_err(refused)?))
}

/// What opens a part of a book's items: the book, the first number, the count.
fn run<'a>(
    payments: &'a mut Payments,
    reader: &mut Reader<'_>,
) -> Result<(&'a mut Book, u32, usize), LoadError> {
    let currency = currency(payments, reader)?;
    let first = reader.u32().map_err(refused)?;
    let count = reader.count("items", ITEMS_MAX).map_err(refused)?;
    let book = payments.books.get_mut(&currency).ok_or(LoadError::Truncated)?;
    Ok((book, first, count))
}

fn currency(payments: &Payments, reader: &mut Reader<'_>) -> Result<Currency, LoadError> {
    let number = reader.u16().map_err(refused)?;
    Currency::from_number(number)
        .filter(|currency| payments.books.contains_key(currency))
        .ok_or(LoadError::Invalid { field: "currency", value: number.into() })
}

/// Parts come in order: the next item is the one after those that are there.
fn at(field: &'static str, first: u32, have: usize) -> Result<(), LoadError> {
    if u32::try_from(have) == Ok(first) {
        Ok(())
    } else {
        Err(LoadError::Invalid { field, value: first.into() })
    }
}

fn refused(error: DecodeError) -> LoadError {
    match error {
        DecodeError::Truncated => LoadError::Truncated,
        DecodeError::Trailing(count) => LoadError::Trailing(count),
        DecodeError::Invalid { field, value } => LoadError::Invalid { field, value },
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A record is a command's content and what is put before it: stamp, hash, verdicts.
const RECORD_BYTES_MAX: usize = COMMAND_BYTES_MAX + (8 << 10);

const _: () = assert!(8 + 32 + 2 + crate::limits::TRANSACTIONS_MAX < 8 << 10);
