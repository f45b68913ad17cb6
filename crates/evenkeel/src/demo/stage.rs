//! The running regions of a demo, and what happens to them: started, broken, mended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use payments_server::Placement;
use runtime::Clock;
use tokio::time::{Instant, sleep, sleep_until};
use transport::link::Passage;
use types::{GroupId, NodeId};

use super::ask::{Ask, Standing};
use super::fault::Fault;
use super::load::script;
use super::load::send::Sender;
use super::load::told::Told;
use super::process::Process;
use super::region::Region;
use super::say::Say;
use super::wires::Wires;

/// How many groups a demo's cluster has.
pub(crate) const GROUPS: usize = 64;

/// How many ledgers a currency has in a demo: one for each of three regions.
pub(crate) const LEDGERS: u16 = 3;

/// Which group of a demo's cluster keeps which account.
pub(crate) fn placement() -> Placement {
    let groups = u16::try_from(GROUPS).expect("there are few groups");
    Placement::new(groups, LEDGERS)
}

/// How long the regions may take until every group is served.
const SERVING_WITHIN: Duration = Duration::from_secs(60);

/// How long a client asks while it cannot be served.
const PROBE_WITHIN: Duration = Duration::from_secs(3);

/// How long after a fault ended the regions may take until all hold the same.
const EQUAL_WITHIN: Duration = Duration::from_secs(90);

/// The regions.
pub(crate) struct Stage {
    pub(crate) regions: Vec<Region>,
    pub(crate) wires: Wires,
    pub(crate) ask: Arc<Ask>,
    pub(crate) say: Say,
    pub(crate) clock: Clock,
    evidence: PathBuf,
    processes: BTreeMap<usize, Process>,
}

/// What a fault did, with times in microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Story {
    /// Which fault.
    pub(crate) fault: Fault,
    /// When it began.
    pub(crate) began_us: u64,
    /// When a region first asked for the groups of another because it had seen it silent for long
    /// enough, as the register has it; 0 if that was not seen.
    pub(crate) detected_us: u64,
    /// When its end began: processes are started again from here on.
    pub(crate) restarted_us: u64,
    /// When it had ended: links mended, processes started again.
    pub(crate) ended_us: u64,
    /// When the regions it hit had caught up.
    pub(crate) back_us: u64,
    /// The groups whose home was in a region that it hit.
    pub(crate) affected: BTreeSet<GroupId>,
    /// A frozen node that found on waking that its disk had stood still for too long and ended.
    pub(crate) is_fenced: bool,
    /// What a client was told that asked while too few regions were alive.
    pub(crate) probe: Option<String>,
}

impl Stage {
    /// A stage on which nothing runs yet.
    pub(crate) fn new(
        regions: Vec<Region>,
        wires: Wires,
        ask: Ask,
        say: Say,
        clock: Clock,
        evidence: PathBuf,
    ) -> Self {
        let (ask, processes) = (Arc::new(ask), BTreeMap::new());
        Self { regions, wires, ask, say, clock, evidence, processes }
    }

    /// Where a region's node writes its log.
    pub(crate) fn log(&self, region: &Region) -> PathBuf {
        self.evidence.join(format!("{}.log", region.name))
    }

    /// The logs of all nodes.
    pub(crate) fn logs(&self) -> Vec<(NodeId, PathBuf)> {
        let logs = self.regions.iter().map(|region| (NodeId(region.node), self.log(region)));
        logs.collect()
    }

    /// Where the evidence lies.
    pub(crate) fn evidence(&self) -> &Path {
        &self.evidence
    }

    fn region(&self, index: usize) -> anyhow::Result<&Region> {
        self.regions.get(index).context("there is no such region")
    }

    /// Starts the node of a region.
    pub(crate) async fn start(&mut self, index: usize) -> anyhow::Result<()> {
        let region = self.region(index)?;
        let process = Process::start(region, self.log(region)).await?;
        self.processes.insert(index, process);
        Ok(())
    }

    /// Starts all nodes at once.
    pub(crate) async fn start_all(&mut self) -> anyhow::Result<()> {
        let starts = self.regions.iter().map(|region| {
            let (region, log) = (region.clone(), self.log(region));
            tokio::spawn(async move { (region.index, Process::start(&region, log).await) })
        });
        for started in starts.collect::<Vec<_>>() {
            let (index, process) = started.await?;
            self.processes.insert(index, process?);
        }
        Ok(())
    }

