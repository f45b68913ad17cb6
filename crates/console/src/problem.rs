//! Every error as problem details (RFC 9457): one shape, told apart by its type.

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

/// What all problem types begin with. The types are names; nothing need be found there.
pub const TYPE_STEM: &str = "https://evenkeel.example/problems/";

/// An answer that says what went wrong.
///
/// A body of type `application/problem+json` with `type`, `title`, `status`, mostly `detail`, and
/// members of the type's own.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    body: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of that HTTP status. `kind` is the last part of its type; `title` is the same for
    /// every problem of a kind, or nearly.
    ///
    /// # Panics
    /// If `status` is no HTTP status.
    #[must_use]
    pub fn new(status: u16, kind: &str, title: &str) -> Self {
        let status = StatusCode::from_u16(status).expect("a problem has an HTTP status");
        let mut body = Map::new();
        body.insert("type".into(), Value::String(format!("{TYPE_STEM}{kind}")));
        body.insert("title".into(), Value::String(title.into()));
        body.insert("status".into(), Value::Number(status.as_u16().into()));
        Self { status, body, headers: Vec::new() }
    }

    /// Says what is the matter this time, and what to do.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.with("detail", detail.into())
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.body.insert(member.into(), value.into());
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says after how many seconds to ask again, rounded up, at least one.
    #[must_use]
    pub fn retry_after_ms(mut self, millis: u64) -> Self {
        let seconds = millis.div_ceil(1_000).max(1);
        self.headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        self.with("retry_after_ms", millis)
    }

    /// The node is stopping and nothing was done.
    #[must_use]
    pub fn stopping() -> Self {
        Self::new(503, "stopping", "This node is stopping.")
            .detail("nothing was done; ask another node")
            .retry_after_ms(1_000)
    }

    /// There is no such thing at this path.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "not-found", "There is nothing under this path.")
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<runtime::Gone> for Problem {
    fn from(_: runtime::Gone) -> Self {
        Self::stopping()
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(400, "bad-path", "The path cannot be read.").detail(rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(400, "bad-query", "The query cannot be read.").detail(rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(json!(self.body).to_string()));
        *response.status_mut() = self.status;
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response.headers_mut().extend(self.headers);
        response
    }
}
