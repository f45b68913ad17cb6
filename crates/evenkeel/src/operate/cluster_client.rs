//! Asking whichever node answers, and what its refusals mean for the exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use client::{CallError, Client, Level, Options, ReadError, Session};
use serde_json::Value;

use super::orphans::is_not_here;
use crate::exit::{Exit, Failure, OrExit as _};

/// How long one node is waited for before the next is asked.
const ASK_WITHIN: Duration = Duration::from_secs(10);

/// How long connecting to one may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Where the cluster is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Where {
    /// The nodes, with commas between; they are asked in this order until one answers.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "URL",
        default_value = "http://127.0.0.1:7401"
    )]
    endpoint: Vec<String>,
}

impl Where {
    /// The nodes as the option names them.
    pub(crate) fn named(&self) -> String {
        self.endpoint.join(",")
    }
}

/// How much a read asks for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Reading {
    /// How much the answer must hold: `stale`, `session`, `linearizable` or `bounded=2s`.
    #[arg(long, value_name = "LEVEL", default_value = "stale", value_parser = level)]
    pub(crate) read: Level,
}

fn level(text: &str) -> Result<Level, String> {
    Ok(match text {
        "stale" => Level::Stale,
        "session" => Level::Session,
        "linearizable" => Level::Linearizable,
        "provisional" => {
            return Err(String::from("what is listed is committed: it has no other state"));
        }
        _ => {
            let span = text.strip_prefix("bounded=").ok_or("want one of those")?;
            let span: runtime::Span = span.parse().map_err(|error| format!("{error}"))?;
            Level::Bounded(span.duration())
        }
    })
}

/// Who gives an order.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Authority {
    /// The file with the administrators' token: `admin.token` in a node's folder.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl Authority {
    /// The file as the option names it, if it does.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.token_file.as_deref()
    }
}

/// A client of the cluster.
#[derive(Debug)]
pub(crate) struct ClusterClient {
    client: Client,
}

/// An answer and the endpoint it came from.
#[derive(Debug)]
pub(crate) struct Answered {
    /// What it says.
    pub(crate) value: Value,
    /// `http://host:port`.
    pub(crate) from: String,
}

impl ClusterClient {
    /// A client of these nodes.
    pub(crate) fn new(cluster: &Where) -> Result<Self, Failure> {
        let options = Options {
            deadline: ASK_WITHIN,
            try_wait: ASK_WITHIN,
            connect_wait: CONNECT_WITHIN,
            ..Options::default()
        };
        let client = Client::new(&cluster.endpoint, options).or_exit(Exit::Usage)?;
        Ok(Self { client })
    }

    /// How many nodes it may ask.
    pub(crate) fn endpoints(&self) -> usize {
        self.client.endpoints().len()
    }

    /// Asks one node after the other until one answers.
    pub(crate) async fn get(&self, path: &str) -> Result<Answered, Failure> {
        let mut errors = Vec::new();
        for (index, endpoint) in self.client.endpoints().iter().enumerate() {
            match self.client.get_json(index, path).await {
                Ok(value) => return Ok(Answered { value, from: endpoint.url().to_owned() }),
                Err(error) if is_elsewhere(&error) => errors.push(error),
                Err(error) => return Err(failure(error)),
            }
        }
        Err(nobody(errors))
    }

    /// Reads a path under a level, at whichever node can meet it. Reads of one session see no less than
    /// those before.
    pub(crate) async fn read(
        &self,
        session: &Session,
        level: Level,
        path: &str,
    ) -> Result<Answered, Failure> {
        if level == Level::Stale && session.tokens().is_empty() {
            // Nothing to wait for: whoever answers, answers at once.
            return self.get(path).await;
        }
        let shown = self.client.read(session, level, path).await.map_err(|error| match error {
            ReadError::Refused(problem) => {
                let url = String::from("the nodes");
                failure(CallError::Refused { url, problem })
            }
            ReadError::Orphaned { .. } | ReadError::Foreign { .. } => {
                Failure::new(Exit::Refused, error)
            }
            ReadError::TimedOut(_) => Failure::new(Exit::TimedOut, error),
        })?;
        let from = self.client.endpoints().get(shown.endpoint).map(|one| one.url().to_owned());
        let value = serde_json::from_slice(&shown.body).context("the answer is not JSON")?;
        Ok(Answered { value, from: from.unwrap_or_default() })
    }

    /// Asks every node at the same time, with the administrators' token, and returns what each said.
    pub(crate) async fn get_all_at_once(
        self: Arc<Self>,
        path: &str,
        token: &str,
    ) -> Vec<(String, Result<Value, CallError>)> {
        let urls = self.client.endpoints().iter().map(|endpoint| endpoint.url().to_owned());
        let asked = urls.enumerate().map(|(index, url)| {
            let (cluster, path, token) = (Arc::clone(&self), path.to_owned(), token.to_owned());
            let asked = async move { cluster.client.get_json_as(index, &path, &token).await };
            let asked = tokio::spawn(asked);
            (url, asked)
        });
        let asked: Vec<_> = asked.collect();
        let mut answers = Vec::new();
        for (url, asked) in asked {
            let answer = asked.await.expect("a request does not panic");
            answers.push((url, answer));
        }
        answers
    }

