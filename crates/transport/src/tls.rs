//! Who a node is, and how it checks who others are.
//!
//! TLS 1.3 only, both sides show a certificate of the cluster's authority. The name in the verified
//! certificate is the one source of a peer's [`NodeId`]; what a hello claims must agree with it.
//! The provider is given here and never taken from the process: whichever crate was linked first
//! must not choose our cryptography. Sessions are never resumed, so that every connection proves
//! the key anew.

use core::fmt;
use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem, pem::PemObject as _},
    server::{VerifierBuilderError, WebPkiClientVerifier},
};
use types::NodeId;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::{name::ClusterName, pki::Credential};

/// A node's proof of who it is, ready for use. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    cluster: ClusterName,
    node: NodeId,
    expires_unix_s: u64,
    authority_key: Arc<[u8]>,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// Why a credential cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The authority's certificate is not PEM.
    #[error("the authority's certificate cannot be read")]
    AuthorityPem(#[source] pem::Error),
    /// The node's certificate is not PEM.
    #[error("the node's certificate cannot be read")]
    CertificatePem(#[source] pem::Error),
    /// The node's key is not PEM.
    #[error("the node's key cannot be read")]
    KeyPem(#[source] pem::Error),
    /// The certificate names no node.
    #[error("the node's certificate names no node of a cluster")]
    Name(#[source] NameError),
    /// The certificate was not signed by the authority beside it.
    #[error("the node's certificate is not from the authority beside it")]
    OtherAuthority(#[source] rustls::Error),
    /// The authority's certificate is of no use.
    #[error("the authority's certificate cannot be used")]
    Verifier(#[source] VerifierBuilderError),
    /// Key and certificate are of no use, or not of one piece.
    #[error("key and certificate cannot be used")]
    Tls(#[source] rustls::Error),
}

/// Why a certificate names no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The peer showed none.
    #[error("no certificate")]
    Absent,
    /// It cannot be parsed.
    #[error("the certificate cannot be parsed")]
    Malformed,
    /// It does not carry exactly one name, a node's.
    #[error("the certificate does not carry exactly the name of one node")]
    NotANode,
}

impl Identity {
    /// Checks that the parts of a credential belong together and prepares them for use. Whether the
    /// time lies in the validity is left to each handshake.
    ///
    /// # Errors
    /// `IdentityError` names the part.
    pub fn new(credential: &Credential) -> Result<Self, IdentityError> {
        let authority = CertificateDer::from_pem_slice(credential.authority_pem.as_bytes())
            .map_err(IdentityError::AuthorityPem)?;
        let certificate = CertificateDer::from_pem_slice(credential.certificate_pem.as_bytes())
            .map_err(IdentityError::CertificatePem)?;
        let key = PrivateKeyDer::from_pem_slice(credential.key_pem.as_bytes())
            .map_err(IdentityError::KeyPem)?;
        let (cluster, node) = node_of(&certificate).map_err(IdentityError::Name)?;
        let malformed = || IdentityError::Name(NameError::Malformed);
        let (starts_unix_s, expires_unix_s) = validity(&certificate).ok_or_else(malformed)?;
        let both_unix_s = validity(&authority).ok_or_else(malformed)?.0.max(starts_unix_s);
        let authority_key = key_of(&authority).ok_or_else(malformed)?;

        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority).map_err(IdentityError::Tls)?;
        let roots = Arc::new(roots);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
            .build()
            .map_err(IdentityError::Verifier)?;
        let valid_at = UnixTime::since_unix_epoch(core::time::Duration::from_secs(both_unix_s));
        verifier
            .verify_client_cert(&certificate, &[], valid_at)
            .map_err(IdentityError::OtherAuthority)?;

        let versions = &[&rustls::version::TLS13];
        let chain = vec![certificate];
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .map_err(IdentityError::Tls)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(IdentityError::Tls)?;
        server.send_tls13_tickets = 0;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(IdentityError::Tls)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(IdentityError::Tls)?;
        client.resumption = Resumption::disabled();
        // One certificate per listener: the name would only tell eavesdroppers who talks to whom.
        client.enable_sni = false;
        Ok(Self {
            cluster,
            node,
            expires_unix_s,
            authority_key,
            server: Arc::new(server),
            client: Arc::new(client),
        })
    }

    /// Which node this is.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Which cluster it belongs to.
    #[must_use]
    pub const fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// When the certificate ends, in seconds since 1970. Sessions that stand go on; new ones are
    /// refused from then on, so this belongs on a dashboard.
    #[must_use]
    pub const fn expires_unix_s(&self) -> u64 {
        self.expires_unix_s
    }

    /// The authority's public key as it stands in its certificate (DER, SubjectPublicKeyInfo of
    /// RFC 5280): the same for every node of the cluster, however often certificates are renewed.
    #[must_use]
    pub fn authority_key(&self) -> &[u8] {
        &self.authority_key
    }

    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }

    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        self.client.clone()
    }

    /// The name that a certificate must carry when this node dials `peer`.
    pub(crate) fn server_name(&self, peer: NodeId) -> ServerName<'static> {
        ServerName::try_from(self.cluster.node_name(peer)).expect("names of nodes are DNS names")
    }
}

/// The node that a verified peer is.
pub(crate) fn peer_of(
    certificates: Option<&[CertificateDer<'_>]>,
) -> Result<(ClusterName, NodeId), NameError> {
    node_of(certificates.and_then(<[_]>::first).ok_or(NameError::Absent)?)
}

/// Whether an error of TLS is about the certificate shown, rather than about the network.
pub(crate) fn is_certificate_error(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some_and(|error| {
        matches!(
            error,
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
        )
    })
}

fn node_of(certificate: &CertificateDer<'_>) -> Result<(ClusterName, NodeId), NameError> {
    let (_, certificate) =
        X509Certificate::from_der(certificate).map_err(|_| NameError::Malformed)?;
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| NameError::Malformed)?
        .ok_or(NameError::NotANode)?;
    let [GeneralName::DNSName(name)] = names.value.general_names.as_slice() else {
        return Err(NameError::NotANode);
    };
    ClusterName::from_node_name(name).ok_or(NameError::NotANode)
}

/// The public key that a certificate is about.
fn key_of(certificate: &CertificateDer<'_>) -> Option<Arc<[u8]>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(certificate.public_key().raw.into())
}

/// First and last second of the validity.
fn validity(certificate: &CertificateDer<'_>) -> Option<(u64, u64)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).ok();
    Some((seconds(validity.not_before)?, seconds(validity.not_after)?))
}

/// Never shows the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("cluster", &self.cluster)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}
