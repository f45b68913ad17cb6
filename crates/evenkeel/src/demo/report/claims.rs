//! What the demo claims, each with what it was checked against.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Facts;
use super::measure::{Move, ms};
use crate::demo::check::{Recomputed, duplicates};
use crate::demo::fault::Fault;
use crate::demo::load::script::Kind;
use crate::demo::load::told::{Record, Told};
use crate::demo::timeline::Step;
use crate::output::thousands;

/// An unplanned move after detection, at most (issue 2).
const FAILOVER_US_MAX: u64 = 1_000_000;

/// A planned move, at most: three round trips and this.
const PLANNED_US_MAX: u64 = 100_000;

/// What is on its way when a fault begins may still arrive.
const UNDER_WAY_US: u64 = 500_000;

/// Findings that are spelt out in a claim; the evidence has all.
const SHOWN_MAX: usize = 3;

/// One claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// What is claimed.
    pub(crate) name: String,
    /// Whether it holds.
    pub(crate) holds: bool,
    /// What it was checked against, or what contradicts it.
    pub(crate) because: String,
}

impl Claim {
    fn new(name: &str, holds: bool, because: impl Into<String>) -> Self {
        Self { name: name.to_owned(), holds, because: because.into() }
    }

    /// Holds if nothing contradicts it.
    fn unless(name: &str, against: &[String], because: impl Into<String>) -> Self {
        if against.is_empty() {
            return Self::new(name, true, because);
        }
        let shown = against.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join("; ");
        Self::new(name, false, format!("{} against it: {shown}", against.len()))
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({ "claim": self.name, "holds": self.holds, "because": self.because })
    }
}

/// All claims of a demo.
pub(super) fn all(facts: &Facts<'_>, recomputed: &Recomputed, moved: Option<&Move>) -> Vec<Claim> {
    let mut claims = vec![
        known(facts.records),
        as_due(facts.records),
        settled(recomputed),
        kept(facts),
        paid_once(facts, recomputed),
        repeated(facts.records),
        contradicted(facts.records),
        balanced(facts),
        between(facts, recomputed),
        equal(facts),
    ];
    claims.extend(facts.journals.map(whole));
    let story = facts.story;
    match facts.fault {
        Fault::None | Fault::Cut(..) => claims.push(stayed(facts)),
        Fault::Kill(_) | Fault::Stop(_) | Fault::Isolate(_) => {
            claims.push(moved_once(facts));
            claims.push(in_time(
                "moved within 1 s after detection",
                moved.and_then(|moved| moved.after_detection_us),
                FAILOVER_US_MAX,
                if moved.is_some_and(|moved| moved.has_ledgers) {
                    "from a region's asking for the groups to the first good transaction of a \
                     client on the last of the moved ledgers in use"
                } else {
                    "from a region's asking for the groups to the last one's first committed \
                     record; no payment was on a moved ledger"
                },
            ));
        }
        Fault::Planned { .. } => {
            claims.push(moved_once(facts));
            let max = 3 * u64::from(facts.round_trip_us) + PLANNED_US_MAX;
            let usual = moved.map_or(0, |moved| moved.usual_gap_us);
            claims.push(in_time(
                "switched within 3 round trips and 100 ms",
                moved.and_then(|moved| moved.gap_us),
                max,
                &format!(
                    "largest gap between good answers on a moved ledger, less the usual {}; the \
                     longest round trip is {}",
                    ms(usual),
                    ms(facts.round_trip_us.into())
                ),
            ));
        }
        Fault::KillTwo(..) => claims.push(stood_still(facts)),
    }
    if let Fault::Stop(one) = facts.fault {
        let node = facts.regions.get(one).map(|region| types::NodeId(region.node));
        let demoted = facts.timeline.reached(Step::Demoted, &story.affected, story.began_us);
        let groups = demoted.map_or(0, |reached| reached.groups);
        let because = if story.is_fenced {
            "its disk had stood still for too long, so it ended itself and came back as a follower"
                .to_owned()
        } else {
            format!("it stood down in {groups} of {} groups", story.affected.len())
        };
        let holds = node.is_some() && (story.is_fenced || groups == story.affected.len());
        claims.push(Claim::new("the frozen home, once resumed, is refused", holds, because));
    }
    claims
}

