//! Asking one endpoint one thing, for whoever shows or steers a cluster.

use bytes::Bytes;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::time::Instant;

use crate::{Client, Problem, Trouble};

/// The header in which a client names a request of its own making.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Why a call gave no answer. The endpoint's URL is part of the text.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The node refused, and said why.
    #[error("{url}: {problem}")]
    Refused {
        /// The endpoint.
        url: String,
        /// What it said.
        problem: Box<Problem>,
    },
    /// The node did not answer.
    #[error("{url}: {trouble}")]
    NoAnswer {
        /// The endpoint.
        url: String,
        /// Whether the node may have got the request.
        sent: bool,
        /// Why.
        trouble: Trouble,
    },
    /// The answer is not JSON.
    #[error("{url}: the answer is not JSON")]
    NotJson {
        /// The endpoint.
        url: String,
        /// Why not.
        #[source]
        source: std::sync::Arc<serde_json::Error>,
    },
    /// The token cannot stand in a header, the path is no path, or there is no such endpoint.
    #[error("the request cannot be made: {what}")]
    BadRequest {
        /// What is wrong.
        what: &'static str,
    },
}

impl Client {
    /// Reads a path of one endpoint as JSON.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get_json(&self, endpoint: usize, path: &str) -> Result<Value, CallError> {
        let body = self.get_bytes(endpoint, path).await?;
        self.json(endpoint, &body)
    }

    /// The same with the administrators' token, for what only they may read.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get_json_as(
        &self,
        endpoint: usize,
        path: &str,
        token: &str,
    ) -> Result<Value, CallError> {
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(AUTHORIZATION, bearer(token)?);
        let body = self.call(Method::GET, endpoint, path, headers, Bytes::new()).await?;
        self.json(endpoint, &body)
    }

    /// What one endpoint knows of the id that an [`Unknown`](crate::Unknown) named: its `state` is
    /// `final`, `provisional`, `accepted`, or `unknown`, which says nothing about other nodes. Whoever
    /// has the bytes hands them in again instead.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn known(&self, endpoint: usize, id: &str) -> Result<Value, CallError> {
        self.get_json(endpoint, &format!("/v1/outcomes/{id}")).await
    }

    /// Reads a path of one endpoint as it is.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get_bytes(&self, endpoint: usize, path: &str) -> Result<Bytes, CallError> {
        self.call(Method::GET, endpoint, path, HeaderMap::new(), Bytes::new()).await
    }

    /// Sends JSON to one endpoint, with the administrators' token if there is one, and reads the
    /// answer. Not repeated by itself.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post_json(
        &self,
        endpoint: usize,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Value, CallError> {
        self.post_with(endpoint, path, token, HeaderMap::with_capacity(4), body).await
    }

    /// The same for a request that the caller names: with the same name it is done once, so it may be
    /// repeated, at another endpoint too.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post_named(
        &self,
        endpoint: usize,
        path: &str,
        token: Option<&str>,
        name: &str,
        body: &Value,
    ) -> Result<Value, CallError> {
        let mut headers = HeaderMap::with_capacity(4);
        let name = HeaderValue::from_str(name)
            .map_err(|_| CallError::BadRequest { what: "the name has odd characters" })?;
        headers.insert(IDEMPOTENCY_KEY, name);
        self.post_with(endpoint, path, token, headers, body).await
    }

    async fn post_with(
        &self,
        endpoint: usize,
        path: &str,
        token: Option<&str>,
        mut headers: HeaderMap,
        body: &Value,
    ) -> Result<Value, CallError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let body = Bytes::from(body.to_string());
        let answer = self.call(Method::POST, endpoint, path, headers, body).await?;
        self.json(endpoint, &answer)
    }

    async fn call(
        &self,
        method: Method,
        endpoint: usize,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Bytes, CallError> {
        let Some(one) = self.endpoints.get(endpoint) else {
            return Err(CallError::BadRequest { what: "there is no such endpoint" });
        };
        if !path.starts_with('/') || path.parse::<hyper::Uri>().is_err() {
            return Err(CallError::BadRequest { what: "the path is no path" });
        }
        let until = Instant::now() + self.options.try_wait;
        let asked = one.ask(method, path, headers, body, &self.options, until).await;
        let url = one.url().to_owned();
        match asked {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer.body),
            Ok(answer) => {
                let problem = Box::new(Problem::read(answer.status, &answer.body));
                Err(CallError::Refused { url, problem })
            }
            Err(failed) => {
                let (sent, trouble) = (failed.sent, failed.why);
                Err(CallError::NoAnswer { url, sent, trouble })
            }
        }
    }

    fn json(&self, endpoint: usize, body: &[u8]) -> Result<Value, CallError> {
        serde_json::from_slice(body).map_err(|source| CallError::NotJson {
            url: self.endpoints.get(endpoint).map(|one| one.url().to_owned()).unwrap_or_default(),
            source: source.into(),
        })
    }
}

fn bearer(token: &str) -> Result<HeaderValue, CallError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| CallError::BadRequest { what: "the token has odd characters" })?;
    value.set_sensitive(true);
    Ok(value)
}
