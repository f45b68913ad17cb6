//! What the demo asks its nodes besides payments: standing, accounts, books, digests.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use client::{CallError, Client, Options};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use types::{Amount, Currency, GroupId};

use super::load::cast::Opening;
use super::money;
use super::region::Region;

/// How often something is asked again that takes its time.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Where a group stands, as one node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The node that is its home, by number.
    pub(crate) home: Option<u16>,
    /// Its epoch.
    pub(crate) epoch: u64,
    /// Whether the register has it active, not between two homes.
    pub(crate) is_active: bool,
    /// Since when it is between two homes: when a node that saw the old one silent asked for it.
    pub(crate) sealing_since_us: Option<u64>,
    /// Whether the node asked is its home and answers commands.
    pub(crate) is_home_here: bool,
    /// Whether the first record of its epoch, or a later one, is committed there.
    pub(crate) is_serving: bool,
    /// How far it is applied there.
    pub(crate) applied: u64,
}

/// One account as a region has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// All that was ever debited.
    pub(crate) debits: u128,
    /// All that was ever credited.
    pub(crate) credits: u128,
}

/// Accounts by currency code and key.
pub(crate) type Accounts = BTreeMap<(String, String), Sums>;

/// What a group's state comes to in one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    /// How far it is applied.
    pub(crate) applied: u64,
    /// Hash of the chain up to there.
    pub(crate) head: String,
    /// Digest of the model.
    pub(crate) digest: String,
}

/// Asks nodes directly, not through the wires: a check is not a client.
#[derive(Debug)]
pub(crate) struct Ask {
    client: Client,
    token: String,
}

impl Ask {
    /// With the administrators' token.
    pub(crate) fn new(regions: &[Region], token: String) -> anyhow::Result<Self> {
        let options = Options { try_wait: Duration::from_secs(10), ..Options::default() };
        Ok(Self { client: Client::new(regions.iter().map(Region::url), options)?, token })
    }

    async fn get(&self, region: &Region, path: &str) -> Result<Value, CallError> {
        self.client.get_json(region.index, path).await
    }

    /// Every group as the region's node sees it.
    pub(crate) async fn standings(
        &self,
        region: &Region,
    ) -> anyhow::Result<BTreeMap<GroupId, Standing>> {
        let status = self.get(region, "/v1/status").await?;
        let groups = status.get("groups").and_then(Value::as_array);
        let groups = groups.context("a status without groups")?;
        groups.iter().map(|group| standing(group).context("a group without a standing")).collect()
    }

