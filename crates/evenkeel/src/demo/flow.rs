//! The course of a demo, from the first port to the last claim.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use runtime::Clock;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Args;
use super::ask::Ask;
use super::check::{self, Held};
use super::fault::Fault;
use super::folder::Folder;
use super::latency::Latencies;
use super::load::cast::{self, Opening};
use super::load::files::{self, Rounds};
use super::load::run::{self, PATIENCE, Progress, RESOLVE_WITHIN, Source};
use super::load::script::Script;
use super::load::send::Sender;
use super::load::told::Record;
use super::region::{self, Region};
use super::report::{self, Report};
use super::room;
use super::say::Say;
use super::stage::{GROUPS, Stage, Story};
use super::timeline::Timeline;
use super::{ports, wires::Wires};
use crate::cluster::is_folder_name;
use crate::exit::{Ended, Exit, OrExit as _};
use crate::node_file::Profile;
use crate::output;

/// Accounts that are opened at once.
const OPENING_MAX: usize = 16;

/// What is sent, and which accounts must be there for it.
struct Input {
    source: Source,
    openings: Vec<Opening>,
    files: Option<files::Found>,
}

/// All that is settled before anything is written.
struct Plan {
    fault: Fault,
    latencies: Latencies,
    input: Input,
    length: Duration,
    clock: Clock,
    /// First of the ports.
    base: u16,
}

impl Plan {
    fn make(args: &Args) -> anyhow::Result<Self> {
        check_regions(&args.regions)?;
        let fault = Fault::of(args)?;
        let latencies = args.latency.as_deref();
        let latencies = latencies.map_or(Ok(Latencies::built_in()), Latencies::read)?;
        let input = input(args)?;
        let length = args.length.duration();
        if length < Duration::from_secs(3) {
            bail!("--for {}: want at least 3s", args.length);
        }
        let clock = Clock::start();
        let count = region::ports(&args.regions);
        let base = ports::choose(args.base_port, count, clock.wall().0)?;
        Ok(Self { fault, latencies, input, length, clock, base })
    }
}

/// Runs the demo. With `--keep` it ends only by being dropped, and says in `kept` how it would have
/// ended.
pub(crate) async fn run(args: &Args, kept: &OnceLock<Exit>) -> Ended {
    let plan = Plan::make(args).or_exit(Exit::Usage)?;
    let say = Say::new();
    if let Some(found) = &plan.input.files {
        for (path, what) in &found.skipped {
            say.step(format!("skipped {}: {what}", path.display()));
        }
        say.step(format!(
            "{} files are pacs.008; {} others are skipped",
            found.documents.len(),
            found.skipped.len()
        ));
    }
    let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    room::check(&place, room::needed(args.regions.len(), args.rate, plan.length))?;
    let mut folder = Folder::make(args.dir.as_deref()).or_exit(Exit::Usage)?;
    let path = folder.path().to_owned();
    let played = play(args, kept, plan, &say, &mut folder).await;
    played.map_err(|failure| failure.explained(|error| room::explain(error, &path)))
}

