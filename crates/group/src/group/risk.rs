//! What a home's loss would take with it: answered, and not committed (PROTOCOL 7.8, `rpo_at_risk`).

use model::Model;
use types::Now;

use super::Group;

/// What was or may have been answered at W1 and is not committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtRisk {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// For how long the oldest has been on this node at least, in microseconds; 0 if there is none. A
    /// wall clock that steps back does not make it less.
    pub oldest_us: u64,
}

impl<M: Model> Group<M> {
    /// What is at risk here. Always nothing in class sync, and at all nodes but the group's last home
    /// as far as this node knows: a home that was replaced and has not heard of it, or has not been
    /// told what became of its records, still counts them.
    ///
    /// Every record that such a home has on its disk counts, whether or not somebody waited for it.
    #[must_use]
    pub fn at_risk(&self, now: Now) -> AtRisk {
        let (commit, durable) = (self.commit(), self.durable);
        if !self.answers_early() || self.meta.home != Some(self.options.me) || commit >= durable {
            return AtRisk::default();
        }
        AtRisk {
            records: durable.0 - commit.0,
            bytes: self.chain.bytes_above(commit) - self.chain.bytes_above(durable),
            oldest_us: self.uncommitted_us(now).unwrap_or(0),
        }
    }
}
