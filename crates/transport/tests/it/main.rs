//! Sessions between nodes of one process, as a caller sees them: real sockets, real TLS, real time,
//! every wait for an event and bounded.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it fails; the lint spares only functions marked as tests"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names the events it waits for")]

mod by_hand;
mod link;
mod refusals;
mod sessions;
mod world;
