//! From records back to what consensus had on disk.

use alloc::vec::Vec;

use types::NodeId;
use wire::DecodeError;

use crate::memory::Image;
use crate::record::{Record, is_whole};
use crate::{NotOptions, Options};

/// Why a register cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// The options are of no use.
    #[error("the options are of no use")]
    Options(#[from] NotOptions),
    /// A record cannot be read.
    #[error("record {index} cannot be read")]
    Record {
        /// Its place, from 0.
        index: usize,
        /// What is wrong.
        source: DecodeError,
    },
    /// The records belong to a register with other members or other first groups.
    #[error("record {index} belongs to another register")]
    OtherRegister {
        /// Its place, from 0.
        index: usize,
    },
    /// A record does not continue those before it: some are missing, or out of order.
    #[error("record {index} does not continue those before it")]
    Order {
        /// Its place, from 0.
        index: usize,
    },
}

/// What records come to.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// Number of the last start; 0 for none.
    pub(crate) incarnation: u64,
    /// The generation that the disk belongs to.
    pub(crate) generation: u64,
    /// Its members; empty if this node follows them.
    pub(crate) members: Vec<NodeId>,
    /// What consensus had on disk.
    pub(crate) image: Image,
}

/// Puts the records together.
pub(crate) fn replay<'a>(
    options: &Options,
    fingerprint: u64,
    records: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Replayed, RecoverError> {
    let mut incarnation = 0;
    let mut image = Image::default();
    // Who was not there on the first day follows those who were until they say that it is a member.
    let is_founder = options.members.contains(&options.node);
    let mut members = if is_founder { options.members.clone() } else { Vec::new() };
    let mut generation = 1;
    let records: Vec<&[u8]> = records.into_iter().collect();
    // What stands before the last whole record may be half gone with the log's oldest part.
    let from = records.iter().rposition(|bytes| is_whole(bytes)).unwrap_or(0);
    for (index, bytes) in records.into_iter().enumerate().skip(from) {
        let Record { boot, turn, promise, round, decided, tail, is_whole } =
            Record::decode(bytes, members.len())
                .map_err(|source| RecoverError::Record { index, source })?;
        let order = RecoverError::Order { index };
        if is_whole {
            incarnation = boot.ok_or(order)?.incarnation.saturating_sub(1);
        }
        match boot {
            Some(boot) if boot.register != fingerprint => {
                return Err(RecoverError::OtherRegister { index });
            }
            // A start without writes of its own leaves no record, so numbers rise by one.
            Some(boot) if boot.incarnation != incarnation + 1 => return Err(order),
            Some(boot) => incarnation = boot.incarnation,
            None if incarnation == 0 => return Err(order),
            None => {}
        }
        if let Some(turn) = turn {
            // Who follows without a vote may have to go back to before its generation.
            let goes_back = turn.generation < generation && !turn.members.is_empty();
            if goes_back || turn.kept > image.entries.len() {
                return Err(order);
            }
            image.entries.truncate(turn.kept);
            image = Image { decided: turn.kept, entries: image.entries, ..Image::default() };
            (generation, members) = (turn.generation, turn.members);
        }
        if let Some(promise) = promise {
            if image.promise.is_some_and(|before| before >= promise) {
                return Err(order);
            }
            image.promise = Some(promise);
        }
        if let Some(round) = round {
            image.round = Some(round);
        }
        if let Some((kept, entries)) = tail {
            if kept < image.decided || kept > image.entries.len() {
                return Err(order);
            }
            image.entries.truncate(kept);
            image.entries.extend(entries);
        }
        if let Some(decided) = decided {
            if decided < image.decided {
                return Err(order);
            }
            image.decided = decided;
        }
        if image.decided > image.entries.len() {
            return Err(order);
        }
    }
    Ok(Replayed { incarnation, generation, members, image })
}
