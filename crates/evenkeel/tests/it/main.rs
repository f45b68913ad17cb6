//! The command as its users meet it: arguments, exit codes, messages, files, processes.
#![expect(clippy::unwrap_used, reason = "test helpers; a failed step fails the test")]

mod across;
mod channels;
mod classes;
mod cluster;
mod command;
mod demo;
mod full;
mod http;
mod journal;
mod node;
mod nodes;
mod orphans;
mod payments;
mod reads;
mod trio;