async fn play(
    args: &Args,
    kept: &OnceLock<Exit>,
    plan: Plan,
    say: &Say,
    folder: &mut Folder,
) -> Ended {
    let Plan { fault, latencies, input, length, clock, base } = plan;
    let regions = region::lay_out(&args.regions, base, folder.path());
    let wires = Wires::lay(&regions, &latencies, args.seed)?;
    let reached = |from, to: usize| {
        let region = regions.get(to).expect("an index into the regions");
        if from == to { region.peers } else { wires.for_nodes(from, region) }
    };
    let token = region::write(folder.path(), &regions, reached)?;
    let ask = Ask::new(&regions, token)?;
    let senders = clients(&regions, &wires, PATIENCE, args.seed)?;
    // With more patience, for what is not known when the load is over.
    let askers = clients(&regions, &wires, RESOLVE_WITHIN, args.seed)?;
    introduce(say, &regions, &wires);

    let mut stage = Stage::new(regions.clone(), wires, ask, say.clone(), clock, folder.evidence());
    stage.start_all().await?;
    stage.serving().await?;
    stage.place().await?;
    say.step(format!("all {GROUPS} groups are served"));
    open(&stage, &input.openings).await?;
    say.step(format!("{} accounts are open and funded", input.openings.len()));

    let rounds = input.files.as_ref().map_or(0, |found| found.documents.len());
    let (mut records, story) =
        load(&mut stage, input.source, rounds, senders, args.rate, fault, length).await?;
    say.step(format!("the load is over: {} messages", records.len()));
    let open_count = records.iter().filter(|record| !record.told.is_final()).count();
    if open_count > 0 {
        say.step(format!("asking again for {open_count} outcomes that are not known"));
        run::resolve(&mut records, askers, clock).await;
    }
    let held = Held::collect(&stage, &records).await?;
    say.step("the regions were asked what they hold");
    let mut journals = None;
    if !args.keep {
        stage.stop_all().await?;
        journals = Some(check::journals(&regions));
    }
    let logs = stage.logs();
    let timeline = Timeline::read(logs.iter().map(|(node, path)| (*node, path.as_path())))?;
    let slowest_us = slowest_us(&regions, &stage.wires);
    let report = Report::make(report::Facts {
        regions: &regions,
        fault,
        story: &story,
        records: &records,
        openings: &input.openings,
        held: &held,
        journals: journals.as_deref(),
        timeline: &timeline,
        round_trip_us: slowest_us,
        seed: args.seed,
        rate: args.rate,
        skipped: input.files.as_ref().map_or(0, |found| found.skipped.len()),
    });
    report::leave(stage.evidence(), &report, &records, &regions)?;
    output::report(args.output, &report.document, || report.text(stage.evidence()));
    let ended = if report.holds() { Exit::Ok } else { Exit::Failed };
    folder.finish();
    if args.keep {
        invite(say, &stage);
        kept.get_or_init(|| ended);
        return std::future::pending().await;
    }
    Ok(ended)
}

fn check_regions(regions: &[String]) -> anyhow::Result<()> {
    if regions.len() != 3 {
        bail!("--regions: want three of them, not {}", regions.len());
    }
    for (index, name) in regions.iter().enumerate() {
        if !is_folder_name(name) || ["authority", "evidence"].contains(&name.as_str()) {
            bail!("--regions: `{name}` cannot be a folder's name here");
        }
        if regions.iter().take(index).any(|other| other == name) {
            bail!("--regions: `{name}` stands twice");
        }
    }
    Ok(())
}

fn input(args: &Args) -> anyhow::Result<Input> {
    let regions = args.regions.len();
    let Some(dir) = &args.input else {
        let casts = cast::all();
        let openings = casts.iter().flat_map(cast::Cast::openings).collect();
        let source = Source::Script(Script::new(args.seed, casts, regions));
        return Ok(Input { source, openings, files: None });
    };
    let found = files::find(dir)?;
    let source = Source::Files(Rounds::new(found.documents.clone(), regions, args.seed));
    Ok(Input { source, openings: found.openings.clone(), files: Some(found) })
}

/// For each region its clients, who reach their own node directly and the others over the wires.
fn clients(
    regions: &[Region],
    wires: &Wires,
    deadline: Duration,
    seed: u64,
) -> anyhow::Result<Arc<[Sender]>> {
    let of = |own: &Region| {
        let others = regions.iter().filter(|other| other.index != own.index);
        let others = others.map(|other| format!("http://{}", wires.for_clients(own.index, other)));
        let urls = std::iter::once(own.url()).chain(others).collect();
        Sender::new(urls, deadline, seed + own.index as u64).context("a client of the demo")
    };
    regions.iter().map(of).collect()
}

