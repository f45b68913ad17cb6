//! A plan as bytes, as it stands in the orders of both groups.
//!
//! Layout, little-endian: version u8 (1), from u16, to u16, nonce u64, after u64, the standings of sender and receiver 32
//! each, number u64, whole flag u8; then three lists, each with its count u32: the messages with an answer (key 16,
//! answer), what was lost by the sender, and by the receiver (key 16, detail run), in order of their keys.

use alloc::vec::Vec;

use bytes::Bytes;
use types::{ChannelKey, GroupId, Stamp};
use wire::{Answer, DecodeError, Reader, Writer};

use super::{Lost, Plan};
use crate::limits::{DETAIL_BYTES_MAX, LOST_MAX, PENDING_MAX};

/// Version of this layout.
const VERSION: u8 = 1;

impl Plan {
    /// All of it as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION).u16(self.from.0).u16(self.to.0).u64(self.nonce).u64(self.after.0);
        writer.hash(self.sender).hash(self.receiver).u64(self.number).flag(self.is_whole);
        writer.count(self.answered.len());
        for (key, answer) in &self.answered {
            answer.encode(writer.raw(&key.0));
        }
        for list in [&self.lost_by_sender, &self.lost_by_receiver] {
            writer.count(list.len());
            for lost in list {
                writer.raw(&lost.key.0).run(&lost.detail);
            }
        }
        bytes
    }

    /// Reads what [`Plan::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Invalid { field: "plan version", value: version.into() });
        }
        let (from, to) = (GroupId(reader.u16()?), GroupId(reader.u16()?));
        let (nonce, after) = (reader.u64()?, Stamp(reader.u64()?));
        let (sender, receiver) = (reader.hash()?, reader.hash()?);
        let (number, is_whole) = (reader.u64()?, reader.flag("whole plan")?);
        // No channel comes there, and there is room for what follows.
        if number > u64::MAX / 2 {
            return Err(DecodeError::Invalid { field: "plan's number", value: number });
        }
        let pending_max = usize::try_from(PENDING_MAX).unwrap_or(usize::MAX);
        let mut answered = Vec::new();
        for _ in 0..reader.count("messages with an answer", pending_max)? {
            answered.push((ChannelKey(reader.array()?), Answer::decode(bytes, &mut reader)?));
        }
        let (lost_by_sender, lost_by_receiver) =
            (lost(bytes, &mut reader)?, lost(bytes, &mut reader)?);
        reader.end()?;
        Ok(Self {
            from,
            to,
            nonce,
            after,
            sender,
            receiver,
            number,
            answered,
            lost_by_sender,
            lost_by_receiver,
            is_whole,
        })
    }
}

fn lost(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Vec<Lost>, DecodeError> {
    let mut list = Vec::new();
    for _ in 0..reader.count("lost messages", LOST_MAX)? {
        let key = ChannelKey(reader.array()?);
        // Each once: it is accounted for under its name.
        if list.last().is_some_and(|last: &Lost| last.key >= key) {
            return Err(DecodeError::Invalid { field: "lost message", value: list.len() as u64 });
        }
        let detail = frame.slice_ref(reader.run("lost message", DETAIL_BYTES_MAX)?);
        list.push(Lost { key, detail });
    }
    Ok(list)
}
