//! From a TCP connection to a proven peer: TLS, then the hellos, within one time limit.
//!
//! The dialing side demands the certificate of the very node it called; the accepting side takes
//! the node from the certificate it verified and then checks that the hello says the same.

use core::net::SocketAddr;
use std::io;

use tokio::{
    io::{AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use types::NodeId;
use wire::DecodeError;

use crate::{
    event::Lane,
    hello::{self, Answer, Hello, HelloError, Refusal, SessionId, VERSION_MAX, VERSION_MIN},
    limits::{Limits, SOCKET_BYTES},
    tls::{self, Identity, NameError},
};

/// An encrypted connection. TLS reads its records in small pieces; the buffer below it turns those
/// into few calls.
pub(crate) type Stream = TlsStream<BufReader<TcpStream>>;

/// Why a connection did not become a session.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The address has no meaning now.
    #[error("cannot resolve the peer's address")]
    Resolve(#[source] io::Error),
    /// Nobody answers at the address.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// It took too long.
    #[error("the handshake took too long")]
    Timeout,
    /// The other side's certificate is not the one demanded: another authority, another node, or
    /// out of date.
    #[error("the certificate of the other side is not accepted")]
    Certificate(#[source] io::Error),
    /// TLS failed otherwise: the other side speaks something else, or refused our certificate.
    #[error("tls failed")]
    Tls(#[source] io::Error),
    /// The verified certificate names no node.
    #[error("the certificate names no node")]
    Name(#[from] NameError),
    /// The hello was not understood.
    #[error("the hello was not understood")]
    Hello(#[from] HelloError),
    /// This node refused the other.
    #[error("this node refused the other")]
    Refused(#[source] Refusal),
    /// The other node refused this one.
    #[error("the other node refused this one")]
    RefusedByPeer(#[source] Refusal),
    /// The other node chose a version that this one did not offer.
    #[error("the other side chose version {0}, which was not offered")]
    Version(u16),
    /// All places for handshakes were taken.
    #[error("too many handshakes at once")]
    Crowded,
}

impl HandshakeError {
    /// The labels that [`Self::label`] gives.
    pub const LABELS: [&'static str; 11] = [
        "resolve",
        "connect",
        "timeout",
        "certificate",
        "tls",
        "name",
        "hello",
        "refused",
        "refused-by-peer",
        "version",
        "crowded",
    ];

    /// A fixed word for metrics.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        Self::LABELS[self.index()]
    }

    pub(crate) const fn index(&self) -> usize {
        match self {
            Self::Resolve(_) => 0,
            Self::Connect(_) => 1,
            Self::Timeout => 2,
            Self::Certificate(_) => 3,
            Self::Tls(_) => 4,
            Self::Name(_) => 5,
            Self::Hello(_) => 6,
            Self::Refused(_) => 7,
            Self::RefusedByPeer(_) => 8,
            Self::Version(_) => 9,
            Self::Crowded => 10,
        }
    }

    fn tls(error: io::Error) -> Self {
        if tls::is_certificate_error(&error) { Self::Certificate(error) } else { Self::Tls(error) }
    }
}

impl From<DecodeError> for HandshakeError {
    fn from(error: DecodeError) -> Self {
        Self::Hello(error.into())
    }
}

/// Connects to `peer` and returns a welcomed connection.
pub(crate) async fn dial(
    identity: &Identity,
    limits: &Limits,
    address: &str,
    peer: NodeId,
    lane: Lane,
    session: SessionId,
) -> Result<Stream, HandshakeError> {
    let attempt = async {
        let tcp = connect(address).await?;
        let mut stream: Stream = TlsConnector::from(identity.client())
            .connect(identity.server_name(peer), tcp)
            .await
            .map_err(HandshakeError::tls)?
            .into();
        let hello = Hello {
            version_min: VERSION_MIN,
            version_max: VERSION_MAX,
            cluster: identity.cluster().clone(),
            from: identity.node(),
            to: peer,
            lane,
            session,
        };
        hello::write(&mut stream, &hello.encode()).await.map_err(HelloError::Io)?;
        // A certificate of ours that the other side refuses shows here first: in TLS 1.3 the
        // dialing side is done before it is judged.
        let answer = match hello::read(&mut stream).await {
            Err(HelloError::Io(error)) if is_tls_error(&error) => {
                return Err(HandshakeError::tls(error));
            }
            answer => answer?,
        };
        match Answer::decode(&answer)? {
            Answer::Welcome { version } if (VERSION_MIN..=VERSION_MAX).contains(&version) => {
                Ok(stream)
            }
            Answer::Welcome { version } => Err(HandshakeError::Version(version)),
            Answer::Refusal(refusal) => Err(HandshakeError::RefusedByPeer(refusal)),
        }
    };
    timeout(limits.handshake_max, attempt).await.unwrap_or(Err(HandshakeError::Timeout))
}

/// Accepts a connection up to its hello, which agrees with the certificate. The caller answers.
pub(crate) async fn accept(
    identity: &Identity,
    tcp: TcpStream,
) -> Result<(Stream, Hello), HandshakeError> {
    let tcp = prepare(tcp).map_err(HandshakeError::Connect)?;
    let mut stream: Stream =
        TlsAcceptor::from(identity.server()).accept(tcp).await.map_err(HandshakeError::tls)?.into();
    let (cluster, node) = tls::peer_of(stream.get_ref().1.peer_certificates())?;
    let hello = Hello::decode(&hello::read(&mut stream).await?)?;
    let refusal = if cluster != *identity.cluster() || hello.cluster != cluster {
        Refusal::Cluster
    } else if hello.from != node {
        Refusal::Claim
    } else if hello.to != identity.node() {
        Refusal::Called
    } else if node >= identity.node() {
        Refusal::Direction
    } else if let Err(version) = hello.version() {
        version
    } else {
        return Ok((stream, hello));
    };
    Err(refuse(stream, refusal).await)
}

/// Tells the other side why and closes; gives the error to report.
pub(crate) async fn refuse(mut stream: Stream, refusal: Refusal) -> HandshakeError {
    // Whether the reason arrives changes nothing here.
    if hello::write(&mut stream, &Answer::Refusal(refusal).encode()).await.is_ok() {
        drop(stream.shutdown().await);
    }
    HandshakeError::Refused(refusal)
}

/// Tells the other side that frames may flow.
pub(crate) async fn welcome(
    stream: &mut Stream,
    hello: &Hello,
    limits: &Limits,
) -> Result<(), HandshakeError> {
    let version = hello.version().map_err(HandshakeError::Refused)?;
    let answer = Answer::Welcome { version }.encode();
    match timeout(limits.handshake_max, hello::write(stream, &answer)).await {
        Ok(written) => Ok(written.map_err(HelloError::Io)?),
        Err(_) => Err(HandshakeError::Timeout),
    }
}

/// Tries each address that the name stands for, anew at every attempt: a peer may have moved.
async fn connect(address: &str) -> Result<BufReader<TcpStream>, HandshakeError> {
    let resolved: Vec<SocketAddr> =
        tokio::net::lookup_host(address).await.map_err(HandshakeError::Resolve)?.collect();
    let mut last = io::ErrorKind::NotFound.into();
    for address in resolved {
        match TcpStream::connect(address).await.and_then(prepare) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(HandshakeError::Connect(last))
}

fn prepare(tcp: TcpStream) -> io::Result<BufReader<TcpStream>> {
    // Frames are gathered here already; waiting for more in the kernel would only add delay.
    tcp.set_nodelay(true)?;
    Ok(BufReader::with_capacity(SOCKET_BYTES, tcp))
}

fn is_tls_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
