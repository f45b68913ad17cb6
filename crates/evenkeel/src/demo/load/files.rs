//! Messages from files: which of a folder's files are pacs.008, and which accounts they name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use payments_message::sample;
use payments_message::verdict::verdicts;
use types::{Amount, Currency, GroupId};

use super::cast::Opening;
use super::script::{Kind, Sending};
use crate::demo::money::{name, sides};
use crate::demo::stage::placement;

/// What every account that a file names begins with, in minor units.
const FUNDS: Amount = Amount(100_000_000_000_000);

/// A file that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Its path below the folder.
    pub(crate) path: PathBuf,
    /// Its bytes.
    pub(crate) bytes: Bytes,
    /// The currency of its payments, if it can be read.
    pub(crate) currency: Option<Currency>,
    /// The group that carries it out, if it can be read.
    pub(crate) ledger: Option<GroupId>,
    /// `SENDER/MESSAGE-ID`, if it can be read; its path otherwise.
    pub(crate) name: String,
}

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Files with a pacs.008, in order of path, right or wrong.
    pub(crate) documents: Vec<Document>,
    /// The others, with what they are.
    pub(crate) skipped: Vec<(PathBuf, String)>,
    /// The accounts that the documents name.
    pub(crate) openings: Vec<Opening>,
}

/// Looks through a folder and all below it.
pub(crate) fn find(dir: &Path) -> anyhow::Result<Found> {
    let mut paths = Vec::new();
    walk(dir, &mut paths)?;
    paths.sort();
    let mut found = Found::default();
    let mut accounts: BTreeMap<(Currency, String), Opening> = BTreeMap::new();
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let below = path.strip_prefix(dir).unwrap_or(&path).to_owned();
        let transfer = payments_message::read(&bytes);
        if let Some(what) = other_than_pacs008(&bytes, transfer.as_ref().err()) {
            found.skipped.push((below, what));
            continue;
        }
        let currency = transfer.as_ref().ok().map(|transfer| transfer.currency);
        let ledger = transfer.as_ref().ok().and_then(|transfer| {
            let (debtor, _) = sides(transfer.transactions.first()?);
            Some(placement().group(transfer.currency, &debtor.key))
        });
        for one in transfer.iter().flat_map(|transfer| &transfer.transactions) {
            let (debtor, creditor) = sides(one);
            let owners = [&one.debtor_name, &one.creditor_name];
            for (side, owner) in [debtor, creditor].into_iter().zip(owners) {
                let Some(currency) = currency else { continue };
                accounts.entry((currency, side.key.clone())).or_insert_with(|| Opening {
                    currency,
                    name: owner.clone().unwrap_or_else(|| side.key.clone()),
                    key: side.key,
                    funding: FUNDS,
                    kind: if side.is_agent { "settlement" } else { "customer" },
                });
            }
        }
        let path = || below.display().to_string();
        let name = transfer.as_ref().map_or_else(|_| path(), name);
        found.documents.push(Document { path: below, bytes: bytes.into(), currency, ledger, name });
    }
    if found.documents.is_empty() {
        bail!("{} holds no pacs.008", dir.display());
    }
    found.openings = accounts.into_values().collect();
    Ok(found)
}

fn walk(dir: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(dir).with_context(|| format!("cannot look into {}", dir.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot look into {}", dir.display()))?.path();
        if path.is_dir() {
            walk(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// What a file is if it holds no pacs.008.
fn other_than_pacs008(bytes: &[u8], refusal: Option<&payments_message::Refusal>) -> Option<String> {
    match verdicts(bytes) {
        Ok(found) if found.iter().any(|one| one.message.starts_with("pacs.008")) => None,
        Ok(_) | Err(_) => Some(match refusal {
            Some(refusal) => format!("{refusal:#}"),
            None => return None,
        }),
    }
}

/// The documents as they are sent, again and again, round after round.
///
/// Every other round is exact copies, which must be answered as the first time; the rounds between
/// are the same payments under ids of their own, so that there is something to decide while a fault
/// lasts. The regions take turns.
#[derive(Debug)]
pub(crate) struct Rounds {
    documents: Vec<Document>,
    regions: usize,
    seed: u64,
    next: usize,
}

impl Rounds {
    /// Rounds of these documents, of which there is at least one.
    pub(crate) const fn new(documents: Vec<Document>, regions: usize, seed: u64) -> Self {
        Self { documents, regions, seed, next: 0 }
    }

    /// The next one. The first round is the documents themselves.
    pub(crate) fn next(&mut self) -> Arc<Sending> {
        let (round, index) = (self.next / self.documents.len(), self.next % self.documents.len());
        let number = self.next as u64;
        self.next += 1;
        let document = self.documents.get(index).expect("an index into the round");
        let fresh = (round % 2 == 1).then(|| renamed(&document.bytes, self.seed, number)).flatten();
        let is_copy = round > 0 && fresh.is_none();
        let (bytes, name) =
            fresh.unwrap_or_else(|| (document.bytes.clone(), document.name.clone()));
        Arc::new(Sending {
            number,
            kind: Kind::File,
            of: is_copy.then_some(index as u64),
            region: (round / 2) % self.regions,
            currency: document.currency,
            ledger: document.ledger,
            name,
            file: Some(document.path.display().to_string()),
            bytes,
        })
    }
}

/// The document with a message id, transaction ids and UETRs that no other has; `None` if it is not
/// a valid message, or would not be one any more.
fn renamed(bytes: &Bytes, seed: u64, number: u64) -> Option<(Bytes, String)> {
    let transfer = payments_message::read(bytes).ok()?;
    let mut text = std::str::from_utf8(bytes).ok()?.to_owned();
    let mut replace = |old: &str, new: &str| {
        text = text.replace(&format!(">{old}<"), &format!(">{new}<"));
    };
    let message_id = format!("EK{:08X}-{number:08}", seed & 0xFFFF_FFFF);
    replace(&transfer.message_id, &message_id);
    for (index, one) in transfer.transactions.iter().enumerate() {
        if let Some(uetr) = &one.id.uetr {
            let bits = u128::from(seed) << 64 | u128::from(number) << 16 | index as u128;
            replace(uetr, &sample::uetr(bits));
        }
        if let Some(id) = &one.id.transaction {
            replace(id, &format!("{message_id}-{index}"));
        }
    }
    let renamed = payments_message::read(text.as_bytes()).ok()?;
    (renamed.message_id == message_id).then(|| (text.into(), name(&renamed)))
}

#[cfg(test)]
mod tests;