    /// Stops all nodes in order.
    pub(crate) async fn stop_all(&mut self) -> anyhow::Result<()> {
        while let Some((_, process)) = self.processes.pop_first() {
            let status = process.stop().await?;
            if !status.success() {
                bail!("a node did not stop in order: {status}");
            }
        }
        Ok(())
    }

    /// Waits until every group has a home that answers.
    pub(crate) async fn serving(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + SERVING_WITHIN;
        loop {
            let mut served = BTreeSet::new();
            for region in &self.regions {
                let standings = self.ask.standings(region).await.unwrap_or_default();
                let here = standings.into_iter().filter(|(_, standing)| {
                    standing.is_home_here && standing.is_active && standing.is_serving
                });
                served.extend(here.map(|(group, _)| group));
            }
            if served.len() == GROUPS {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let within = SERVING_WITHIN.as_secs();
                bail!("only {} of {GROUPS} groups are served after {within} s", served.len());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Gives every region its third of the groups: the members take turns by the group's number. On a
    /// busy machine one node may have started so late that others took its groups for it.
    pub(crate) async fn place(&self) -> anyhow::Result<()> {
        for region in &self.regions {
            let standings = self.ask.standings(region).await?;
            let is_its = |group: GroupId| usize::from(group.0) % self.regions.len() == region.index;
            let astray: Vec<GroupId> = standings
                .iter()
                .filter(|(group, one)| is_its(**group) && one.home != Some(region.node))
                .map(|(group, _)| *group)
                .collect();
            if astray.is_empty() {
                continue;
            }
            self.say.step(format!("{} groups are moved to {}", astray.len(), region.name));
            self.ask.switchover(region, &astray, region.node).await?;
            let is_there = |standings: &BTreeMap<GroupId, Standing>| {
                let mut there = astray.iter().filter_map(|group| standings.get(group));
                there.all(|one| one.home == Some(region.node) && one.is_active)
            };
            self.ask.until(region, SERVING_WITHIN, "its groups are at home", is_there).await?;
        }
        self.serving().await
    }

    /// Lets the fault happen a third into `length`, and ends it after two thirds or when it has shown
    /// what it is to show, whichever is later.
    pub(crate) async fn play(&mut self, fault: Fault, length: Duration) -> anyhow::Result<Story> {
        let start = Instant::now();
        sleep_until(start + length / 3).await;
        let victims = fault.victims();
        let hit =
            if let Fault::Planned { from, .. } = fault { vec![from] } else { victims.clone() };
        let watching = self.watching(&victims)?.clone();
        let nodes: BTreeSet<u16> =
            hit.iter().filter_map(|index| Some(self.regions.get(*index)?.node)).collect();
        let before = self.ask.standings(&watching).await?;
        let is_hit = |standing: &Standing| standing.home.is_some_and(|home| nodes.contains(&home));
        let affected: BTreeSet<GroupId> =
            before.iter().filter(|(_, standing)| is_hit(standing)).map(|(id, _)| *id).collect();
        let names: Vec<String> = self.regions.iter().map(|region| region.name.clone()).collect();
        self.say.step(format!("{}: {} groups", fault.text(&names), affected.len()));

        let began_us = self.clock.wall().0;
        self.begin(fault, &affected).await?;
        let mut detected_us = u64::MAX;
        if fault.is_failover() || matches!(fault, Fault::Planned { .. }) {
            let what = "the groups have another home";
            let moved = |standings: &BTreeMap<GroupId, Standing>| {
                let moving = affected.iter().filter_map(|group| standings.get(group));
                let since = moving.filter_map(|one| one.sealing_since_us);
                detected_us = since.filter(|since| *since >= began_us).fold(detected_us, u64::min);
                affected.iter().all(|group| {
                    standings.get(group).is_some_and(|one| one.is_active && !is_hit(one))
                })
            };
            self.ask.until(&watching, SERVING_WITHIN, what, moved).await?;
            self.say.step("all of them have another home");
        }
        let probe =
            if matches!(fault, Fault::KillTwo(..)) { self.probe(&watching).await? } else { None };
        sleep_until(start + length * 2 / 3).await;
        let restarted_us = self.clock.wall().0;
        let is_fenced = self.end(fault).await?;
        let ended_us = self.clock.wall().0;
        for index in &victims {
            let goal = self.ask.standings(&watching).await?;
            let region = self.region(*index)?;
            let reached = |standings: &BTreeMap<GroupId, Standing>| {
                goal.iter().all(|(group, goal)| {
                    standings.get(group).is_some_and(|one| one.applied >= goal.applied)
                })
            };
            let what = "it has caught up with the others";
            self.ask.until(region, SERVING_WITHIN, what, reached).await?;
            self.say.step(format!("{} has caught up", region.name));
        }
        let back_us = self.clock.wall().0;
        sleep_until(start + length).await;
        let detected_us = if detected_us == u64::MAX { 0 } else { detected_us };
        Ok(Story {
            fault,
            began_us,
            detected_us,
            restarted_us,
            ended_us,
            back_us,
            affected,
            is_fenced,
            probe,
        })
    }

    /// Sends a payment between accounts that do not exist to one region alone, and gives what its
    /// client is told; `None` if it is answered.
    async fn probe(&self, region: &Region) -> anyhow::Result<Option<String>> {
        let sender = Sender::new(vec![region.url()], PROBE_WITHIN, 0)?;
        let message = script::probe(self.clock.wall());
        Ok(match sender.send(&message).await.told {
            Told::NotDone { why } | Told::Unknown { why } => Some(why),
            Told::Decided(_) | Told::Refused { .. } => None,
        })
    }

    /// A region that the fault leaves alone.
    fn watching(&self, victims: &[usize]) -> anyhow::Result<&Region> {
        let mut others = self.regions.iter().filter(|region| !victims.contains(&region.index));
        others.next().context("no region is left to watch from")
    }

    async fn begin(&mut self, fault: Fault, affected: &BTreeSet<GroupId>) -> anyhow::Result<()> {
        match fault {
            Fault::None => {}
            Fault::Planned { to, .. } => {
                let region = self.region(to)?;
                let groups: Vec<GroupId> = affected.iter().copied().collect();
                self.ask.switchover(region, &groups, region.node).await?;
            }
            Fault::Kill(one) => self.kill(one).await?,
            Fault::KillTwo(one, two) => {
                self.kill(one).await?;
                self.kill(two).await?;
            }
            Fault::Stop(one) => self.process(one)?.freeze()?,
            Fault::Cut(one, two) => self.wires.set(one, two, Passage::Blackhole),
            Fault::Isolate(one) => self.wires.set_around(one, Passage::Blackhole),
        }
        Ok(())
    }

    /// Ends the fault; whether a node had ended itself meanwhile.
    async fn end(&mut self, fault: Fault) -> anyhow::Result<bool> {
        match fault {
            Fault::None | Fault::Planned { .. } => {}
            Fault::Kill(one) => {
                self.start(one).await?;
                self.say.step("the dead region is started again");
            }
            Fault::KillTwo(one, two) => {
                self.start(one).await?;
                self.start(two).await?;
                self.say.step("the dead regions are started again");
                self.serving().await?;
                self.say.step("every group is served again");
            }
            Fault::Stop(one) => {
                self.process(one)?.thaw()?;
                self.say.step("the frozen region goes on where it was");
                return self.restart_if_fenced(one).await;
            }
            Fault::Cut(one, two) => {
                self.wires.set(one, two, Passage::Open);
                self.say.step("the link is mended");
            }
            Fault::Isolate(one) => {
                self.wires.set_around(one, Passage::Open);
                self.say.step("the links are mended");
            }
        }
        Ok(false)
    }

    /// A node that was frozen in the middle of a write finds that its disk took too long, and ends
    /// itself; whatever runs nodes starts it again.
    async fn restart_if_fenced(&mut self, index: usize) -> anyhow::Result<bool> {
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            let process = self.processes.get_mut(&index).context("the node was never started")?;
            if !process.is_running() {
                self.processes.remove(&index);
                self.start(index).await?;
                self.say.step("it had fenced itself off, and is started again");
                return Ok(true);
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(false)
    }

    fn process(&self, index: usize) -> anyhow::Result<&Process> {
        self.processes.get(&index).context("the node does not run")
    }

    async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        let process = self.processes.remove(&index).context("the node does not run")?;
        process.kill().await
    }

    /// Waits until all regions hold the same in every group; what they hold then, or last.
    pub(crate) async fn equal(&self) -> anyhow::Result<Vec<BTreeMap<GroupId, super::ask::Digest>>> {
        let deadline = Instant::now() + EQUAL_WITHIN;
        loop {
            let mut digests = Vec::new();
            for region in &self.regions {
                digests.push(self.ask.digests(region).await?);
            }
            let is_equal = digests.windows(2).all(|pair| match pair {
                [one, other] => one == other,
                _ => true,
            });
            if is_equal || Instant::now() >= deadline {
                return Ok(digests);
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}
