//! The load of a demo: who pays, what is sent, how it is sent, and what came of it.

pub(crate) mod cast;
pub(crate) mod files;
mod random;
pub(crate) mod run;
pub(crate) mod script;
pub(crate) mod send;
pub(crate) mod told;
