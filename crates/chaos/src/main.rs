//! `chaos`: real nodes under real faults, judged by what their clients saw.
//!
//! The simulator plays years of failures, but its network, disks and processes are models. This runs
//! the very binary that is shipped, as three processes, and does to it what a machine room does:
//! SIGKILL, SIGSTOP, partitions of every kind, loss, delay, reordering, full and slow and failing
//! disks, and power cuts that lose what was not synced. Clients pay all the while; afterwards
//! [`judge`] holds what they saw against what is promised. It decides nothing about groups or money,
//! shares no code with what it judges but the client, and is no part of the product.
//!
//! Where to start reading: [`run`], then `docs/design/` on real processes.

mod ask;
mod cli;
mod clock;
mod cluster;
mod collect;
mod disk;
mod enclosure;
mod faults;
mod judge;
mod load;
mod net;
mod node;
mod random;
mod report;
mod run;
mod say;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser as _, ValueEnum as _};

use cli::{Cli, Command, Faults, Inside, Place};
use cluster::NODES;
use enclosure::Enclosure;
use faults::{Abilities, Kind, plan};
use run::Task;

/// How a run ends that could not even begin: the number that test harnesses take for "skipped".
const SKIPPED: u8 = 77;

/// Seconds of a canary: two rounds of power cuts.
const CANARY_SECONDS: u64 = 15;

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Run(run) => enclosed(&run.faults, &run.place, false),
        Command::Plan(faults) => print_plan(&faults),
        Command::Canary(place) => {
            let only = vec![Kind::PowerCutAll, Kind::Kill];
            let faults = Faults { seed: Some(1), seconds: CANARY_SECONDS, only };
            enclosed(&faults, &place, true)
        }
        Command::Inside(inside) => inside_run(&inside),
    };
    ended.unwrap_or_else(|error| {
        say::line(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}

/// Runs in an enclosure, and says what came of it.
fn enclosed(faults: &Faults, place: &Place, is_canary: bool) -> anyhow::Result<ExitCode> {
    let enclosure = match Enclosure::find() {
        Ok(enclosure) => enclosure,
        Err(why) => {
            say::line(&format!("skipped: no namespaces or TUN devices for us here: {why}"));
            return Ok(ExitCode::from(SKIPPED));
        }
    };
    let evenkeel = match &place.evenkeel {
        Some(path) => path.clone(),
        None => beside("evenkeel")?,
    };
    let evenkeel =
        evenkeel.canonicalize().with_context(|| format!("no program at {}", evenkeel.display()))?;
    let seed = faults.seed.map_or_else(by_chance, Ok)?;
    let folder = tempfile::Builder::new().prefix("chaos-").tempdir().context("no folder")?;
    say::line(&format!("chaos: seed {seed}, logs in {}", folder.path().display()));
    let mut arguments = vec!["inside".to_owned()];
    let mut put = |name: &str, value: &str| arguments.extend([name.to_owned(), value.to_owned()]);
    put("--seed", &seed.to_string());
    put("--seconds", &faults.seconds.to_string());
    put("--evenkeel", &evenkeel.display().to_string());
    put("--folder", &folder.path().display().to_string());
    for kind in &faults.only {
        let value = kind.to_possible_value().context("a kind without a name")?;
        put("--only", value.get_name());
    }
    if is_canary {
        arguments.push("--lying-disks".to_owned());
    }
    let status = enclosure.run(&arguments)?;
    let found = status.code() == Some(i32::from(FOUND));
    let is_as_wanted = status.success() || is_canary && found;
    if place.keep || !is_as_wanted {
        let kept = folder.keep();
        say::line(&format!("logs are kept in {}", kept.display()));
    }
    if is_canary {
        let text = if found { "the canary was found" } else { "the canary was NOT found" };
        say::line(text);
        return Ok(if found { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if !status.success() {
        let again = arguments.get(1..5).unwrap_or_default().join(" ");
        let only = arguments.iter().skip_while(|word| *word != "--only").cloned();
        let only = only.collect::<Vec<_>>().join(" ");
        say::line(&format!("failed: the same faults again: cargo xtask chaos {again} {only}"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// How the run inside says that it was carried out and has found something.
const FOUND: u8 = 3;

fn inside_run(inside: &Inside) -> anyhow::Result<ExitCode> {
    enclosure::settle_in()?;
    let Inside { faults, evenkeel, folder, lying_disks } = inside.clone();
    let seed = faults.seed.context("a run without a seed")?;
    let (seconds, only) = (faults.seconds, faults.only);
    let task = Task { seed, seconds, evenkeel, folder, only, lying_disks };
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    let holds = runtime.block_on(run::run(&task))?;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn print_plan(faults: &Faults) -> anyhow::Result<ExitCode> {
    let seed = faults.seed.map_or_else(by_chance, Ok)?;
    let abilities = Abilities { nodes: NODES, own_disks: true, only: faults.only.clone() };
    say::line(&format!("seed {seed}"));
    for planned in plan(seed, faults.seconds, &abilities) {
        let at = std::time::Duration::from_millis(planned.at_ms);
        let length = std::time::Duration::from_millis(planned.length_ms);
        say::line(&format!(
            "{:>7.1} s  {} for {:.1} s",
            at.as_secs_f64(),
            planned.fault,
            length.as_secs_f64()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn beside(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program's own file")?;
    Ok(own.with_file_name(name))
}

fn by_chance() -> anyhow::Result<u64> {
    use std::io::Read as _;
    let mut bytes = [0; 4];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read randomness")?;
    Ok(u64::from(u32::from_le_bytes(bytes)))
}
