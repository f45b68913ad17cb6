//! The server's loop: accepts, bounds, and ends in order.
//!
//! Slow and idle clients are what takes a server down cheaply. Here a request's head has a time and
//! a size, an answer has to be read, connections have a number, and those beyond wait in the kernel's
//! queue.

use core::future::Future;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::limits::{
    CONNECTIONS_MAX, DRAIN_WAIT_MAX, HEAD_WAIT_MAX, HEADERS_MAX, READ_AHEAD_BYTES_MAX,
    WRITE_WAIT_MAX,
};
use crate::patient::Patient;

/// Serves `router` on `listener` until `shutdown` is ready. Requests under way are then answered, as
/// far as that takes no longer than [`DRAIN_WAIT_MAX`]; what is cut off is for its client unknown.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (ending, ended) = watch::channel(false);
    tokio::pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = next => accepted,
        };
        match accepted {
            None => break,
            Some((place, Ok((stream, _)))) => {
                let connection = connection(stream, router.clone(), ended.clone(), place);
                tokio::spawn(connection);
            }
            Some((_, Err(error))) => {
                tracing::warn!(%error, "cannot accept a connection");
                if !is_the_clients(&error) {
                    // Out of file descriptors or memory: others have to end first.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    ending.send_replace(true);
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN_WAIT_MAX, places.acquire_many(all)).await.is_err() {
        tracing::warn!("some requests were still under way and were cut off");
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    mut ended: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    // Answers are small and waited for. A socket that refuses this still works.
    let _slow = stream.set_nodelay(true).is_err();
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_AHEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Patient::new(stream, WRITE_WAIT_MAX)), service);
    tokio::pin!(connection);
    let ending = async move {
        // An error means that the server is gone, which ends this too.
        let _gone = ended.wait_for(|ended| *ended).await.is_err();
    };
    tokio::pin!(ending);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = &mut ending => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a client's connection ended");
    }
    drop(place);
}

/// Whether the error is about the one connection that was to be accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

/// How long to wait when this process can accept nothing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
