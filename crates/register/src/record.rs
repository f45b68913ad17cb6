//! What one write puts on disk: the consensus library's changes of one step, all or none.
//!
//! A record may also begin another generation of members: then the promise and the round of the one
//! before are void.
//!
//! Layout: version (u8, 1), fields present (u8, one bit each), then the fields in the order of
//! [`Record`]. Integers are little-endian. A record says how much of the log it keeps and what it
//! puts behind that, so replaying records in order rebuilds the log.

use alloc::sync::Arc;
use alloc::vec::Vec;

use omnipaxos::ballot_leader_election::Ballot;
use types::NodeId;
use wire::{DecodeError, Reader, Writer};

use crate::limits::{INDEX_MAX, PROPOSAL_BYTES_MAX};
use crate::log::Entry;
use crate::{codec, paxos, roster_codec};

const VERSION: u8 = 1;

const BOOT: u8 = 1;
const PROMISE: u8 = 2;
const ROUND: u8 = 4;
const DECIDED: u8 = 8;
const TAIL: u8 = 16;
const WHOLE: u8 = 32;
const TURN: u8 = 64;
const ALL: u8 = BOOT | PROMISE | ROUND | DECIDED | TAIL | WHOLE | TURN;

/// The first record after every start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boot {
    /// Fingerprint of the register that the disk belongs to.
    pub(crate) register: u64,
    /// Number of this start, from 1.
    pub(crate) incarnation: u64,
}

/// The beginning of another generation at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its number.
    pub(crate) generation: u64,
    /// Its members, rising; empty at a node that is none and follows what they decide.
    pub(crate) members: Vec<NodeId>,
    /// How much of the log stays, all of it decided.
    pub(crate) kept: usize,
}

/// What changed in one step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) boot: Option<Boot>,
    /// Goes before all that follows.
    pub(crate) turn: Option<Turn>,
    /// Ballots below this one are refused.
    pub(crate) promise: Option<Ballot>,
    /// Ballot under which the log's tail was accepted.
    pub(crate) round: Option<Ballot>,
    /// Length of the decided log.
    pub(crate) decided: Option<usize>,
    /// How many entries stay, and which follow.
    pub(crate) tail: Option<(usize, Vec<Entry>)>,
    /// Whether this says all there is, so that the records before it are not needed.
    pub(crate) is_whole: bool,
}

/// Whether these bytes are a record that says all there is, so that none before it is needed.
#[must_use]
pub fn is_whole(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|fields| fields & WHOLE != 0)
}

impl Record {
    pub(crate) const fn is_empty(&self) -> bool {
        self.boot.is_none()
            && self.turn.is_none()
            && self.promise.is_none()
            && self.round.is_none()
            && self.decided.is_none()
            && self.tail.is_none()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        let bit = |present: bool, bit: u8| if present { bit } else { 0 };
        writer.u8(VERSION).u8(bit(self.boot.is_some(), BOOT)
            | bit(self.promise.is_some(), PROMISE)
            | bit(self.round.is_some(), ROUND)
            | bit(self.decided.is_some(), DECIDED)
            | bit(self.tail.is_some(), TAIL)
            | bit(self.is_whole, WHOLE)
            | bit(self.turn.is_some(), TURN));
        if let Some(boot) = self.boot {
            writer.u64(boot.register).u64(boot.incarnation);
        }
        if let Some(turn) = &self.turn {
            roster_codec::nodes(writer.u64(turn.generation), &turn.members);
            paxos::index(&mut writer, turn.kept);
        }
        if let Some(ballot) = self.promise {
            paxos::ballot(&mut writer, ballot);
        }
        if let Some(ballot) = self.round {
            paxos::ballot(&mut writer, ballot);
        }
        if let Some(decided) = self.decided {
            paxos::index(&mut writer, decided);
        }
        if let Some((kept, entries)) = &self.tail {
            paxos::index(&mut writer, *kept);
            write_entries(&mut writer, entries);
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], members: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Invalid { field: "record version", value: version.into() });
        }
        let fields = reader.u8()?;
        if fields == 0 || fields & !ALL != 0 {
            return Err(DecodeError::Invalid { field: "record fields", value: fields.into() });
        }
        let mut record = Self { is_whole: fields & WHOLE != 0, ..Self::default() };
        if fields & BOOT != 0 {
            let (register, incarnation) = (reader.u64()?, reader.u64()?);
            record.boot = Some(Boot { register, incarnation });
        }
        let mut members = members;
        if fields & TURN != 0 {
            let generation = reader.u64()?;
            let turned = roster_codec::read_nodes(&mut reader)?;
            members = turned.len();
            let kept = paxos::read_index(&mut reader)?;
            record.turn = Some(Turn { generation, members: turned, kept });
        }
        if fields & PROMISE != 0 {
            record.promise = Some(paxos::read_ballot(&mut reader, members)?);
        }
        if fields & ROUND != 0 {
            record.round = Some(paxos::read_ballot(&mut reader, members)?);
        }
        if fields & DECIDED != 0 {
            record.decided = Some(paxos::read_index(&mut reader)?);
        }
        if fields & TAIL != 0 {
            let kept = paxos::read_index(&mut reader)?;
            record.tail = Some((kept, read_entries(&mut reader)?));
        }
        reader.end()?;
        Ok(record)
    }
}

/// A count, then each entry as a length and the proposal.
pub(crate) fn write_entries(writer: &mut Writer<'_>, entries: &[Entry]) {
    writer.count(entries.len());
    for entry in entries {
        write_proposal(writer, entry);
    }
}

pub(crate) fn write_proposal(writer: &mut Writer<'_>, entry: &Entry) {
    let mut bytes = Vec::new();
    codec::proposal(&mut Writer::new(&mut bytes), &entry.0);
    writer.run(&bytes);
}

pub(crate) fn read_entries(reader: &mut Reader<'_>) -> Result<Vec<Entry>, DecodeError> {
    let count = reader.count("entries", usize::try_from(INDEX_MAX).unwrap_or(usize::MAX))?;
    // The count is hostile until the entries are there: nothing is reserved on its word.
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push(read_proposal(reader)?);
    }
    Ok(entries)
}

pub(crate) fn read_proposal(reader: &mut Reader<'_>) -> Result<Entry, DecodeError> {
    let mut inner = Reader::new(reader.run("proposal", PROPOSAL_BYTES_MAX)?);
    let proposal = codec::read_proposal(&mut inner)?;
    inner.end()?;
    Ok(Entry(Arc::new(proposal)))
}
