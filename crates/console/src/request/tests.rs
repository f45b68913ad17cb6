//! Bodies that come slowly are what memory is taken with.

use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use hyper::body::Frame;

use super::{LARGE, read_body};
use crate::limits::{LARGE_BODIES_MAX, SMALL_BODY_BYTES_MAX};

/// A body of which nothing ever comes.
struct Never;

impl HttpBody for Never {
    type Data = Bytes;
    type Error = core::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

/// A body of that many pieces of one byte each, which counts how many of them are alive.
struct Pieces {
    left: usize,
    alive: Arc<()>,
    most: Arc<AtomicUsize>,
}

/// A piece.
struct Piece(#[expect(dead_code, reason = "it counts while it lives")] Arc<()>);

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        b"x"
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = core::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.most.fetch_max(Arc::strong_count(&self.alive) - 1, Ordering::Relaxed);
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        let piece = Bytes::from_owner(Piece(Arc::clone(&self.alive)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}

/// If pieces are kept as they come, 1 MiB sent byte by byte takes a hundred.
#[tokio::test]
async fn pieces_are_let_go() {
    for (left, fits) in [(0, true), (1, true), (2, true), (1_000, true), (1_001, false)] {
        let most = Arc::new(AtomicUsize::new(0));
        let body = Pieces { left, alive: Arc::default(), most: Arc::clone(&most) };
        let read = read_body(&HeaderMap::new(), Body::new(body), 1_000).await;
        assert_eq!(read.ok(), fits.then(|| Bytes::from(vec![b'x'; left])));
        assert!(most.load(Ordering::Relaxed) <= 1, "{left}: {most:?}");
    }
}

fn announcing(bytes: usize) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(bytes))])
}

/// If nothing bounds them together, a few thousand clients that send slowly take all memory; if small
/// ones waited behind them, the same clients would stop all payments.
#[tokio::test]
async fn large_bodies_are_bounded_together_and_small_ones_do_not_wait() {
    let mut slow = tokio::task::JoinSet::new();
    for number in 0..LARGE_BODIES_MAX {
        let headers = if number % 2 == 0 { HeaderMap::new() } else { announcing(1 << 20) };
        slow.spawn(async move { read_body(&headers, Body::new(Never), 1 << 20).await });
    }
    while LARGE.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    let small = read_body(&announcing(5), Body::from("hello"), 1 << 20).await;
    assert_eq!(small.as_deref().ok(), Some(&b"hello"[..]));
    let order = read_body(&HeaderMap::new(), Body::from("{}"), SMALL_BODY_BYTES_MAX).await;
    assert_eq!(order.as_deref().ok(), Some(&b"{}"[..]));

    let large = tokio::spawn(read_large());
    tokio::task::yield_now().await;
    assert!(!large.is_finished(), "it waits for a place");
    slow.shutdown().await;
    assert_eq!(large.await.ok().and_then(Result::ok).map(|body| body.len()), Some(1 << 20));
    assert_eq!(LARGE.available_permits(), LARGE_BODIES_MAX, "places come back");
}

async fn read_large() -> Result<Bytes, crate::Problem> {
    read_body(&announcing(1 << 20), Body::from(vec![b' '; 1 << 20]), 1 << 20).await
}
