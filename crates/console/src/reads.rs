//! Reads over HTTP: how much a request asks for, and what it is told when it cannot be had.
//!
//! | request header | meaning |
//! |---|---|
//! | `Evenkeel-Read: linearizable` | all that was acknowledged before; at the home, elsewhere 307 |
//! | `Evenkeel-Read: session` | all that the tokens of `Evenkeel-Session` stand for; at any node |
//! | `Evenkeel-Read: bounded=2s` | all that was committed longer ago than that; at any node |
//! | `Evenkeel-Read: stale` | what there is, with its age |
//! | `Evenkeel-Read: provisional` | what the home may have answered before the commit and may yet lose |
//! | `Evenkeel-Session: TOKEN, …` | what the client has seen; met under every level |
//!
//! Without the first, a request with tokens is a session's and any other is stale. Every answer carries
//! the level under which it was given, how old it may be, and a token of what was seen with it.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use group::{CutRefusal, ReadLevel, ReadOrder, ReadRefusal};
use model::Model;
use runtime::{Handle, NodeView, Span};
use types::{ClusterMark, ClusterToken, GroupId, NodeId, Token};

use crate::limits::{READ_PATIENCE_US, TOKENS_MAX};
use crate::{Problem, Site};

/// Request and answer: the level.
pub const READ: &str = "evenkeel-read";
/// Request and answer: what the client has seen.
pub const SESSION: &str = "evenkeel-session";
/// Answer: how old the oldest record is that closes what was read, in milliseconds.
pub const AGE_MS: &str = "evenkeel-age-ms";

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    level: ReadLevel,
    tokens: Vec<Token>,
    patience_us: u64,
}

/// What was read, and what the client has seen with it.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// What the look returned.
    pub value: T,
    /// What is said of it.
    pub seen: Seen,
}

/// What is said of an answer besides what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    cluster: ClusterMark,
    level: &'static str,
    tokens: Vec<Token>,
    age_ms: Option<u64>,
}

impl Reading {
    /// Reads the headers of a request to a node of `cluster`. It is willing to wait so long, if it says.
    ///
    /// # Errors
    /// 400 with what is wrong with which header, or which token is of another cluster.
    pub fn of(
        cluster: ClusterMark,
        headers: &HeaderMap,
        patience_us: Option<u64>,
    ) -> Result<Self, Problem> {
        let mut tokens = Vec::new();
        for value in headers.get_all(SESSION) {
            for text in value.as_bytes().split(|byte| *byte == b',') {
                if tokens.len() == TOKENS_MAX {
                    return Err(bad(
                        SESSION,
                        &format!("at most {TOKENS_MAX} tokens are looked at"),
                    ));
                }
                let named = ClusterToken::parse(text.trim_ascii());
                let named = named.map_err(|error| bad(SESSION, &error.to_string()))?;
                if named.cluster != cluster {
                    return Err(foreign(&named).detail("it was given by another cluster"));
                }
                tokens.push(named.token);
            }
        }
        let mut levels = headers.get_all(READ).iter();
        let level = levels.next().map(HeaderValue::as_bytes);
        if levels.next().is_some() {
            return Err(bad(READ, "want one level"));
        }
        let level = match level {
            None if tokens.is_empty() => ReadLevel::Stale,
            None | Some(b"session") => ReadLevel::Session,
            Some(b"linearizable") => ReadLevel::Linearizable,
            Some(b"stale") => ReadLevel::Stale,
            Some(b"provisional") => ReadLevel::Provisional,
            Some(text) => {
                let span = text.strip_prefix(b"bounded=");
                let span = span.and_then(|span| core::str::from_utf8(span).ok()?.parse().ok());
                let span: Span = span.ok_or_else(|| bad(READ, WANT))?;
                ReadLevel::Bounded { within_us: span.micros() }
            }
        };
        let patience_us = patience_us.unwrap_or(READ_PATIENCE_US);
        Ok(Self { level, tokens, patience_us })
    }

    /// Whether the answer may hold what is not committed.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.level == ReadLevel::Provisional
    }

    /// The groups that the client has seen something of, each once.
    ///
    /// # Errors
    /// 400 if one is none of the cluster's.
    pub fn groups_seen(&self, site: &Site) -> Result<BTreeSet<GroupId>, Problem> {
        let foreign = self.tokens.iter().find(|token| token.group.0 >= site.groups());
        match foreign {
            Some(token) => Err(refused(site, "", &ReadRefusal::Foreign { token: *token })),
            None => Ok(self.tokens.iter().map(|token| token.group).collect()),
        }
    }

    /// Looks at the groups once they meet the level. `path` is where the request was made to, for one that
    /// must go elsewhere.
    ///
    /// # Errors
    /// See [`refused`].
    pub async fn look<M: Model + 'static, T: Send + 'static>(
        &self,
        handle: &Handle<M>,
        site: &Site,
        path: &str,
        groups: Vec<GroupId>,
        look: impl FnOnce(&NodeView<'_, M>) -> T + Send + 'static,
    ) -> Result<Read<T>, Problem> {
        let (level, is_provisional) = (self.level.kind().name(), self.is_provisional());
        let cluster = site.cluster();
        let all = groups.clone();
        let order = ReadOrder { groups, level: self.level, tokens: self.tokens.clone() };
        let read = handle.show(order, Some(self.patience_us), move |view| {
            let value = look(view);
            Read { value, seen: Seen::of(cluster, view, &all, level, is_provisional) }
        });
        read.await?.map_err(|refusal| refused(site, path, &refusal))
    }
}

