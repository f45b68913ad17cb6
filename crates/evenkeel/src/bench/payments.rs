//! `evenkeel bench payments`: pacs.008 messages per second over HTTP with three regions as three
//! processes on this machine, no delay between them, fsync on everywhere.
//!
//! A closed loop: so many clients, each with a connection of its own to one region, each sending its
//! next message when the last was answered. Every message is one payment, new, valid and funded; an
//! answer other than ACSC ends the benchmark. EUR, GBP and USD are homed in different regions, so
//! with clients everywhere two of three messages are handed over to another region.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use client::{Client, Options, Outcome, Until};
use payments_message::date::moment;
use payments_message::message::Version;
use payments_message::sample::{Draft, Payment, german_iban, uetr};
use runtime::Clock;
use serde_json::json;
use tokio::time::Instant;
use types::{Amount, Currency};

use super::{Figures, histogram, micros};
use crate::demo::process::Process;
use crate::demo::stage::GROUPS;
use crate::demo::{ports, region};

/// Accounts per currency, each with more money than the benchmark can move.
const ACCOUNTS: u64 = 100;

/// Where the debtors' and the creditors' accounts are held.
const BANK: u32 = 37_040_044;

/// The currencies paid in: with 64 groups, one homed in each of three regions.
const CURRENCIES: [&str; 3] = ["EUR", "GBP", "USD"];

/// Which clients send what where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Spread {
    /// Every client sends all currencies to its own region, which hands two of three over.
    Any,
    /// Every client sends to the home of its currency.
    Home,
}

/// Of which class all ledgers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Class {
    /// An answer waits until the payment is on two disks.
    Sync,
    /// An answer comes as soon as it is on the home's disk.
    Async,
}

/// Runs the benchmark below `folder`.
pub(crate) async fn run(
    folder: &Path,
    clients: &[usize],
    spread: Spread,
    class: Class,
    seconds: u64,
) -> Result<Vec<Figures>> {
    let names: Vec<String> = ["one", "two", "three"].map(String::from).into();
    let base = ports::choose(None, region::ports(&names), Clock::start().wall().0)?;
    let regions = region::lay_out(&names, base, folder);
    let token = region::write(folder, &regions, |_, to| {
        regions.get(to).map(|region| region.peers).expect("regions are named by their own list")
    })?;
    if class == Class::Async {
        regions.iter().try_for_each(answer_early)?;
    }
    let mut nodes = Vec::new();
    let starts: Vec<_> = regions
        .iter()
        .map(|region| {
            let (region, log) = (region.clone(), folder.join(format!("{}.log", region.name)));
            tokio::spawn(async move { Process::start(&region, log).await })
        })
        .collect();
    for start in starts {
        nodes.push(start.await.context("start a node")??);
    }
    let urls: Vec<String> = regions.iter().map(region::Region::url).collect();
    open_accounts(&urls, &token).await.context("open the accounts")?;
    let work = Arc::new(Work { urls, spread, class, sent: AtomicU64::new(0) });
    let mut all = Vec::new();
    for count in clients.iter().copied() {
        // A short run first, so that connections stand and code is warm.
        load(&work, count, Duration::from_secs(1)).await?;
        all.push(load(&work, count, Duration::from_secs(seconds)).await?);
    }
    for node in nodes {
        node.stop().await.context("stop a node")?;
    }
    Ok(all)
}

/// What all clients share.
struct Work {
    urls: Vec<String>,
    spread: Spread,
    class: Class,
    sent: AtomicU64,
}

/// Makes all groups of a region's node answer before the commit.
fn answer_early(region: &region::Region) -> Result<()> {
    let file = region.folder.join("node.yaml");
    let numbers: Vec<String> = (0..GROUPS).map(|group| group.to_string()).collect();
    let journals = format!("journals:\n  - {{groups: [{}], class: async}}\n", numbers.join(", "));
    OpenOptions::new()
        .append(true)
        .open(&file)
        .and_then(|mut opened| opened.write_all(journals.as_bytes()))
        .with_context(|| format!("cannot add to {}", file.display()))
}

