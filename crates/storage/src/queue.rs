//! What waits for the storage thread, and whether more may be let in.
//!
//! A record gets its place in the log when it is admitted, and only in segments that exist already.
//! So a write that was taken never waits for space: a full disk shows as a refusal at the door and
//! not as a stalled queue behind it, and the last `reserve_bytes` stay free for the register's
//! records and for pulses. Before that, with as much again to go, it is said that the disk is full, so
//! that who asks stops asking while what is under way still fits. Superblocks need no space at all.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use types::{GroupId, Position, WriteId};
use wire::{
    log::{Kind, frame_bytes},
    superblock::BLOB_HEAD_BYTES,
};

use crate::{
    Failure, Owner, Refused,
    limits::{COMMIT_BYTES_MAX, HEADER_BYTES, ROLL_BYTES},
    superblocks::Floor,
};

/// A write that was admitted.
#[derive(Debug)]
pub(crate) enum Write {
    Append { owner: Owner, id: WriteId, kind: Kind, at: Position, bytes: Bytes },
    Blob { owner: Owner, id: WriteId, group: GroupId, blob: Bytes },
    Floor { owner: Owner, id: WriteId, floor: Floor },
}

/// Where the next record goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Position of the next frame.
    pub(crate) at: u64,
    /// End of the segment that `at` lies in.
    pub(crate) end: u64,
    /// Length of the next segment, once it is prepared.
    pub(crate) next: Option<u64>,
}

/// Bounds that do not change while the node runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) record_bytes_max: usize,
    pub(crate) queue_bytes_max: usize,
    pub(crate) superblock_bytes_max: usize,
    pub(crate) reserve_bytes: u64,
}

/// Whether the queue takes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// What waits is still written.
    Closing,
    /// No thread touches the files any more.
    Stopped,
}

/// The queue. One mutex holds it.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) writes: VecDeque<Write>,
    pub(crate) place: Place,
    pub(crate) phase: Phase,
    /// A failure that another thread met; the storage thread reports it.
    pub(crate) failed: Option<Failure>,
    /// The last attempt to prepare a segment met a full disk.
    pub(crate) disk_full: bool,
    /// Somebody was refused because the next segment is missing, and waits for `Room`.
    pub(crate) refused_space: bool,
    /// Somebody was refused because too much waits, and waits for `Room`.
    refused_depth: bool,
    /// The storage thread sleeps.
    pub(crate) idle: bool,
    /// Of writes that wait or are under way.
    count: usize,
    bytes: usize,
    superblock_bytes: usize,
    blob_bytes: BTreeMap<GroupId, usize>,
    bounds: Bounds,
}

impl Queue {
    pub(crate) fn new(
        place: Place,
        bounds: Bounds,
        (superblock_bytes, blob_bytes): (usize, BTreeMap<GroupId, usize>),
    ) -> Self {
        Self {
            writes: VecDeque::new(),
            place,
            phase: Phase::Open,
            failed: None,
            disk_full: false,
            refused_space: false,
            refused_depth: false,
            idle: false,
            count: 0,
            bytes: 0,
            superblock_bytes,
            blob_bytes,
            bounds,
        }
    }

    /// Writes that wait or are under way, and their bytes.
    pub(crate) const fn depth(&self) -> (usize, usize) {
        (self.count, self.bytes)
    }

    /// Admits a record, or says why not.
    pub(crate) fn append(
        &mut self,
        owner: Owner,
        id: WriteId,
        kind: Kind,
        bytes: Bytes,
    ) -> Result<(), Refused> {
        let bytes_max = self.bounds.record_bytes_max;
        if bytes.len() > bytes_max {
            return Err(Refused::TooLarge { bytes: bytes.len(), bytes_max });
        }
        let length = frame_bytes(bytes.len());
        self.room(length)?;
        let reserve = match kind {
            Kind::Group | Kind::Repair => self.bounds.reserve_bytes,
            Kind::Register | Kind::Pulse | Kind::Roll => 0,
        };
        let Some(at) = self.place.take(length as u64, reserve) else {
            self.refused_space = true;
            return Err(if self.disk_full { Refused::DiskFull } else { Refused::Full });
        };
        self.admit(length, Write::Append { owner, id, kind, at: Position(at), bytes });
        Ok(())
    }

