//! The register: who may write each group, by compare-and-set under consensus.
//!
//! A home may be replaced only if all agree which epoch comes next and who holds it. The register is
//! that agreement: a small state per group (PROTOCOL 7.1), changed by batches of compare-and-set
//! transitions that a replicated log puts into one order. Three to seven members hold it; a majority
//! suffices. [`State`] says what a transition does, [`Register`] replicates it, and an embedded
//! consensus library (docs/design/0002) orders the log.
//!
//! Serving never needs the register: without a majority groups go on committing, and only switches
//! are refused. It does no I/O, reads no clock and has no randomness; bytes go in and out through
//! [`Input`] and [`Effect`]. It does not seal replicas, nor judge whether a switch is wise: it only
//! makes sure that no epoch has two homes.
#![no_std]

extern crate alloc;

mod audit;
mod change;
mod codec;
mod disposal;
mod effect;
mod frame;
mod group;
pub mod limits;
mod link;
mod log;
mod machine;
mod memory;
mod numbers;
mod options;
mod paxos;
mod reach;
mod record;
mod recover;
mod roster;
mod roster_codec;
mod state;
mod terms;

pub use audit::{Audit, AuditEntry};
pub use change::{
    Activation, Change, ChangeResult, MembershipResult, NotAProposal, Proposal, ProposalId,
    Results, SealKind, Transition,
};
pub use disposal::{Disposal, Disposition};
pub use effect::{Counters, Effect, Event, ForceRefusal, FrameRefusal, Input, UndecidedReason};
pub use group::{GroupState, Phase, Refusal, Standing};
pub use machine::{Inheritance, Register};
pub use numbers::{FORCES_MAX, FOUNDER_IDS_END};
pub use options::{NotOptions, Options};
pub use reach::Reach;
pub use record::is_whole;
pub use recover::RecoverError;
pub use roster::{
    Contact, Generation, Gone, Membership, MembershipChange, Newcomer, Roster, RosterRefusal,
};
pub use state::State;
