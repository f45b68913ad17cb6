//! What operators and machines ask a node over HTTP: health, status, reasons, figures, and moves.
//!
//! Every node serves all of it and every answer is one node's view, which names its observer. The
//! console keeps nothing: it looks at the node through [`runtime::Handle::ask`] between two steps and
//! says what it saw, and it hands orders on to the register. An application server puts its own
//! routes beside these ([`router`]) and shares the site, the problem details and the server loop.
//!
//! Where to read on: [`Site`] for what the console is told, [`Problem`] for every error there is,
//! [`serve`] for what a slow or hostile client can do to a node.

mod confirmation;
mod elsewhere;
mod explain;
mod group_view;
mod guard;
mod health;
mod json;
pub mod limits;
mod metrics;
mod models;
mod nodes;
pub mod openapi;
mod orders;
mod orphans;
mod outcomes;
mod patient;
mod problem;
mod reads;
mod recover;
mod request;
mod router;
mod serve;
mod site;
mod status;
mod terms;

pub use json::{hash_hex, json, parse, phase, position};
pub use orphans::{Outcome, Policy, Words};
pub use outcomes::{origin, read_id};
pub use problem::{Problem, TYPE_STEM};
pub use reads::{AGE_MS, READ, Read, Reading, SESSION, Seen, no_cut, refused, tell_tokens};
pub use register::Disposition;
pub use request::read_body;
pub use router::router;
pub use serve::serve;
pub use site::{Actor, Site, SiteError, SiteNode};
