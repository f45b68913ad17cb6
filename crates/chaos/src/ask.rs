//! What a run asks its nodes besides payments: over the control plane, on which no fault works.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use client::{CallError, Client, Options};
use lincheck::models::Sums;
use serde_json::{Value, json};

use crate::cluster::{GROUPS, NODES, url};
use crate::net::Plane;

/// Asks nodes.
#[derive(Debug)]
pub(crate) struct Ask {
    client: Client,
    token: String,
}

/// What a group's state comes to at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    /// How far it is applied.
    pub(crate) applied: u64,
    /// Hash of the chain up to there.
    pub(crate) head: String,
    /// Digest of the model.
    pub(crate) digest: String,
}

/// An account as a node has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    /// What was moved.
    pub(crate) sums: Sums,
    /// The stamp of the last record that the node had applied.
    pub(crate) closed_us: u64,
}

impl Ask {
    /// With the administrators' token.
    pub(crate) fn new(token: String) -> anyhow::Result<Self> {
        let urls = (0..NODES).map(|node| url(Plane::Control, node));
        // A digest reads all that a node holds, and the node may be built without optimisation.
        let options = Options { try_wait: Duration::from_secs(60), ..Options::default() };
        let client = Client::new(urls, options)?;
        Ok(Self { client, token })
    }

    /// How many groups have a home that serves, as the nodes themselves see it.
    pub(crate) async fn served(&self) -> usize {
        let mut served = BTreeSet::new();
        for node in 0..NODES {
            let Ok(status) = self.client.get_json(node, "/v1/status").await else { continue };
            for group in status.get("groups").and_then(Value::as_array).into_iter().flatten() {
                let is_active =
                    group.pointer("/phase/name").and_then(Value::as_str) == Some("active");
                let is_home = group.get("role").and_then(Value::as_str) == Some("home");
                let applied = group.get("applied_seq").and_then(Value::as_u64).unwrap_or_default();
                if let Some(number) = group.get("group").and_then(Value::as_u64)
                    && is_active
                    && is_home
                    && applied > 0
                {
                    served.insert(number);
                }
            }
        }
        served.len()
    }

    /// Opens and funds an account of a customer.
    pub(crate) async fn open(
        &self,
        currency: &str,
        key: &str,
        funding: &str,
    ) -> anyhow::Result<()> {
        let body = json!({
            "currency": currency,
            "key": key,
            "name": key,
            "funding": funding,
            "kind": "customer",
        });
        let mut last = None;
        for attempt in 0..60 {
            let token = Some(self.token.as_str());
            match self.client.post_json(attempt % NODES, "/v1/accounts", token, &body).await {
                Ok(_) => return Ok(()),
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        match last {
            Some(error) => Err(error).with_context(|| format!("the account {key} was not opened")),
            None => bail!("the account {key} was not opened"),
        }
    }

    /// Orders a planned switch of all groups.
    pub(crate) async fn switch(&self, to: usize) -> Result<(), CallError> {
        let groups: Vec<u16> = (0..GROUPS).collect();
        let body = json!({ "groups": groups, "to": to + 1, "reason": "a fault of a chaos run" });
        let token = Some(self.token.as_str());
        self.client.post_json(to, "/v1/switchover", token, &body).await.map(drop)
    }

    /// An account as a node has it.
    pub(crate) async fn account(
        &self,
        node: usize,
        currency: &str,
        key: &str,
    ) -> anyhow::Result<Stand> {
        let found = self.client.get_json(node, &account_path(currency, key)).await?;
        stand(&found).context("an account that cannot be read")
    }

    /// Whether a node's books balance, each currency's added up anew.
    pub(crate) async fn balanced(&self, node: usize) -> anyhow::Result<bool> {
        let books = self.client.get_json(node, "/v1/books").await?;
        books.get("balanced").and_then(Value::as_bool).context("books that do not say")
    }

    /// How many runs of records a node has set aside.
    pub(crate) async fn orphans(&self, node: usize) -> anyhow::Result<u64> {
        let found = self.client.get_json(node, "/v1/orphans").await?;
        let count = found.get("runs_count").and_then(Value::as_u64);
        count.context("orphans that are not counted")
    }

    /// The state of every group at a node.
    pub(crate) async fn digests(&self, node: usize) -> anyhow::Result<BTreeMap<u64, Digest>> {
        let found = self.client.get_json(node, "/v1/digests").await?;
        let groups = found.get("groups").and_then(Value::as_array).context("no groups")?;
        let one = |group: &Value| {
            let text = |name: &str| Some(group.get(name)?.as_str()?.to_owned());
            let applied = group.get("applied_seq")?.as_u64()?;
            let (head, digest) = (text("head")?, text("digest")?);
            Some((group.get("group")?.as_u64()?, Digest { applied, head, digest }))
        };
        groups.iter().map(|group| one(group).context("a digest that cannot be read")).collect()
    }

    /// The stamp of the record that carries a message; `None` if the node does not know it.
    pub(crate) async fn stamp(&self, node: usize, name: &str) -> anyhow::Result<Option<u64>> {
        match self.client.get_json(node, &payment_path(name)).await {
            Ok(found) => {
                let stamp = found.get("stamp_us").and_then(Value::as_u64);
                stamp.context("a payment without a stamp").map(Some)
            }
            Err(error) => unknown(error),
        }
    }

    /// The stored answer to a message; `None` if the node does not know it.
    pub(crate) async fn report(&self, node: usize, name: &str) -> anyhow::Result<Option<Bytes>> {
        match self.client.get_bytes(node, &report_path(name)).await {
            Ok(report) => Ok(Some(report)),
            Err(error) => unknown(error),
        }
    }
}

fn unknown<T>(error: CallError) -> anyhow::Result<Option<T>> {
    if matches!(&error, CallError::Refused { problem, .. } if problem.status == 404) {
        return Ok(None);
    }
    Err(error.into())
}

/// Where an account is asked for.
pub(crate) fn account_path(currency: &str, key: &str) -> String {
    format!("/v1/accounts/{currency}/{key}")
}

fn payment_path(name: &str) -> String {
    format!("/v1/payments/{}", name.replace('/', "%2F"))
}

/// Where the stored answer to a message is asked for.
pub(crate) fn report_path(name: &str) -> String {
    format!("{}/pacs.002", payment_path(name))
}

/// Reads an account. Amounts are written in units of the currency; the decimals of one account are
/// always as many, so that leaving out the point gives minor units.
pub(crate) fn stand(account: &Value) -> Option<Stand> {
    let minor = |name: &str| {
        let text = account.get(name)?.as_str()?;
        text.replace('.', "").parse().ok()
    };
    let sums = Sums { debits: minor("debits")?, credits: minor("credits")? };
    let closed_us = account.pointer("/as_of/closed_us")?.as_u64()?;
    Some(Stand { sums, closed_us })
}
