//! If keys are readable by all or do not fit, the identity of a node is anybody's.

use super::*;
use crate::tls::{Identity, IdentityError};

const NOW: u64 = 1_800_000_000;

fn authority(cluster: &str) -> Authority {
    Authority::create(ClusterName::new(cluster).unwrap(), NOW).unwrap()
}

#[test]
fn an_authority_read_back_issues_for_the_same_cluster() {
    // A node added a year later must be trusted by those from the first day.
    let folder = tempfile::tempdir().unwrap();
    let first = authority("prod");
    first.write(folder.path()).unwrap();
    let again = Authority::read(folder.path()).unwrap();
    assert_eq!(again.cluster().as_str(), "prod");
    let old = first.issue(NodeId(1), NOW, NODE_DAYS).unwrap();
    let new = again.issue(NodeId(2), NOW, NODE_DAYS).unwrap();
    assert_eq!(old.authority_pem, new.authority_pem);
    let identity = Identity::new(&new).unwrap();
    assert_eq!(identity.node(), NodeId(2));
    assert_eq!(identity.cluster(), again.cluster());
    assert_eq!(identity.expires_unix_s(), NOW + u64::from(NODE_DAYS) * 86_400);
}

#[test]
fn keys_are_for_their_owner_and_never_overwritten() {
    // A second `cluster init` by mistake must not lock every node out of the cluster.
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new");
    authority("prod").write(&folder).unwrap();
    let before = std::fs::read(folder.join(AUTHORITY_KEY_FILE)).unwrap();
    let error = authority("prod").write(&folder).unwrap_err();
    assert!(error.to_string().ends_with("authority.key"), "{error}");
    assert_eq!(std::fs::read(folder.join(AUTHORITY_KEY_FILE)).unwrap(), before);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = folder.join(AUTHORITY_KEY_FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn files_that_do_not_fit_are_named() {
    // The operator who copied the wrong file must learn which one it was.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(matches!(Authority::read(path), Err(FileError::Read { path, .. })
        if path.ends_with(AUTHORITY_FILE)));
    authority("prod").write(path).unwrap();
    let other = authority("prod").issuer.key().serialize_pem();
    std::fs::write(path.join(AUTHORITY_KEY_FILE), other).unwrap();
    assert!(matches!(Authority::read(path), Err(FileError::OtherKey { .. })));
    std::fs::write(path.join(AUTHORITY_KEY_FILE), "nothing").unwrap();
    assert!(matches!(Authority::read(path), Err(FileError::Key { .. })));
    let node = authority("prod").issue(NodeId(1), NOW, 1).unwrap();
    std::fs::write(path.join(AUTHORITY_FILE), node.certificate_pem).unwrap();
    assert!(matches!(Authority::read(path), Err(FileError::NotAnAuthority { .. })));
}

#[test]
fn a_credential_is_whole_or_refused() {
    // A mixed-up key, certificate or authority must show at start, not at the first failover.
    let folder = tempfile::tempdir().unwrap();
    let prod = authority("prod");
    let one = prod.issue(NodeId(1), NOW, 1).unwrap();
    let two = prod.issue(NodeId(2), NOW, 1).unwrap();
    one.write(folder.path()).unwrap();
    assert!(Credential::read(folder.path()).unwrap() == one);

    let mixed = Credential { key_pem: two.key_pem, ..one.clone() };
    assert!(matches!(Identity::new(&mixed), Err(IdentityError::Tls(_))));
    let stranger = authority("prod").issue(NodeId(1), NOW, 1).unwrap();
    let mixed = Credential { authority_pem: stranger.authority_pem, ..one.clone() };
    assert!(matches!(Identity::new(&mixed), Err(IdentityError::OtherAuthority(_))));
    let mixed = Credential { certificate_pem: one.authority_pem.clone(), ..one.clone() };
    assert!(matches!(Identity::new(&mixed), Err(IdentityError::Name(_))));
    let mixed = Credential { key_pem: String::new(), ..one };
    assert!(matches!(Identity::new(&mixed), Err(IdentityError::KeyPem(_))));
}

#[test]
fn a_cluster_is_its_authority_s_key() {
    // A node knows its own disk by this: two clusters of one name must differ, and no two nodes of
    // one cluster.
    let (first, other) = (authority("prod"), authority("prod"));
    let key = |authority: &Authority, node| {
        let credential = authority.issue(NodeId(node), NOW, NODE_DAYS).unwrap();
        Identity::new(&credential).unwrap().authority_key().to_vec()
    };
    assert_eq!(key(&first, 1), key(&first, 2));
    assert_ne!(key(&first, 1), key(&other, 1));
    let mut windows = first.issue(NodeId(1), NOW, NODE_DAYS).unwrap();
    windows.authority_pem = windows.authority_pem.replace('\n', "\r\n");
    assert_eq!(Identity::new(&windows).unwrap().authority_key(), key(&first, 1));
}
