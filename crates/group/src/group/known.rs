//! What this node knows of an id, for those who ask without the request.

use bytes::Bytes;
use model::Model;
use types::{Hash, MessageId, Seq, Stamp};
use wire::Origin;

use super::Group;

/// How far a command has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Taken in here; nothing is certain yet.
    Accepted,
    /// On the home's disk and not committed.
    Provisional,
    /// Committed and applied: this is its one outcome.
    Final,
}

/// What is known of an id at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// How far it has come.
    pub stage: Stage,
    /// Digest of the content that it stands for.
    pub digest: Hash,
    /// The record that carries it, once there is one.
    pub seq: Option<Seq>,
    /// When it was applied first.
    pub stamp: Option<Stamp>,
    /// The record that was set aside and out of which it was handed in again, if that is how it was done.
    pub origin: Option<Origin>,
    /// What the application said about it, once it was applied.
    pub outcome: Option<Bytes>,
}

impl<M: Model> Group<M> {
    /// What this node knows of `id`. `None` says nothing: another node may know more.
    #[must_use]
    pub fn known(&self, id: MessageId) -> Option<Known> {
        if self.bar().is_some() {
            return None;
        }
        let done = self.answers.stored(id).map(|stored| (Stage::Final, stored));
        let stored = done.or_else(|| self.stored_ahead(id).map(|one| (Stage::Provisional, one)));
        if let Some((stage, stored)) = stored {
            let (digest, seq, stamp) = (stored.digest, Some(stored.seq), Some(stored.stamp));
            let (origin, outcome) = (stored.origin, Some(stored.outcome.clone()));
            return Some(Known { stage, digest, seq, stamp, origin, outcome });
        }
        let digest = self.desk.digest(id)?;
        let (stage, seq, stamp) = (Stage::Accepted, None, None);
        Some(Known { stage, digest, seq, stamp, origin: None, outcome: None })
    }
}
