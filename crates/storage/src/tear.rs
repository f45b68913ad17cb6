//! What bytes look like that are no record: torn by a crash, or written whole and damaged since.
//!
//! Segments are filled with zeros before they are used, and a disk writes a sector whole or not at all.
//! So a write that a crash has torn shows zeros where some of it should be. A record that is there to
//! its last byte and fails its checksum was not torn: it was written, it may have been acknowledged,
//! and it has been damaged since. The difference decides what a node may say of it, never whether it
//! is used.
//!
//! What this cannot tell: a record whose payload holds as many zeros in these very places, damaged
//! elsewhere, passes for torn. It takes damage of the last thing that was written before a stop.

use types::Position;
use wire::log::{FRAME_ALIGN, FRAME_HEADER_BYTES, FRAME_LENGTH_AT, Frame, Hint, Kind, Salt};

/// What bytes that are no record look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Part of them was never written.
    Torn,
    /// They were written. What they may have been.
    Written(Held),
}

/// What may have stood in bytes that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Records of groups.
    pub(crate) groups: bool,
    /// Records of the register.
    pub(crate) register: bool,
}

impl Held {
    /// Nobody can say.
    pub(crate) const ANY: Self = Self { groups: true, register: true };

    const fn note(&mut self, kind: Kind) {
        match kind {
            Kind::Group => self.groups = true,
            Kind::Register => self.register = true,
            // A record written again is missed where it stood first; a pulse, by nobody.
            Kind::Repair | Kind::Pulse | Kind::Roll => {}
        }
    }
}

/// Looks at the bytes from `at` up to the next record or, if none follows, to the last that is not zero.
pub(crate) fn look(salt: Salt, at: Position, bytes: &[u8], is_followed: bool) -> Look {
    let mut held = Held::default();
    if !is_followed && let Some(kind) = kind_of_whole(salt, at, bytes) {
        held.note(kind);
        return Look::Written(held);
    }
    let mut from = 0;
    while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
        let here = Position(at.0 + from as u64);
        let Some(hint) = Hint::read(here, rest) else {
            // Nothing of a header: either it was not written, or nobody knows what stood here.
            let start = rest.get(..FRAME_HEADER_BYTES.min(rest.len())).unwrap_or_default();
            let absent = if is_followed { 0 } else { FRAME_HEADER_BYTES - start.len() };
            let is_unwritten = trailing_zeros(start) + absent >= ZEROS_MIN;
            return if is_unwritten || lacks_a_sector(here, rest) {
                Look::Torn
            } else {
                Look::Written(Held::ANY)
            };
        };
        let Some((kind, payload)) = hint.frame else {
            return if lacks_a_sector(here, rest) { Look::Torn } else { Look::Written(Held::ANY) };
        };
        let used = FRAME_HEADER_BYTES + payload;
        let there = rest.get(..used.min(rest.len())).unwrap_or_default();
        // What lies past the last byte that is not zero is zero.
        let absent = if is_followed { 0 } else { used - there.len() };
        if is_followed && there.len() < used {
            return Look::Written(Held::ANY);
        }
        if lacks_a_sector(here, there) || trailing_zeros(there) + absent >= ZEROS_MIN {
            return Look::Torn;
        }
        held.note(kind);
        from += wire::log::frame_bytes(payload);
    }
    Look::Written(held)
}

/// What kind of record fills `bytes`, if it is whole but for the field that says how long it is: that then
/// seems to say that some of it was never written.
fn kind_of_whole(salt: Salt, at: Position, bytes: &[u8]) -> Option<Kind> {
    let most = bytes.len().checked_sub(FRAME_HEADER_BYTES)?;
    (most.saturating_sub(FRAME_ALIGN)..=most).find_map(|length| {
        let mut whole = bytes.to_vec();
        let field = whole.get_mut(FRAME_LENGTH_AT..FRAME_LENGTH_AT + 4)?;
        field.copy_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
        Frame::decode(salt, at, &whole).ok().map(|frame| frame.kind)
    })
}

/// Whether a sector, or what of it belongs to `bytes`, was never written.
fn lacks_a_sector(at: Position, bytes: &[u8]) -> bool {
    let lead = usize::try_from(at.0 % SECTOR as u64).map_or(0, |offset| SECTOR - offset);
    let (first, rest) = bytes.split_at(lead.min(bytes.len()));
    let is_unwritten = |part: &[u8]| part.len() >= PART_MIN && part.iter().all(|byte| *byte == 0);
    is_unwritten(first) || rest.chunks(SECTOR).any(is_unwritten)
}

fn trailing_zeros(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|byte| **byte == 0).count()
}

/// What a disk writes whole.
const SECTOR: usize = 512;

/// Fewer bytes of a sector than this may be zero by themselves.
const PART_MIN: usize = 64;

/// Zeros at the end of a record that say that the end was not written. Those of groups end in four at
/// most by themselves, unless a client's bytes do; those of the register and pulses in eleven.
const ZEROS_MIN: usize = 16;

#[cfg(test)]
mod tests;
