//! The clients of one region, and what [`client`] says in the words of a load.

use std::time::Duration;

use client::{Client, NotAnEndpoint, Options, Outcome, Trouble};

use super::told::{Told, group_reasons};

/// How long one try may take. A region that is cut off or frozen says nothing, and the others may
/// know.
const TRY: Duration = Duration::from_millis(2_000);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_millis(1_000);

/// The clients of one region. They share connections as the services of one bank would.
#[derive(Debug)]
pub(crate) struct Sender {
    client: Client,
}

/// What sending came to.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// What the client was told in the end.
    pub(crate) told: Told,
    /// How often it asked.
    pub(crate) attempts: u32,
    /// Whether it did not know for a while whether it was done.
    pub(crate) was_unknown: bool,
}

impl Sender {
    /// Clients that ask these nodes, their own region's first, and give up after `deadline`.
    pub(crate) fn new(
        urls: Vec<String>,
        deadline: Duration,
        seed: u64,
    ) -> Result<Self, NotAnEndpoint> {
        let options = Options {
            deadline,
            try_wait: TRY,
            connect_wait: CONNECT,
            connections_max: 1_024,
            seed,
            ..Options::default()
        };
        Ok(Self { client: Client::new(urls, options)? })
    }

    /// Sends a message and asks again with the same bytes until the outcome is known or the deadline
    /// has passed.
    pub(crate) async fn send(&self, message: &[u8]) -> Sent {
        let outcome = self.client.submit(message).await;
        let attempts = outcome.attempts();
        let mut was_unknown = false;
        let told = match outcome {
            Outcome::Final(answer) => {
                was_unknown = answer.was_unknown;
                match answer.status {
                    200 => Told::Decided(answer.body),
                    status => {
                        let reasons = group_reasons(&String::from_utf8_lossy(&answer.body));
                        Told::Refused { status, reasons }
                    }
                }
            }
            // This client waits for the commit, so no node owes it such an answer.
            Outcome::Provisional(answer) => {
                was_unknown = true;
                Told::Unknown { why: format!("answered {} before the commit", answer.status) }
            }
            Outcome::Refused(refused) => match refused.why {
                Trouble::Problem(problem) if problem.status < 500 => {
                    Told::Refused { status: problem.status, reasons: vec![problem.kind] }
                }
                why @ (Trouble::Problem(_)
                | Trouble::Connect(_)
                | Trouble::Lost(_)
                | Trouble::Silent(_)
                | Trouble::InSettlement
                | Trouble::TooLarge(_)) => Told::NotDone { why: why.to_string() },
            },
            Outcome::Unknown(unknown) => {
                was_unknown = true;
                Told::Unknown { why: unknown.last.to_string() }
            }
        };
        Sent { told, attempts, was_unknown }
    }
}
