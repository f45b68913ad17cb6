//! The state into parts.

use alloc::vec::Vec;

use bytes::Bytes;
use model::{Model, Saving};
use types::{MessageId, Seq};
use wire::{SnapshotHead, SnapshotPart, limits};

use crate::answers::Answers;

/// A save under way.
#[derive(Clone, Debug)]
pub(crate) struct Save {
    head: SnapshotHead,
    stage: Stage,
    /// The ends of channels, still to be given.
    channels: Bytes,
    saving: Saving,
    answers: u64,
    parts: u64,
    /// Bytes given so far.
    pub(crate) offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Channels,
    /// Outcomes of ids above this one.
    Answers(Option<MessageId>),
    Model,
    End,
    Done,
}

impl Save {
    /// Begins to save what `channels` and `saving` are of.
    pub(crate) const fn new(head: SnapshotHead, channels: Bytes, saving: Saving) -> Self {
        Self { head, stage: Stage::Head, channels, saving, answers: 0, parts: 0, offset: 0 }
    }

    /// What it will be a snapshot of.
    pub(crate) const fn head(&self) -> &SnapshotHead {
        &self.head
    }

    /// The record after which it was begun.
    pub(crate) const fn seq(&self) -> Seq {
        self.head.tail.seq
    }

    /// The next bytes of the file, and whether they are the last. The state may have gone on.
    pub(crate) fn next<M: Model>(&mut self, answers: &Answers, model: &M) -> (Bytes, bool) {
        let mut bytes = Vec::new();
        match self.stage {
            Stage::Head => {
                SnapshotPart::Head(self.head.clone()).encode(&mut bytes);
                self.stage = Stage::Channels;
            }
            Stage::Channels => {
                let count = self.channels.len().min(limits::SNAPSHOT_PART_BYTES);
                SnapshotPart::Channels(self.channels.split_to(count)).encode(&mut bytes);
                if self.channels.is_empty() {
                    self.stage = Stage::Answers(None);
                }
            }
            Stage::Answers(after) => {
                let (some, last) = answers.some_after(after, self.seq());
                self.answers += some.len() as u64;
                self.stage = last.map_or(Stage::Model, |last| Stage::Answers(Some(last)));
                let origins = answers.origins(&some);
                SnapshotPart::Answers(some).encode(&mut bytes);
                if !origins.is_empty() {
                    SnapshotPart::Origins(origins).encode(&mut bytes);
                }
            }
            Stage::Model => match model.save_next(&mut self.saving, limits::SNAPSHOT_PART_BYTES) {
                Some(part) => {
                    self.parts += 1;
                    SnapshotPart::Model(part.into()).encode(&mut bytes);
                }
                None => self.stage = Stage::End,
            },
            Stage::End | Stage::Done => {}
        }
        if self.stage == Stage::End {
            let (answers, parts) = (self.answers, self.parts);
            SnapshotPart::End { answers, parts }.encode(&mut bytes);
            self.stage = Stage::Done;
        }
        self.offset += bytes.len() as u64;
        (bytes.into(), self.stage == Stage::Done)
    }
}