    /// Whether the log nears its end and cannot be made longer: time to stop taking commands.
    pub(crate) const fn is_full(&self) -> bool {
        let Place { at, end, next } = self.place;
        self.disk_full && next.is_none() && at + 2 * self.bounds.reserve_bytes + ROLL_BYTES > end
    }

    /// Admits a superblock blob, or says why not.
    pub(crate) fn blob(
        &mut self,
        owner: Owner,
        id: WriteId,
        group: GroupId,
        blob: Bytes,
    ) -> Result<(), Refused> {
        let length = BLOB_HEAD_BYTES + blob.len();
        let old = self.blob_bytes.get(&group).copied().unwrap_or(0);
        let bytes = self.superblock_bytes - old + length;
        let bytes_max = self.bounds.superblock_bytes_max;
        if bytes > bytes_max {
            return Err(Refused::SuperblockFull { bytes, bytes_max });
        }
        self.room(length)?;
        self.superblock_bytes = bytes;
        self.blob_bytes.insert(group, length);
        self.admit(length, Write::Blob { owner, id, group, blob });
        Ok(())
    }

    /// Admits a floor, or says why not. It takes no room in the superblock.
    pub(crate) fn floor(&mut self, owner: Owner, id: WriteId, floor: Floor) -> Result<(), Refused> {
        self.room(FLOOR_BYTES)?;
        self.admit(FLOOR_BYTES, Write::Floor { owner, id, floor });
        Ok(())
    }

    /// Whether `length` bytes more may wait. One write always may, so that nothing that fits the
    /// disk is refused for ever.
    const fn room(&mut self, length: usize) -> Result<(), Refused> {
        if self.count > 0 && self.bytes + length > self.bounds.queue_bytes_max {
            self.refused_depth = true;
            return Err(Refused::Full);
        }
        Ok(())
    }

    fn admit(&mut self, length: usize, write: Write) {
        self.count += 1;
        self.bytes += length;
        self.writes.push_back(write);
    }

    /// Notes that writes are done; whether somebody was refused and waits for room.
    pub(crate) fn done(&mut self, writes: &[Write]) -> bool {
        self.count -= writes.len();
        self.bytes -= writes.iter().map(Write::length).sum::<usize>();
        core::mem::take(&mut self.refused_depth)
    }
}

impl Place {
    /// Takes `length` bytes, going over to the next segment where needed. Without a next segment,
    /// `reserve` bytes stay free.
    fn take(&mut self, length: u64, reserve: u64) -> Option<u64> {
        let keep = ROLL_BYTES + if self.next.is_some() { 0 } else { reserve };
        if self.at + length + keep > self.end {
            let next = self.next.take()?;
            self.at = self.end + HEADER_BYTES;
            self.end += next;
            // A record is at most a quarter of a segment and so is the reserve.
            assert!(self.at + length + ROLL_BYTES + reserve <= self.end, "fits an empty segment");
        }
        let at = self.at;
        self.at += length;
        Some(at)
    }
}

impl Write {
    /// Bytes that it counts for in the queue.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Append { bytes, .. } => frame_bytes(bytes.len()),
            Self::Blob { blob, .. } => BLOB_HEAD_BYTES + blob.len(),
            Self::Floor { .. } => FLOOR_BYTES,
        }
    }

    const fn owner(&self) -> Owner {
        match self {
            Self::Append { owner, .. } | Self::Blob { owner, .. } | Self::Floor { owner, .. } => {
                *owner
            }
        }
    }
}

/// What a floor counts for in the queue.
const FLOOR_BYTES: usize = 16;

/// Takes from the front of `backlog` what one commit writes: all of it, up to a bound, and up to a
/// record that follows a superblock of the same owner.
///
/// A commit makes the log durable before the superblock. An owner that records an epoch and then
/// appends under it must not be found, after a crash between the two, with the record and without
/// the epoch; so that record waits for the next commit.
pub(crate) fn cut(backlog: &mut VecDeque<Write>, batch: &mut Vec<Write>) {
    let mut bytes = 0;
    let mut blobs: Vec<Owner> = Vec::new();
    while let Some(write) = backlog.front() {
        bytes += write.length();
        if !batch.is_empty() && bytes > COMMIT_BYTES_MAX {
            break;
        }
        match write {
            Write::Append { owner, .. } if blobs.contains(owner) => break,
            Write::Append { .. } => {}
            Write::Blob { .. } | Write::Floor { .. } => blobs.push(write.owner()),
        }
        batch.extend(backlog.pop_front());
    }
}

#[cfg(test)]
mod tests;
