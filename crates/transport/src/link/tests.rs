//! If the wire of the demonstration is too fast or reorders, what is shown is not what a long link does.

use super::*;
use core::time::Duration;
use tokio::time::Instant;

fn wire(delay_us: u32, jitter_us_max: u32, bytes_per_s: u64) -> Wire {
    Wire { delay_us, jitter_us_max, bytes_per_s: NonZeroU64::new(bytes_per_s) }
}

#[test]
fn jitter_comes_on_top_and_bandwidth_is_shared() {
    // A link that is faster than asked makes every figure of the demonstration a lie.
    let now = Instant::now();
    let mut pipe = Pipe::new(wire(1_000, 500, 1_000_000), 3);
    let mut sent = Duration::ZERO;
    for _ in 0..100 {
        sent += Duration::from_millis(1);
        let due = pipe.due(now, 1_000) - now - sent;
        assert!(due >= Duration::from_millis(1) && due <= Duration::from_micros(1_500), "{due:?}");
    }
    pipe.set_wire(wire(7, 0, 0));
    assert_eq!(pipe.due(now, 1_000_000) - now, Duration::from_micros(7));
    assert_eq!(pipe.taken_bytes(), 1_100_000);
}

#[tokio::test]
async fn alarms_are_never_early() {
    // Bytes that arrive before their delay is over would be from the future.
    let timer = Timer::start().unwrap();
    let wait = async |us: u64| {
        let moment = Instant::now() + Duration::from_micros(us);
        timer.alarm().wait_until(moment).await;
        assert!(Instant::now() >= moment);
    };
    tokio::join!(wait(3_000), wait(200), wait(0), wait(1_500), wait(1_500));
}
