//! What the demo says while it runs: steps with the time, and a bar over the load.
//!
//! Goes to standard error, so that the report alone is on standard output. Without a terminal there
//! is no bar but a line now and then.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::load::run::Progress;

/// How often the bar moves.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Says things.
#[derive(Clone, Debug)]
pub(crate) struct Say {
    start: Instant,
    bar: ProgressBar,
    is_terminal: bool,
}

impl Say {
    /// The clock of the steps starts now.
    pub(crate) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { start: Instant::now(), bar: ProgressBar::hidden(), is_terminal }
    }

    /// A step.
    pub(crate) fn step(&self, what: impl Display) {
        let line = format!("{:>6.1} s  {what}", self.start.elapsed().as_secs_f64());
        if self.bar.is_hidden() {
            // A demo goes on when nobody can be told how far it is.
            let _unheard = writeln!(std::io::stderr(), "{line}").is_err();
        } else {
            self.bar.println(line);
        }
    }

    /// Follows a load that is to run for `length`, until it is dropped.
    pub(crate) async fn follow(mut self, length: Duration, progress: watch::Receiver<Progress>) {
        let begin = Instant::now();
        let mut line_at = begin + LINE_EVERY;
        if self.is_terminal {
            let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
            let style = ProgressStyle::with_template("{bar:30.cyan/blue} {msg}")
                .expect("the template is a constant");
            self.bar = ProgressBar::new(millis).with_style(style);
        }
        loop {
            sleep(BAR_EVERY).await;
            let Progress { sent, told, unknown } = *progress.borrow();
            let under_way = sent.saturating_sub(told);
            let message =
                format!("{sent} sent, {told} answered, {under_way} under way, {unknown} unknown");
            if self.is_terminal {
                let millis = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.bar.set_position(millis);
                self.bar.set_message(message);
            } else if Instant::now() >= line_at {
                line_at += LINE_EVERY;
                self.step(message);
            }
        }
    }
}