impl Seen {
    fn of<M: Model>(
        cluster: ClusterMark,
        view: &NodeView<'_, M>,
        groups: &[GroupId],
        level: &'static str,
        is_provisional: bool,
    ) -> Self {
        let here = || groups.iter().filter_map(|group| view.node.group(*group));
        let closed = here().map(|group| group.closed()).filter(|closed| closed.0 > 0).min();
        // Of more than a client may bring back none are told: such a look is no part of a session.
        let tokens = if groups.len() > TOKENS_MAX {
            Vec::new()
        } else {
            let early = |group: &group::Group<M>| {
                is_provisional.then(|| group.provisional_token()).flatten()
            };
            here().filter_map(|group| early(group).or_else(|| group.token())).collect()
        };
        let age_ms = closed.map(|closed| view.now.wall.since(closed) / 1_000);
        Self { cluster, level, tokens, age_ms }
    }

    /// Says it in the headers of an answer.
    #[must_use]
    pub fn tell(&self, mut response: Response<Body>) -> Response<Body> {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static(READ), HeaderValue::from_static(self.level));
        if let Some(age_ms) = self.age_ms {
            headers.insert(HeaderName::from_static(AGE_MS), HeaderValue::from(age_ms));
        }
        tell_tokens(self.cluster, headers, &self.tokens);
        response
    }
}

/// Puts tokens of records of `cluster` into the headers of an answer.
pub fn tell_tokens(cluster: ClusterMark, headers: &mut HeaderMap, tokens: &[Token]) {
    let mut text = String::new();
    for token in tokens {
        let before = if text.is_empty() { "" } else { ", " };
        let token = ClusterToken { cluster, token: *token };
        write!(text, "{before}{token}").expect("writing to a string cannot fail");
    }
    if let Ok(value) = HeaderValue::from_str(&text)
        && !text.is_empty()
    {
        headers.insert(HeaderName::from_static(SESSION), value);
    }
}

/// What a client is told that cannot be shown what it asked for, and what to do next.
#[must_use]
pub fn refused(site: &Site, path: &str, refusal: &ReadRefusal) -> Problem {
    let detail = refusal.to_string();
    let named = |token: &Token| ClusterToken { cluster: site.cluster(), token: *token };
    match refusal {
        ReadRefusal::NoGroup { group } => {
            Problem::new(404, "no-such-group", "There is no such group.").with("group", group.0)
        }
        ReadRefusal::NotHome { group, home, epoch } => {
            elsewhere(site, path, *home, "not-home", "Ask the home of the group.")
                .with("group", group.0)
                .with("epoch", epoch.0)
                .with("next_step", "ask the node in `Location`, or read under another level here")
        }
        ReadRefusal::SeveralHomes { group, home } => Problem::new(
            409,
            "several-homes",
            "No node is the home of all groups that were asked for.",
        )
        .detail(detail)
        .with("group", group.0)
        .with("home", home.map(|home| home.0))
        .with(
            "next_step",
            "name the group of one ledger as `?group=`, which the answer to a payment names, too; or read as a \
             session, or take `/v1/cut`",
        ),
        ReadRefusal::NoModel { group, ask } => {
            elsewhere(site, path, *ask, "no-model", "This node runs no model; ask one that does.")
                .with("group", group.0)
        }
        ReadRefusal::Differs { group } => Problem::new(503, "state-differs", "Ask another node.")
            .detail(detail)
            .with("group", group.0)
            .with("next_step", "ask another node")
            .retry_after_ms(1_000),
        ReadRefusal::Unconfirmed { group, waited_us } => Problem::new(
            504,
            "unconfirmed",
            "Nobody confirmed in time that this is still the home.",
        )
        .detail("it may have been replaced, so nothing is shown")
        .with("group", group.0)
        .with("waited_ms", waited_us / 1_000)
        .with(
            "next_step",
            "ask again, here or at another node; or read under a level that says how old",
        )
        .retry_after_ms(1_000),
        ReadRefusal::Unapplied { group, needs, applied, waited_us } => Problem::new(
            504,
            "unapplied",
            "This is the home, and it has not come in time to what it may have told of.",
        )
        .detail("it is certainly still the home; nothing older than what was told is shown")
        .with("group", group.0)
        .with("needs_seq", needs.0)
        .with("applied_seq", applied.0)
        .with("waited_ms", waited_us / 1_000)
        .with("next_step", "ask again here, or read under a level that says how old")
        .retry_after_ms(1_000),
        ReadRefusal::Unheard { token, known } => Problem::new(
            503,
            "unheard",
            "Too many reads wait here for what this node has not heard of.",
        )
        .detail("of those this one asks for what is furthest ahead of this node")
        .with("group", token.group.0)
        .with("token", named(token).to_string())
        .with("token_seq", token.seq.0)
        .with("known_seq", known.0)
        .with(
            "next_step",
            "ask another node; the group's home knows whether there is such a record",
        )
        .retry_after_ms(1_000),
        ReadRefusal::Behind { token, applied } => Problem::new(
            504,
            "behind",
            "This node has not come in time to what the client has seen.",
        )
        .with("group", token.group.0)
        .with("token", named(token).to_string())
        .with("token_seq", token.seq.0)
        .with("applied_seq", applied.0)
        .with("next_step", "ask again, here or at another node")
        .retry_after_ms(1_000),
        ReadRefusal::Orphaned { token, by, start, forced } => Problem::new(
            410,
            "token-orphaned",
            "What the client has seen is in no history.",
        )
        .detail(
            "it was answered before the commit and lost with its home, or given up by a forced \
                     switch; it is itemised where it was held",
        )
        .with("group", token.group.0)
        .with("token", named(token).to_string())
        .with("token_epoch", token.epoch.0)
        .with("token_seq", token.seq.0)
        .with("left_out_by_epoch", by.0)
        .with("left_out_from_seq", start.0)
        .with("forced", *forced)
        .with(
            "next_step",
            "drop the token and look what became of what was sent under it: send it again, or \
                     see /v1/orphans",
        ),
        ReadRefusal::Foreign { token } => {
            foreign(&named(token)).detail("this cluster has no such record and never had")
        }
        ReadRefusal::TooOld { group, age_us, within_us } => {
            Problem::new(503, "too-old", "The state here may be older than was asked for.")
                .with("group", group.0)
                .with("age_ms", age_us.map(|us| us.div_ceil(1_000)))
                .with("within_ms", within_us / 1_000)
                .with("next_step", "ask another node, or ask for less")
                .retry_after_ms(1_000)
        }
        ReadRefusal::Busy => Problem::new(503, "busy", "Too many reads wait here.")
            .with("next_step", "ask again, here or at another node")
            .retry_after_ms(100),
    }
}