fn known(records: &[Record]) -> Claim {
    let open: Vec<String> = records
        .iter()
        .filter(|record| !record.told.is_final())
        .map(|record| format!("{}: {}", record.sending.name, record.told.summary()))
        .collect();
    let because = format!("{} messages", thousands(records.len() as u64));
    Claim::unless("every client knows its outcome", &open, because)
}

fn as_due(records: &[Record]) -> Claim {
    let other: Vec<String> = records
        .iter()
        .filter(|record| record.told.is_final() && !record.is_as_due())
        .map(|record| {
            let (sending, told) = (&record.sending, record.told.summary());
            format!("{} ({}): {told}", sending.name, sending.kind.name())
        })
        .collect();
    Claim::unless(
        "every answer is what its message calls for",
        &other,
        "settled, rejected or refused with the right reason",
    )
}

/// Money has to move for the claims about money to say anything.
fn settled(recomputed: &Recomputed) -> Claim {
    let because = format!("{} payments settled", thousands(recomputed.settled));
    Claim::new("payments were settled", recomputed.settled > 0, because)
}

fn kept(facts: &Facts<'_>) -> Claim {
    let because = format!(
        "{} stored answers read in {} regions, each the one that was given",
        thousands(facts.held.compared as u64),
        facts.regions.len()
    );
    Claim::unless("no acknowledged payment is lost", &facts.held.missing, because)
}

fn paid_once(facts: &Facts<'_>, recomputed: &Recomputed) -> Claim {
    let mut against = recomputed.contradictions.clone();
    for (region, accounts) in facts.regions.iter().zip(&facts.held.accounts) {
        let differences = recomputed.differences(accounts);
        against.extend(differences.into_iter().map(|line| format!("{}: {line}", region.name)));
    }
    let because = format!(
        "{} accounts in {} regions hold what the {} settled payments add up to, each counted once",
        thousands(recomputed.accounts.len() as u64),
        facts.regions.len(),
        thousands(recomputed.settled)
    );
    Claim::unless("no payment is made twice or made up", &against, because)
}

fn repeated(records: &[Record]) -> Claim {
    let (count, other) = duplicates(records);
    let because = format!("{} repeats, wherever they were sent", thousands(count as u64));
    Claim::unless("an exact duplicate gets the first answer", &other, because)
}

fn contradicted(records: &[Record]) -> Claim {
    let conflicts = records.iter().filter(|record| record.sending.kind == Kind::Conflict);
    let (refused, taken): (Vec<&Record>, Vec<&Record>) =
        conflicts.partition(|record| record.is_as_due());
    let taken: Vec<String> = taken
        .iter()
        .map(|record| format!("{}: {}", record.sending.name, record.told.summary()))
        .collect();
    let because = format!("{} of them refused", thousands(refused.len() as u64));
    Claim::unless("a used id with another amount is refused", &taken, because)
}

fn balanced(facts: &Facts<'_>) -> Claim {
    let mut against = Vec::new();
    let mut books = 0;
    for (region, found) in facts.regions.iter().zip(&facts.held.books) {
        let each = found.get("books").and_then(Value::as_array);
        books += each.map_or(0, Vec::len);
        if found.get("balanced").and_then(Value::as_bool) != Some(true) {
            against.push(format!("{}: {found}", region.name));
        }
    }
    let because = format!("{books} books, debits equal to credits");
    Claim::unless("the books balance in every region", &against, because)
}

