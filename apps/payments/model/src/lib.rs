//! The payments model: accounts, postings and outcomes as a deterministic state machine.
