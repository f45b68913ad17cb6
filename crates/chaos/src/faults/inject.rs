//! Carries out a schedule.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Fault, Kind, Planned};
use crate::ask::Ask;
use crate::net::{Router, Shape, clients_port};
use crate::node::Node;
use crate::random::Random;
use crate::say::Say;

/// Of the packets that a disorder lets pass, so many in a million pass twice.
const DUPLICATES_PPM: u32 = 50_000;

/// How slow an fsync is just before the power goes.
const SLOW_BEFORE_CUT_MS: u64 = 150;

/// Does things to nodes.
#[derive(Clone, Debug)]
pub(crate) struct Injector {
    /// The nodes, by place.
    pub(crate) nodes: Arc<[Arc<Node>]>,
    /// What their packets pass through.
    pub(crate) router: Router,
    /// For orders to the cluster.
    pub(crate) ask: Arc<Ask>,
    /// What luck the power cuts have.
    pub(crate) random: Arc<Mutex<Random>>,
    /// How many faults want the load to write more, so that a full disk is noticed.
    pub(crate) heavy: Arc<AtomicUsize>,
    /// Says what is done.
    pub(crate) say: Say,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Injected {
    /// By kind, how often.
    pub(crate) counts: BTreeMap<Kind, u64>,
    /// Sectors and names that power cuts have lost.
    pub(crate) lost_sectors: u64,
}

impl Injector {
    /// Carries out all of it, and returns when every fault is over.
    pub(crate) async fn run(&self, plan: &[Planned]) -> anyhow::Result<Injected> {
        let start = Instant::now();
        let mut under_way: JoinSet<anyhow::Result<u64>> = JoinSet::new();
        let mut injected = Injected::default();
        for (id, planned) in (0..).zip(plan) {
            sleep_until(start + Duration::from_millis(planned.at_ms)).await;
            self.say.step(format!(
                "{} for {:.1} s",
                planned.fault,
                f64::from(u32::try_from(planned.length_ms)?) / 1_000.0
            ));
            *injected.counts.entry(planned.fault.kind).or_default() += 1;
            let (this, planned) = (self.clone(), *planned);
            under_way.spawn(async move { this.inject(id, planned).await });
        }
        while let Some(done) = under_way.join_next().await {
            injected.lost_sectors += done.context("a fault ended in a panic")??;
        }
        Ok(injected)
    }

    /// Carries out one; how many sectors it has lost.
    async fn inject(&self, id: u64, planned: Planned) -> anyhow::Result<u64> {
        let Planned { fault, length_ms, .. } = planned;
        let length = Duration::from_millis(length_ms);
        let node = self.nodes.get(fault.node).context("there is no such node")?;
        match fault.kind {
            Kind::Kill => {
                node.kill().await?;
                sleep(length).await;
                node.revive().await;
            }
            Kind::Pause => {
                if let Some(paused) = node.pause().await {
                    sleep(length).await;
                    node.resume(paused).await;
                }
            }
            Kind::PowerCut => return self.cut_power(&[Arc::clone(node)], length).await,
            Kind::PowerCutAll => return self.cut_power(&self.nodes, length).await,
            Kind::Switch => {
                // Refused or unanswered while another fault lasts: nothing is promised about orders.
                let _refused = self.ask.switch(fault.node).await.is_err();
            }
            Kind::DiskFull => {
                let (filled, tmpfs) = (Arc::clone(node), |node: &Node| node.tmpfs.fill());
                tokio::task::spawn_blocking(move || tmpfs(&filled)).await??;
                self.heavy.fetch_add(1, Ordering::Relaxed);
                sleep(length).await;
                self.heavy.fetch_sub(1, Ordering::Relaxed);
                node.tmpfs.release()?;
            }
            Kind::DiskSlow | Kind::DiskStall | Kind::SyncFails => {
                let disk = node.disk.as_ref().context("no disk of our own")?;
                let (slow_ms, stalls) = (fault.amount, fault.kind == Kind::DiskStall);
                disk.turn(|knobs| {
                    knobs.sync_delay_ms += slow_ms;
                    knobs.stalled |= stalls;
                    knobs.next_sync_fails |= fault.kind == Kind::SyncFails;
                });
                sleep(length).await;
                disk.turn(|knobs| {
                    knobs.sync_delay_ms -= slow_ms;
                    knobs.stalled &= !stalls;
                });
            }
            Kind::Cut
            | Kind::CutOneWay
            | Kind::Isolate
            | Kind::Deaf
            | Kind::Mute
            | Kind::AnswersLost
            | Kind::Loss
            | Kind::Delay
            | Kind::Disorder => {
                self.router.begin(id, directions(fault, self.nodes.len()), shape(fault));
                sleep(length).await;
                self.router.end(id);
            }
        }
        Ok(0)
    }