/// What has left one ledger has arrived in another or is back, in every region.
fn between(facts: &Facts<'_>, recomputed: &Recomputed) -> Claim {
    let mut against = Vec::new();
    let mut pairs = 0;
    for (region, found) in facts.regions.iter().zip(&facts.held.books) {
        let each = found.get("clearing").and_then(Value::as_array);
        for pair in each.into_iter().flatten() {
            pairs += 1;
            let is_over = pair.get("state").and_then(Value::as_str) == Some("balanced")
                && pair.get("pending_count").and_then(Value::as_u64) == Some(0)
                && pair.get("sent") == pair.get("received")
                && pair.get("frozen").is_some_and(Value::is_null);
            if !is_over {
                against.push(format!("{}: {pair}", region.name));
            }
        }
        if found.get("pending_count").and_then(Value::as_u64) != Some(0) {
            against.push(format!("{}: payments are pending", region.name));
        }
    }
    let [settled, reversed] = recomputed.across.map(thousands);
    let because = format!(
        "{settled} settled and {reversed} reversed by what clients were told; {pairs} clearing pairs \
         equal, nothing in flight"
    );
    Claim::unless("payments between regions are settled or reversed, never both", &against, because)
}

fn equal(facts: &Facts<'_>) -> Claim {
    let mut against = Vec::new();
    let Some((first, others)) = facts.held.digests.split_first() else {
        return Claim::new("all regions hold the same state", false, "no digests");
    };
    for (region, digests) in facts.regions.iter().skip(1).zip(others) {
        for (group, digest) in first {
            if digests.get(group) != Some(digest) {
                let other = digests.get(group);
                against.push(format!("{group}: {digest:?}, in {} {other:?}", region.name));
            }
        }
    }
    let because = format!("chain heads and state digests of {} groups", first.len());
    Claim::unless("all regions hold the same state", &against, because)
}

fn whole(journals: &[(String, Result<String, String>)]) -> Claim {
    let line = |region: &str, found: &str| format!("{region}: {found}");
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (region, verdict) in journals {
        match verdict {
            Ok(found) => good.push(line(region, found)),
            Err(found) => bad.push(line(region, found)),
        }
    }
    Claim::unless("every folder verifies offline", &bad, good.join("; "))
}

fn stayed(facts: &Facts<'_>) -> Claim {
    let moved = facts.timeline.opened(facts.story.began_us);
    let moved: Vec<String> = moved.keys().map(ToString::to_string).collect();
    Claim::unless("no group moved", &moved, "two regions always reached each home")
}

fn moved_once(facts: &Facts<'_>) -> Claim {
    let story = facts.story;
    let opened = facts.timeline.opened(story.began_us);
    let mut against: Vec<String> = opened
        .iter()
        .filter(|(group, count)| **count != 1 || !story.affected.contains(group))
        .map(|(group, count)| format!("{group} was opened {count} times"))
        .collect();
    let left = story.affected.iter().filter(|group| !opened.contains_key(group));
    against.extend(left.map(|group| format!("{group} did not move")));
    let because = format!("{} groups", story.affected.len());
    Claim::unless("each group of that home moved once, no other moved", &against, because)
}

fn in_time(name: &str, took_us: Option<u64>, max_us: u64, how: &str) -> Claim {
    match took_us {
        None => Claim::new(name, false, "it was not seen to end"),
        Some(took_us) => {
            let because = format!("{} of at most {}: {how}", ms(took_us), ms(max_us));
            Claim::new(name, took_us <= max_us, because)
        }
    }
}

/// While two of three regions are dead nothing may be acknowledged, and clients are told why.
fn stood_still(facts: &Facts<'_>) -> Claim {
    let story = facts.story;
    let dead = story.began_us + UNDER_WAY_US..story.ended_us;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut against = Vec::new();
    for record in facts.records.iter().filter(|record| record.sending.of.is_none()) {
        if record.due_us >= story.began_us
            && matches!(record.told, Told::Decided(_))
            && dead.contains(&record.told_us)
            && record.told_us < story.restarted_us
        {
            against.push(format!("{} was acknowledged", record.sending.name));
        }
    }
    if let Some(why) = &story.probe {
        *reasons.entry(why.clone()).or_default() += 1;
    } else {
        against.push("a client that asked meanwhile was not told why".to_owned());
    }
    let said = reasons.into_keys().collect::<Vec<_>>().join("; ");
    Claim::unless(
        "with two regions dead nothing is acknowledged, and clients are told",
        &against,
        format!("a client was told: {said}"),
    )
}
