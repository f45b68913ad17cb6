//! A peer written by hand, so that tests can break the rules and hold the bytes themselves.

use std::{net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, RootCertStore, pki_types::pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use transport::pki::Credential;
use wire::Writer;

use crate::world::{PATIENCE, credential};

/// The first bytes of a dialing side.
#[derive(Clone, Copy)]
pub(crate) struct Hello {
    pub(crate) versions: (u16, u16),
    pub(crate) lane: u8,
    pub(crate) from: u16,
    pub(crate) to: u16,
    pub(crate) session: (u64, u64),
    pub(crate) cluster: &'static str,
}

impl Hello {
    pub(crate) fn good() -> Self {
        Self { versions: (1, 1), lane: 0, from: 1, to: 2, session: (7, 1), cluster: "prod" }
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut body = Vec::new();
        Writer::new(&mut body)
            .raw(b"EVKL")
            .u16(self.versions.0)
            .u16(self.versions.1)
            .u8(self.lane)
            .u16(self.from)
            .u16(self.to)
            .u64(self.session.0)
            .u64(self.session.1)
            .run(self.cluster.as_bytes());
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).run(&body);
        bytes
    }
}

/// A connection of a client that holds these certificates, past TLS.
pub(crate) async fn tls(
    address: SocketAddr,
    credential: &Credential,
) -> std::io::Result<TlsStream<TcpStream>> {
    tls_over(TcpStream::connect(address).await?, credential).await
}

/// The same over a connection that stands.
pub(crate) async fn tls_over(
    stream: TcpStream,
    credential: &Credential,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let pem = |text: &str| rustls::pki_types::CertificateDer::from_pem_slice(text.as_bytes());
    roots.add(pem(&credential.authority_pem).unwrap()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(credential.key_pem.as_bytes());
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![pem(&credential.certificate_pem).unwrap()], key.unwrap())
            .unwrap();
    let name = "node-2.prod.evenkeel".try_into().unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// The same, past a welcome.
pub(crate) async fn welcomed(address: SocketAddr, hello: Hello) -> TlsStream<TcpStream> {
    let mut stream = tls(address, &credential(1)).await.unwrap();
    stream.write_all(&hello.bytes()).await.unwrap();
    let mut answer = [0; 13];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, *b"\x09\0\0\0EVKL\0\x01\0\0\0");
    stream
}
