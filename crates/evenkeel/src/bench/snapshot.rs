//! What a start costs, and what a snapshot: the payments model with many payments, in memory.
//!
//! No disk and no network: how long the core thread is held up is a matter of the processor, and so is
//! how fast records are applied again. Reading the bytes comes on top, at the speed of the disk. On a machine that
//! others use too, look at the processor time: the wall clock measures them as well.

use std::thread;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use model::{Model, Outcome};
use payments_model::{
    Command, Kind, Message, OpenAccount, Payments, Transaction, Version, message_id,
};
use runtime::Clock;
use types::{Amount, ConfigId, Currency, Epoch, GroupId, Hash, ModelVersion, Seq, Stamp};
use wire::{Header, Record, RecordKind, limits};

use super::as_f64;
use crate::output::{self, thousands};

/// Groups in the comparison of taking them in one by one and side by side.
const GROUPS: usize = 4;

/// Commands in one record: what a home under load takes together.
const BATCH: u64 = 1_000;

/// Measures and prints.
pub(crate) fn run(payments: u64, accounts: u64) -> Result<()> {
    ensure!(accounts >= 2 && payments > 0, "want a payment and two accounts at least");
    let eur = Currency::from_code("EUR").context("the euro is a currency")?;
    let records = records(eur, payments, accounts)?;
    let clock = Clock::start();
    let commands = payments + accounts;
    output::line(&format!(
        "payments model, {} payments of one message each, {} accounts, in memory\n",
        thousands(payments),
        thousands(accounts)
    ));

    let (from, busy) = (clock.instant(), processor_us());
    let mut model = Payments::new([eur]);
    for bytes in records {
        let record = Record::decode(bytes).context("a record reads back")?;
        for command in record.commands() {
            let header = record.header();
            let mut outcome = Outcome::default();
            model.apply(header.model, header.stamp, command.body, &mut outcome);
        }
    }
    let took = clock.instant().since(from);
    row("replay: records of 1,000 decoded, checked, applied", took, Some(commands));
    row("  processor time of that", processor_us() - busy, Some(commands));

    let from = clock.instant();
    let digest = model.digest();
    row("pause: digest at a mark", clock.instant().since(from), None);
    let from = clock.instant();
    let mut saving = model.save();
    row("pause: what may change is set aside", clock.instant().since(from), None);

    let (mut parts, mut longest) = (Vec::new(), 0);
    let begun = clock.instant();
    loop {
        let from = clock.instant();
        let part = model.save_next(&mut saving, limits::SNAPSHOT_PART_BYTES);
        longest = longest.max(clock.instant().since(from));
        match part {
            Some(part) => parts.push(part),
            None => break,
        }
    }
    row("pause: the longest part", longest, None);
    row("all parts encoded", clock.instant().since(begun), Some(commands));
    let bytes: usize = parts.iter().map(Vec::len).sum();

    let (mut again, mut longest) = (Payments::new([eur]), 0);
    let (begun, busy) = (clock.instant(), processor_us());
    for part in &parts {
        let from = clock.instant();
        again.load(part).context("a saved part is taken in")?;
        longest = longest.max(clock.instant().since(from));
    }
    again.loaded().context("all parts were saved")?;
    row("all parts taken in", clock.instant().since(begun), Some(commands));
    row("  processor time of that", processor_us() - busy, Some(commands));
    row("pause: the longest part taken in", longest, None);
    ensure!(again.digest() == digest, "the state that was taken in has another digest");
    side_by_side(&clock, eur, &parts)?;
    output::line(&format!("\n{} bytes in {} parts", thousands(bytes as u64), parts.len()));
    Ok(())
}

/// The states of several groups, one after the other and as a start takes them in.
fn side_by_side(clock: &Clock, eur: Currency, parts: &[Vec<u8>]) -> Result<()> {
    let take_in = || {
        let mut model = Payments::new([eur]);
        parts.iter().try_for_each(|part| model.load(part)).and_then(|()| model.loaded())
    };
    let begun = clock.instant();
    for _ in 0..GROUPS {
        take_in().context("a saved state is taken in")?;
    }
    row("four such states taken in, one after the other", clock.instant().since(begun), None);
    let begun = clock.instant();
    let done = thread::scope(|scope| {
        let threads: Vec<_> = (0..GROUPS).map(|_| scope.spawn(take_in)).collect();
        threads.into_iter().all(|thread| matches!(thread.join(), Ok(Ok(()))))
    });
    row("four such states taken in, side by side", clock.instant().since(begun), None);
    ensure!(done, "a saved state was not taken in");
    Ok(())
}

/// For how long this thread has had a core, in microseconds; 0 where the system does not tell.
fn processor_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok());
    nanos.unwrap_or_default() / 1_000
}

fn row(what: &str, micros: u64, commands: Option<u64>) {
    let millis = as_f64(micros) / 1e3;
    let rate = commands.map(|count| as_f64(count) / (as_f64(micros.max(1)) / 1e6));
    let rate = rate.map_or_else(String::new, |rate| format!("{rate:>12.0} commands per second"));
    output::line(&format!("{what:<52}{millis:>10.3} ms {rate}"));
}

/// The records of a chain that opens the accounts and moves money between them.
fn records(eur: Currency, payments: u64, accounts: u64) -> Result<Vec<Bytes>> {
    let mut records = Vec::new();
    let mut batch = Vec::new();
    let mut previous = Hash::ZERO;
    for number in 0..accounts + payments {
        let name = |of: u64| format!("DE{of:020}");
        let (payer, payee) = (name(number % accounts), name((number + 1) % accounts));
        let id = format!("M{number}");
        let command = if number < accounts {
            Command::OpenAccount(OpenAccount {
                currency: eur,
                key: &payer,
                name: None,
                kind: Kind::Customer,
                funding: Amount(1_000_000),
            })
        } else {
            let transaction = Transaction {
                uetr: Some(message_id("BENCDEFF", &id).0),
                amount: Amount(1),
                instruction_id: None,
                end_to_end_id: &id,
                transaction_id: Some(&id),
                debtor: &payer,
                creditor: &payee,
                debtor_agent: None,
                creditor_agent: None,
            };
            let message = Message {
                currency: eur,
                version: Version::V08,
                settlement_date: None,
                sender: "BENCDEFF",
                message_id: &id,
                transactions: vec![transaction],
            };
            Command::Pay { message, raw: b"" }
        };
        let encoded = command.encode().context("small commands are within the limits")?;
        batch.push(wire::Command {
            id: message_id("BENCDEFF", &id),
            digest: encoded.digest,
            not_after: Stamp(u64::MAX),
            origin: None,
            body: encoded.body.into(),
        });
        if batch.len() as u64 == BATCH || number + 1 == accounts + payments {
            let seq = Seq(records.len() as u64 + 1);
            let header = Header {
                kind: RecordKind::Commands,
                group: GroupId(0),
                config: ConfigId(1),
                epoch: Epoch(1),
                seq,
                count: 0,
                stamp: Stamp(seq.0),
                model: ModelVersion::FIRST,
                previous,
                body: Hash::ZERO,
            };
            let record = Record::build(header, &batch);
            previous = record.hash();
            records.push(record.bytes().clone());
            batch.clear();
        }
    }
    Ok(records)
}
