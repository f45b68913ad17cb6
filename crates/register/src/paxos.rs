//! Bytes of the consensus library's messages, and which of them may reach it.
//!
//! The library trusts its peers: it indexes by their node numbers, adds to their counters unchecked,
//! and asserts on their indexes. Here every number is bounded as it is read; what depends on our own
//! log is checked in [`Log::receive`](crate::log::Log::receive). Messages of parts that the register
//! does not use (compaction, change of members, the library's own forwarding) have no encoding.
//!
//! Members are numbered from 1 in the order of their node ids; sender and receiver are those of the
//! frame and not repeated.

use alloc::vec::Vec;

use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::messages::ballot_leader_election::{HeartbeatMsg, HeartbeatReply, HeartbeatRequest};
use omnipaxos::messages::sequence_paxos::{
    AcceptDecide, AcceptSync, Accepted, Decide, NotAccepted, PaxosMsg, Prepare, PrepareReq, Promise,
};
use omnipaxos::util::{LogSync, SequenceNumber};
use wire::{DecodeError, Reader, Writer};

use crate::limits::{BALLOT_MAX, COUNTER_MAX, INDEX_MAX};
use crate::log::Entry;
use crate::record::{read_entries, write_entries};

/// The library's number for a set of members. The register's never changes.
pub(crate) const CONFIGURATION: u32 = 1;

const PREPARE_REQUEST: u8 = 1;
const PREPARE: u8 = 2;
const PROMISE: u8 = 3;
const ACCEPT_SYNC: u8 = 4;
const ACCEPT_DECIDE: u8 = 5;
const ACCEPTED: u8 = 6;
const NOT_ACCEPTED: u8 = 7;
const DECIDE: u8 = 8;

const HEARTBEAT_REQUEST: u8 = 1;
const HEARTBEAT_REPLY: u8 = 2;

/// Writes a message; `false`, and nothing written, for one of an unused part.
pub(crate) fn message(writer: &mut Writer<'_>, message: &PaxosMsg<Entry>) -> bool {
    match message {
        PaxosMsg::PrepareReq(PrepareReq { n }) => {
            ballot(writer.u8(PREPARE_REQUEST), *n);
        }
        PaxosMsg::Prepare(Prepare { n, decided_idx, n_accepted, accepted_idx }) => {
            ballot(writer.u8(PREPARE), *n);
            ballot(writer, *n_accepted);
            index(writer, *decided_idx);
            index(writer, *accepted_idx);
        }
        PaxosMsg::Promise(Promise { n, n_accepted, decided_idx, accepted_idx, log_sync }) => {
            ballot(writer.u8(PROMISE), *n);
            ballot(writer, *n_accepted);
            index(writer, *decided_idx);
            index(writer, *accepted_idx);
            writer.flag(log_sync.is_some());
            if let Some(found) = log_sync {
                sync(writer, found);
            }
        }
        PaxosMsg::AcceptSync(AcceptSync { n, seq_num, decided_idx, log_sync }) => {
            ballot(writer.u8(ACCEPT_SYNC), *n);
            sequence(writer, *seq_num);
            index(writer, *decided_idx);
            sync(writer, log_sync);
        }
        PaxosMsg::AcceptDecide(AcceptDecide { n, seq_num, decided_idx, entries }) => {
            ballot(writer.u8(ACCEPT_DECIDE), *n);
            sequence(writer, *seq_num);
            index(writer, *decided_idx);
            write_entries(writer, entries);
        }
        PaxosMsg::Accepted(Accepted { n, accepted_idx }) => {
            ballot(writer.u8(ACCEPTED), *n);
            index(writer, *accepted_idx);
        }
        PaxosMsg::NotAccepted(NotAccepted { n }) => {
            ballot(writer.u8(NOT_ACCEPTED), *n);
        }
        PaxosMsg::Decide(Decide { n, seq_num, decided_idx }) => {
            ballot(writer.u8(DECIDE), *n);
            sequence(writer, *seq_num);
            index(writer, *decided_idx);
        }
        PaxosMsg::ProposalForward(_)
        | PaxosMsg::Compaction(_)
        | PaxosMsg::AcceptStopSign(_)
        | PaxosMsg::ForwardStopSign(_) => return false,
    }
    true
}

