//! What a start-up makes of the places in a log where no record can be read: which were written once
//! and are damaged, which were torn, and where the log goes on.
//!
//! Damage that a later record or the superblock proves to have been durable is kept as damage, and so
//! is what was written whole (`tear`). The first tear ends the log: nothing from it on was acknowledged.

use journal::scan::Damage;
use types::Position;
use wire::log::FRAME_ALIGN;

use crate::{
    limits::{GAPS_MAX, HEADER_BYTES, ROLL_BYTES},
    segment::{Segment, read_all},
    tear::{Held, Look, look},
    walk::{Break, Walk},
};

/// What a start-up does with a log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Where the next record goes.
    pub(crate) end: u64,
    /// What was written and cannot be read, in order; all of it lies before `end`.
    pub(crate) damage: Vec<Damage>,
    /// If a write was torn at `end`: how many good records are cut off with it.
    pub(crate) torn: Option<u64>,
    /// More is damaged than a start-up can keep track of.
    pub(crate) is_too_much: bool,
}

impl Plan {
    /// Looks at every place where `walked` could read no record. `marked` is the superblock's mark.
    pub(crate) fn new(walked: &Walk, segments: &[Segment], marked: Position) -> Self {
        let beyond = walked.beyond.map_or(0, |beyond| beyond.durable.0);
        let proven = beyond.max(marked.0);
        let is_too_much = walked.breaks.len() >= GAPS_MAX;
        let mut plan = Self { end: walked.end, damage: Vec::new(), torn: None, is_too_much };
        let rest = last_bytes(walked, segments).max(marked.0);
        for found in &walked.breaks {
            let is_empty = found.until.is_none() && rest <= found.from;
            if is_empty {
                plan.end = found.from;
                return plan;
            }
            let until = found.until.unwrap_or_else(|| rest.next_multiple_of(FRAME_ALIGN as u64));
            let looks = look_at(segments, found, until);
            let held = match looks {
                Look::Torn if found.from >= proven => {
                    let cut = walked.breaks.iter().filter(|one| one.from >= found.from);
                    plan.torn = Some(cut.map(|one| one.goods).sum());
                    plan.end = found.from;
                    return plan;
                }
                Look::Torn => Held::ANY,
                Look::Written(held) => held,
            };
            plan.damage.push(Damage {
                from: Position(found.from),
                until: found.until.map(Position),
                groups: held.groups,
                register: held.register,
            });
            plan.end = until;
        }
        // The log goes on behind damage at its end: in the segment in which that ends, if a record could
        // still begin there, or else in the next.
        for segment in segments {
            if plan.end + ROLL_BYTES > segment.end() && plan.end <= segment.end() + HEADER_BYTES {
                plan.end = segment.end() + HEADER_BYTES;
            }
        }
        plan
    }
}

/// Where the last byte that is not zero ends, past the first bad place.
fn last_bytes(walked: &Walk, segments: &[Segment]) -> u64 {
    let ends = segments
        .iter()
        .filter_map(|segment| Some(segment.first + walked.residue.get(&segment.first)?));
    ends.max().unwrap_or(0)
}

fn look_at(segments: &[Segment], found: &Break, until: u64) -> Look {
    let holds = |segment: &&Segment| segment.first <= found.from && found.from < segment.end();
    let Some(segment) = segments.iter().find(holds) else { return Look::Written(Held::ANY) };
    let is_followed = found.until.is_some();
    let within = until.min(segment.end());
    match read_all(&*segment.file, found.from - segment.first, within - found.from) {
        // Bytes that a whole segment lies behind were not torn.
        Ok(bytes) if within == until => {
            look(segment.salt, Position(found.from), &bytes, is_followed)
        }
        Ok(bytes) => match look(segment.salt, Position(found.from), &bytes, false) {
            Look::Torn => Look::Torn,
            Look::Written(_) => Look::Written(Held::ANY),
        },
        Err(_) => Look::Written(Held::ANY),
    }
}
