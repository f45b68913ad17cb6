//! The cluster's own certificate authority and the certificates of its nodes.
//!
//! `evenkeel cluster init` makes one [`Authority`] and lets it issue one [`Credential`] per node.
//! All keys are ECDSA P-256. A credential is three PEM files in a folder of its own that is carried
//! to its node; the authority's key stays where it was made. Nothing here reads a clock: the time
//! is an argument. Revocation is not offered: a lost key is answered with a new authority.

mod files;

use core::{fmt, time::Duration};
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use types::NodeId;
use x509_parser::prelude::{FromDer, X509Certificate};

pub use self::files::FileError;
use self::files::{Secrecy, read, write};
use crate::name::ClusterName;

/// How long an authority is valid: ten years, beyond the life of most clusters.
pub const AUTHORITY_DAYS: u32 = 3_650;
/// How long a node's certificate is valid unless told otherwise: a year and a month, so that a
/// yearly renewal is never late.
pub const NODE_DAYS: u32 = 396;
/// Certificates are valid from an hour before they are made: the clocks of nodes differ.
const BACKDATED: Duration = Duration::from_hours(1);

const AUTHORITY_FILE: &str = "authority.pem";
const AUTHORITY_KEY_FILE: &str = "authority.key";
const NODE_FILE: &str = "node.pem";
const NODE_KEY_FILE: &str = "node.key";

/// Signs the certificates of one cluster's nodes.
pub struct Authority {
    cluster: ClusterName,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What one node shows to others, and what it trusts. PEM texts.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    /// The certificate of the authority.
    pub authority_pem: String,
    /// The node's certificate.
    pub certificate_pem: String,
    /// The node's private key, PKCS #8. A secret.
    pub key_pem: String,
}

/// Why a certificate was not made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate")]
pub struct IssueError(#[from] rcgen::Error);

impl Authority {
    /// Makes a new authority, valid for [`AUTHORITY_DAYS`] from `now_unix_s` (seconds since 1970).
    ///
    /// # Errors
    /// `IssueError` if the system has no randomness.
    pub fn create(cluster: ClusterName, now_unix_s: u64) -> Result<Self, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        set_validity(&mut params, now_unix_s, AUTHORITY_DAYS);
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, cluster.authority_name());
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self { cluster, certificate_pem, issuer: Issuer::new(params, key) })
    }

    /// Which cluster it signs for.
    #[must_use]
    pub const fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    /// Makes a key and a certificate for `node`, valid for `days` from `now_unix_s`.
    ///
    /// # Errors
    /// `IssueError` if the system has no randomness.
    pub fn issue(
        &self,
        node: NodeId,
        now_unix_s: u64,
        days: u32,
    ) -> Result<Credential, IssueError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let name = self.cluster.node_name(node);
        let mut params = CertificateParams::new([name.clone()])?;
        set_validity(&mut params, now_unix_s, days);
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Credential {
            authority_pem: self.certificate_pem.clone(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }

    /// Writes `authority.pem` and `authority.key` (readable by the owner alone) into `folder`, which
    /// is made if it is missing. Both are on disk when this returns.
    ///
    /// # Errors
    /// `FileError`; a file that exists is never overwritten.
    pub fn write(&self, folder: &Path) -> Result<(), FileError> {
        let key = self.issuer.key().serialize_pem();
        write(folder, AUTHORITY_KEY_FILE, &key, Secrecy::OwnerOnly)?;
        write(folder, AUTHORITY_FILE, &self.certificate_pem, Secrecy::Public)
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// `FileError`, also when key and certificate do not belong together.
    pub fn read(folder: &Path) -> Result<Self, FileError> {
        let (path, certificate_pem) = read(folder, AUTHORITY_FILE)?;
        let cluster = authority_cluster(&certificate_pem)
            .ok_or_else(|| FileError::NotAnAuthority { path: path.clone() })?;
        let (key_path, key_pem) = read(folder, AUTHORITY_KEY_FILE)?;
        let key = KeyPair::from_pem(&key_pem)
            .map_err(|source| FileError::Key { path: key_path.clone(), source })?;
        if !holds_key(&certificate_pem, &key) {
            return Err(FileError::OtherKey { path: key_path });
        }
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)
            .map_err(|_| FileError::NotAnAuthority { path })?;
        Ok(Self { cluster, certificate_pem, issuer })
    }
}

impl Credential {
    /// Writes `authority.pem`, `node.pem` and `node.key` (readable by the owner alone) into
    /// `folder`, which is made if it is missing. All are on disk when this returns.
    ///
    /// # Errors
    /// `FileError`; a file that exists is never overwritten.
    pub fn write(&self, folder: &Path) -> Result<(), FileError> {
        write(folder, NODE_KEY_FILE, &self.key_pem, Secrecy::OwnerOnly)?;
        write(folder, NODE_FILE, &self.certificate_pem, Secrecy::Public)?;
        write(folder, AUTHORITY_FILE, &self.authority_pem, Secrecy::Public)
    }

    /// Reads what [`Self::write`] wrote. What the texts are worth shows in
    /// [`Identity::new`](crate::Identity::new).
    ///
    /// # Errors
    /// `FileError`.
    pub fn read(folder: &Path) -> Result<Self, FileError> {
        Ok(Self {
            authority_pem: read(folder, AUTHORITY_FILE)?.1,
            certificate_pem: read(folder, NODE_FILE)?.1,
            key_pem: read(folder, NODE_KEY_FILE)?.1,
        })
    }
}

fn set_validity(params: &mut CertificateParams, now_unix_s: u64, days: u32) {
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now_unix_s);
    params.not_before = now - BACKDATED;
    params.not_after = now + Duration::from_hours(24) * days;
}

/// Reads the cluster from the common name of an authority's certificate.
fn authority_cluster(certificate_pem: &str) -> Option<ClusterName> {
    with_certificate(certificate_pem, |certificate| {
        let mut names = certificate.subject().iter_common_name();
        let name = names.next()?.as_str().ok()?;
        ClusterName::from_authority_name(name).filter(|_| certificate.is_ca())
    })?
}

/// Whether the certificate is about this key.
fn holds_key(certificate_pem: &str, key: &KeyPair) -> bool {
    with_certificate(certificate_pem, |certificate| {
        *certificate.public_key().subject_public_key.data == *key.public_key_raw()
    })
    .unwrap_or(false)
}

fn with_certificate<T>(pem: &str, look: impl FnOnce(&X509Certificate<'_>) -> T) -> Option<T> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&pem.contents).ok()?;
    Some(look(&certificate))
}

/// Never shows the key.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

/// Never shows the key.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