fn foreign(token: &ClusterToken) -> Problem {
    Problem::new(400, "foreign-token", "The token is of no record of this cluster.")
        .with("group", token.token.group.0)
        .with("token", token.to_string())
        .with("next_step", "drop the token: it is of another cluster, or nobody's")
}

/// What a client is told of a cut that was not made.
#[must_use]
pub fn no_cut(refusal: &CutRefusal) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        CutRefusal::Past { group, closed } => {
            Problem::new(409, "cut-past", "This node has applied something later already.")
                .detail("the state of a time that is past cannot be had again")
                .with("group", group.0)
                .with("closed_us", closed.0)
                .with("next_step", "ask every node for one time that lies ahead, before it comes")
        }
        CutRefusal::Early { ahead_us } => {
            Problem::new(400, "cut-too-early", "The time lies too far ahead.")
                .with("ahead_ms", ahead_us / 1_000)
                .with("next_step", "ask for a time within a minute")
        }
        CutRefusal::Open { group, closed } => {
            Problem::new(504, "cut-open", "A group has not come to the cut in time.")
                .detail("it has no home now, or this node does not hear of it")
                .with("group", group.0)
                .with("closed_us", closed.0)
                .with("next_step", "see `explain` for the group; plan another cut")
                .retry_after_ms(1_000)
        }
        CutRefusal::Differs { group } => Problem::new(503, "state-differs", "Ask another node.")
            .detail(detail)
            .with("group", group.0)
            .with("next_step", "ask another node")
            .retry_after_ms(1_000),
        CutRefusal::Busy => Problem::new(503, "busy", "Too many cuts are planned here.")
            .with("next_step", "ask again when they are through")
            .retry_after_ms(1_000),
    }
}

fn elsewhere(site: &Site, path: &str, node: Option<NodeId>, kind: &str, title: &str) -> Problem {
    let Some(node) = node.and_then(|node| site.find(node)) else {
        return Problem::new(503, "no-home", "There is no home to ask now.")
            .retry_after_ms(200)
            .with("was", kind);
    };
    let problem = Problem::new(307, kind, title)
        .with("home", node.id.0)
        .with("home_region", node.region.clone());
    match HeaderValue::from_str(&format!("{}{path}", node.url)) {
        Ok(location) => problem.header(header::LOCATION, location),
        Err(_) => problem,
    }
}

const WANT: &str = "want `linearizable`, `session`, `bounded=2s`, `stale` or `provisional`";

fn bad(header: &str, want: &str) -> Problem {
    Problem::new(400, "bad-header", "A header cannot be read.")
        .detail(format!("{header}: {want}"))
        .with("header", header)
}

#[cfg(test)]
mod tests;
