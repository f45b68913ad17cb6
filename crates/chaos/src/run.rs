//! The course of a run, inside its enclosure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;

use crate::ask::Ask;
use crate::clock::Clock;
use crate::cluster::{self, NODES};
use crate::collect;
use crate::disk::{Mounted, Tmpfs};
use crate::faults::{Abilities, Injector, Kind, plan};
use crate::judge::{doctored, judge};
use crate::load::{self, History, Load};
use crate::net::{self, Fabric, Router, Shape};
use crate::node::{Files, Node};
use crate::random::Random;
use crate::report::Facts;
use crate::say::{self, Say};

/// One way between any two ports when nothing is wrong: regions of one country.
const DELAY_US: u64 = 1_000;

/// How long the nodes may take until every group is served, when no fault is left.
const PATIENCE: Duration = Duration::from_secs(60);

/// The same for nodes whose disks have lied, and which will hardly come back.
const CANARY_PATIENCE: Duration = Duration::from_secs(10);

/// What a run is told.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    /// The seed.
    pub(crate) seed: u64,
    /// How long faults are injected.
    pub(crate) seconds: u64,
    /// The program under test.
    pub(crate) evenkeel: PathBuf,
    /// Where logs and the cluster go.
    pub(crate) folder: PathBuf,
    /// Only these faults; all if there are none.
    pub(crate) only: Vec<Kind>,
    /// Whether all disks lie about their fsyncs.
    pub(crate) lying_disks: bool,
}

/// Runs it; whether nothing was found.
pub(crate) async fn run(task: &Task) -> anyhow::Result<bool> {
    let clock = Clock::start();
    let say = Say::new(clock);
    let fabric = Fabric::new(
        NODES + 1,
        Shape { delay_us: DELAY_US, ..Shape::default() },
        Random::new(task.seed, "packets"),
    );
    let router = Router::start(net::join(NODES)?, fabric, clock).context("no router")?;
    let (nodes, token) = lay_out(task)?;
    let own_disks = nodes.iter().all(|node| node.disk.is_some());
    if !own_disks {
        say.step("no FUSE here: disks are plain, and faults that need our own are left out");
        anyhow::ensure!(!task.lying_disks, "disks that lie need FUSE");
    }
    for node in nodes.iter() {
        tokio::spawn(Arc::clone(node).keep_up());
    }
    let ask = Arc::new(Ask::new(token)?);
    collect::served(&ask, PATIENCE).await.context("the nodes did not come up")?;
    let circles = load::circles();
    for circle in &circles {
        for key in &circle.keys {
            ask.open(circle.currency, key, &circle.funding()).await?;
        }
    }
    say.step("all groups are served, all accounts are open");
    for disk in nodes.iter().filter_map(|node| node.disk.as_ref()) {
        disk.turn(|knobs| knobs.lies = task.lying_disks);
    }

    let history = History { circles, ..History::default() };
    let heavy = Arc::new(AtomicUsize::new(0));
    let load = Load {
        history: Arc::new(Mutex::new(history)),
        nodes: Arc::clone(&nodes),
        clock,
        seed: task.seed,
        run: task.seed,
        heavy: Arc::clone(&heavy),
    };
    let abilities = Abilities { nodes: NODES, own_disks, only: task.only.clone() };
    let injector = Injector {
        nodes: Arc::clone(&nodes),
        router: router.clone(),
        ask: Arc::clone(&ask),
        random: Arc::new(Mutex::new(Random::new(task.seed, "power"))),
        heavy,
        say,
    };
    let (stop, stopped) = watch::channel(false);
    let loading = tokio::spawn({
        let load = load.clone();
        async move { load.run(stopped).await }
    });
    let injected = injector.run(&plan(task.seed, task.seconds, &abilities)).await;
    stop.send_replace(true);
    loading.await.context("the load ended in a panic")??;
    let injected = injected?;
    say.step("all faults are over");

    // From here on, what goes wrong is an anomaly: nothing is in the way any more.
    let mut wrong = Vec::new();
    let mut resolved = 0;
    let patience = if task.lying_disks { CANARY_PATIENCE } else { PATIENCE };
    match collect::served(&ask, patience).await {
        Ok(()) => {
            say.step("all groups are served again");
            resolved = load::resolve(&load).await?;
            say.step(format!("{resolved} open outcomes were asked for"));
        }
        Err(error) => wrong.push(format!("{error:#}")),
    }
    let mut history = load.history.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match collect::end(&ask, &history).await {
        Ok(end) => history.end = end,
        Err(error) => wrong.push(format!("the nodes do not say what they hold: {error:#}")),
    }
    let mut orphans = 0;
    for node in 0..NODES {
        match ask.orphans(node).await {
            Ok(count) => orphans += count,
            Err(error) => wrong.push(format!("orphans cannot be counted: {error:#}")),
        }
    }
    say.step("the nodes were asked what they hold");
    let (mut ends, mut starts) = (Vec::new(), 0);
    for node in nodes.iter() {
        if let Err(error) = node.stop().await {
            wrong.push(format!("{error:#}"));
        }
        starts += node.starts().await;
        let (own, bugs) = node.ends().await;
        ends.extend(own);
        wrong.extend(bugs);
        wrong.extend(verify(&task.evenkeel, node, &data(&task.folder, node.index)));
    }
    for end in &ends {
        say.step(format!("took itself out: {end}"));
    }
    history.end.wrong = wrong;
    let mut judgement = judge(&history);
    let mut copies = 0;
    if judgement.anomalies.is_empty() {
        for (what, copy) in doctored(&history) {
            copies += 1;
            if judge(&copy).anomalies.is_empty() {
                judgement.anomalies.push(format!("the judge is blind: not found that {what}"));
            }
        }
    }
    let left_out = if own_disks { Vec::new() } else { Kind::ALL.to_vec() };
    let left_out = left_out.into_iter().filter(|kind| kind.needs_own_disk()).collect();
    let holds = judgement.anomalies.is_empty();
    let facts = Facts {
        seed: task.seed,
        seconds: task.seconds,
        injected,
        left_out,
        packets: router.packets(),
        history,
        resolved,
        ends,
        refused_writes: nodes.iter().filter_map(|node| Some(node.disk.as_ref()?.refused())).sum(),
        starts,
        orphans,
        judgement,
        doctored: copies,
    };
    say::line(&facts.text());
    Ok(holds)
}

