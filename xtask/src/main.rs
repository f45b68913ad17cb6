//! The scripts of this project, in Rust.
fn main() {}
