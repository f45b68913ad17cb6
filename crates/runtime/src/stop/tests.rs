//! If a stop waits for ever, a node with a dead disk stays half alive.

use std::sync::mpsc;

use super::*;

/// Without it a process whose disk stalls would neither serve nor end.
#[test]
fn what_does_not_end_is_left_behind() {
    let (go_on, wait) = mpsc::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let stalled = move || assert!(wait.recv().is_err(), "nothing is sent");
    assert!(!runtime.block_on(within(Duration::from_millis(1), "stalled", stalled)));
    // The runtime ends although the work has not.
    drop(runtime);
    drop(go_on);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    assert!(runtime.block_on(within(DISK_TIME_MAX, "quick", || ())));
}
