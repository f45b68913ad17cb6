//! The HTTP front of payments: pacs.008 in, pacs.002 out, and what became of it for whoever asks.
//!
//! A message is read and validated once, here, on the thread that took the request; what cannot be a
//! payment is answered at once and never journaled. Everything else becomes one command with the
//! message's own id, so that asking again, here or in another region, gets the one outcome there is.
//! Nothing is kept here that an answer depends on: an answer is written from the stored outcome, to
//! the byte the same each time.
//!
//! What each kind of answer means stands in the table of [`pay`]; which group keeps which account in
//! [`Placement`]. The routes of operators come from [`console`] and are served beside these.

mod account_state;
mod accounts;
mod answer;
mod books;
mod cancel;
mod cases;
mod channels;
mod clearing;
mod cut;
mod deadline;
mod decimal;
mod found;
pub mod limits;
mod lookup;
mod openapi;
pub mod pay;
mod placement;
mod reading;
mod router;
mod settle;
mod settling;
mod suspense;
mod translate;
mod words;

pub use placement::{Placement, start};
pub use router::router;