fn introduce(say: &Say, regions: &[Region], wires: &Wires) {
    for region in regions {
        let others = regions.iter().filter(|other| other.index != region.index);
        let others = others.map(|other| {
            let millis = f64::from(wires.round_trip_us(region.index, other.index)) / 1_000.0;
            format!("{millis:.1} ms to {}", other.name)
        });
        let others = others.collect::<Vec<_>>().join(", ");
        say.step(format!("{:<14} {}  {others}", region.name, region.url()));
    }
    let (demo, usual) = (Profile::DEMO, Profile::PRODUCTION);
    say.step(format!(
        "demo profile: a silent home is replaced after {} and its groups then stay for {} \
         (in production {} and {})",
        demo.detect, demo.residence, usual.detect, usual.residence
    ));
}

/// Opens all accounts, through all regions in turn.
async fn open(stage: &Stage, openings: &[Opening]) -> anyhow::Result<()> {
    let mut under_way = JoinSet::new();
    for (index, opening) in openings.iter().enumerate() {
        if under_way.len() >= OPENING_MAX
            && let Some(opened) = under_way.join_next().await
        {
            opened??;
        }
        let region = stage.regions.get(index % stage.regions.len()).context("no region")?.clone();
        let (ask, opening) = (Arc::clone(&stage.ask), opening.clone());
        under_way.spawn(async move { ask.open(&region, &opening).await });
    }
    while let Some(opened) = under_way.join_next().await {
        opened??;
    }
    Ok(())
}

/// Runs the load and lets the fault happen in it.
async fn load(
    stage: &mut Stage,
    mut source: Source,
    round: usize,
    senders: Arc<[Sender]>,
    rate: u32,
    fault: Fault,
    length: Duration,
) -> anyhow::Result<(Vec<Record>, Story)> {
    let clock = stage.clock;
    // Files may share an id: which of them is first must not be left to chance, so the first round
    // goes one by one.
    let mut records = run::first_round(&mut source, round, &senders, clock).await;
    let (stop, stopped) = watch::channel(false);
    let (progress, watching) = watch::channel(Progress::default());
    let following = tokio::spawn(stage.say.clone().follow(length, watching));
    let loading = tokio::spawn(run::run(source, senders, rate, clock, stopped, progress));
    let story = stage.play(fault, length).await;
    stop.send_replace(true);
    let loaded = loading.await;
    following.abort();
    records.extend(loaded.context("the load ended in a panic")?);
    Ok((records, story?))
}

/// Says how to talk to the regions that are left running.
fn invite(say: &Say, stage: &Stage) {
    let Some(first) = stage.regions.first() else { return };
    let urls = stage.regions.iter().map(Region::url).collect::<Vec<_>>().join(",");
    let token = first.folder.join("admin.token");
    let (token, second) = (token.display(), stage.regions.get(1).map_or("", |r| r.name.as_str()));
    say.step("the regions go on running until Ctrl-C; in another terminal:");
    // As it was called: it need not be on the path.
    let evenkeel = std::env::args().next().unwrap_or_else(|| "evenkeel".to_owned());
    for line in [
        format!("{evenkeel} status --endpoint {urls}"),
        format!("{evenkeel} explain --group 18 --endpoint {urls}"),
        format!("{evenkeel} accounts list --endpoint {urls}"),
        format!(
            "{evenkeel} switchover --groups all --to {second} --reason \"to see it\" --wait \
             --endpoint {urls} --token-file {token}"
        ),
        format!(
            "curl -sS -H 'Content-Type: application/xml' --data-binary @FILE.xml {}/v1/payments",
            first.url()
        ),
    ] {
        say.step(line);
    }
}

/// The longest round trip between two regions.
fn slowest_us(regions: &[Region], wires: &Wires) -> u32 {
    let pairs = regions.iter().flat_map(|a| regions.iter().map(move |b| (a.index, b.index)));
    pairs.map(|(a, b)| wires.round_trip_us(a, b)).max().unwrap_or_default()
}
