//! Asking until the outcome is known, or saying that it is not.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::time::{Instant, sleep_until};
use types::Until;

use crate::backoff::Spread;
use crate::verdict::{self, Verdict};
use crate::{Endpoint, Final, NotAnEndpoint, Options, Outcome, Refused, Session, Trouble, Unknown};

/// Less time than this is not worth a try: a commit takes a round trip between regions.
const TRY_MIN: Duration = Duration::from_millis(10);

/// A client of one cluster. Share it: it keeps its connections, and which endpoint answered last.
#[derive(Debug)]
pub struct Client {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) options: Options,
    spread: Spread,
    /// Where to begin: the endpoint that answered last.
    preferred: AtomicUsize,
}

impl Client {
    /// A client of those endpoints (`http://host:port`), in order of preference.
    ///
    /// # Errors
    /// [`NotAnEndpoint`]. Nothing is connected to yet.
    pub fn new<T: AsRef<str>>(
        endpoints: impl IntoIterator<Item = T>,
        options: Options,
    ) -> Result<Self, NotAnEndpoint> {
        let endpoints = endpoints.into_iter().map(|text| Endpoint::new(text.as_ref(), &options));
        let endpoints: Vec<Endpoint> = endpoints.collect::<Result<_, _>>()?;
        if endpoints.is_empty() {
            return Err(NotAnEndpoint::Empty);
        }
        let spread = Spread::new(options.seed);
        Ok(Self { endpoints, options, spread, preferred: AtomicUsize::new(0) })
    }

    /// The endpoints, in the order given.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Begins with that endpoint from now on, until another answers. An index that does not exist
    /// counts on from the first.
    pub fn prefer(&self, endpoint: usize) {
        self.preferred.store(endpoint % self.endpoints.len(), Ordering::Relaxed);
    }

    /// Hands in a pacs.008 and waits for its outcome.
    ///
    /// The same bytes go to one endpoint after the other until one answers in kind or refuses the
    /// message for good, with pauses that grow. Dropping the future leaves the outcome unknown.
    pub async fn submit(&self, document: &[u8]) -> Outcome {
        self.submit_noting(None, document).await
    }

    /// The same; what is answered is noted in a session.
    pub(crate) async fn submit_noting(
        &self,
        session: Option<&Session>,
        document: &[u8],
    ) -> Outcome {
        let document = Bytes::copy_from_slice(document);
        let deadline = Instant::now() + self.options.deadline;
        let mut at = self.preferred.load(Ordering::Relaxed);
        let (mut attempts, mut was_unknown, mut round) = (0_u32, false, 0_u32);
        let mut id = None;
        let mut is_pending = false;
        let mut left_in_round = self.endpoints.len();
        loop {
            attempts = attempts.saturating_add(1);
            let tried = self.attempt(at, document.clone(), deadline).await;
            let mut wait = Duration::ZERO;
            let mut next = (at + 1) % self.endpoints.len();
            let verdict = verdict::of(tried);
            let provisional = matches!(verdict, Verdict::Provisional { .. });
            let trouble = match verdict {
                Verdict::Final { answer, repeated } | Verdict::Provisional { answer, repeated } => {
                    if let Some(session) = session {
                        session.note(&answer.headers);
                    }
                    // A store for every answer would have all threads write one cache line.
                    if self.preferred.load(Ordering::Relaxed) != at {
                        self.preferred.store(at, Ordering::Relaxed);
                    }
                    let (status, body, endpoint) = (answer.status, answer.body, at);
                    let answer = Final { status, body, repeated, attempts, was_unknown, endpoint };
                    return if provisional {
                        Outcome::Provisional(answer)
                    } else {
                        Outcome::Final(answer)
                    };
                }
                Verdict::Refused(problem) => {
                    // An earlier try may be on its way still, and its time not over.
                    let doubt = is_pending || was_unknown && problem.kind == verdict::EXPIRED;
                    let why = Trouble::Problem(Box::new(problem));
                    return if doubt {
                        Outcome::Unknown(Unknown { attempts, last: why, id })
                    } else {
                        Outcome::Refused(Refused { attempts, why })
                    };
                }
                Verdict::Elsewhere(location, trouble) => {
                    if let Some(named) = self.endpoints.iter().position(|one| one.is_at(&location))
                    {
                        next = named;
                    }
                    trouble
                }
                Verdict::NotDone(trouble) => {
                    if let Trouble::Problem(problem) = &trouble {
                        let millis = problem.number("retry_after_ms").unwrap_or_default();
                        wait = Duration::from_millis(millis).min(self.options.pause_max);
                    }
                    trouble
                }
                Verdict::MayBeDone(trouble) => {
                    was_unknown = true;
                    if let Trouble::Problem(problem) = &trouble {
                        id = problem.text("id").map(str::to_owned).or(id);
                    }
                    trouble
                }
                Verdict::Pending(trouble) => {
                    // The node has waited as long as it was allowed to, and waits again.
                    is_pending = true;
                    next = at;
                    trouble
                }
            };
            // Every endpoint is tried once before the first pause: the others may be well.
            left_in_round -= 1;
            let mut resume = Instant::now();
            if left_in_round == 0 {
                left_in_round = self.endpoints.len();
                resume += self.spread.pause(&self.options, round).max(wait);
                round = round.saturating_add(1);
            }
            // A try that cannot be answered in time would only turn what is certainly not done into a
            // doubt.
            if resume + TRY_MIN >= deadline {
                return if was_unknown || is_pending {
                    Outcome::Unknown(Unknown { attempts, last: trouble, id })
                } else {
                    Outcome::Refused(Refused { attempts, why: trouble })
                };
            }
            if left_in_round == self.endpoints.len() {
                sleep_until(resume).await;
            }
            at = next;
        }
    }

    /// Where to begin.
    pub(crate) fn preferred(&self) -> usize {
        self.preferred.load(Ordering::Relaxed)
    }

    /// How long to wait after so many rounds.
    pub(crate) fn pause(&self, round: u32) -> Duration {
        self.spread.pause(&self.options, round)
    }

    async fn attempt(
        &self,
        at: usize,
        document: Bytes,
        deadline: Instant,
    ) -> Result<crate::endpoint::Answer, crate::endpoint::Failed> {
        let now = Instant::now();
        let until = deadline.min(now + self.options.try_wait);
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        // The node gives up a little earlier than this client, so that its word still arrives.
        let patience = until.saturating_duration_since(now).mul_f64(0.9).as_millis();
        if let Ok(patience) = HeaderValue::from_str(&format!("{patience}ms")) {
            headers.insert("evenkeel-timeout", patience);
        }
        let waits_for = match self.options.until {
            Until::Commit => "commit",
            Until::Class => "class",
        };
        headers.insert("evenkeel-until", HeaderValue::from_static(waits_for));
        let endpoint = &self.endpoints[at % self.endpoints.len()];
        endpoint.ask(Method::POST, "/v1/payments", headers, document, &self.options, until).await
    }
}
