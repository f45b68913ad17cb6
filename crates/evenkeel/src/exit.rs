//! How a command ends: its exit code, and what it says when it did not do what was asked.

use std::io::Write as _;
use std::process::ExitCode;

/// What the exit code says. The numbers are part of the interface and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, and everything that was checked holds.
    Ok = 0,
    /// Something failed, or a claim does not hold.
    Failed = 1,
    /// Called wrongly: arguments or configuration. Also clap's own code.
    Usage = 2,
    /// The nodes refused it, and would again.
    Refused = 3,
    /// Too few nodes can be reached to decide or to commit.
    NoQuorum = 4,
    /// The group has moved meanwhile: look again before ordering again.
    Stale = 5,
    /// Not decided in the time given; it may still happen.
    TimedOut = 6,
}

/// The last lines of `--help`.
pub(crate) const CODES: &str = "\
Exit codes:
  0  done, and everything that was checked holds
  1  failed, or a claim does not hold
  2  called wrongly: arguments or configuration
  3  refused, and would be refused again
  4  no quorum: too few nodes can be reached
  5  stale: the group moved meanwhile, look again
  6  timed out; it may still happen";

/// A command that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    error: anyhow::Error,
}

/// What every command returns.
pub(crate) type Ended = Result<Exit, Failure>;

impl Failure {
    /// A failure of that kind.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into() }
    }

    /// The same failure with more said about it.
    pub(crate) fn explained(self, more: impl FnOnce(anyhow::Error) -> anyhow::Error) -> Self {
        Self { exit: self.exit, error: more(self.error) }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(Exit::Failed, error)
    }
}

/// Gives an error another exit code than [`Exit::Failed`].
pub(crate) trait OrExit<T> {
    /// The value, or a failure of that kind.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, error))
    }
}

/// Says on standard error why a command failed, and gives the process its code.
pub(crate) fn code(ended: Ended) -> ExitCode {
    let exit = ended.unwrap_or_else(|failure| {
        // Where standard error cannot be written, the exit code still says it.
        let _unheard = writeln!(std::io::stderr(), "error: {:#}", failure.error).is_err();
        failure.exit
    });
    ExitCode::from(exit as u8)
}
