//! Votes on the health of regions, and the policy that acts on them (PROTOCOL 6 and 7.10).
//!
//! A node is alive as far as it is seen to make progress on its own disk. One observer proves
//! nothing: the link may be at fault. [`Watch`] keeps what this node saw and what others say they
//! saw; [`judge`] says whether a group may be moved now, or every reason why not. Nothing here opens
//! a socket or moves anything.
#![no_std]

extern crate alloc;

mod policy;
mod watch;

pub use policy::{Policy, Sight, Stay, judge};
pub use watch::Watch;
