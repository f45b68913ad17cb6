//! The rules of replication (PROTOCOL 7.3 to 7.5) as values and functions: which copies commit,
//! which promises seal, how far each member has come, and how a takeover goes from promise to home.
//!
//! The rules do not hold the chain and do not send; `group` does both and asks here.
#![no_std]

extern crate alloc;

mod mutant;
mod progress;
mod quorum;
mod readable;
mod takeover;

pub use mutant::Mutant;
pub use progress::Progress;
pub use quorum::{carried, committed, is_commit, sealed};
pub use takeover::{Lack, Stage, Takeover, fork};
