//! The preparing thread: keeps one segment ahead of the log, and notices first that the disk fills.

use std::{sync::PoisonError, time::Duration};

use crate::{
    Completion, Failure, Options, Space, limits::PREPARE_RETRY_MS, queue::Phase, segment::Segment,
    shared::Shared,
};

/// Prepares segments until storage ends.
pub(crate) fn run(shared: &Shared, options: &Options) {
    while let Some(first) = wanted(shared) {
        let Options { folder, identity, segment_bytes, .. } = options;
        // Filling a segment takes long: neither a closing nor a failure waits for its end.
        let open = || shared.queue().phase == Phase::Open;
        match Segment::create(&*shared.disk, folder, *identity, first, *segment_bytes, &open) {
            Ok(segment) => {
                let length = segment.length;
                shared.add_segment(segment);
                ready(shared, length);
            }
            Err(_) if !open() => return,
            Err((path, error)) => match Failure::io("prepare", &path)(error) {
                Failure::DiskFull { .. } => {
                    // The part that was written is of no use, and others may need the space.
                    if let Err(error) = shared.disk.remove(&path)
                        && error.kind() != std::io::ErrorKind::NotFound
                    {
                        shared.stop(Some(Failure::io("remove", &path)(error)));
                        return;
                    }
                    pause(shared);
                }
                failure @ Failure::Io { .. } => {
                    shared.stop(Some(failure));
                    return;
                }
            },
        }
    }
}

/// Waits until a segment is wanted; its first position, or `None` when storage ends.
fn wanted(shared: &Shared) -> Option<u64> {
    let mut queue = shared.queue();
    loop {
        if queue.phase != Phase::Open {
            return None;
        }
        if queue.place.next.is_none() {
            return Some(queue.place.end);
        }
        queue = shared.wanted.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Lets records into the new segment.
fn ready(shared: &Shared, length: u64) {
    let mut queue = shared.queue();
    queue.place.next = Some(length);
    queue.disk_full = false;
    shared.gauges.set_space(Space::Ample);
    let refused = core::mem::take(&mut queue.refused_space);
    let open = queue.phase == Phase::Open;
    drop(queue);
    if refused && open {
        shared.deliver(vec![Completion::Room]);
    }
}

/// Notes that the disk is full and waits before the next attempt, or until storage ends.
fn pause(shared: &Shared) {
    let mut queue = shared.queue();
    queue.disk_full = true;
    if queue.is_full() {
        shared.gauges.set_space(Space::Full);
    } else if shared.gauges.space() == Space::Ample {
        shared.gauges.set_space(Space::Low);
    }
    let limit = Duration::from_millis(PREPARE_RETRY_MS);
    let waited = shared
        .wanted
        .wait_timeout_while(queue, limit, |queue| queue.phase == Phase::Open)
        .unwrap_or_else(PoisonError::into_inner);
    drop(waited);
}
