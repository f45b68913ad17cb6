//! Reads under a level, and the session that remembers what its client has seen.
//!
//! A session keeps the tokens that answers bring and sends them with every read, so that no node shows
//! its client less than any node has shown it before. A token that an answered read was held against is
//! replaced by that read's own; the others stay until they were. So what was answered before its commit
//! and then lost is noticed at the next read, and not forgotten over a later payment.
//!
//! A node looks at so many tokens of a request and no more. A session of more has the same node answer
//! several times, each time held against others of them, and only the last answer is shown: what a node
//! has applied it does not go behind.

use core::time::Duration;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use hyper::Method;
use hyper::header::{HeaderMap, HeaderValue, LOCATION};
use tokio::time::{Instant, sleep_until};
use types::{ClusterMark, ClusterToken, Epoch, GroupId};

use crate::endpoint::{Answer, Failed};
use crate::{Client, Outcome, Problem, Trouble};

/// How much a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All that was acknowledged to anybody before; answered by the home only, which is found by itself.
    Linearizable,
    /// All that this session has seen; answered by any node.
    Session,
    /// All that was committed longer ago than this; answered by any node.
    Bounded(Duration),
    /// What the node has, with its age.
    Stale,
    /// What the home may have answered before the commit and may yet lose.
    Provisional,
}

/// What one client has seen. Share it between those who are to see no less than each other.
#[derive(Debug, Default)]
pub struct Session {
    seen: Mutex<BTreeMap<Key, ClusterToken>>,
}

/// One token is kept of each of these.
type Key = (ClusterMark, GroupId, Epoch);

fn key(named: &ClusterToken) -> Key {
    (named.cluster, named.token.group, named.token.epoch)
}

/// An answered read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The answer.
    pub body: Bytes,
    /// How old it may be by the node's clock, in milliseconds, if the node says.
    pub age_ms: Option<u64>,
    /// Index of the endpoint that answered.
    pub endpoint: usize,
}

/// Why a read was not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// What this session has seen is in no history: it was answered before its commit and lost, or given
    /// up by a forced switch. The session has dropped the token; what was sent under it must be looked
    /// after.
    #[error("{token} was lost: epoch {by} left it out from {from} on", token = token.as_deref().unwrap_or("a token"))]
    Orphaned {
        /// The token, as the node names it.
        token: Option<String>,
        /// The epoch that left it out.
        by: u64,
        /// From which seq on.
        from: u64,
    },
    /// What this session has seen is of no record of the cluster that was asked: it is of another one, or
    /// nobody's. The session has dropped the token; asked again, it goes on with the others.
    #[error("{token} is of another cluster, or nobody's")]
    Foreign {
        /// The token.
        token: ClusterToken,
    },
    /// Every node would refuse it.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// No node could meet the level in the time that the client has.
    #[error("no node could show it in time: {0}")]
    TimedOut(Trouble),
}

impl Session {
    /// Takes what an answer brought. What is no token is passed over: it would be refused at the next read.
    pub(crate) fn note(&self, headers: &HeaderMap) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for token in tokens(headers) {
            let known = seen.entry(key(&token)).or_insert(token);
            if token.token.seq > known.token.seq {
                *known = token;
            }
        }
    }

    /// Those tokens were looked at by a read that was answered with these: the latter stand for them.
    fn replace(&self, sent: &[ClusterToken], headers: &HeaderMap) {
        let brought: Vec<ClusterToken> = tokens(headers).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for token in sent {
            let (cluster, group, _) = key(token);
            let is_covered =
                brought.iter().any(|new| (new.cluster, new.token.group) == (cluster, group));
            // Another answer may have come meanwhile, and is to be looked at, too.
            if is_covered && seen.get(&key(token)) == Some(token) {
                seen.remove(&key(token));
            }
        }
        drop(seen);
        self.note(headers);
    }

    /// Drops a token, and with it what was seen earlier in the same epoch of its group; what was seen later
    /// stays. Reads are no longer held against it, so drop what is known to be lost or foreign only.
    pub fn forget(&self, token: &ClusterToken) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.get(&key(token)).is_some_and(|known| known.token.seq <= token.token.seq) {
            seen.remove(&key(token));
        }
    }

    /// What this session has seen, to be kept or handed on.
    #[must_use]
    pub fn tokens(&self) -> Vec<ClusterToken> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }

    /// A session that goes on from these.
    #[must_use]
    pub fn from_tokens(tokens: impl IntoIterator<Item = ClusterToken>) -> Self {
        let seen = tokens.into_iter().map(|token| (key(&token), token));
        Self { seen: Mutex::new(seen.collect()) }
    }
}

impl Client {
    /// [`Client::submit`] as a part of a session: what it is answered, later reads see.
    pub async fn submit_in(&self, session: &Session, document: &[u8]) -> Outcome {
        self.submit_noting(Some(session), document).await
    }