    /// Waits until `holds` of the standings that the region's node sees.
    pub(crate) async fn until(
        &self,
        region: &Region,
        within: Duration,
        what: &str,
        mut holds: impl FnMut(&BTreeMap<GroupId, Standing>) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + within;
        loop {
            // A node that starts or is cut off does not answer yet.
            if self.standings(region).await.is_ok_and(|standings| holds(&standings)) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("{}: not within {} s: {what}", region.name, within.as_secs());
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    /// Opens and funds an account. It may be there already.
    pub(crate) async fn open(&self, region: &Region, opening: &Opening) -> anyhow::Result<()> {
        let body = json!({
            "currency": opening.currency.code(),
            "key": opening.key,
            "name": opening.name,
            "funding": money::decimal(opening.funding, opening.currency),
            "kind": opening.kind,
        });
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let token = Some(self.token.as_str());
            let opened = self.client.post_json(region.index, "/v1/accounts", token, &body).await;
            let Err(error) = opened else { return Ok(()) };
            let is_final = match &error {
                CallError::Refused { problem, .. } => problem.status < 500,
                CallError::NoAnswer { .. } => false,
                CallError::NotJson { .. } | CallError::BadRequest { .. } => true,
            };
            if is_final || Instant::now() > deadline {
                return Err(error)
                    .with_context(|| format!("the account {} was not opened", opening.key));
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    /// Orders a planned switch.
    pub(crate) async fn switchover(
        &self,
        region: &Region,
        groups: &[GroupId],
        to: u16,
    ) -> anyhow::Result<()> {
        let groups: Vec<u16> = groups.iter().map(|group| group.0).collect();
        let body = json!({ "groups": groups, "to": to, "reason": "planned switch of the demo" });
        let token = Some(self.token.as_str());
        let ordered = self.client.post_json(region.index, "/v1/switchover", token, &body).await;
        ordered.context("the switch was not taken").map(drop)
    }

    /// All accounts as a region has them.
    pub(crate) async fn accounts(&self, region: &Region) -> anyhow::Result<Accounts> {
        let mut accounts = Accounts::new();
        let mut offset = 0;
        loop {
            let page = self.get(region, &format!("/v1/accounts?offset={offset}")).await?;
            let rows = page.get("accounts").and_then(Value::as_array);
            for row in rows.context("a page without accounts")? {
                let (name, sums) = account(row).context("an account that cannot be read")?;
                // The house has accounts of the same names in several ledgers.
                let all: &mut Sums = accounts.entry(name).or_default();
                all.debits += sums.debits;
                all.credits += sums.credits;
            }
            match page.get("next_offset").and_then(Value::as_u64) {
                Some(next) => offset = next,
                None => return Ok(accounts),
            }
        }
    }

    /// The books as a region has them.
    pub(crate) async fn books(&self, region: &Region) -> anyhow::Result<Value> {
        Ok(self.get(region, "/v1/books").await?)
    }

    /// What a region has set aside.
    pub(crate) async fn orphans(&self, region: &Region) -> anyhow::Result<Value> {
        Ok(self.get(region, "/v1/orphans").await?)
    }

    /// The state of every group in a region.
    pub(crate) async fn digests(
        &self,
        region: &Region,
    ) -> anyhow::Result<BTreeMap<GroupId, Digest>> {
        let found = self.get(region, "/v1/digests").await?;
        let groups = found.get("groups").and_then(Value::as_array);
        let groups = groups.context("digests without groups")?;
        groups.iter().map(|group| digest(group).context("a digest that cannot be read")).collect()
    }

    /// The stored answer to a message, and nothing if the region does not know the message.
    pub(crate) async fn report(
        &self,
        region: &Region,
        name: &str,
    ) -> anyhow::Result<Option<bytes::Bytes>> {
        let path = format!("/v1/payments/{}/pacs.002", escaped(name));
        match self.client.get_bytes(region.index, &path).await {
            Ok(report) => Ok(Some(report)),
            Err(CallError::Refused { problem, .. }) if problem.status == 404 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// A text as one segment of a path (RFC 3986, section 2.1).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn standing(group: &Value) -> Option<(GroupId, Standing)> {
    let number = |name: &str| group.get(name)?.as_u64();
    let id = GroupId(u16::try_from(number("group")?).ok()?);
    let phase = group.get("phase").and_then(|phase| phase.get("name")?.as_str());
    let standing = Standing {
        home: number("home").and_then(|home| u16::try_from(home).ok()),
        epoch: number("epoch")?,
        is_active: phase == Some("active"),
        sealing_since_us: group.pointer("/phase/since_us").and_then(Value::as_u64),
        is_home_here: group.get("role")?.as_str()? == "home",
        is_serving: number("applied_seq")? > 0,
        applied: number("applied_seq")?,
    };
    Some((id, standing))
}

fn account(row: &Value) -> Option<((String, String), Sums)> {
    let text = |name: &str| row.get(name)?.as_str();
    let currency = Currency::from_code(text("currency")?)?;
    let minor = |name: &str| money::amount(text(name)?, currency).map(|Amount(minor)| minor);
    let sums = Sums { debits: minor("debits")?, credits: minor("credits")? };
    Some(((currency.code().to_owned(), text("key")?.to_owned()), sums))
}

fn digest(group: &Value) -> Option<(GroupId, Digest)> {
    let number = |name: &str| group.get(name)?.as_u64();
    let text = |name: &str| Some(group.get(name)?.as_str()?.to_owned());
    let id = GroupId(u16::try_from(number("group")?).ok()?);
    let (head, digest) = (text("head")?, text("digest")?);
    Some((id, Digest { applied: number("applied_seq")?, head, digest }))
}
