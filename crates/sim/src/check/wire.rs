//! Checks on what nodes say to each other.

use bytes::Bytes;
use types::{Epoch, GroupId, Seq};
use wire::{GroupMessage, Message, decode_frame};

use super::Check;
use crate::disk::Said;
use crate::net::Index;

impl Check {
    /// A node with this disk has sent a frame, whether or not it will arrive.
    pub fn sent(&mut self, from: Index, disk: &Said, frame: &Bytes) {
        let Ok(messages) = decode_frame(frame) else {
            return self.fail("frame", format!("n{} sent a frame that cannot be read", from + 1));
        };
        for message in messages {
            match message {
                Message::Group { group, epoch, body } => {
                    self.rests_on(from, disk, group, epoch, &body);
                    self.said(from, group, epoch, &body);
                }
                Message::Channel { parcels, .. } => self.posted(from, &parcels),
                Message::Answered { reply, .. } => self.rests_on_disk(from, disk, &reply),
                Message::Pulse(_)
                | Message::Register(_)
                | Message::Forward { .. }
                | Message::Voice(_) => {}
                Message::Newer { tag, .. } => {
                    self.fail("frame", format!("n{} sent a message of tag {tag}", from + 1));
                }
            }
        }
    }

    /// Rule N2, and the same for promises: what a node says that it holds is on its disk.
    fn rests_on(
        &mut self,
        from: Index,
        disk: &Said,
        group: GroupId,
        epoch: Epoch,
        body: &GroupMessage,
    ) {
        let (tail, meta) = match body {
            GroupMessage::SealAck { tail, .. } => (tail, disk.promised(group)),
            GroupMessage::NewEpochAck { tail } | GroupMessage::AppendAck { tail } => {
                (tail, disk.joined(group))
            }
            GroupMessage::Adopted { tail } => (tail, disk.promised(group)),
            GroupMessage::Append { .. }
            | GroupMessage::NewEpoch { .. }
            | GroupMessage::Commit { .. }
            | GroupMessage::Refused { .. }
            | GroupMessage::Seal
            | GroupMessage::Adopt { .. }
            | GroupMessage::Fetch { .. }
            | GroupMessage::Entries { .. }
            | GroupMessage::Want { .. }
            | GroupMessage::Found { .. }
            | GroupMessage::AskEnd
            | GroupMessage::End { .. }
            | GroupMessage::Digest { .. }
            | GroupMessage::SnapshotOffer { .. }
            | GroupMessage::SnapshotFetch { .. }
            | GroupMessage::SnapshotChunk { .. }
            | GroupMessage::Confirm { .. }
            | GroupMessage::ConfirmAck { .. }
            | GroupMessage::AskBeat { .. }
            | GroupMessage::Base { .. } => return,
        };
        if !matches!(body, GroupMessage::SealAck { .. }) {
            self.vouches(from, group, *tail);
        }
        self.count("N2");
        if meta < epoch || tail.seq > Seq(0) && !disk.has(tail.hash) {
            let detail = format!("n{} {group}: says {body:?} of {epoch} too early", from + 1);
            self.fail("N2", detail);
        }
    }

    fn said(&mut self, from: Index, group: GroupId, epoch: Epoch, body: &GroupMessage) {
        match body {
            GroupMessage::SealAck { .. } => {
                let kept = self.kept.entry((from, group)).or_default();
                kept.sealed = kept.sealed.max(epoch);
            }
            GroupMessage::AppendAck { .. } | GroupMessage::NewEpochAck { .. } => {
                self.not_below_seal(from, group, epoch);
                self.is_not_blank(from, group, epoch);
                self.count("I6");
                let is_stale = self.is_stale(from) || self.is_astray(from, group, epoch);
                let truth = self.truths.entry(group).or_default();
                if !is_stale && !truth.table.starts().iter().any(|start| start.epoch == epoch) {
                    let detail = format!("n{} {group}: acknowledged {epoch}, not active", from + 1);
                    self.fail("I6", detail);
                }
            }
            GroupMessage::Adopted { .. } | GroupMessage::ConfirmAck { .. } => {
                self.not_below_seal(from, group, epoch);
            }
            GroupMessage::Append { .. } | GroupMessage::NewEpoch { .. } => {
                self.home(from, group, epoch);
            }
            GroupMessage::Digest { .. }
            | GroupMessage::Commit { .. }
            | GroupMessage::Refused { .. }
            | GroupMessage::Seal
            | GroupMessage::Adopt { .. }
            | GroupMessage::Fetch { .. }
            | GroupMessage::Entries { .. }
            | GroupMessage::Want { .. }
            | GroupMessage::Found { .. }
            | GroupMessage::AskEnd
            | GroupMessage::End { .. }
            | GroupMessage::SnapshotOffer { .. }
            | GroupMessage::SnapshotFetch { .. }
            | GroupMessage::SnapshotChunk { .. }
            | GroupMessage::Confirm { .. }
            | GroupMessage::AskBeat { .. }
            | GroupMessage::Base { .. } => {}
        }
    }

    fn not_below_seal(&mut self, from: Index, group: GroupId, epoch: Epoch) {
        let sealed = self.kept.entry((from, group)).or_default().sealed;
        if sealed > Epoch(0) {
            self.count("I4");
        }
        if epoch < sealed {
            let detail = format!("n{} {group}: acknowledged {epoch}, sealed {sealed}", from + 1);
            self.fail("I4", detail);
        }
    }
}
