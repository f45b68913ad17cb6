//! Where records that were set aside lie, so that people can be shown what is in them.
//!
//! The meta itemises the runs; their bytes stay in the log where they were written. Their places are
//! noted when a run is set aside, and found again at boot.

use model::Model;
use types::{Epoch, Hash, Position, Seq};
use wire::{Header, Orphan};

use super::Group;

impl<M: Model> Group<M> {
    /// The run that was set aside with this chain hash at its end.
    #[must_use]
    pub fn orphan(&self, head: Hash) -> Option<&Orphan> {
        self.meta.orphans.iter().find(|orphan| orphan.head == head)
    }

    /// Where the records of a run stand in this node's log, in order. `None` for one that never came
    /// to the disk, as when this node stopped before it was written.
    pub fn orphan_places(
        &self,
        orphan: &Orphan,
    ) -> impl Iterator<Item = (Seq, Option<Position>)> + use<'_, M> {
        let (epoch, first, last) = (orphan.epoch, orphan.first.0, orphan.last.0);
        (first..=last).map(move |seq| {
            let seq = Seq(seq);
            (seq, self.aside.get(&(epoch, seq)).copied())
        })
    }

    /// Notes the places of all that is about to be cut off the chain above `keep`.
    pub(super) fn note_places_above(&mut self, keep: Seq) {
        let (mut seq, last) = (keep.next(), self.chain.tail().seq);
        while seq <= last {
            // Of what this node cannot read there may be nothing to note.
            if let Some(link) = self.chain.link(seq)
                && let Some(at) = link.at
            {
                self.aside.insert((link.epoch, seq), at);
            }
            seq = seq.next();
        }
    }

    /// Notes the place of a record that was cut off the chain while it was being written.
    pub(super) fn note_place(&mut self, epoch: Epoch, seq: Seq, at: Position) {
        if self.is_aside(epoch, seq) {
            self.aside.insert((epoch, seq), at);
        }
    }

    /// Notes the place of a record found at boot that is not in the chain.
    pub(super) fn find_aside(&mut self, header: &Header, at: Position) {
        self.note_place(header.epoch, header.seq, at);
    }

    fn is_aside(&self, epoch: Epoch, seq: Seq) -> bool {
        let mut orphans = self.meta.orphans.iter();
        orphans.any(|one| one.epoch == epoch && one.first <= seq && seq <= one.last)
    }
}
