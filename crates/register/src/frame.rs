//! What members send each other: a header that tells the state of the link, then one message.
//!
//! Layout, little-endian: version (u8, 1), register (u64), incarnation (u64), heard (u64),
//! gaps (u64), ordered (u64), quorate (u8), lane (u8), then for a heartbeat its number (u64), then the
//! message. Lanes: 1 consensus, 2 heartbeat, 3 proposal for the leader, 6 answer to a node that follows,
//! 7 hail, 8 question of a node that follows; 4 and 5 were an earlier form of these. Numbers are never
//! reused.

use alloc::vec::Vec;

use omnipaxos::messages::ballot_leader_election::HeartbeatMsg;
use omnipaxos::messages::sequence_paxos::PaxosMsg;
use types::Hash;
use wire::{DecodeError, Reader, Writer};

use crate::limits::FRAME_BYTES_MAX;
use crate::log::Entry;
use crate::record::{read_entries, read_proposal, write_entries, write_proposal};
use crate::{Reach, paxos};

const VERSION: u8 = 1;
const PAXOS: u8 = 1;
const HEARTBEAT: u8 = 2;
const PROPOSAL: u8 = 3;
const TOLD: u8 = 6;
const HAIL: u8 = 7;
const ASK: u8 = 8;

/// What every frame says about the link and its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Fingerprint of the sender's register.
    pub(crate) register: u64,
    /// The sender's start number.
    pub(crate) incarnation: u64,
    /// The receiver's start number as far as the sender heard; 0 for never.
    pub(crate) heard: u64,
    /// How often the sender found frames of that start missing.
    pub(crate) gaps: u64,
    /// Consensus frames the sender has sent to the receiver, this one included.
    pub(crate) ordered: u64,
    /// Whether the sender leads and hears a majority.
    pub(crate) quorate: bool,
}

/// A message.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Paxos(PaxosMsg<Entry>),
    Heartbeat(HeartbeatMsg),
    Proposal(Entry),
    /// A message of another generation's members, or of another register: not looked into.
    Foreign,
    /// A node tells another that it does not hear in its generation, or while nobody leads, how far it is.
    Hail(Reach),
    /// A node that follows wants what was decided after what it has.
    Ask {
        generation: u64,
        /// How often the register was begun anew by force, as far as it knows.
        forces: u64,
        after: usize,
        /// Over all before.
        digest: Hash,
    },
    /// What was decided after so many entries; from the first on if what the asker has is none of it.
    Told {
        generation: u64,
        after: usize,
        entries: Vec<Entry>,
    },
}

impl Body {
    /// Whether it is said over the bounds of generations.
    pub(crate) const fn is_of_any_generation(&self) -> bool {
        matches!(self, Self::Hail(_) | Self::Ask { .. } | Self::Told { .. })
    }
}

/// A frame as received. A heartbeat has a number of its own.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) header: Header,
    /// The heartbeat's number on this link; 0 for other messages.
    pub(crate) beat: u64,
    pub(crate) body: Body,
}

/// The frame's bytes; `None` if the message has no encoding or is too large to be taken in.
pub(crate) fn encode(header: Header, beat: u64, body: &Body) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.u8(VERSION).u64(header.register).u64(header.incarnation).u64(header.heard);
    writer.u64(header.gaps).u64(header.ordered).flag(header.quorate);
    match body {
        Body::Paxos(message) => {
            if !paxos::message(writer.u8(PAXOS), message) {
                return None;
            }
        }
        Body::Heartbeat(message) => paxos::heartbeat(writer.u8(HEARTBEAT).u64(beat), message),
        Body::Proposal(entry) => write_proposal(writer.u8(PROPOSAL), entry),
        Body::Foreign => return None,
        Body::Hail(reach) => reach.write(writer.u8(HAIL)),
        Body::Ask { generation, forces, after, digest } => {
            paxos::index(writer.u8(ASK).u64(*generation).u64(*forces), *after);
            writer.hash(*digest);
        }
        Body::Told { generation, after, entries } => {
            paxos::index(writer.u8(TOLD).u64(*generation), *after);
            write_entries(&mut writer, entries);
        }
    }
    (bytes.len() <= FRAME_BYTES_MAX).then_some(bytes)
}

/// What is said within a generation is read only if it is the one of `stamp`, which has so many `members`.
pub(crate) fn decode(bytes: &[u8], stamp: u64, members: usize) -> Result<Frame, DecodeError> {
    if bytes.len() > FRAME_BYTES_MAX {
        let value = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        return Err(DecodeError::Invalid { field: "frame length", value });
    }
    let mut reader = Reader::new(bytes);
    let version = reader.u8()?;
    if version != VERSION {
        return Err(DecodeError::Invalid { field: "frame version", value: version.into() });
    }
    let header = Header {
        register: reader.u64()?,
        incarnation: reader.u64()?,
        heard: reader.u64()?,
        gaps: reader.u64()?,
        ordered: reader.u64()?,
        quorate: reader.flag("quorate")?,
    };
    let lane = reader.u8()?;
    if (PAXOS..=PROPOSAL).contains(&lane) && header.register != stamp {
        return Ok(Frame { header, beat: 0, body: Body::Foreign });
    }
    let (beat, body) = match lane {
        PAXOS => (0, Body::Paxos(paxos::read_message(&mut reader, members)?)),
        HEARTBEAT => {
            let beat = reader.u64()?;
            (beat, Body::Heartbeat(paxos::read_heartbeat(&mut reader, members)?))
        }
        PROPOSAL => (0, Body::Proposal(read_proposal(&mut reader)?)),
        HAIL => (0, Body::Hail(Reach::read(&mut reader)?)),
        ASK => {
            let (generation, forces) = (reader.u64()?, reader.u64()?);
            let after = paxos::read_index(&mut reader)?;
            (0, Body::Ask { generation, forces, after, digest: reader.hash()? })
        }
        TOLD => {
            let (generation, after) = (reader.u64()?, paxos::read_index(&mut reader)?);
            (0, Body::Told { generation, after, entries: read_entries(&mut reader)? })
        }
        lane => return Err(DecodeError::Invalid { field: "lane", value: lane.into() }),
    };
    reader.end()?;
    Ok(Frame { header, beat, body })
}
