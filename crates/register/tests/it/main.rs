//! Registers under a seeded world of lossy links, slow disks and crashes.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "test code outside of test functions; small numbers; a wildcard passes over effects that a test is not about"
)]

mod force;
mod generations;
mod story;
mod survivors;
mod sweep;
mod world;
