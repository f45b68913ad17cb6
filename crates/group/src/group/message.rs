//! Each message about a group finds the one that handles it.

use alloc::vec::Vec;

use model::Model;
use types::{Epoch, NodeId, Now};
use wire::GroupMessage;

use super::{Group, Out, Role};

impl<M: Model> Group<M> {
    /// Handles a message of `from` about this group.
    pub(crate) fn message(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        body: GroupMessage,
        out: &mut Vec<Out>,
    ) {
        if self.role == Role::Quarantined {
            return;
        }
        // A record is what its hash says, in whatever epoch it is asked for.
        let is_repair = matches!(body, GroupMessage::Want { .. } | GroupMessage::Found { .. });
        let is_refusal = matches!(body, GroupMessage::Refused { .. });
        if epoch < self.meta.promised && !is_refusal && !is_repair {
            if body.asks() {
                let promised = self.meta.promised;
                self.say(from, promised, GroupMessage::Refused { promised }, out);
            }
            return;
        }
        match body {
            GroupMessage::Append { config, commit, record } => {
                self.on_append(now, from, epoch, config, commit, record, out);
            }
            GroupMessage::AppendAck { tail } => self.on_append_ack(now, from, epoch, tail),
            GroupMessage::Commit { commit } => self.on_commit(now, from, epoch, commit, out),
            GroupMessage::Refused { promised } => self.on_refused(promised, out),
            GroupMessage::Seal => self.on_seal(from, epoch, out),
            GroupMessage::SealAck { tail, table, commit, faults } => {
                self.on_seal_ack(from, epoch, tail, &table, commit, faults, out);
            }
            GroupMessage::Adopt { table, target } => {
                self.on_adopt(now, from, epoch, table, target, out);
            }
            GroupMessage::Adopted { tail } => self.on_adopted(from, epoch, tail),
            GroupMessage::NewEpoch { table, config } => {
                self.on_new_epoch(now, from, epoch, table, config, out);
            }
            GroupMessage::NewEpochAck { tail } => self.on_new_epoch_ack(now, from, epoch, tail),
            GroupMessage::Fetch { after } => self.on_fetch(from, epoch, after, out),
            GroupMessage::Entries { after: _, records, tail } => {
                self.on_entries(now, from, epoch, &records, tail, out);
            }
            GroupMessage::Want { first, last, hash } => {
                self.on_want(from, epoch, first, last, hash, out);
            }
            GroupMessage::Found { last, records } => self.on_found(from, last, &records, out),
            GroupMessage::AskEnd => self.on_ask_end(from, epoch, out),
            GroupMessage::End { tail } => self.on_end(now, from, epoch, tail, out),
            GroupMessage::Digest { seq, head, digest, kept } => {
                self.on_digest(from, seq, (head, digest), kept);
            }
            GroupMessage::SnapshotOffer { snapshot, tail } => {
                self.on_offer(now, from, epoch, snapshot, tail);
            }
            GroupMessage::SnapshotFetch { seq, offset } if epoch == self.meta.promised => {
                self.on_snapshot_fetch(from, seq, offset, out);
            }
            GroupMessage::SnapshotFetch { .. } => {}
            GroupMessage::SnapshotChunk { seq, offset, bytes } => {
                self.on_chunk(now, from, epoch, (seq, offset), bytes, out);
            }
            GroupMessage::Confirm { round } => self.on_confirm(from, epoch, round, out),
            GroupMessage::ConfirmAck { round } => self.on_confirm_ack(from, epoch, round),
            GroupMessage::Base { base, tail } => self.on_base(from, epoch, base, tail, out),
            GroupMessage::AskBeat { above } => self.on_ask_beat(now, from, above),
        }
    }
}
