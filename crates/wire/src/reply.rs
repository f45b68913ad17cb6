//! What became of a client's command: the same value whether the home or a forwarder answers.

use bytes::Bytes;
use types::{Epoch, GroupId, Hash, NodeId, Seq, Stamp, Tail, Token};

use crate::{DecodeError, Reader, Writer, limits};

/// The answer to a command. Tags are never reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Committed and applied, now or earlier under the same id: this is its one outcome.
    Done {
        /// Position of the record that carries it.
        seq: Seq,
        /// When it was applied first.
        stamp: Stamp,
        /// Whether it had been applied before this request.
        repeated: bool,
        /// The model's reply.
        outcome: Bytes,
        /// A committed record, that one or a later, with which whoever was told has seen all that it was
        /// told; `None` from a node of before there were session tokens.
        seen: Option<Tail>,
    },
    /// The id was used with other content, whose digest this is. Nothing was done.
    Conflict {
        /// Digest of the content that owns the id.
        first: Hash,
    },
    /// Not the home; try there. Nothing was done.
    NotHome {
        /// The home, if known.
        home: Option<NodeId>,
        /// Its epoch.
        epoch: Epoch,
    },
    /// Too much waits; nothing was done. Ask again later, with the same id.
    Busy {
        /// How much later.
        retry_after_ms: u32,
    },
    /// `not_after` passed before the command was ordered. Nothing was or will be done.
    Expired,
    /// Nobody can say yet whether it was or will be done. Ask again with the same id.
    Unknown(Doubt),
    /// On the home's disk and not committed (W1): what it comes to if it stays. The journal's class
    /// allows such answers; if the home is lost, this may be lost with it and is then itemised. Ask
    /// again with the same id, until the commit, to be certain.
    Provisional {
        /// The record that carries it.
        at: Tail,
        /// When it was applied first.
        stamp: Stamp,
        /// Whether it had been applied before this request.
        repeated: bool,
        /// The model's reply.
        outcome: Bytes,
    },
}

/// Why an outcome is not known. Numbers never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Doubt {
    /// Not enough copies acknowledged in time.
    NoQuorum = 1,
    /// The home could not be reached, or fell silent.
    HomeSilent = 2,
    /// The group is changing its home.
    Switching = 3,
}

impl Reply {
    /// What a client of `group` that is told this has seen; `None` if it was told of no record.
    #[must_use]
    pub fn token(&self, group: GroupId) -> Option<Token> {
        match self {
            Self::Done { seen, .. } => seen.map(|seen| Token::new(group, seen)),
            Self::Provisional { at, .. } => Some(Token::new(group, *at)),
            Self::Conflict { .. }
            | Self::NotHome { .. }
            | Self::Busy { .. }
            | Self::Expired
            | Self::Unknown(_) => None,
        }
    }

    /// Writes it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Done { seq, stamp, repeated, outcome, seen } => {
                let tag = if seen.is_some() { 8 } else { 1 };
                writer.u8(tag).u64(seq.0).u64(stamp.0).flag(*repeated).run(outcome);
                if let Some(seen) = seen {
                    writer.tail(*seen);
                }
            }
            Self::Conflict { first } => {
                writer.u8(2).hash(*first);
            }
            Self::NotHome { home, epoch } => {
                writer.u8(3).maybe_node(*home).u64(epoch.0);
            }
            Self::Busy { retry_after_ms } => {
                writer.u8(4).u32(*retry_after_ms);
            }
            Self::Expired => {
                writer.u8(5);
            }
            Self::Unknown(doubt) => {
                writer.u8(6).u8(*doubt as u8);
            }
            Self::Provisional { at, stamp, repeated, outcome } => {
                writer.u8(7).tail(*at).u64(stamp.0).flag(*repeated).run(outcome);
            }
        }
    }

    /// Reads one out of `frame`, of which `reader` must be a part.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            tag @ (1 | 8) => Self::Done {
                seq: Seq(reader.u64()?),
                stamp: Stamp(reader.u64()?),
                repeated: reader.flag("repeated flag")?,
                outcome: frame.slice_ref(reader.run("outcome", limits::REPLY_BYTES_MAX)?),
                seen: if tag == 8 { Some(reader.tail()?) } else { None },
            },
            2 => Self::Conflict { first: reader.hash()? },
            3 => Self::NotHome { home: reader.maybe_node()?, epoch: Epoch(reader.u64()?) },
            4 => Self::Busy { retry_after_ms: reader.u32()? },
            5 => Self::Expired,
            6 => Self::Unknown(match reader.u8()? {
                1 => Doubt::NoQuorum,
                2 => Doubt::HomeSilent,
                3 => Doubt::Switching,
                value => {
                    return Err(DecodeError::Invalid { field: "doubt", value: value.into() });
                }
            }),
            7 => Self::Provisional {
                at: reader.tail()?,
                stamp: Stamp(reader.u64()?),
                repeated: reader.flag("repeated flag")?,
                outcome: frame.slice_ref(reader.run("outcome", limits::REPLY_BYTES_MAX)?),
            },
            value => return Err(DecodeError::Invalid { field: "reply tag", value: value.into() }),
        })
    }
}

#[cfg(test)]
mod tests;
