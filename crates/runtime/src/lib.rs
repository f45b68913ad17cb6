//! Drives a node: clock, threads, sockets and disk.
