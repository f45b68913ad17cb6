//! The clients of a run and what they saw.

mod cast;
mod history;
mod worker;

pub(crate) use cast::{Circle, FUNDING};
pub(crate) use history::{Attempt, End, History, Look, Payment, Read, Told};
pub(crate) use worker::{Load, circles, outcome, resolve};
