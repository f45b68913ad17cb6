//! The client against servers that do as a script says.

#![expect(clippy::unwrap_used, reason = "test helpers; a failed step fails the test")]

mod read;
mod script;
mod submit;
