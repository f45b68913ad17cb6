//! Messages from files: which of a folder's files are pacs.008, and which accounts they name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use payments_message::verdict::verdicts;
use types::{Amount, Currency};

use super::cast::Opening;
use super::script::{Kind, Sending};
use crate::demo::money::sides;

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
        for one in transfer.iter().flat_map(|transfer| &transfer.transactions) {
            let (debtor, creditor) = sides(one);
            let names = [&one.debtor_name, &one.creditor_name];
            for (side, name) in [debtor, creditor].into_iter().zip(names) {
                let Some(currency) = currency else { continue };
                accounts.entry((currency, side.key.clone())).or_insert_with(|| Opening {
                    currency,
                    name: name.clone().unwrap_or_else(|| side.key.clone()),
                    key: side.key,
                    funding: FUNDS,
                    kind: if side.is_agent { "settlement" } else { "customer" },
                });
            }
        }
        found.documents.push(Document { path: below, bytes: bytes.into(), currency });
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

/// The documents as they are sent: each to every region in turn, again and again.
#[derive(Debug)]
pub(crate) struct Rounds {
    documents: Vec<Document>,
    regions: usize,
    next: usize,
}

impl Rounds {
    /// Rounds of these documents, of which there is at least one.
    pub(crate) const fn new(documents: Vec<Document>, regions: usize) -> Self {
        Self { documents, regions, next: 0 }
    }

    /// The next one. The first round goes to the first region.
    pub(crate) fn next(&mut self) -> Arc<Sending> {
        let (round, index) = (self.next / self.documents.len(), self.next % self.documents.len());
        let number = self.next as u64;
        self.next += 1;
        let document = self.documents.get(index).expect("an index into the round");
        Arc::new(Sending {
            number,
            kind: Kind::File,
            of: (round > 0).then_some(index as u64),
            region: round % self.regions,
            currency: document.currency,
            name: document.path.display().to_string(),
            bytes: document.bytes.clone(),
        })
    }
}
