//! A real file system that runs full, where one may be mounted.

use std::{fs, path::PathBuf, process::Command};

use super::*;
use crate::Space;

/// A small file system in memory, gone with this value.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(bytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={bytes}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "evenkeel-test"])
            .arg(folder.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("node")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg(self.0.path()).output();
    }
}

/// Without it a real disk that fills in the middle of a failover would stop a node that could still
/// promise, and one that gets room again would have to be started anew (S28).
#[test]
fn s28_on_a_real_file_system_promises_go_on_and_room_is_noticed() {
    const SIZE: u64 = 1 << 20;
    let Some(mount) = Mount::new(SIZE) else {
        eprintln!("skipped: no file system may be mounted here");
        return;
    };
    let options = Options {
        folder: mount.path(),
        segment_bytes: 128 << 10,
        reserve_bytes: 8 << 10,
        ..options()
    };
    let (send, completions) = channel();
    let sink: crate::Sink = Arc::new(move |batch| send.send(batch).unwrap_or(()));
    let opened = crate::open(options).expect("opens");
    let ballast = mount.0.path().join("ballast");
    let settled = opened.replay(&mut |_| ()).expect("replays").settle([]).expect("settles");
    // Room for about one segment more.
    fs::write(&ballast, vec![1; 500 << 10]).expect("there is room for it");
    let storage = settled.start(sink).expect("starts");
    let handle = storage.handle();
    let mut node = Node { storage, handle, completions, early: VecDeque::new(), next: 0 };
    let mut taken = 0_u64;
    while node.handle.space() != Space::Full {
        match node.submit([append(node.next + 1, &[5; 900])]) {
            Ok(()) => {
                node.next += 1;
                taken += 1;
                let done = node.completion();
                assert!(matches!(done, Completion::Written { .. }), "{done:?}");
            }
            Err(Refused::Full) => std::thread::yield_now(),
            Err(other) => panic!("said to be full only after {taken} records: {other}"),
        }
    }
    assert!(taken > 200, "some segments hold more than {taken}");
    // What is under way still fits, promises and pulses go on.
    for _ in 0..6 {
        node.record(&[6; 900]);
    }
    for round in 0..20 {
        node.write(|id| blob(id, 1, &[round; 100])).expect("promises go on");
    }
    fs::remove_file(&ballast).expect("room again");
    while node.handle.space() != Space::Ample {
        std::thread::yield_now();
    }
    for _ in 0..200 {
        // The last vain attempt to make a segment may stand until the next one.
        while node.submit([append(node.next + 1, &[7; 900])]).is_err() {
            node.room();
        }
        node.next += 1;
        let done = node.completion();
        assert!(matches!(done, Completion::Written { .. }), "{done:?}");
    }
    node.storage.close();
    let read = crate::verify(&mount.path(), &mut |_, _| ()).expect("readable");
    assert!(read.sound());
    assert_eq!(read.segments.iter().map(|one| one.group).sum::<u64>(), taken + 206);
}
