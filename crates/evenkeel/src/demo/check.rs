//! What the regions hold in the end, and whether it is what clients were told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;
use types::GroupId;

use super::ask::{Accounts, Digest, Sums};
use super::load::cast::Opening;
use super::load::script::Kind;
use super::load::told::{Record, Told};
use super::money::sides;
use super::region::Region;
use super::stage::{Stage, placement};

/// Stored answers that are asked for at once.
const ASKING_MAX: usize = 64;

/// The key of the account that opening balances come from.
const FUNDING_KEY: &str = "HOUSE:FUNDING";

/// What all regions hold.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// Accounts by region.
    pub(crate) accounts: Vec<Accounts>,
    /// Books by region, as they add them up themselves.
    pub(crate) books: Vec<Value>,
    /// State of the groups by region.
    pub(crate) digests: Vec<BTreeMap<GroupId, Digest>>,
    /// Records set aside, by region.
    pub(crate) orphans: Vec<Value>,
    /// Acknowledged messages that a region does not know, or knows another answer to.
    pub(crate) missing: Vec<String>,
    /// How many stored answers were compared.
    pub(crate) compared: usize,
}

impl Held {
    /// Waits until all regions hold the same, or long enough, and asks them for everything.
    pub(crate) async fn collect(stage: &Stage, records: &[Record]) -> anyhow::Result<Self> {
        let digests = stage.equal().await?;
        let (mut accounts, mut books, mut orphans) = (Vec::new(), Vec::new(), Vec::new());
        for region in &stage.regions {
            accounts.push(stage.ask.accounts(region).await?);
            books.push(stage.ask.books(region).await?);
            orphans.push(stage.ask.orphans(region).await?);
        }
        let answers = acknowledged(records);
        let mut missing = Vec::new();
        let mut under_way: JoinSet<anyhow::Result<Option<String>>> = JoinSet::new();
        let mut compared = 0;
        for region in &stage.regions {
            for (name, answer) in &answers {
                if under_way.len() >= ASKING_MAX
                    && let Some(found) = under_way.join_next().await
                {
                    missing.extend(found??);
                }
                compared += 1;
                let ask = Arc::clone(&stage.ask);
                let (region, name, answer) = (region.clone(), name.clone(), answer.clone());
                under_way.spawn(async move {
                    let stored = ask.report(&region, &name).await?;
                    let what = match stored {
                        Some(stored) if stored == answer => return Ok(None),
                        Some(_) => "has another answer",
                        None => "does not know it",
                    };
                    Ok(Some(format!("{name}: {} {what}", region.name)))
                });
            }
        }
        while let Some(found) = under_way.join_next().await {
            missing.extend(found??);
        }
        Ok(Self { accounts, books, digests, orphans, missing, compared })
    }
}

/// The acknowledged answer to each message, by its name: decided, so never to be lost.
pub(crate) fn acknowledged(records: &[Record]) -> BTreeMap<String, Bytes> {
    let decided = records.iter().filter_map(|record| match &record.told {
        Told::Decided(answer) => Some((record.sending.name.clone(), answer.clone())),
        Told::Refused { .. } | Told::NotDone { .. } | Told::Unknown { .. } => None,
    });
    decided.collect()
}

/// What every account has to hold, recomputed from the messages and the answers alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recomputed {
    /// Every account that was opened, the house's funding accounts among them.
    pub(crate) accounts: Accounts,
    /// Settled payments, each once.
    pub(crate) settled: u64,
    /// Rejected payments by reason, each once.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Settled payments between two ledgers, and how many were given back after they had left one.
    pub(crate) across: [u64; 2],
    /// Messages with two different acknowledged answers.
    pub(crate) contradictions: Vec<String>,
}

impl Recomputed {
    /// Adds up what clients were told.
    pub(crate) fn new(openings: &[Opening], records: &[Record]) -> Self {
        let mut all = Self::default();
        for opening in openings {
            let code = opening.currency.code().to_owned();
            let account = all.accounts.entry((code.clone(), opening.key.clone())).or_default();
            account.credits += opening.funding.0;
            let house = all.accounts.entry((code, FUNDING_KEY.to_owned())).or_default();
            house.debits += opening.funding.0;
        }
        let mut told: BTreeMap<String, Bytes> = BTreeMap::new();
        for record in records {
            let Told::Decided(answer) = &record.told else { continue };
            let name = record.sending.name.clone();
            match told.get(&name) {
                Some(first) if first == answer => continue,
                Some(_) => {
                    all.contradictions.push(name);
                    continue;
                }
                None => {
                    told.insert(name, answer.clone());
                }
            }
            all.add(record);
        }
        all
    }

