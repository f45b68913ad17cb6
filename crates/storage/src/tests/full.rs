//! A disk that runs full, and a queue that does.

use super::*;
use crate::Space;

fn pulse(id: u64) -> Request {
    Request::Append {
        owner: Owner(1),
        id: WriteId(id),
        kind: Kind::Pulse,
        bytes: Bytes::from_static(b"pulse"),
    }
}

/// Writes records of `size` bytes until intake is refused; how many were taken.
fn fill_up(node: &mut Node, size: usize) -> u64 {
    let first = node.next;
    loop {
        node.next += 1;
        match node.submit([append(node.next, &vec![5; size])]) {
            Ok(()) => {
                let done = node.completion();
                assert!(matches!(done, Completion::Written { .. }), "{done:?}");
            }
            Err(Refused::Full) => {
                node.next -= 1;
                // Either the disk turns out to be full, or there is room again.
                while node.handle.space() == Space::Ample && node.completions.try_recv().is_err() {
                    std::thread::yield_now();
                }
            }
            Err(refused) => {
                assert_eq!(refused, Refused::DiskFull);
                node.next -= 1;
                return node.next - first;
            }
        }
    }
}

/// Without it a full disk would stop a node in the middle of a failover (S28).
#[test]
fn a_full_disk_refuses_intake_and_keeps_promises() {
    let disk = FaultyDisk::default();
    drop(open(&disk).expect("made while there is room"));
    disk.set_capacity(Some(disk.used() + 16 * 1024 + 100));
    let mut node = start(&disk);
    // The smallest records last, so that nothing but the reserve is left.
    let taken = fill_up(&mut node, 500) + fill_up(&mut node, 0);
    assert!(taken > 30, "two segments hold more than {taken}");
    assert_eq!(node.handle.space(), Space::Full);
    // Promises need no space at all, pulses live on the reserve.
    for round in 0..50 {
        node.write(|id| blob(id, 1, &[round; 100])).expect("promises go on");
    }
    for _ in 0..20 {
        node.write(pulse).expect("the reserve holds these");
    }
    let disk_after = disk.after_power_cut(&mut Random(1));
    disk_after.set_capacity(None);
    assert_eq!(payloads(&disk_after).len() as u64, taken + 20);
    // Room again: intake opens without a restart.
    disk.set_capacity(None);
    node.room();
    assert_eq!(node.handle.space(), Space::Ample);
    node.record(b"open again");
}

/// Without it a peer that sends faster than the disk writes would fill the memory.
#[test]
fn the_queue_is_bounded_and_says_when_there_is_room() {
    let disk = FaultyDisk::default();
    let mut node = start_with(&disk, Options { queue_bytes_max: 8192, ..options() });
    let mut requests: VecDeque<Request> = (1..=200).map(|id| append(id, &[1; 1000])).collect();
    let mut refusals = 0;
    while let Err(refused) = node.handle.submit(&mut requests) {
        assert_eq!(refused, Refused::Full);
        refusals += 1;
        node.room();
    }
    assert!(refusals > 1, "200 kB never fit 8 kB");
    for expect in 1..=200 {
        match node.completion() {
            Completion::Written { id, .. } => assert_eq!(id, WriteId(expect)),
            other => panic!("{other:?}"),
        }
    }
    let stats = node.handle.stats();
    assert_eq!((stats.records, stats.queue_count, stats.queue_bytes), (200, 0, 0));
    assert!(!stats.fsync_us.is_empty() && stats.fsync_last.is_some());
    assert_eq!(node.handle.fsync_since(), None);
}
