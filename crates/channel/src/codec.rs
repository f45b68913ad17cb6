//! The ends of a group's channels as bytes, for snapshots and for digests.
//!
//! Layout, little-endian: version u8 (1), group u16, count of outboxes u32 and each of them with its
//! group u16, then the inboxes likewise. If any end was ever opened again, the version is 2, and every end is
//! followed by the number u64 from which it went on, or 0, the hash there 32, the stamp u64 of the record that opened it,
//! and whether it waits for the other end u8. One encoding for one state, so that equal bytes mean equal ends.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bytes::Bytes;
use types::{ChannelKey, GroupId, Hash, Seq, Stamp};
use wire::{Answer, Cause, DecodeError, Reader, Resolved, Writer, chained, message_digest};

use crate::limits::{CHANNELS_MAX, PENDING_BYTES_MAX, PENDING_MAX};
use crate::{At, Channels, Inbox, Outbox, Pending, Restart};

/// Version of this layout while no end was ever opened again.
const VERSION: u8 = 1;

/// Version of this layout since one was.
const RESTARTED: u8 = 2;

impl Channels {
    /// All of it as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let restarts = self.outboxes.values().map(|end| end.restart);
        let mut restarts = restarts.chain(self.inboxes.values().map(|end| end.restart));
        let is_restarted = restarts.any(|restart| restart.is_some());
        let mut writer = Writer::new(&mut bytes);
        writer
            .u8(if is_restarted { RESTARTED } else { VERSION })
            .u16(self.me.0)
            .count(self.outboxes.len());
        for (to, outbox) in &self.outboxes {
            writer.u16(to.0);
            outbox.encode(&mut writer);
            if is_restarted {
                put_restart(&mut writer, (outbox.restart, outbox.restarted, outbox.opening));
            }
        }
        writer.count(self.inboxes.len());
        for (from, inbox) in &self.inboxes {
            writer.u16(from.0);
            inbox.encode(&mut writer);
            if is_restarted {
                put_restart(&mut writer, (inbox.restart, inbox.restarted, inbox.opening));
            }
        }
        bytes
    }

    /// Reads what [`Channels::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that cannot be the ends of a group's channels.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if !matches!(version, VERSION | RESTARTED) {
            return Err(DecodeError::Invalid { field: "channels version", value: version.into() });
        }
        let me = GroupId(reader.u16()?);
        let mut is_restarted = false;
        let mut restart = |reader: &mut Reader<'_>| {
            if version == VERSION {
                return Ok((None, Stamp(0), false));
            }
            let restart = get_restart(reader)?;
            is_restarted |= restart.0.is_some();
            Ok(restart)
        };
        let outboxes = by_group(&mut reader, |reader| {
            let mut outbox = Outbox::decode(bytes, reader)?;
            (outbox.restart, outbox.restarted, outbox.opening) = restart(reader)?;
            Ok(outbox)
        })?;
        let inboxes = by_group(&mut reader, |reader| {
            let mut inbox = Inbox::decode(bytes, reader)?;
            (inbox.restart, inbox.restarted, inbox.opening) = restart(reader)?;
            Ok(inbox)
        })?;
        reader.end()?;
        // One encoding for one state.
        if is_restarted != (version == RESTARTED) {
            return Err(DecodeError::Invalid { field: "channels version", value: version.into() });
        }
        Ok(Self { me, outboxes, inboxes })
    }

    /// SHA-256 over all of it: equal at all replicas that have applied the same.
    #[must_use]
    pub fn digest(&self) -> Hash {
        wire::digest(&self.encode())
    }
}

impl Outbox {
    /// resolved u64, hash over its answers 32, the channel's hash after it 32, cause u8 (0 for none), count u32, and of each message
    /// the key 16, the content run, its record, cancel flag u8, and the record of that if it is 1.
    fn encode(&self, writer: &mut Writer<'_>) {
        writer
            .u64(self.resolved.number)
            .hash(self.resolved.hash)
            .hash(self.base)
            .u8(cause_number(self.frozen));
        writer.count(self.pending.len());
        for pending in &self.pending {
            writer.raw(&pending.key.0).run(&pending.content);
            put_at(writer, pending.at);
            writer.flag(pending.cancelled.is_some());
            if let Some(at) = pending.cancelled {
                put_at(writer, at);
            }
        }
    }

    fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let resolved = Resolved { number: reader.u64()?, hash: reader.hash()? };
        let base = reader.hash()?;
        let frozen = cause(reader)?;
        let mut outbox = Self { resolved, ..Self::new(base) };
        for _ in 0..reader.count("messages that wait", pending_max())? {
            let key = ChannelKey(reader.array()?);
            let content = frame.slice_ref(reader.run("message", wire::limits::PARCEL_BYTES_MAX)?);
            let at = get_at(reader)?;
            let cancelled = if reader.flag("cancelled")? { Some(get_at(reader)?) } else { None };
            let number = outbox.last() + 1;
            let hash = chained(outbox.head, number, message_digest(key, &content));
            outbox.head = hash;
            outbox.bytes += content.len();
            let is_new = outbox.numbers.insert(key, number).is_none();
            if !is_new || outbox.bytes > PENDING_BYTES_MAX {
                return Err(DecodeError::Invalid { field: "message that waits", value: number });
            }
            if cancelled.is_some() {
                outbox.cancelling.insert(number);
            }
            outbox.pending.push_back(Pending { key, content, hash, at, cancelled });
        }
        outbox.frozen = frozen;
        Ok(outbox)
    }
}

impl Inbox {
    /// last u64, the channel's hash after it 32, hash over the answers that are forgotten 32, cause u8 (0 for
    /// none), count u32, and of each answer that is kept the hash 32, its record, and the answer.
    fn encode(&self, writer: &mut Writer<'_>) {
        writer
            .u64(self.last)
            .hash(self.head)
            .hash(self.forgotten.hash)
            .u8(cause_number(self.frozen));
        writer.count(self.kept.len());
        for kept in &self.kept {
            writer.hash(kept.hash);
            put_at(writer, kept.at);
            kept.answer.encode(writer);
        }
    }

    fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (last, head, hash) = (reader.u64()?, reader.hash()?, reader.hash()?);
        let frozen = cause(reader)?;
        let count = reader.count("answers kept", pending_max())?;
        let number = last.checked_sub(count as u64);
        let number = number.ok_or(DecodeError::Invalid { field: "last number", value: last })?;
        let forgotten = Resolved { number, hash };
        let mut inbox = Self { last, forgotten, frozen, ..Self::new(head) };
        for _ in 0..count {
            let (hash, at) = (reader.hash()?, get_at(reader)?);
            inbox.keep(hash, at, Answer::decode(frame, reader)?);
        }
        if inbox.kept.back().is_some_and(|newest| newest.hash != head) {
            return Err(DecodeError::Invalid { field: "channel hash", value: last });
        }
        Ok(inbox)
    }
}

fn by_group<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<BTreeMap<GroupId, T>, DecodeError> {
    let mut ends = BTreeMap::new();
    for _ in 0..reader.count("channels", CHANNELS_MAX)? {
        let group = GroupId(reader.u16()?);
        let is_next = ends.last_key_value().is_none_or(|(last, _)| *last < group);
        if !is_next {
            return Err(DecodeError::Invalid { field: "channel's group", value: group.0.into() });
        }
        ends.insert(group, read(reader)?);
    }
    Ok(ends)
}

/// From where an end went on, when, and whether it waits for the other.
type Restarted = (Option<Restart>, Stamp, bool);

fn put_restart(writer: &mut Writer<'_>, (restart, restarted, opening): Restarted) {
    let Restart { number, hash } = restart.unwrap_or(Restart { number: 0, hash: Hash::ZERO });
    writer.u64(number).hash(hash).u64(restarted.0).flag(opening);
}

fn get_restart(reader: &mut Reader<'_>) -> Result<Restarted, DecodeError> {
    let (number, hash) = (reader.u64()?, reader.hash()?);
    let (restarted, opening) = (Stamp(reader.u64()?), reader.flag("opening")?);
    if number == 0 && (hash != Hash::ZERO || restarted != Stamp(0) || opening) {
        return Err(DecodeError::Invalid { field: "restart", value: number });
    }
    Ok(((number > 0).then_some(Restart { number, hash }), restarted, opening))
}

fn put_at(writer: &mut Writer<'_>, at: At) {
    writer.u64(at.stamp.0).u64(at.seq.0);
}

fn get_at(reader: &mut Reader<'_>) -> Result<At, DecodeError> {
    Ok(At { stamp: Stamp(reader.u64()?), seq: Seq(reader.u64()?) })
}

fn cause_number(cause: Option<Cause>) -> u8 {
    cause.map_or(0, |cause| cause as u8)
}

fn cause(reader: &mut Reader<'_>) -> Result<Option<Cause>, DecodeError> {
    match reader.u8()? {
        0 => Ok(None),
        number => Cause::from_number(number).map(Some),
    }
}

/// As a count of things in memory.
fn pending_max() -> usize {
    usize::try_from(PENDING_MAX).unwrap_or(usize::MAX)
}
