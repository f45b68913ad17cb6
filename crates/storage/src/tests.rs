//! Storage as its users see it, on a disk that fails.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test fails on all that it did not expect")]

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
};

use bytes::Bytes;
use journal::scan::Damage;
use types::{ClusterId, GroupId, Instant, NodeId, Position, WriteId};
use wire::log::{Identity, Kind, frame_bytes};

use crate::{
    Completion, Failure, Found, Handle, OpenError, Opened, Options, Owner, Read, Refused, Request,
    Storage, Torn,
    faulty::{FaultyDisk, Random},
    limits::HEADER_BYTES,
    open_on, segment,
};

mod crash;
mod damage;
mod full;
mod log;
mod reads;
mod snapshots;
mod superblock;
mod tmpfs;
mod verify;

const FOLDER: &str = "/node";
const SEGMENT: u64 = 16 << 10;

fn identity() -> Identity {
    Identity { cluster: ClusterId(*b"evenkeel-cluster"), node: NodeId(1) }
}

fn options() -> Options {
    let ticks = AtomicU64::new(0);
    let clock = Arc::new(move || Instant(ticks.fetch_add(1, Ordering::Relaxed)));
    Options {
        segment_bytes: SEGMENT,
        superblock_copy_bytes: 4096,
        reserve_bytes: 1024,
        ..Options::new(PathBuf::from(FOLDER), identity(), clock)
    }
}

fn segment_path(number: u64) -> PathBuf {
    segment::path(Path::new(FOLDER), number * SEGMENT)
}

fn superblock_path() -> PathBuf {
    Path::new(FOLDER).join("superblock")
}

fn open(disk: &FaultyDisk) -> Result<Opened, OpenError> {
    open_on(options(), Arc::new(disk.clone()))
}

type Records = Vec<(Position, Kind, Vec<u8>)>;

/// What a start-up finds on a log without damage.
fn replay(disk: &FaultyDisk) -> Result<(Found, Records), OpenError> {
    let (found, records, damage) = replay_all(disk)?;
    assert_eq!(damage, [], "a sound log");
    Ok((found, records))
}

/// What a start-up finds, damage included.
fn replay_all(disk: &FaultyDisk) -> Result<(Found, Records, Vec<Damage>), OpenError> {
    let (mut records, mut damage) = (Vec::new(), Vec::new());
    let mut last = Position(0);
    let scanned = open(disk)?.replay(&mut |read| {
        let at = match read {
            Read::Record(record) => {
                records.push((record.at, record.kind, record.payload.to_vec()));
                record.at
            }
            Read::Damage(one) => {
                damage.push(one);
                one.from
            }
        };
        assert!(at > last, "in the order of the log");
        last = at;
    })?;
    assert_eq!(scanned.damage(), damage);
    let found = *scanned.settle([])?.found();
    // Whatever lies past the end could one day be read as records.
    for (path, bytes) in disk.image() {
        let name = path.file_stem().and_then(|name| name.to_str()?.parse::<u64>().ok());
        let Some(first) = name else { continue };
        let end = found.end.0.saturating_sub(first).max(HEADER_BYTES);
        let past = bytes.get(usize::try_from(end).expect("small")..).unwrap_or_default();
        assert!(past.iter().all(|byte| *byte == 0), "stale bytes in {}", path.display());
    }
    Ok((found, records, damage))
}

fn payloads(disk: &FaultyDisk) -> Vec<Vec<u8>> {
    replay(disk).expect("the folder is sound").1.into_iter().map(|(_, _, bytes)| bytes).collect()
}

/// Running storage, its completions, and a counter of writes.
struct Node {
    storage: Storage,
    handle: Handle,
    completions: Receiver<Vec<Completion>>,
    early: VecDeque<Completion>,
    next: u64,
}

fn start(disk: &FaultyDisk) -> Node {
    start_with(disk, options())
}

fn start_with(disk: &FaultyDisk, options: Options) -> Node {
    let (send, completions) = channel();
    let sink = Arc::new(move |batch| send.send(batch).unwrap_or(()));
    let opened = open_on(options, Arc::new(disk.clone())).expect("opens");
    let storage = opened.replay(&mut |_| ()).expect("replays").settle([]).expect("settles");
    let storage = storage.start(sink).expect("starts");
    let handle = storage.handle();
    Node { storage, handle, completions, early: VecDeque::new(), next: 0 }
}

fn append(id: u64, bytes: &[u8]) -> Request {
    let bytes = Bytes::copy_from_slice(bytes);
    Request::Append { owner: Owner(1), id: WriteId(id), kind: Kind::Group, bytes }
}

fn blob(id: u64, group: u16, bytes: &[u8]) -> Request {
    let blob = Bytes::copy_from_slice(bytes);
    Request::Superblock { owner: Owner(1), id: WriteId(id), group: GroupId(group), blob }
}

impl Node {
    fn submit(&self, requests: impl IntoIterator<Item = Request>) -> Result<(), Refused> {
        self.handle.submit(&mut requests.into_iter().collect())
    }

    /// The next completion that is not `Room`; waits for it.
    fn completion(&mut self) -> Completion {
        loop {
            if let Some(one) = self.early.pop_front() {
                if !matches!(one, Completion::Room) {
                    return one;
                }
            } else {
                self.early.extend(self.completions.recv().expect("storage still runs"));
            }
        }
    }

    /// Waits until what was refused may be tried again.
    fn room(&mut self) {
        loop {
            let batch = self.completions.recv().expect("storage still runs");
            let room = batch.iter().any(|one| matches!(one, Completion::Room));
            self.early.extend(batch);
            if room {
                return;
            }
        }
    }

    /// Writes one thing and waits for it; where it stands.
    fn write(&mut self, request: impl Fn(u64) -> Request) -> Result<Option<Position>, Failure> {
        self.next += 1;
        while let Err(refused) = self.submit([request(self.next)]) {
            assert_eq!(refused, Refused::Full, "tests write what fits");
            self.room();
        }
        match self.completion() {
            Completion::Written { id, at, .. } => {
                assert_eq!(id, WriteId(self.next), "completions come in order");
                Ok(at)
            }
            Completion::Failed(failure) => Err(failure),
            other => panic!("unexpected {other:?}"),
        }
    }

    fn record(&mut self, bytes: &[u8]) -> Position {
        let at = self.write(|id| append(id, bytes)).expect("the disk is good");
        at.expect("records have a place")
    }
}

/// A disk on which `records` were written and acknowledged, one by one, and the power then went.
fn written(records: &[&[u8]]) -> (FaultyDisk, Vec<Position>) {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let places = records.iter().map(|bytes| node.record(bytes)).collect();
    (disk.after_power_cut(&mut Random(1)), places)
}
