//! One node that is started, stopped, dropped and started again.

use std::fs;

use runtime::{Gone, Halt};
use types::{Epoch, GroupId, Stamp};
use wire::Reply;

use crate::world::{alone, ask, authority, command, credentials, done, soon, start};

/// Without it a restart would forget what was acknowledged, or do it a second time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_node_gives_the_same_answer_to_the_same_id() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let config = alone(folder.path());
    let node = start(&config);
    let handle = node.handle();
    let (first, repeated) = done(ask(&handle, 0, command(1, b"pay")).await);
    assert!(!repeated);
    let (second, _) = done(ask(&handle, 0, command(2, b"pay")).await);
    assert_eq!((first.2, second.2), (1, 2));
    soon(node.stop()).await;

    let node = start(&config);
    let handle = node.handle();
    assert_eq!(done(ask(&handle, 0, command(1, b"pay")).await).0, first);
    assert_eq!(done(ask(&handle, 0, command(2, b"pay")).await), (second, true));
    let other = ask(&handle, 0, command(1, b"pay more")).await;
    assert_eq!(other, Reply::Conflict { first: wire::digest(b"pay") });
    assert_eq!(done(ask(&handle, 0, command(3, b"pay")).await).0.2, 3);
    soon(node.stop()).await;
}

/// Without it a node that whoever embeds it lets go of would keep its port, its folder and its
/// sessions, and a second start in the same process would be refused for no visible reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_node_lets_go_of_its_folder_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let config = alone(folder.path());
    let node = start(&config);
    let handle = node.handle();
    let (first, _) = done(ask(&handle, 1, command(1, b"pay")).await);
    drop(node);
    // The handle outlives the node and learns that it is gone; the thread ends by a word and not by
    // the last handle.
    while soon(handle.ask(|_| ())).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(soon(handle.command(GroupId(1), command(1, b"pay"), None)).await, Err(Gone));
    let node = start(&config);
    assert_eq!(done(ask(&node.handle(), 1, command(1, b"pay")).await).0, first);
    soon(node.stop()).await;
}

/// Without it a command to a group that does not exist would be kept for ever, and its client too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_to_no_group_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let node = start(&alone(folder.path()));
    let reply = ask(&node.handle(), 99, command(1, b"pay")).await;
    assert_eq!(reply, Reply::NotHome { home: None, epoch: Epoch(0) });
    soon(node.stop()).await;
}

/// Without it commands that pile up before a busy node would fill its memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_beyond_what_may_wait_are_turned_away_at_once() {
    static BODY: [u8; 1 << 20] = [7; 1 << 20];
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let node = start(&alone(folder.path()));
    let handle = node.handle();
    // The core thread stands still until all are sent.
    let (go_on, held) = std::sync::mpsc::channel::<()>();
    let (stands, standing) = tokio::sync::oneshot::channel();
    let holding = tokio::spawn({
        let handle = handle.clone();
        async move {
            let held = handle.ask(move |_| {
                stands.send(()).unwrap();
                held.recv().unwrap();
            });
            held.await
        }
    });
    soon(standing).await.unwrap();
    let mut asked = tokio::task::JoinSet::new();
    for id in 0..100 {
        let handle = handle.clone();
        // Too late already, so that those who are let in cost no disk.
        let late = wire::Command { not_after: Stamp(1), ..command(id, &BODY) };
        asked.spawn(async move { handle.command(GroupId(0), late, None).await });
    }
    let mut busy = 0;
    while busy < 36 {
        match soon(asked.join_next()).await.unwrap().unwrap() {
            Ok(Reply::Busy { .. }) => busy += 1,
            other => panic!("the others wait: {other:?}"),
        }
    }
    go_on.send(()).unwrap();
    soon(holding).await.unwrap().unwrap();
    while let Some(reply) = soon(asked.join_next()).await {
        // One more did not fit, with what each costs besides its body.
        let reply = reply.unwrap();
        assert!(matches!(reply, Ok(Reply::Expired | Reply::Busy { .. })), "{reply:?}");
    }
    soon(node.stop()).await;
}

/// Without it a full disk, a broken disk and a request to stop would look alike to an operator.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_disk_fails_says_what_failed() {
    static BODY: [u8; 1 << 20] = [7; 1 << 20];
    let folder = tempfile::tempdir().unwrap();
    credentials(&authority(), 1, folder.path());
    let node = start(&alone(folder.path()));
    // Stands where the third segment is to be put once the log has reached the second.
    let wal = folder.path().join("data/wal");
    fs::create_dir_all(wal.join(format!("{:020}.seg/in the way", 32 << 20))).unwrap();
    let handle = node.handle();
    for id in 0..40 {
        if soon(handle.command(GroupId(0), command(id, &BODY), None)).await.is_err() {
            break;
        }
    }
    let halt = soon(node.halted()).await;
    let Halt::Disk(failure) = &halt else { panic!("{halt:?}") };
    assert!(failure.to_string().contains("prepare.tmp"), "{failure}");
    assert!(std::error::Error::source(failure).is_some(), "the system's own word");
    assert_ne!(halt, Halt::Asked);
    soon(node.stop()).await;
}
