//! The Rust client: takes all endpoints, asks again with the same bytes, and never hides an unknown
//! outcome.
//!
//! A payment's id has one outcome wherever it is asked for, so [`Client::submit`] may send the same
//! message to one region after the other until one of them knows. What it must not do is guess: when
//! its time is up after a try that may have been carried out, it says [`Outcome::Unknown`], and
//! asking again later with the same bytes finds out.
//!
//! [`Client::read`] reads under a level, and a [`Session`] remembers what its client has seen, so that no
//! region shows it less.
//!
//! For operators there are [`Client::get_json`] and [`Client::post_json`], which ask one endpoint
//! once.

mod backoff;
mod call;
mod endpoint;
mod options;
mod outcome;
mod problem;
mod session;
mod submit;
mod verdict;

pub use call::CallError;
pub use endpoint::{Endpoint, NotAnEndpoint};
pub use options::Options;
pub use outcome::{Final, Outcome, Refused, Trouble, Unknown};
pub use problem::Problem;
pub use session::{Level, ReadError, Session, Shown};
pub use submit::Client;
pub use types::{ClusterToken, Until};
