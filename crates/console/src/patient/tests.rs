//! A client that never reads its answer must not keep its connection.

use core::time::Duration;
use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::Patient;

/// If a write may stand still for ever, some thousand clients that read nothing take all connections
/// there are, and no payment gets in.
#[tokio::test]
async fn a_write_that_stands_still_ends() {
    let (near, far) = duplex(16);
    let mut near = Patient::new(near, Duration::from_millis(20));
    let error = near.write_all(&[0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(far);
}

/// If a slow reader were cut off while it reads, long answers would never arrive.
#[tokio::test]
async fn a_write_that_goes_on_does_not() {
    let (near, mut far) = duplex(16);
    let mut near = Patient::new(near, Duration::from_secs(60));
    let reader = tokio::spawn(async move {
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.map(|_| all)
    });
    near.write_all(&[7; 10_000]).await.unwrap();
    near.shutdown().await.unwrap();
    drop(near);
    assert_eq!(reader.await.unwrap().unwrap(), [7; 10_000]);
}