    async fn cut_power(&self, nodes: &[Arc<Node>], length: Duration) -> anyhow::Result<u64> {
        let mut lost = 0;
        // With disks that are slow for a moment there is something to lose.
        for node in nodes {
            let disk = node.disk.as_ref().context("no disk of our own")?;
            disk.turn(|knobs| knobs.sync_delay_ms += SLOW_BEFORE_CUT_MS);
        }
        sleep(2 * Duration::from_millis(SLOW_BEFORE_CUT_MS)).await;
        // From here on no call reaches a disk, so that none that is under way is carried out late.
        for node in nodes {
            let disk = node.disk.as_ref().context("no disk of our own")?;
            disk.turn(|knobs| knobs.is_off = true);
        }
        let kills: Vec<_> = nodes
            .iter()
            .map(|node| {
                let node = Arc::clone(node);
                tokio::spawn(async move { node.kill().await })
            })
            .collect();
        for kill in kills {
            kill.await??;
        }
        for node in nodes {
            let mut random = {
                let mut shared = self.random.lock().unwrap_or_else(PoisonError::into_inner);
                Random::new(shared.bits(), "power")
            };
            let disk = node.disk.as_ref().context("no disk of our own")?;
            lost += disk.cut_power(&mut random).context("a disk cannot be cut")?;
            disk.turn(|knobs| {
                knobs.sync_delay_ms -= SLOW_BEFORE_CUT_MS;
                knobs.is_off = false;
            });
        }
        sleep(length).await;
        for node in nodes {
            node.revive().await;
        }
        Ok(lost)
    }
}

/// The directions that a fault of the network works on.
fn directions(fault: Fault, nodes: usize) -> Vec<(usize, usize)> {
    let Fault { kind, node, other, .. } = fault;
    let clients = clients_port(nodes);
    let others = || (0..=clients).filter(|port| *port != node);
    let to = || others().map(|port| (port, node));
    let from = || others().map(|port| (node, port));
    match kind {
        Kind::Cut => vec![(node, other), (other, node)],
        Kind::CutOneWay => vec![(node, other)],
        Kind::Isolate | Kind::Delay => to().chain(from()).collect(),
        Kind::Deaf => to().collect(),
        Kind::Mute => from().collect(),
        Kind::AnswersLost => vec![(node, clients)],
        Kind::Loss | Kind::Disorder => {
            (0..=clients).flat_map(|from| (0..=clients).map(move |to| (from, to))).collect()
        }
        Kind::Kill
        | Kind::Pause
        | Kind::Switch
        | Kind::DiskFull
        | Kind::DiskSlow
        | Kind::DiskStall
        | Kind::SyncFails
        | Kind::PowerCut
        | Kind::PowerCutAll => Vec::new(),
    }
}

fn shape(fault: Fault) -> Shape {
    let amount = fault.amount;
    match fault.kind {
        Kind::Loss => {
            Shape { loss_ppm: u32::try_from(amount).unwrap_or(u32::MAX), ..Shape::default() }
        }
        Kind::Delay => Shape { delay_us: amount, ..Shape::default() },
        Kind::Disorder => {
            Shape { jitter_us: amount, duplicate_ppm: DUPLICATES_PPM, ..Shape::default() }
        }
        Kind::Cut
        | Kind::CutOneWay
        | Kind::Isolate
        | Kind::Deaf
        | Kind::Mute
        | Kind::AnswersLost => Shape::CUT,
        Kind::Kill
        | Kind::Pause
        | Kind::Switch
        | Kind::DiskFull
        | Kind::DiskSlow
        | Kind::DiskStall
        | Kind::SyncFails
        | Kind::PowerCut
        | Kind::PowerCutAll => Shape::default(),
    }
}