/// Makes the cluster and the disks; the nodes are not started yet.
fn lay_out(task: &Task) -> anyhow::Result<(Arc<[Arc<Node>]>, String)> {
    let (laid, token) = cluster::init(&task.evenkeel, &task.folder)?;
    let mut nodes = Vec::new();
    for (index, one) in laid.into_iter().enumerate() {
        let place = data(&task.folder, index);
        let below = task.folder.join(format!("disk-{}", index + 1));
        let tmpfs = Tmpfs::mount(&below, disk_mib(task.seconds))?;
        let log = task.folder.join(format!("{}.log", one.region));
        let evenkeel = task.evenkeel.clone();
        let files = Files { config: one.config.clone(), log, evenkeel };
        // What a node's first start needs is there before its disk is.
        let live = below.join("live");
        std::fs::create_dir_all(&live)?;
        for entry in std::fs::read_dir(&one.data)? {
            let path = entry?.path();
            let name = path.file_name().context("an entry without a name")?;
            std::fs::copy(&path, live.join(name))?;
        }
        let disk = Mounted::mount(&below, &place).ok();
        let used = if disk.is_some() { place } else { live };
        cluster::keep_data_at(&one.config, &used)?;
        nodes.push(Arc::new(Node::new(index, one.region, files, disk, tmpfs)));
    }
    Ok((nodes.into(), token))
}

fn data(folder: &Path, node: usize) -> PathBuf {
    folder.join(format!("data-{}", node + 1))
}

/// Room for a node: two segments, four copies of the superblock, and what a run writes.
const fn disk_mib(seconds: u64) -> u64 {
    160 + seconds
}

/// What `evenkeel journal verify` does not like about a node's folder.
fn verify(evenkeel: &Path, node: &Node, data: &Path) -> Option<String> {
    let data = if node.disk.is_some() { data.to_owned() } else { node.tmpfs.path().join("live") };
    let mut command = Command::new(evenkeel);
    let output = command.args(["journal", "verify", "--brief"]).arg(data).output();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let error = String::from_utf8_lossy(&output.stderr);
            Some(format!("{}: its folder is not whole: {said} {error}", node.region))
        }
        Err(error) => Some(format!("cannot verify a folder: {error}")),
    }
}
