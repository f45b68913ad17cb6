//! If the queue is unbounded or drops what it took, memory runs out or order breaks.

use super::*;

#[test]
fn a_full_queue_refuses_until_bytes_were_written() {
    // Without the bound a slow peer fills this node's memory; without the release it is deaf for ever.
    let queue = Queue::new(2 * (10 + FRAME_COST_BYTES));
    let frame = || Bytes::from_static(&[7; 10]);
    assert_eq!(queue.push(frame()), Err(Refused::Down));
    queue.open();
    assert_eq!(queue.push(frame()), Ok(()));
    assert_eq!(queue.push(frame()), Ok(()));
    let full = Err(Refused::Full { queued_bytes: 2 * (10 + FRAME_COST_BYTES) });
    assert_eq!(queue.push(frame()), full);

    let mut batch = Vec::new();
    queue.take(&mut batch);
    assert_eq!(queue.push(frame()), full, "taken is not yet written");
    queue.release(batch.drain(..).map(|frame| cost(&frame)).sum());
    assert_eq!(queue.push(frame()), Ok(()));

    queue.close();
    let depth = queue.depth();
    assert!(!depth.open);
    assert_eq!((depth.bytes, depth.refused, depth.dropped), (0, 2, 1));
    assert_eq!(queue.push(frame()), Err(Refused::Down));
}
