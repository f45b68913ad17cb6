//! Measures how fast one core applies payments, and what a payment costs in memory.
//!
//! `cargo run --release -p payments-model --example throughput -- [MESSAGES] [TRANSACTIONS] [RAW]`:
//! that many messages (default 1,000,000) of so many transactions (1) with a document of so many
//! bytes (1,400) between 100,000 accounts. Commands are made in batches outside the measured time,
//! so that only `apply` is in it.

#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::unwrap_used, reason = "a measurement that fails may stop")]

use std::time::{Duration, Instant};

use model::{Model, Outcome};
use payments_model::{
    Command, Kind, Message, OpenAccount, Payments, Reply, Transaction, Verdict, Version,
};
use types::{Amount, Currency, ModelVersion, Stamp};

const ACCOUNTS: u64 = 100_000;
/// Few enough that they are still in the processor's cache, as they are when the journal has just
/// hashed them.
const BATCH: u64 = 500;
/// As large as the parts of a snapshot's file.
const PART_BYTES: usize = 256 << 10;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().unwrap());
    let messages = arguments.next().unwrap_or(1_000_000);
    let transactions = arguments.next().unwrap_or(1);
    let raw = vec![b'x'; usize::try_from(arguments.next().unwrap_or(1_400)).unwrap()];

    let eur = Currency::from_code("EUR").unwrap();
    let mut payments = Payments::new([eur]);
    let mut outcome = Outcome::default();
    for account in 0..ACCOUNTS {
        let open = Command::OpenAccount(OpenAccount {
            currency: eur,
            key: &key(account),
            name: None,
            kind: Kind::Customer,
            funding: Amount(1_000_000_000),
        });
        payments.apply(ModelVersion::FIRST, Stamp(0), &open.encode().unwrap().body, &mut outcome);
    }

    let resident_before = resident_bytes();
    let mut random = Random(7);
    let (mut wall, mut busy) = (Duration::ZERO, Duration::ZERO);
    let (mut settled, mut slowest) = (0_u64, Duration::ZERO);
    let mut done = 0;
    while done < messages {
        let batch: Vec<_> = (done..messages.min(done + BATCH))
            .map(|number| pay(eur, number, transactions, &raw, &mut random))
            .collect();
        let (wall_start, busy_start) = (now(), processor_time());
        for (number, command) in (done..).zip(&batch) {
            let start = now();
            payments.apply(ModelVersion::FIRST, Stamp(number), command, &mut outcome);
            slowest = slowest.max(start.elapsed());
            let Ok(Reply::Decided { verdicts, .. }) = Reply::decode(&outcome.reply) else {
                panic!("a payment is decided")
            };
            let good = verdicts.iter().filter(|verdict| **verdict == Verdict::Settled).count();
            settled += u64::try_from(good).unwrap();
        }
        wall += wall_start.elapsed();
        busy += processor_time() - busy_start;
        done += u64::try_from(batch.len()).unwrap();
    }

    let total = messages * transactions;
    let rate = |spent: Duration| u128::from(total) * 1_000_000_000 / spent.as_nanos().max(1);
    println!("payments       {total} ({settled} settled), {} bytes of document", raw.len());
    println!(
        "processor time {} ns each, {} payments/s",
        busy.as_nanos() / u128::from(total),
        rate(busy)
    );
    println!(
        "wall time      {} ns each, {} payments/s",
        wall.as_nanos() / u128::from(total),
        rate(wall)
    );
    println!("slowest        {slowest:?} for one message");
    println!("memory         {} bytes each", (resident_bytes() - resident_before) / total);
    let start = now();
    let digest = payments.digest();
    println!("digest         {digest} in {:?}", start.elapsed());
    let start = now();
    payments.assert_books();
    println!("books balance  in {:?}", start.elapsed());
    take_in(&payments, eur, total);
}

/// Takes the state in again from what is saved of it: what a start costs that begins from a snapshot.
fn take_in(payments: &Payments, eur: Currency, total: u64) {
    let mut saving = payments.save();
    let parts: Vec<_> =
        std::iter::from_fn(|| payments.save_next(&mut saving, PART_BYTES)).collect();
    let (mut again, busy_start) = (Payments::new([eur]), processor_time());
    for part in &parts {
        again.load(part).unwrap();
    }
    again.loaded().unwrap();
    let busy = processor_time() - busy_start;
    assert_eq!(again.digest(), payments.digest());
    println!("taken in       {} ns each of processor time", busy.as_nanos() / u128::from(total));
}

fn pay(eur: Currency, number: u64, count: u64, raw: &[u8], random: &mut Random) -> Vec<u8> {
    let texts: Vec<_> = (0..count)
        .map(|index| {
            let number = number * count + index;
            (
                format!("TX{number:020}"),
                format!("E2E{number:020}"),
                random.account(),
                random.account(),
            )
        })
        .collect();
    let transactions = texts
        .iter()
        .map(|(transaction_id, end_to_end_id, debtor, creditor)| Transaction {
            uetr: Some(random.uetr()),
            amount: Amount(u128::from(random.next() % 10_000) + 1),
            instruction_id: Some(end_to_end_id),
            end_to_end_id,
            transaction_id: Some(transaction_id),
            debtor,
            creditor,
            debtor_agent: Some("AAAADEFFXXX"),
            creditor_agent: Some("BBBBFRPPXXX"),
        })
        .collect();
    let message = Message {
        currency: eur,
        version: Version::V08,
        settlement_date: None,
        sender: "AAAADEFFXXX",
        message_id: &format!("MSG{number:020}"),
        transactions,
    };
    Command::Pay { message, raw }.encode().unwrap().body
}

fn key(account: u64) -> String {
    format!("DE{account:020}")
}

/// SplitMix64: the same payments in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn account(&mut self) -> String {
        key(self.next() % ACCOUNTS)
    }

    fn uetr(&mut self) -> [u8; 16] {
        ((u128::from(self.next()) << 64) | u128::from(self.next())).to_le_bytes()
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// For how long this thread has had a core, where the system tells: on a machine that others use too,
/// wall time measures them as well.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// What the process holds in memory, where the system tells.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4_096
}
