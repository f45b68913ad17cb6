//! Failures told by hand: partition, write, heal, expect. Those of PROTOCOL 8b carry their number.

#![expect(clippy::unwrap_used, reason = "a test that fails may stop")]

mod channels;
mod classes;
mod crashes;
mod damage;
mod degrade;
mod disks;
mod exhaustive;
mod floors;
mod force;
mod force_nodes;
mod force_takeover;
mod identity;
mod members;
mod moves;
mod orphans;
mod partitions;
mod quarantine;
mod reads;
mod reopened;
mod rules;
mod scale;
mod snapshots;
mod tale;
mod upgrades;
mod witness;
mod witness_base;
mod zones;
