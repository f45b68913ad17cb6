//! The chain of one group: hash chain, fork, and what a boot scan means.
//!
//! Decides; does no I/O. Storage asks it what a scan found, a group asks it where a record belongs.
#![no_std]

extern crate alloc;

mod chain;
pub mod scan;

pub use chain::{Chain, Fit, Hole, Link, Run};
