//! A state saved and taken in again.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use channel::Channels;
use model::{LoadError, Model, Outcome, Saving};
use sha2::{Digest, Sha256};
use types::{Epoch, EpochTable, GroupId, Hash, MessageId, ModelVersion, Seq, Stamp, Tail};
use wire::{Snapshot, SnapshotHead, SnapshotPart};

use super::*;
use crate::answers::{Answers, Stored};

/// Remembers every command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Log(Vec<u8>);

impl Model for Log {
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        ModelVersion::FIRST..=ModelVersion(2)
    }

    fn apply(&mut self, _: ModelVersion, _: Stamp, command: &[u8], _: &mut Outcome) {
        self.0.extend(command);
    }

    fn digest(&self) -> Hash {
        wire::digest(&self.0)
    }

    fn save(&self) -> Saving {
        Saving { ends: vec![self.0.len() as u64], ..Saving::default() }
    }

    fn save_next(&self, saving: &mut Saving, _: usize) -> Option<Vec<u8>> {
        let (from, end) =
            (usize::try_from(saving.next).ok()?, usize::try_from(saving.ends[0]).ok()?);
        let until = end.min(from + 3);
        saving.next = until as u64;
        (from < end).then(|| self.0[from..until].to_vec())
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        self.0.extend(part);
        Ok(())
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        Ok(())
    }
}

fn stored(seq: u64) -> Stored {
    let outcome = vec![7; usize::try_from(seq).unwrap()].into();
    let digest = wire::digest(&seq.to_le_bytes());
    // One in a few was handed in again.
    let origin = seq.is_multiple_of(3).then_some(wire::Origin {
        epoch: Epoch(1),
        seq: Seq(seq),
        head: digest,
    });
    Stored { digest, seq: Seq(seq), stamp: Stamp(seq), origin, outcome }
}

fn id(number: u64) -> MessageId {
    // Scattered, so that later ids come between earlier ones.
    let [a, b, ..] = wire::digest(&number.to_le_bytes()).0;
    let mut id = [a; 16];
    id[1] = b;
    MessageId(id)
}

/// A save of 40 answers and ten commands, begun; 20 more answers and commands come while it goes on.
fn saved() -> (Vec<u8>, Snapshot, Log, Answers) {
    let (mut model, mut answers) = (Log::default(), Answers::default());
    for number in 1..=40 {
        answers.keep(id(number), stored(number));
    }
    model.0.extend(b"ten bytes.");
    let tail = Tail { epoch: Epoch(1), seq: Seq(40), hash: wire::digest(b"tail") };
    let head = SnapshotHead {
        group: GroupId(5),
        barriers: vec![(Seq(3), ModelVersion(2))],
        tail,
        stamp: Stamp(40),
        work: 80,
        trail: wire::digest(b"trail"),
        digest: digest(&model, &Channels::new(GroupId(5))),
        table: EpochTable::new(),
    };
    let (then, then_answers) = (model.clone(), answers.clone());
    let channels = Channels::new(GroupId(5)).encode().into();
    let mut save = Save::new(head.clone(), channels, model.save());
    let mut file = Vec::new();
    for number in 41.. {
        let (bytes, is_last) = save.next(&answers, &model);
        file.extend_from_slice(&bytes);
        assert_eq!(save.offset, file.len() as u64);
        if is_last {
            break;
        }
        answers.keep(id(number), stored(number));
        model.0.extend(b"more");
    }
    let (digest, sha256) = (head.digest, Hash(Sha256::digest(&file).into()));
    let bytes = file.len() as u64;
    let snapshot = Snapshot { tail, stamp: Stamp(40), digest, bytes, sha256, own: true };
    (file, snapshot, then, then_answers)
}

fn load_all(file: &[u8], size: usize, snapshot: &Snapshot) -> Result<State<Log>, SnapshotError> {
    let pieces = file.chunks(size).map(|piece| Some(bytes::Bytes::copy_from_slice(piece)));
    load(Log::default(), pieces)?.finish(GroupId(5), snapshot)
}

#[test]
fn what_is_saved_is_the_state_of_one_moment() {
    // Without this a restarted node would have half of what came while its snapshot was written.
    let (file, snapshot, then, answers) = saved();
    for size in [1, 7, 100, file.len()] {
        let state = load_all(&file, size, &snapshot).unwrap();
        assert_eq!((&state.model, &state.answers), (&then, &answers));
        assert_eq!(state.head.tail, snapshot.tail);
    }
}

#[test]
fn no_other_bytes_pass_for_it() {
    // Without this a damaged or exchanged file would become the state of a bank.
    let (file, snapshot, ..) = saved();
    for at in 0..file.len() {
        let mut bytes = file.clone();
        bytes[at] ^= 4;
        let error = load_all(&bytes, 100, &snapshot).unwrap_err();
        // A node with a damaged file takes another, or its log; one with code that is too old must not start.
        assert!(!matches!(error, SnapshotError::Version(_)), "byte {at}");
        assert!(load_all(&file[..at], 100, &snapshot).is_err(), "cut at {at}");
    }
    let other = |change: fn(&mut Snapshot)| {
        let mut other = snapshot;
        change(&mut other);
        load_all(&file, 100, &other).map(|_| ())
    };
    assert_eq!(other(|one| one.sha256 = Hash::ZERO), Err(SnapshotError::Bytes));
    assert_eq!(other(|one| one.digest = Hash::ZERO), Err(SnapshotError::Other));
    assert_eq!(other(|one| one.tail.seq = Seq(41)), Err(SnapshotError::Other));
    let pieces = [Some(file.into()), None].into_iter();
    assert!(matches!(load(Log::default(), pieces), Err(SnapshotError::Unreadable)));
}

#[test]
fn parts_out_of_order_make_no_whole() {
    // Without this an outcome could be counted twice, or a state be taken for whole that is not.
    let (_, snapshot, ..) = saved();
    let end = SnapshotPart::End { answers: 0, parts: 0 };
    let model = SnapshotPart::Model(bytes::Bytes::from_static(b"x"));
    for parts in [vec![end.clone()], vec![model], vec![SnapshotPart::Answers(vec![]), end]] {
        let mut file = Vec::new();
        parts.iter().for_each(|part| part.encode(&mut file));
        assert_eq!(load_all(&file, 100, &snapshot).map(|_| ()), Err(SnapshotError::Order));
    }
}

#[test]
fn a_whole_snapshot_of_newer_code_is_told_from_a_damaged_one() {
    // Without this a node would throw away its whole state because an older program was started by mistake.
    let (file, snapshot, ..) = saved();
    let newer = (0..file.len()).find_map(|at| {
        let mut bytes = file.clone();
        bytes[at] ^= 4;
        let sha256 = Hash(Sha256::digest(&bytes).into());
        let snapshot = Snapshot { sha256, ..snapshot };
        let error = load_all(&bytes, 100, &snapshot).err()?;
        matches!(error, SnapshotError::Version(_)).then_some((bytes, snapshot))
    });
    let (bytes, snapshot) = newer.expect("the version stands somewhere");
    let cut = load_all(&bytes[..bytes.len() - 1], 100, &snapshot);
    assert!(matches!(cut, Err(SnapshotError::Bytes)));
}
