//! Whether the disk has room for a demo, asked before it starts and again when it fails.
//!
//! A full disk explains itself badly: the nodes' logs, which would say so, lie on it too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::fs::statvfs;

use crate::node_file::Profile;

/// Bytes that a node's superblock takes: four copies for 64 groups.
const SUPERBLOCK_BYTES: u64 = 16 << 20;

/// Segments that a node's log takes before its first record: the one in use and the next.
const SEGMENTS: u64 = 2;

/// Bytes that one message takes in one region's log. Generated payments took 1.7 KiB, the largest
/// published samples four times that.
const MESSAGE_BYTES: u64 = 8 << 10;

/// With less than this left, an error is blamed on the disk.
const NOTHING_BYTES: u64 = 1 << 20;

/// Bytes that a demo of `regions` regions takes, evidence included.
pub(crate) fn needed(regions: usize, rate: u32, length: Duration) -> u64 {
    let segment = Profile::DEMO.segment_mib << 20;
    let messages = u64::from(rate).saturating_mul(length.as_secs() + 1);
    let region = SUPERBLOCK_BYTES + SEGMENTS * segment + messages.saturating_mul(MESSAGE_BYTES);
    region.saturating_mul(regions as u64)
}

/// Refuses a folder whose disk has less room than a demo needs. The folder need not exist.
pub(crate) fn check(folder: &Path, needed: u64) -> anyhow::Result<()> {
    let free = free(folder)?;
    if free < needed {
        bail!(
            "the disk under {} has {} MiB free, and this demo takes {} MiB: make room, name a folder \
             on another disk with --dir, or send less with --rate or --for",
            folder.display(),
            free >> 20,
            needed.div_ceil(1 << 20),
        );
    }
    Ok(())
}

/// Says that the disk is full, where that is why `error` came about.
pub(crate) fn explain(error: anyhow::Error, folder: &Path) -> anyhow::Error {
    if free(folder).is_ok_and(|free| free < NOTHING_BYTES) {
        return error.context(format!(
            "the disk under {} is full: make room, or name a folder on another disk with --dir",
            folder.display()
        ));
    }
    error
}

/// Bytes that this user may still write under `folder`, or under the first folder above it that
/// exists.
fn free(folder: &Path) -> anyhow::Result<u64> {
    let folder = std::path::absolute(folder).context("there is no current folder")?;
    let existing =
        folder.ancestors().find(|one| one.exists()).map_or(PathBuf::from("/"), Into::into);
    let stat = statvfs(&existing)
        .with_context(|| format!("cannot see how full the disk under {} is", existing.display()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