    /// Asks every node, one after the other, and returns what each said.
    pub(crate) async fn get_each(&self, path: &str) -> Vec<(String, Result<Value, CallError>)> {
        let mut answers = Vec::new();
        for (index, endpoint) in self.client.endpoints().iter().enumerate() {
            let answer = self.client.get_json(index, path).await;
            answers.push((endpoint.url().to_owned(), answer));
        }
        answers
    }

    /// Asks one node after the other for something that only some of them have; also returns which
    /// has it.
    pub(crate) async fn get_where_it_is(&self, path: &str) -> Result<(usize, Value), Failure> {
        self.get_where_it_is_as(path, None).await
    }

    /// The same, with the administrators' token where it takes that.
    pub(crate) async fn get_where_it_is_as(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<(usize, Value), Failure> {
        let mut missing = None;
        let mut errors = Vec::new();
        for index in 0..self.client.endpoints().len() {
            let answer = match token {
                Some(token) => self.client.get_json_as(index, path, token).await,
                None => self.client.get_json(index, path).await,
            };
            match answer {
                Ok(value) => return Ok((index, value)),
                Err(error) if is_not_here(&error) => missing = Some(error),
                Err(error) if is_elsewhere(&error) => errors.push(error),
                Err(error) => return Err(failure(error)),
            }
        }
        Err(missing.map_or_else(|| nobody(errors), failure))
    }

    /// Asks one node.
    pub(crate) async fn get_at(&self, endpoint: usize, path: &str) -> Result<Value, CallError> {
        self.client.get_json(endpoint, path).await
    }

    /// Orders something of one node.
    pub(crate) async fn order_at(
        &self,
        endpoint: usize,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        self.client.post_json(endpoint, path, Some(token), body).await.map_err(failure)
    }

    /// Orders something under a name that makes it harmless to order it again, of one node after the other
    /// until one knows what it is about and takes it.
    pub(crate) async fn order_named(
        &self,
        path: &str,
        token: &str,
        name: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let (mut missing, mut errors) = (None, Vec::new());
        for index in 0..self.client.endpoints().len() {
            match self.client.post_named(index, path, Some(token), name, body).await {
                Ok(value) => return Ok(value),
                Err(CallError::Refused { url, problem }) if problem.status == 404 => {
                    missing = Some(CallError::Refused { url, problem });
                }
                Err(error) if is_elsewhere(&error) => errors.push(error),
                Err(error) => return Err(failure(error)),
            }
        }
        Err(missing.map_or_else(|| nobody(errors), failure))
    }

    /// Orders something of one node after the other until one takes it. Only a node that has
    /// certainly done nothing is passed over.
    pub(crate) async fn order(
        &self,
        path: &str,
        token: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let mut errors = Vec::new();
        for index in 0..self.client.endpoints().len() {
            match self.client.post_json(index, path, Some(token), body).await {
                Ok(value) => return Ok(value),
                Err(error) if is_elsewhere(&error) && !may_be_done(&error) => errors.push(error),
                Err(error) => return Err(failure(error)),
            }
        }
        Err(nobody(errors))
    }
}

impl Authority {
    /// The administrators' token.
    pub(crate) fn token(&self) -> Result<String, Failure> {
        let path = self.token_file.as_ref().context(
            "this takes the administrators' token: name the file that it is in with --token-file",
        );
        let path = path.or_exit(Exit::Usage)?;
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .or_exit(Exit::Usage)?;
        Ok(text.trim().to_owned())
    }
}

/// Whether another node may give a better answer.
fn is_elsewhere(error: &CallError) -> bool {
    match error {
        CallError::Refused { problem, .. } => problem.status >= 500,
        CallError::NoAnswer { .. } | CallError::NotJson { .. } => true,
        CallError::BadRequest { .. } => false,
    }
}

/// Whether an order may have been taken although it failed.
fn may_be_done(error: &CallError) -> bool {
    match error {
        CallError::Refused { problem, .. } => problem.status != 503,
        CallError::NoAnswer { sent, .. } => *sent,
        CallError::NotJson { .. } => true,
        CallError::BadRequest { .. } => false,
    }
}

pub(super) fn nobody(errors: Vec<CallError>) -> Failure {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::new(Exit::NoQuorum, anyhow!("no node could do it:\n  {}", texts.join("\n  ")))
}

/// A refusal with the exit code that its kind calls for.
pub(super) fn failure(error: CallError) -> Failure {
    let exit = match &error {
        CallError::Refused { problem, .. } => match (problem.kind.as_str(), problem.status) {
            ("no-quorum", _) | (_, 503) => Exit::NoQuorum,
            ("stale-epoch" | "moved", _) => Exit::Stale,
            ("unknown-outcome", _) => Exit::TimedOut,
            (_, 400 | 404) => Exit::Usage,
            (_, 401..=499) => Exit::Refused,
            _ => Exit::Failed,
        },
        CallError::NoAnswer { .. } => Exit::TimedOut,
        CallError::BadRequest { .. } => Exit::Usage,
        CallError::NotJson { .. } => Exit::Failed,
    };
    Failure::new(exit, error)
}
