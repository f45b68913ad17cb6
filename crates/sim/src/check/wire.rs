//! Checks on what nodes say to each other.

use bytes::Bytes;
use types::{Epoch, GroupId};
use wire::{GroupMessage, Message, decode_frame};

use super::Check;
use crate::net::Index;

impl Check {
    /// A node has sent a frame, whether or not it will arrive.
    pub fn sent(&mut self, from: Index, frame: &Bytes) {
        let Ok(messages) = decode_frame(frame) else {
            return self.fail("frame", format!("n{} sent a frame that cannot be read", from + 1));
        };
        for message in messages {
            if let Message::Group { group, epoch, body } = message {
                self.said(from, group, epoch, &body);
            }
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
                let truth = self.truths.entry(group).or_default();
                if !truth.table.starts().iter().any(|start| start.epoch == epoch) {
                    let detail = format!("n{} {group}: acknowledged {epoch}, not active", from + 1);
                    self.fail("I6", detail);
                }
            }
            GroupMessage::Adopted { .. } => self.not_below_seal(from, group, epoch),
            GroupMessage::Append { .. } | GroupMessage::NewEpoch { .. } => {
                self.home(from, group, epoch);
            }
            GroupMessage::Commit { .. }
            | GroupMessage::Refused { .. }
            | GroupMessage::Seal
            | GroupMessage::Adopt { .. }
            | GroupMessage::Fetch { .. }
            | GroupMessage::Entries { .. } => {}
        }
    }

    fn not_below_seal(&mut self, from: Index, group: GroupId, epoch: Epoch) {
        let sealed = self.kept.entry((from, group)).or_default().sealed;
        if epoch < sealed {
            let detail = format!("n{} {group}: acknowledged {epoch}, sealed {sealed}", from + 1);
            self.fail("I4", detail);
        }
    }
}
