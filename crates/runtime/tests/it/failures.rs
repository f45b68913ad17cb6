//! What a node must not start on.

use std::error::Error;
use std::fs;
use std::net::TcpListener;

use runtime::StartError;

use crate::world::{Count, alone, ask, authority, command, credentials, done, soon, start};

fn refusal(config: &runtime::Config) -> StartError {
    runtime::start(config, &Count::default()).expect_err("a start that is refused")
}

/// Without it a disk carried over from another installation would be written over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_another_cluster_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
    credentials(&authority(), 1, &ours);
    // An authority of the same name is another cluster all the same.
    credentials(&authority(), 1, &theirs);
    let node = start(&alone(&ours));
    let (first, _) = done(ask(&node.handle(), 0, command(1, b"pay")).await);
    soon(node.stop()).await;
    let mut config = alone(&theirs);
    config.data = ours.join("data");
    let error = refusal(&config);
    let cause = error.source().expect("a cause").to_string();
    assert!(matches!(error, StartError::Storage(storage::OpenError::Identity { .. })), "{cause}");
    assert!(cause.contains("belongs to n1 of cluster"), "{cause}");

    // It still is what it was.
    let node = start(&alone(&ours));
    assert_eq!(done(ask(&node.handle(), 0, command(1, b"pay")).await).0, first);
    soon(node.stop()).await;
}

/// Without it a copy of the certificate with other line ends would lock a node out of its own disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_known_by_its_key_and_not_by_a_text() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let node = start(&alone(folder.path()));
    soon(node.stop()).await;
    let path = folder.path().join("tls/authority.pem");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\r\n", "\n").replace('\n', "\r\n") + "\r\n").unwrap();
    soon(start(&alone(folder.path())).stop()).await;
}

/// Without it two nodes that share a credential would both think that they are node 1.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_of_another_node_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 2, folder.path());
    let error = refusal(&alone(folder.path()));
    assert!(matches!(error, StartError::OtherNode { .. }), "{error}");
}

/// Without it a node would start that no other can reach.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = alone(folder.path());
    config.listen.peers = taken.local_addr().unwrap();
    let error = refusal(&config);
    assert!(
        matches!(&error, StartError::Listen { address, .. } if *address == config.listen.peers)
    );
    let names = fs::read_dir(&config.data).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["first-start"], "and its folder is not touched");
}

/// Without it two processes would write one log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let node = start(&alone(folder.path()));
    let error = refusal(&alone(folder.path()));
    assert!(matches!(error, StartError::Storage(storage::OpenError::InUse { .. })), "{error}");
    soon(node.stop()).await;
}

/// Without it a disk that is not mounted would pass for a new one: the node would vote again on what it
/// has promised, and the register's history would split.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_folder_is_not_started() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let config = alone(folder.path());
    soon(start(&config).stop()).await;
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&config.data, &elsewhere).unwrap();
    let error = refusal(&config);
    assert!(matches!(error, StartError::Blank { .. }), "{error}");
    // As after a restore of folders without files, or a start that was refused half-way.
    fs::create_dir_all(config.data.join("wal")).unwrap();
    fs::write(config.data.join("lock"), "").unwrap();
    fs::write(config.data.join("wal/prepare.tmp"), "").unwrap();
    let error = refusal(&config);
    assert!(matches!(error, StartError::Blank { .. }), "{error}");
    fs::remove_dir_all(&config.data).unwrap();
    fs::rename(&elsewhere, &config.data).unwrap();
    soon(start(&config).stop()).await;
}
