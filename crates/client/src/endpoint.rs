//! One endpoint: its address, and the connections that are kept open to it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::{Options, Trouble};

/// Where a node is asked, with its idle connections.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    authority: String,
    host: HeaderValue,
    /// The last used on top, so that connections that are not needed grow old and close.
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEndpoint {
    /// There is none at all.
    #[error("want at least one endpoint")]
    Empty,
    /// It is not of the form `http://host:port`.
    #[error("`{text}` is no endpoint; want `http://host:port`")]
    Form {
        /// What was given.
        text: String,
    },
}

type Connection = SendRequest<Full<Bytes>>;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A try that failed, and whether the node may have got the request.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) why: Trouble,
    pub(crate) sent: bool,
}

impl Endpoint {
    pub(crate) fn new(text: &str, options: &Options) -> Result<Self, NotAnEndpoint> {
        let wrong = || NotAnEndpoint::Form { text: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/");
        let authority = uri.authority().filter(|_| is_plain && uri.query().is_none());
        let authority = authority.filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.ok_or_else(wrong)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| wrong())?;
        let port = authority.port_u16().unwrap_or(80);
        Ok(Self {
            url: format!("http://{authority}"),
            authority: format!("{}:{port}", authority.host()),
            host,
            idle: Mutex::new(Vec::new()),
            places: Semaphore::new(options.connections_max.clamp(1, Semaphore::MAX_PERMITS)),
        })
    }

    /// `http://host:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether a redirect to `location` leads here.
    pub(crate) fn is_at(&self, location: &Uri) -> bool {
        let port = location.port_u16().unwrap_or(80);
        let host = location.host().unwrap_or_default();
        location.scheme_str() == Some("http") && self.authority == format!("{host}:{port}")
    }

    /// Sends a request and reads the answer, all before `until`.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        options: &Options,
        until: Instant,
    ) -> Result<Answer, Failed> {
        let begun = Instant::now();
        let silent = || Trouble::Silent(until.saturating_duration_since(begun));
        let place = timeout_at(until, self.places.acquire()).await;
        let Ok(Ok(_place)) = place else { return Err(unsent(silent())) };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("paths of requests are made by this crate");
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, self.host.clone());
        loop {
            let (mut connection, kept) = self.connection(options, until).await?;
            if Instant::now() >= until {
                return Err(unsent(silent()));
            }
            match timeout_at(until, connection.try_send_request(request)).await {
                Err(_) => return Err(Failed { why: silent(), sent: true }),
                Ok(Ok(response)) => {
                    let read = timeout_at(until, read(response, options)).await;
                    let answer = read.unwrap_or_else(|_| Err(silent()));
                    let answer = answer.map_err(|why| Failed { why, sent: true })?;
                    self.keep(connection, options);
                    return Ok(answer);
                }
                Ok(Err(mut error)) => {
                    // A kept connection may have been closed by the node while it was idle; then
                    // the request comes back unsent and goes out again on another.
                    match error.take_message() {
                        Some(unsent) if kept => request = unsent,
                        back => {
                            let why = Trouble::Lost(Arc::new(error.into_error()));
                            return Err(Failed { why, sent: back.is_none() });
                        }
                    }
                }
            }
        }
    }

    /// A connection that can take a request, and whether it was open already.
    async fn connection(
        &self,
        options: &Options,
        until: Instant,
    ) -> Result<(Connection, bool), Failed> {
        while let Some(kept) = self.idle().pop() {
            if kept.is_ready() {
                return Ok((kept, true));
            }
        }
        let begun = Instant::now();
        let until = until.min(begun + options.connect_wait);
        let connected = timeout_at(until, connect(&self.authority)).await;
        match connected {
            Ok(Ok(connection)) => Ok((connection, false)),
            Ok(Err(why)) => Err(unsent(why)),
            Err(_) => Err(unsent(Trouble::Silent(until.saturating_duration_since(begun)))),
        }
    }

    fn keep(&self, connection: Connection, options: &Options) {
        let mut idle = self.idle();
        if idle.len() < options.connections_max && !connection.is_closed() {
            idle.push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn unsent(why: Trouble) -> Failed {
    Failed { why, sent: false }
}

async fn connect(authority: &str) -> Result<Connection, Trouble> {
    let failed = |error: io::Error| Trouble::Connect(Arc::new(error));
    let stream = TcpStream::connect(authority).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let (sender, connection) =
        handshake(TokioIo::new(stream)).await.map_err(|error| Trouble::Lost(Arc::new(error)))?;
    // How it ends is seen by whoever uses the sender.
    tokio::spawn(connection);
    Ok(sender)
}

async fn read(response: Response<Incoming>, options: &Options) -> Result<Answer, Trouble> {
    let (parts, body) = response.into_parts();
    let bytes_max = options.answer_bytes_max;
    let body = match Limited::new(body, bytes_max).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Trouble::TooLarge(bytes_max)),
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(error) => return Err(Trouble::Lost(Arc::from(error))),
            Err(other) => {
                let error = io::Error::other(other);
                return Err(Trouble::Connect(Arc::new(error)));
            }
        },
    };
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}
