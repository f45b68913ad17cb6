//! Nodes as whoever embeds them sees them: real folders, real sessions on loopback, nothing stubbed.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where it fails; the lint spares only functions marked as tests"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test fails on all that it did not expect")]

mod alone;
mod failures;
mod trio;
mod world;
