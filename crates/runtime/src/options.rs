//! From a configuration to the options of each part.

use std::collections::BTreeSet;
use std::sync::Arc;

use group::{GroupOptions, NodeOptions};
use replication::{Mutant, is_commit};
use steering::Policy;
use types::{ClusterId, ConfigId, GroupId, Member, MemberRole, NodeId, Place, RegionId, ZoneId};
use wire::log;

use crate::config::Retention;
use crate::limits::{
    AHEAD_RECORDS, BEAT_US, DESK_ALL_BYTES_MAX, DESK_BYTES, ELECTION_TICKS, FLOOR_STEP_BYTES,
    HELD_ALL_BYTES_MAX, HELD_BYTES, SUPERBLOCK_GROUP_BYTES, WINDOW_RECORDS,
};
use crate::{Clock, Config, NodeRole};

pub(crate) fn first_configs(config: &Config) -> Vec<(GroupId, types::Config)> {
    let first = types::Config::placed(ConfigId(1), placed(config), config.copies, config.spread)
        .expect("the configuration's rules are the same");
    let of = |group: GroupId| {
        let journals = config.journals.iter().find(|journals| journals.has(group))?;
        let members = journals.members(config);
        let placed = members.iter().filter_map(|node| first.member(*node)).collect::<Vec<_>>();
        let regions: BTreeSet<RegionId> = placed.iter().map(|one| one.place.region).collect();
        // In as many regions as for all groups, or as its copies and nodes allow.
        let copies = journals.copies(config);
        let spread = config.spread.min(copies).min(regions.len());
        let own = types::Config::placed(ConfigId(1), placed, copies, spread)
            .expect("the journals' rules are the same");
        Some(own.with_terms(journals.terms()))
    };
    let groups = (0..config.groups).map(GroupId);
    groups.map(|group| (group, of(group).unwrap_or_else(|| first.clone()))).collect()
}

/// Whether a group has a witness without whose records there would be fewer copies than a commit takes:
/// its full nodes alone are no commit.
pub(crate) fn needs_witness_records(config: &Config) -> bool {
    let needs = |config: &types::Config| {
        let has_witness = config.each().any(|member| member.role == MemberRole::Witness);
        has_witness && !is_commit(config, |node| config.may_lead(node))
    };
    first_configs(config).iter().any(|(_, config)| needs(config))
}

pub(crate) fn storage(config: &Config, cluster: ClusterId, clock: Clock) -> storage::Options {
    let identity = log::Identity { cluster, node: config.me() };
    let clock: storage::Clock = Arc::new(move || clock.instant());
    let mut options = storage::Options::new(config.data.clone(), identity, clock);
    options.segment_bytes = config.storage.segment_mib << 20;
    options.reserve_bytes = options.segment_bytes / 16;
    options.superblock_copy_bytes =
        options.superblock_copy_bytes.max(u64::from(config.groups) * SUPERBLOCK_GROUP_BYTES);
    options
}

pub(crate) fn transport_limits(config: &Config) -> transport::Limits {
    // A session is given up well before its region is: it may be the link.
    let silence_max =
        (config.failover.detect.duration() / 2).min(transport::Limits::default().silence_max);
    let keepalive = (silence_max / 5).min(transport::Limits::default().keepalive);
    transport::Limits { silence_max, keepalive, ..transport::Limits::default() }
}

pub(crate) fn register(config: &Config, first: &[(GroupId, types::Config)]) -> register::Options {
    let election_us = config.failover.election.micros();
    let tick_us = (election_us / ELECTION_TICKS).max(1);
    register::Options {
        node: config.me(),
        members: members(config),
        genesis: first.to_vec(),
        tick_us,
        election_ticks: ELECTION_TICKS,
        resend_ticks: (config.failover.resend.micros() / tick_us).max(1),
        retry_us: config.failover.resend.micros(),
        proposal_timeout_us: 2 * config.failover.detect.micros(),
    }
}

pub(crate) fn node(config: &Config) -> NodeOptions {
    let failover = &config.failover;
    let (detect_us, resend_us) = (failover.detect.micros(), failover.resend.micros());
    NodeOptions {
        group: GroupOptions {
            me: config.me(),
            window_records: WINDOW_RECORDS,
            budget_records: AHEAD_RECORDS,
            budget_us: config.loss_budget.micros(),
            held_bytes_max: share(HELD_ALL_BYTES_MAX, config.groups, HELD_BYTES),
            desk_bytes_max: share(DESK_ALL_BYTES_MAX, config.groups, DESK_BYTES),
            resend_us,
            handoff_us: detect_us / 2,
            beat_us: BEAT_US,
            patience_us: detect_us / 2,
            forwarded_wait_us: config.answer_within.micros(),
            ahead_us_max: failover.skew.micros(),
            snapshot_work: config.snapshots.entries,
            snapshot_us: config.snapshots.every.micros().max(1),
            mutant: Mutant::None,
        },
        nodes: members(config),
        pulse_us: failover.pulse.micros(),
        look_us: failover.pulse.micros() / 4,
        policy: Policy {
            automatic: failover.automatic,
            detect_us,
            vantage_points: config.founders().count().min(2),
            residence_us: failover.residence.micros(),
            stagger_us: 3 * failover.pulse.micros() + 2 * resend_us,
        },
        skew_us_max: failover.skew.micros(),
        disk_us_max: failover.disk.micros(),
        trim: config.snapshots.keep == Retention::Snapshots,
        floor_step_bytes: FLOOR_STEP_BYTES,
        propose_us: 2 * resend_us,
    }
}

/// One group's part of what all may take.
fn share(all: usize, groups: u16, (least, most): (usize, usize)) -> usize {
    (all / usize::from(groups)).clamp(least, most)
}

/// The members of every group. Regions and zones are numbered in the order in which the file names them
/// first, which is the same on every node, as the list of nodes is.
fn placed(config: &Config) -> Vec<Member> {
    let regions: Vec<&str> = distinct(config.founders().map(|node| node.region.trim()));
    let members = config.founders().filter_map(|node| {
        let role = match node.role {
            NodeRole::Full => MemberRole::Full,
            NodeRole::Witness => MemberRole::Witness,
            NodeRole::Register => return None,
        };
        let region = node.region.trim();
        let neighbours = config.founders().filter(|other| other.region.trim() == region);
        let zones = distinct(neighbours.map(|other| other.zone.trim()));
        let place = Place {
            region: RegionId(number(&regions, region)),
            zone: ZoneId(number(&zones, node.zone.trim())),
        };
        Some(Member { node: NodeId(node.id), role, place })
    });
    members.collect()
}

/// Each name once, in the order of first appearance.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn number(names: &[&str], name: &str) -> u16 {
    let at = names.iter().position(|known| *known == name).expect("every name was collected");
    u16::try_from(at).expect("nodes are a handful")
}

fn members(config: &Config) -> Vec<NodeId> {
    config.founders().map(|node| NodeId(node.id)).collect()
}

#[cfg(test)]
mod tests;
