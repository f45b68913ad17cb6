//! What a caller of this crate can see.

mod attacks;
mod content;
mod differential;
mod mutate;
mod reading;
mod reports;
mod rules;
mod samples;
mod support;
mod tables;