    /// Reads a path under a level. Nodes are asked in turn until one can meet it, the home where only that
    /// may answer.
    ///
    /// # Errors
    /// [`ReadError`]; never an answer that is less than was asked for.
    pub async fn read(
        &self,
        session: &Session,
        level: Level,
        path: &str,
    ) -> Result<Shown, ReadError> {
        let deadline = Instant::now() + self.options.deadline;
        let mut at = self.preferred();
        let (mut round, mut left_in_round) = (0_u32, self.endpoints.len());
        // What this endpoint was not held against yet.
        let mut left = session.tokens();
        loop {
            // By group, and older epochs first: it is these that may have been left out.
            let sent: Vec<ClusterToken> = left.iter().take(TOKENS_MAX).copied().collect();
            let mut next = (at + 1) % self.endpoints.len();
            let trouble = match self.try_read(at, level, &sent, path, deadline).await {
                Ok(answer) if is_shown(&answer) => {
                    session.replace(&sent, &answer.headers);
                    if left.len() > sent.len() {
                        left.drain(..sent.len());
                        continue;
                    }
                    if answer.status == 404 {
                        let problem = Problem::read(answer.status, &answer.body);
                        return Err(ReadError::Refused(Box::new(problem)));
                    }
                    let age_ms = answer.headers.get("evenkeel-age-ms");
                    let age_ms = age_ms.and_then(|value| value.to_str().ok()?.parse().ok());
                    return Ok(Shown { body: answer.body, age_ms, endpoint: at });
                }
                Ok(answer) => {
                    let problem = Problem::read(answer.status, &answer.body);
                    if let Some(home) = self.named(&answer) {
                        next = home;
                    }
                    Trouble::Problem(Box::new(judge(session, problem)?))
                }
                Err(Failed { why, .. }) => why,
            };
            left_in_round = left_in_round.saturating_sub(1);
            let mut resume = Instant::now();
            if left_in_round == 0 {
                left_in_round = self.endpoints.len();
                resume += self.pause(round);
                round = round.saturating_add(1);
            }
            if resume >= deadline {
                return Err(ReadError::TimedOut(trouble));
            }
            sleep_until(resume).await;
            at = next;
            left = session.tokens();
        }
    }

    async fn try_read(
        &self,
        at: usize,
        level: Level,
        tokens: &[ClusterToken],
        path: &str,
        deadline: Instant,
    ) -> Result<Answer, Failed> {
        let now = Instant::now();
        let until = deadline.min(now + self.options.try_wait);
        let mut headers = HeaderMap::with_capacity(4);
        let patience = until.saturating_duration_since(now).mul_f64(0.9);
        // A node that lags is not waited for longer than it takes to ask all others.
        let patience = if self.endpoints.len() > 1 { patience.min(LAG_WAIT) } else { patience };
        let patience = patience.as_millis();
        let tokens: Vec<String> = tokens.iter().map(ToString::to_string).collect();
        for (name, text) in [
            ("evenkeel-read", level.to_string()),
            ("evenkeel-session", tokens.join(", ")),
            ("evenkeel-timeout", format!("{patience}ms")),
        ] {
            if let Ok(value) = HeaderValue::from_str(&text)
                && !text.is_empty()
            {
                headers.insert(name, value);
            }
        }
        let endpoint = &self.endpoints[at % self.endpoints.len()];
        let nothing = Bytes::new();
        endpoint.ask(Method::GET, path, headers, nothing, &self.options, until).await
    }

    /// The endpoint that an answer sends on to.
    fn named(&self, answer: &Answer) -> Option<usize> {
        let location = answer.headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
        self.endpoints.iter().position(|one| one.is_at(&location))
    }
}

/// Whether a state was shown that meets the level: that something is not in it is an answer like any other.
fn is_shown(answer: &Answer) -> bool {
    answer.status == 200 || answer.status == 404 && answer.headers.contains_key("evenkeel-read")
}

/// Whether another node, or the same later, may give a better answer than this.
fn judge(session: &Session, problem: Problem) -> Result<Problem, ReadError> {
    let token = || problem.text("token").and_then(|text| ClusterToken::parse(text.as_bytes()).ok());
    match (problem.kind.as_str(), problem.status) {
        ("token-orphaned", _) => {
            if let Some(token) = token() {
                session.forget(&token);
            }
            Err(ReadError::Orphaned {
                token: problem.text("token").map(str::to_owned),
                by: problem.number("left_out_by_epoch").unwrap_or_default(),
                from: problem.number("left_out_from_seq").unwrap_or_default(),
            })
        }
        ("foreign-token", _) => match token() {
            Some(token) => {
                session.forget(&token);
                Err(ReadError::Foreign { token })
            }
            None => Err(ReadError::Refused(Box::new(problem))),
        },
        (_, 300..=399 | 408 | 429 | 500..) => Ok(problem),
        _ => Err(ReadError::Refused(Box::new(problem))),
    }
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = ClusterToken> {
    let values = headers.get_all("evenkeel-session").into_iter();
    let texts = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    texts.filter_map(|text| ClusterToken::parse(text.trim_ascii()).ok())
}

/// Tokens that a node looks at in one request; one with more is refused whole.
const TOKENS_MAX: usize = 64;

/// How long one of several nodes is given to come to what is asked for.
const LAG_WAIT: Duration = Duration::from_secs(1);

/// As the header has it.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linearizable => f.write_str("linearizable"),
            Self::Session => f.write_str("session"),
            Self::Bounded(within) => write!(f, "bounded={}us", within.as_micros()),
            Self::Stale => f.write_str("stale"),
            Self::Provisional => f.write_str("provisional"),
        }
    }
}
