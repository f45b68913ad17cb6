//! What PROTOCOL 8a and 8b ask for, and how much of it the simulator holds: every invariant with where it
//! is checked, every scenario with the stories that tell it. What is not held says what it lacks.
//!
//! Nothing here is believed: which stories exist is read from their sources, and a test holds the list of
//! invariants against what a run has looked at.

use std::fmt::Write;

mod invariants;
mod scenarios;

pub use invariants::{INVARIANTS, Invariant, Where};
pub use scenarios::{SCENARIOS, Scenario};

/// The sources of the stories, by file.
pub const STORIES: [(&str, &str); 26] = [
    ("channels", include_str!("../tests/it/channels.rs")),
    ("classes", include_str!("../tests/it/classes.rs")),
    ("crashes", include_str!("../tests/it/crashes.rs")),
    ("degrade", include_str!("../tests/it/degrade.rs")),
    ("disks", include_str!("../tests/it/disks.rs")),
    ("damage", include_str!("../tests/it/damage.rs")),
    ("exhaustive", include_str!("../tests/it/exhaustive.rs")),
    ("floors", include_str!("../tests/it/floors.rs")),
    ("force", include_str!("../tests/it/force.rs")),
    ("force_nodes", include_str!("../tests/it/force_nodes.rs")),
    ("force_takeover", include_str!("../tests/it/force_takeover.rs")),
    ("identity", include_str!("../tests/it/identity.rs")),
    ("members", include_str!("../tests/it/members.rs")),
    ("moves", include_str!("../tests/it/moves.rs")),
    ("orphans", include_str!("../tests/it/orphans.rs")),
    ("partitions", include_str!("../tests/it/partitions.rs")),
    ("quarantine", include_str!("../tests/it/quarantine.rs")),
    ("reads", include_str!("../tests/it/reads.rs")),
    ("reopened", include_str!("../tests/it/reopened.rs")),
    ("rules", include_str!("../tests/it/rules.rs")),
    ("scale", include_str!("../tests/it/scale.rs")),
    ("upgrades", include_str!("../tests/it/upgrades.rs")),
    ("snapshots", include_str!("../tests/it/snapshots.rs")),
    ("witness", include_str!("../tests/it/witness.rs")),
    ("witness_base", include_str!("../tests/it/witness_base.rs")),
    ("zones", include_str!("../tests/it/zones.rs")),
];

impl Scenario {
    /// The stories that tell it, as `file::test`.
    #[must_use]
    pub fn stories(&self) -> Vec<String> {
        let prefix = format!("fn s{}_", self.number);
        let mut found = Vec::new();
        for (file, source) in STORIES {
            for line in source.lines().filter(|line| line.starts_with(&prefix)) {
                let name = line.trim_start_matches("fn ").split('(').next().unwrap_or_default();
                found.push(format!("{file}::{name}"));
            }
        }
        found
    }

    /// Held, held in part, or missing.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.stories().is_empty(), self.lacks.is_empty()) {
            (true, _) => "missing",
            (false, true) => "held",
            (false, false) => "in part",
        }
    }
}

/// All scenarios, one or more lines each.
#[must_use]
pub fn scenarios() -> String {
    let mut text = String::new();
    for scenario in &SCENARIOS {
        let (number, state) = (format!("S{}", scenario.number), scenario.state());
        put(&mut text, format_args!("{number:<4} {state:<8} {}", scenario.trace));
        for story in scenario.stories() {
            put(&mut text, format_args!("{:14}{story}", ""));
        }
        if !scenario.lacks.is_empty() {
            put(&mut text, format_args!("{:14}lacks: {}", "", scenario.lacks));
        }
    }
    let count = |state: &str| SCENARIOS.iter().filter(|one| one.state() == state).count();
    let counts = (count("held"), count("in part"), count("missing"));
    put(
        &mut text,
        format_args!("{} held, {} held in part, {} missing", counts.0, counts.1, counts.2),
    );
    text
}

/// All invariants, one line each.
#[must_use]
pub fn invariants() -> String {
    let mut text = String::new();
    for invariant in &INVARIANTS {
        let (name, says) = (invariant.name, invariant.says);
        let (state, where_to) = match invariant.checked {
            Where::EveryRun(how) => ("every run", how),
            Where::Stories(how) => ("in part", how),
            Where::Elsewhere(how) => ("elsewhere", how),
            Where::Missing(why) => ("missing", why),
        };
        put(&mut text, format_args!("{name:<4} {state:<10} {says}"));
        put(&mut text, format_args!("{:16}{where_to}", ""));
    }
    text
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}
