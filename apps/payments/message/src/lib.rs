//! pacs.008 and pacs.002: reading, validating and writing ISO 20022 payment messages.
//!
//! Bytes go in, a [`CreditTransfer`] or a [`Refusal`] comes out of [`read`]. A credit transfer that
//! exists is safe XML, valid against the official schema of its version, and keeps the rules that
//! schemas cannot state; a refusal says how far the file got and what an answer can repeat of it.
//! [`status::Report`] writes that answer. Nothing here touches a socket, a file or a clock, and
//! nothing decides about money: accounts, funds and duplicates are the model's business.
//!
//! Where to read on: [`xml`](mod@xml) for what is refused before it is understood, [`schema`] for
//! the tables, [`rules`] for reasons and their order, [`message`] for what the model gets.

mod codes;
pub mod date;
pub mod limits;
pub mod message;
mod read;
pub mod reason;
pub mod refusal;
pub mod rules;
pub mod sample;
pub mod schema;
pub mod status;
pub mod verdict;
mod write;
pub mod xml;

pub use message::CreditTransfer;
pub use read::{read, read_within};
pub use refusal::Refusal;
pub use rules::iban::is_misspelt_iban;
