//! The audit chain: every decided proposal with what became of it, each entry hashed onto the one
//! before, so that members can compare their whole past by one value.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use types::Hash;
use wire::Writer;

use crate::limits::AUDIT_ENTRIES_MAX;
use crate::{Proposal, Results, codec, roster_codec};

/// One decided proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place among all that was applied, from 1.
    pub number: u64,
    /// What was asked, by whom and why.
    pub proposal: Arc<Proposal>,
    /// What it came to.
    pub results: Results,
    /// Hash of this entry chained to all before it.
    pub hash: Hash,
}

/// The chain: its head, its length, and the newest entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    head: Hash,
    count: u64,
    newest: VecDeque<AuditEntry>,
}

impl Audit {
    /// Hash of the newest entry; zero before the first. Equal heads mean equal pasts.
    #[must_use]
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// Number of entries ever.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The newest entries, oldest first; at most
    /// [`AUDIT_ENTRIES_MAX`](crate::limits::AUDIT_ENTRIES_MAX).
    pub fn newest(&self) -> impl Iterator<Item = &AuditEntry> {
        self.newest.iter()
    }

    pub(crate) fn push(&mut self, proposal: Arc<Proposal>, results: Results) {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.hash(self.head);
        codec::proposal(&mut writer, &proposal);
        for (group, result) in &results.changes {
            writer.u16(group.0);
            codec::result(&mut writer, result);
        }
        if let Some(result) = &results.membership {
            roster_codec::membership_result(&mut writer, result);
        }
        self.head = Hash(Sha256::digest(&bytes).into());
        self.count += 1;
        if self.newest.len() == AUDIT_ENTRIES_MAX {
            self.newest.pop_front();
        }
        let (number, hash) = (self.count, self.head);
        self.newest.push_back(AuditEntry { number, proposal, results, hash });
    }
}
