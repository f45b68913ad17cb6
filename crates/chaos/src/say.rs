//! Lines about what goes on, with the time since the beginning.

use std::io::{self, Write as _};

use crate::clock::Clock;

/// Says things on standard output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Say {
    clock: Clock,
}

impl Say {
    /// With times of this clock.
    pub(crate) const fn new(clock: Clock) -> Self {
        Self { clock }
    }

    /// One line.
    pub(crate) fn step(self, text: impl AsRef<str>) {
        let millis = self.clock.micros() / 1_000;
        line(&format!("{:>7}.{} s  {}", millis / 1_000, millis / 100 % 10, text.as_ref()));
    }
}

/// A line without a time. Where nobody reads it is no reason to end.
pub(crate) fn line(text: &str) {
    let _unread = writeln!(io::stdout(), "{text}").is_err();
}