pub(crate) fn read_message(
    reader: &mut Reader<'_>,
    members: usize,
) -> Result<PaxosMsg<Entry>, DecodeError> {
    let tag = reader.u8()?;
    let n = read_ballot(reader, members)?;
    Ok(match tag {
        PREPARE_REQUEST => PaxosMsg::PrepareReq(PrepareReq { n }),
        PREPARE => PaxosMsg::Prepare(Prepare {
            n,
            n_accepted: read_ballot(reader, members)?,
            decided_idx: read_index(reader)?,
            accepted_idx: read_index(reader)?,
        }),
        PROMISE => PaxosMsg::Promise(Promise {
            n,
            n_accepted: read_ballot(reader, members)?,
            decided_idx: read_index(reader)?,
            accepted_idx: read_index(reader)?,
            log_sync: if reader.flag("log sync")? { Some(read_sync(reader)?) } else { None },
        }),
        ACCEPT_SYNC => PaxosMsg::AcceptSync(AcceptSync {
            n,
            seq_num: read_sequence(reader)?,
            decided_idx: read_index(reader)?,
            log_sync: read_sync(reader)?,
        }),
        ACCEPT_DECIDE => PaxosMsg::AcceptDecide(AcceptDecide {
            n,
            seq_num: read_sequence(reader)?,
            decided_idx: read_index(reader)?,
            entries: read_entries(reader)?,
        }),
        ACCEPTED => PaxosMsg::Accepted(Accepted { n, accepted_idx: read_index(reader)? }),
        NOT_ACCEPTED => PaxosMsg::NotAccepted(NotAccepted { n }),
        DECIDE => PaxosMsg::Decide(Decide {
            n,
            seq_num: read_sequence(reader)?,
            decided_idx: read_index(reader)?,
        }),
        tag => return Err(DecodeError::Invalid { field: "consensus message", value: tag.into() }),
    })
}

pub(crate) fn heartbeat(writer: &mut Writer<'_>, message: &HeartbeatMsg) {
    match message {
        HeartbeatMsg::Request(HeartbeatRequest { round }) => {
            writer.u8(HEARTBEAT_REQUEST).u32(*round);
        }
        HeartbeatMsg::Reply(HeartbeatReply { round, ballot: own, leader, happy }) => {
            writer.u8(HEARTBEAT_REPLY).u32(*round);
            ballot(writer, *own);
            ballot(writer, *leader);
            writer.flag(*happy);
        }
    }
}

pub(crate) fn read_heartbeat(
    reader: &mut Reader<'_>,
    members: usize,
) -> Result<HeartbeatMsg, DecodeError> {
    match reader.u8()? {
        HEARTBEAT_REQUEST => Ok(HeartbeatMsg::Request(HeartbeatRequest { round: reader.u32()? })),
        HEARTBEAT_REPLY => Ok(HeartbeatMsg::Reply(HeartbeatReply {
            round: reader.u32()?,
            ballot: read_ballot(reader, members)?,
            leader: read_ballot(reader, members)?,
            happy: reader.flag("happy")?,
        })),
        tag => Err(DecodeError::Invalid { field: "heartbeat", value: tag.into() }),
    }
}

/// Number (u32) and member (u8); both 0 for the ballot before the first.
pub(crate) fn ballot(writer: &mut Writer<'_>, ballot: Ballot) {
    let pid = u8::try_from(ballot.pid).expect("members are numbered from 1 to a handful");
    writer.u32(ballot.n).u8(pid);
}

pub(crate) fn read_ballot(reader: &mut Reader<'_>, members: usize) -> Result<Ballot, DecodeError> {
    let n = reader.u32()?;
    let pid = reader.u8()?;
    if n > BALLOT_MAX {
        return Err(DecodeError::Invalid { field: "ballot", value: n.into() });
    }
    if (n, pid) == (0, 0) {
        return Ok(Ballot::default());
    }
    // A restarted member's own ballot is number 0 until it campaigns, so only the member is checked.
    if pid == 0 || usize::from(pid) > members {
        return Err(DecodeError::Invalid { field: "ballot member", value: pid.into() });
    }
    Ok(Ballot::with(CONFIGURATION, n, 0, pid.into()))
}

pub(crate) fn index(writer: &mut Writer<'_>, index: usize) {
    writer.u64(index.try_into().expect("an index fits 64 bits"));
}

pub(crate) fn read_index(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    let value = reader.u64()?;
    let refused = DecodeError::Invalid { field: "index", value };
    if value > INDEX_MAX {
        return Err(refused);
    }
    usize::try_from(value).map_err(|_| refused)
}

fn sequence(writer: &mut Writer<'_>, sequence: SequenceNumber) {
    writer.u64(sequence.session).u64(sequence.counter);
}

fn read_sequence(reader: &mut Reader<'_>) -> Result<SequenceNumber, DecodeError> {
    let (session, counter) = (reader.u64()?, reader.u64()?);
    for value in [session, counter] {
        if value > COUNTER_MAX {
            return Err(DecodeError::Invalid { field: "message counter", value });
        }
    }
    Ok(SequenceNumber { session, counter })
}

fn sync(writer: &mut Writer<'_>, sync: &LogSync<Entry>) {
    assert!(sync.decided_snapshot.is_none(), "the register takes no snapshots");
    assert!(sync.stopsign.is_none(), "the register's members never change");
    index(writer, sync.sync_idx);
    write_entries(writer, &sync.suffix);
}

fn read_sync(reader: &mut Reader<'_>) -> Result<LogSync<Entry>, DecodeError> {
    let sync_idx = read_index(reader)?;
    let suffix: Vec<Entry> = read_entries(reader)?;
    Ok(LogSync { decided_snapshot: None, suffix, sync_idx, stopsign: None })
}

#[cfg(test)]
mod tests;
