//! Parts into the state, with nothing taken on trust.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use channel::Channels;
use model::{LoadError, Model};
use sha2::{Digest, Sha256};
use types::{GroupId, Hash, MessageId, ModelVersion};
use wire::{DecodeError, Snapshot, SnapshotAnswer, SnapshotHead, SnapshotPart, SnapshotReader};

use crate::answers::{Answers, Stored};

/// Why bytes are not the snapshot that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// They cannot be read from where they are.
    #[error("the snapshot cannot be read")]
    Unreadable,
    /// A part cannot be read.
    #[error("a part of the snapshot cannot be read")]
    Part(#[source] DecodeError),
    /// The model does not take a part.
    #[error("the model does not take what was saved")]
    Model(#[source] LoadError),
    /// Parts are missing, too many or out of order.
    #[error("the parts of the snapshot do not make a whole")]
    Order,
    /// The file's length or SHA-256 is not the recorded one.
    #[error("the snapshot's bytes are not those that were written")]
    Bytes,
    /// The state's digest is not the recorded one.
    #[error("the state that was saved has another digest")]
    Digest,
    /// It is a snapshot of something else.
    #[error("the snapshot is of another group or record")]
    Other,
    /// This code cannot run the model version that was in force then. The snapshot is fine.
    #[error("the snapshot is of model version {0}, which this code cannot run")]
    Version(ModelVersion),
}

/// A group's state after a record.
#[derive(Clone, Debug)]
pub(crate) struct State<M> {
    pub(crate) head: SnapshotHead,
    pub(crate) channels: Channels,
    pub(crate) answers: Answers,
    pub(crate) model: M,
}

/// A snapshot being taken in.
#[derive(Clone, Debug)]
pub(crate) struct Loading<M> {
    reader: SnapshotReader,
    hasher: Sha256,
    bytes: u64,
    head: Option<SnapshotHead>,
    channels: BytesMut,
    answers: Answers,
    last: Option<MessageId>,
    model: M,
    parts: u64,
    is_complete: bool,
    /// The version that the head tells of, if this code cannot run it: the rest is only held against the digest. A head
    /// that is damaged may tell of any.
    too_new: Option<ModelVersion>,
}

impl<M: Model> Loading<M> {
    /// Begins with the model before the first command.
    pub(crate) fn new(fresh: M) -> Self {
        Self {
            reader: SnapshotReader::default(),
            hasher: Sha256::new(),
            bytes: 0,
            head: None,
            channels: BytesMut::new(),
            answers: Answers::default(),
            last: None,
            model: fresh,
            parts: 0,
            is_complete: false,
            too_new: None,
        }
    }

    /// Bytes taken so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes of the file.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        if self.too_new.is_some() {
            return Ok(());
        }
        self.reader.feed(bytes);
        while self.too_new.is_none()
            && let Some(part) = self.reader.part().map_err(SnapshotError::Part)?
        {
            self.part(part)?;
        }
        Ok(())
    }

    fn part(&mut self, part: SnapshotPart) -> Result<(), SnapshotError> {
        let is_first = self.head.is_none();
        match part {
            SnapshotPart::Head(head) if is_first => {
                let version = head.barriers.last().map_or(ModelVersion::FIRST, |(_, one)| *one);
                if !self.model.versions().contains(&version) {
                    self.too_new = Some(version);
                }
                self.head = Some(head);
            }
            _ if is_first || self.is_complete => return Err(SnapshotError::Order),
            SnapshotPart::Channels(bytes) if self.last.is_none() && self.parts == 0 => {
                self.channels.extend_from_slice(&bytes);
            }
            SnapshotPart::Answers(some) if self.parts == 0 => return self.answers(some),
            SnapshotPart::Model(part) => {
                self.parts += 1;
                self.model.load(&part).map_err(SnapshotError::Model)?;
            }
            SnapshotPart::End { answers, parts } => {
                if (answers, parts) != (self.answers.count() as u64, self.parts) {
                    return Err(SnapshotError::Order);
                }
                self.model.loaded().map_err(SnapshotError::Model)?;
                self.is_complete = true;
            }
            SnapshotPart::Origins(some) if self.parts == 0 => {
                if !some.into_iter().all(|(id, origin)| self.answers.came_from(id, origin)) {
                    return Err(SnapshotError::Order);
                }
            }
            SnapshotPart::Head(_)
            | SnapshotPart::Channels(_)
            | SnapshotPart::Answers(_)
            | SnapshotPart::Origins(_) => {
                return Err(SnapshotError::Order);
            }
        }
        Ok(())
    }

    fn answers(&mut self, some: Vec<SnapshotAnswer>) -> Result<(), SnapshotError> {
        for SnapshotAnswer { id, digest, seq, stamp, outcome } in some {
            // Rising, so that no id comes twice.
            if self.last.is_some_and(|last| last >= id) {
                return Err(SnapshotError::Order);
            }
            self.last = Some(id);
            self.answers.keep(id, Stored { digest, seq, stamp, origin: None, outcome });
        }
        Ok(())
    }

    /// The state, if all that was taken is the `snapshot` of this group that was recorded.
    pub(crate) fn finish(
        self,
        group: GroupId,
        snapshot: &Snapshot,
    ) -> Result<State<M>, SnapshotError> {
        let is_whole = self.too_new.is_some() || self.is_complete && self.reader.is_empty();
        let Some(head) = self.head.filter(|_| is_whole) else { return Err(SnapshotError::Order) };
        let sha256 = Hash(self.hasher.finalize().into());
        if (self.bytes, sha256) != (snapshot.bytes, snapshot.sha256) {
            return Err(SnapshotError::Bytes);
        }
        if let Some(version) = self.too_new {
            return Err(SnapshotError::Version(version));
        }
        let of = (head.group, head.tail, head.stamp, head.digest);
        if of != (group, snapshot.tail, snapshot.stamp, snapshot.digest) {
            return Err(SnapshotError::Other);
        }
        let channels = Channels::decode(&self.channels.freeze()).map_err(SnapshotError::Part)?;
        if digest(&self.model, &channels) != snapshot.digest {
            return Err(SnapshotError::Digest);
        }
        Ok(State { head, channels, answers: self.answers, model: self.model })
    }
}

/// Digest of a group's state.
pub(crate) fn digest<M: Model>(model: &M, channels: &Channels) -> Hash {
    let mut hasher = Sha256::new_with_prefix(b"group/1");
    hasher.update(model.digest().0);
    hasher.update(channels.digest().0);
    Hash(hasher.finalize().into())
}

/// Takes in a whole file at once.
pub(crate) fn load<M: Model>(
    fresh: M,
    chunks: impl Iterator<Item = Option<Bytes>>,
) -> Result<Loading<M>, SnapshotError> {
    let mut loading = Loading::new(fresh);
    for chunk in chunks {
        loading.feed(&chunk.ok_or(SnapshotError::Unreadable)?)?;
    }
    Ok(loading)
}