    fn add(&mut self, record: &Record) {
        let Ok(transfer) = payments_message::read(&record.sending.bytes) else { return };
        let code = transfer.currency.code().to_owned();
        for (one, verdict) in transfer.transactions.iter().zip(record.told.verdicts()) {
            let (debtor, creditor) = sides(one);
            let placement = placement();
            let [from, to] =
                [&debtor.key, &creditor.key].map(|key| placement.group(transfer.currency, key));
            let is_settled = verdict.status == "ACSC";
            // What only the creditor's ledger can say, it says of what has left the debtor's.
            let is_reversed = from != to && matches!(verdict.reason.as_str(), "AC03" | "AC07");
            if !is_settled {
                *self.rejected.entry(verdict.reason).or_default() += 1;
            }
            if !is_settled && !is_reversed {
                continue;
            }
            let amount = one.amount.0;
            self.account(&code, debtor.key.clone()).debits += amount;
            if from != to {
                let sent = format!("HOUSE:CLEARING:TO:{:05}", to.0);
                self.account(&code, sent.clone()).credits += amount;
                if is_reversed {
                    self.account(&code, sent).debits += amount;
                }
            }
            if is_reversed {
                self.across[1] += 1;
                self.account(&code, debtor.key).credits += amount;
                continue;
            }
            self.settled += 1;
            if from != to {
                self.across[0] += 1;
                let taken = format!("HOUSE:CLEARING:FROM:{:05}", from.0);
                self.account(&code, taken).debits += amount;
            }
            self.account(&code, creditor.key).credits += amount;
        }
    }

    fn account(&mut self, currency: &str, key: String) -> &mut Sums {
        self.accounts.entry((currency.to_owned(), key)).or_default()
    }

    /// Accounts that a region has otherwise.
    pub(crate) fn differences(&self, found: &Accounts) -> Vec<String> {
        let names: BTreeSet<_> = self.accounts.keys().chain(found.keys()).collect();
        let differ = names.into_iter().filter(|name| self.accounts.get(name) != found.get(name));
        let line = |name: &(String, String)| {
            let sums = |accounts: &Accounts| match accounts.get(name) {
                Some(sums) => format!("{} debited, {} credited", sums.debits, sums.credits),
                None => "no such account".to_owned(),
            };
            let (told, has) = (sums(&self.accounts), sums(found));
            format!("{} {}: clients were told {told}; the region has {has}", name.0, name.1)
        };
        differ.map(line).collect()
    }
}

/// Duplicates: how many, and which were answered otherwise than the first time.
pub(crate) fn duplicates(records: &[Record]) -> (usize, Vec<String>) {
    let firsts: BTreeMap<u64, &Told> =
        records.iter().map(|record| (record.sending.number, &record.told)).collect();
    let (mut count, mut other) = (0, Vec::new());
    for record in records {
        let Some(of) = record.sending.of.filter(|_| record.sending.kind != Kind::Conflict) else {
            continue;
        };
        count += 1;
        let Some(first) = firsts.get(&of) else { continue };
        if **first != record.told {
            other.push(format!(
                "{}: first {}, then {}",
                record.sending.name,
                first.summary(),
                record.told.summary()
            ));
        }
    }
    (count, other)
}

/// Whether a region's folder is whole, checked offline after its node has stopped.
pub(crate) fn journals(regions: &[Region]) -> Vec<(String, Result<String, String>)> {
    let check = |region: &Region| {
        let checked = crate::journal::check(&region.folder.join("data"));
        let checked = checked.with_context(|| format!("cannot check {}", region.name));
        let verdict = match checked {
            Ok(checked) if checked.holds => Ok(checked.summary),
            Ok(checked) => Err(checked.summary),
            Err(error) => Err(format!("{error:#}")),
        };
        (region.name.clone(), verdict)
    };
    regions.iter().map(check).collect()
}

#[cfg(test)]
mod tests;
