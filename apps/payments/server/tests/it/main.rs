//! A payments node as its clients and operators see it: over HTTP, with a real node behind.

#![expect(clippy::unwrap_used, reason = "test helpers; a failed step fails the test")]

mod across;
mod books;
mod describe;
mod http;
mod operate;
mod pay;
mod reads;
mod world;