/// Opens the accounts of each currency; waits until the regions take commands.
async fn open_accounts(urls: &[String], token: &str) -> Result<()> {
    let client = Client::new(urls, Options::default())?;
    let deadline = Instant::now() + Duration::from_secs(60);
    for code in CURRENCIES {
        for number in 0..ACCOUNTS {
            let body = json!({
                "currency": code,
                "key": iban(number),
                "name": format!("Bench {number}"),
                "funding": "1000000000000.00",
                "kind": "customer",
            });
            while let Err(error) = client.post_json(0, "/v1/accounts", Some(token), &body).await {
                if Instant::now() > deadline {
                    return Err(error).context("an account was not opened within 60 s");
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    Ok(())
}

fn iban(number: u64) -> String {
    german_iban(BANK, number)
}

/// Keeps `count` clients busy for `time`.
async fn load(work: &Arc<Work>, count: usize, time: Duration) -> Result<Figures> {
    let latency = Arc::new(Mutex::new(histogram()));
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(count);
    for index in 0..count {
        let (work, latency) = (Arc::clone(work), Arc::clone(&latency));
        tasks.push(tokio::spawn(async move {
            let endpoint = work.urls.get(index % work.urls.len()).context("a region")?;
            let until = match work.class {
                Class::Sync => Until::Commit,
                Class::Async => Until::Class,
            };
            let one_try = Options { connections_max: 1, until, ..Options::default() };
            let client = Client::new([endpoint], one_try)?;
            while start.elapsed() < time {
                let number = work.sent.fetch_add(1, Ordering::Relaxed);
                let message = message(&work, index, number).context("a currency")?;
                let sent = Instant::now();
                let outcome = client.submit(&message).await;
                check(&outcome, work.class)?;
                let took = micros(sent.elapsed());
                latency.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(took);
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await.context("a client task")??;
    }
    let seconds = start.elapsed().as_secs_f64();
    let latency = latency.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Figures { outstanding: count, seconds, latency })
}

/// A new payment of one minor unit between two of the accounts.
fn message(work: &Work, client: usize, number: u64) -> Option<Vec<u8>> {
    let turn = match work.spread {
        Spread::Any => usize::try_from(number).unwrap_or_default(),
        Spread::Home => client,
    };
    // EUR is homed in the first region, GBP in the second, USD in the third.
    let currency =
        CURRENCIES.get(turn % CURRENCIES.len()).and_then(|code| Currency::from_code(code))?;
    let now = Clock::start().wall();
    let created = moment(now);
    let draft = Draft {
        message_id: format!("B{number}"),
        settlement_date: created.get(..10)?.to_owned(),
        created,
        instructing: "COBADEFFXXX".to_owned(),
        instructed: "DEUTDEFFXXX".to_owned(),
        payments: vec![Payment {
            instruction_id: format!("I{number}"),
            end_to_end_id: format!("E{number}"),
            transaction_id: format!("T{number}"),
            uetr: uetr(u128::from(now.0) << 64 | u128::from(number)),
            amount: Amount(1),
            currency,
            debtor: "Debtor of the benchmark".to_owned(),
            debtor_iban: iban(number % ACCOUNTS),
            creditor: "Creditor of the benchmark".to_owned(),
            creditor_iban: iban((number + 1) % ACCOUNTS),
            purpose: None,
            remittance: format!("invoice {number}"),
        }],
    };
    Some(draft.write(Version::V08))
}

fn check(outcome: &Outcome, class: Class) -> Result<()> {
    let early = match outcome {
        Outcome::Provisional(answer) if class == Class::Async => Some(answer),
        Outcome::Provisional(_) | Outcome::Final(_) | Outcome::Refused(_) | Outcome::Unknown(_) => {
            None
        }
    };
    let answer = outcome.answer().or(early);
    let answer = answer.with_context(|| format!("a payment was not answered: {outcome}"))?;
    let is_settled = answer.body.windows(4).any(|four| four == b"ACSC");
    if !matches!(answer.status, 200 | 202) || !is_settled {
        let body = String::from_utf8_lossy(&answer.body);
        bail!("a payment was not settled ({}): {body}", answer.status);
    }
    Ok(())
}
