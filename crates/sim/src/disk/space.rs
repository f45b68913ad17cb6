//! A disk without room for more commands.

use bytes::Bytes;
use wire::Record;
use wire::RecordKind;
use wire::log::Kind;

use super::Disk;

impl Disk {
    /// Fills the disk but for its reserves, or makes room.
    pub fn fill(&mut self, is_full: bool) {
        self.margin = is_full.then_some(MARGIN_BYTES);
    }

    /// Whether there is no room for commands.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.margin.is_some()
    }

    /// What must not be written to a full disk, if this is such a thing. `is_told` says whether the node
    /// knows that it is full.
    pub(crate) fn overrun(&mut self, kind: Kind, bytes: &Bytes, is_told: bool) -> Option<String> {
        let margin = self.margin.as_mut()?;
        if !matches!(kind, Kind::Group | Kind::Repair) {
            return None;
        }
        let record = Record::decode(bytes.clone()).ok()?;
        if is_told && record.header().kind == RecordKind::Commands {
            return Some(format!("appends commands at {}", record.header().seq));
        }
        match margin.checked_sub(bytes.len()) {
            Some(left) => {
                *margin = left;
                None
            }
            None => Some("needs more than the margin".to_owned()),
        }
    }
}

/// What is under way when a disk becomes full, and the first and last records of some epochs.
const MARGIN_BYTES: usize = 256 << 10;
