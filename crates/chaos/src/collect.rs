//! Asks the nodes, when no fault is left, for all that they hold.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::ask::Ask;
use crate::cluster::{GROUPS, NODES};
use crate::load::{End, History};

/// How long they may take until all hold the same.
const EQUAL_WITHIN: Duration = Duration::from_secs(60);

/// Questions that are asked at once.
const ASKING_MAX: usize = 32;

/// Waits until every group has a home that serves.
pub(crate) async fn served(ask: &Ask, within: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + within;
    loop {
        let served = ask.served().await;
        if served == usize::from(GROUPS) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let within = within.as_secs();
            bail!("only {served} of {GROUPS} groups are served after {within} s without a fault");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until all nodes hold the same, or long enough, and asks them for everything.
pub(crate) async fn end(ask: &Arc<Ask>, history: &History) -> anyhow::Result<End> {
    let mut end = End::default();
    let deadline = Instant::now() + EQUAL_WITHIN;
    loop {
        end.digests.clear();
        for node in 0..NODES {
            end.digests.insert(node, ask.digests(node).await?);
        }
        let first = end.digests.get(&0);
        let is_equal = end.digests.values().all(|digests| Some(digests) == first);
        if is_equal || Instant::now() >= deadline {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    for node in 0..NODES {
        end.balanced.insert(node, ask.balanced(node).await?);
        for (circle, of) in history.circles.iter().enumerate() {
            for (account, key) in of.keys.iter().enumerate() {
                let stand = ask.account(node, of.currency, key).await?;
                end.accounts.insert((node, circle, account), stand.sums);
            }
        }
    }
    let places = Arc::new(Semaphore::new(ASKING_MAX));
    let mut under_way = JoinSet::new();
    let decided = history.decided();
    for (payment, one) in history.payments.iter().enumerate() {
        for node in 0..NODES {
            let (ask, places, name) = (Arc::clone(ask), Arc::clone(&places), one.name.clone());
            let wants_stamp = node == payment % NODES && decided.contains_key(&payment);
            under_way.spawn(async move {
                let _place = places.acquire().await?;
                let report = ask.report(node, &name).await?;
                let stamp = if wants_stamp { ask.stamp(node, &name).await? } else { None };
                anyhow::Ok((node, payment, report, stamp))
            });
        }
    }
    while let Some(asked) = under_way.join_next().await {
        let (node, payment, report, stamp) = asked.context("a question ended in a panic")??;
        end.reports.insert((node, payment), report);
        if let Some(stamp) = stamp {
            end.stamps.insert(payment, stamp);
        }
    }
    end.is_known = true;
    Ok(end)
}
