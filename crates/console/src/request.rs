//! Taking a request's body within bounds of size and time.

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Problem;
use crate::limits::{BODY_WAIT_MAX, LARGE_BODIES_MAX, PLACE_WAIT_MAX, SMALL_BODY_BYTES_MAX};

/// Places for large bodies. One of a process: memory is, too.
static LARGE: Semaphore = Semaphore::const_new(LARGE_BODIES_MAX);

/// Reads a body of at most `bytes_max` bytes. A body that came in one piece is not copied.
///
/// # Errors
/// A problem: too large (413), too slow (408), too many large ones at once (503), or the client broke
/// off (400).
pub async fn read_body(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|value| value.parse::<u64>().ok());
    let fits = |size: u64| usize::try_from(size).is_ok_and(|size| size <= bytes_max);
    if announced.is_some_and(|size| !fits(size)) {
        return Err(too_large(bytes_max));
    }
    let is_small = announced.map_or(bytes_max, |size| usize::try_from(size).unwrap_or(usize::MAX))
        <= SMALL_BODY_BYTES_MAX;
    let _place = if is_small { None } else { Some(place().await?) };
    // A body sent in chunks may be larger than a size that stands beside it.
    let most = if is_small { bytes_max.min(SMALL_BODY_BYTES_MAX) } else { bytes_max };
    let whole = whole(Limited::new(body, most));
    match tokio::time::timeout(BODY_WAIT_MAX, whole).await {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        Ok(Err(_)) => Err(Problem::new(400, "broken-off", "The request's body broke off.")),
        Err(_) => Err(Problem::new(408, "too-slow", "The request's body came too slowly.")
            .detail(format!("want all of it within {} s", BODY_WAIT_MAX.as_secs()))),
    }
}

/// All pieces as one. Each is copied and let go when it comes: kept as they are, pieces of one byte
/// hold a hundred times their size.
async fn whole(mut body: Limited<Body>) -> Result<Bytes, BoxError> {
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        // The other kind of frame is trailers, which nobody asked for.
        let Ok(piece) = frame?.into_data() else { continue };
        if first.is_empty() && all.is_empty() {
            first = piece;
            continue;
        }
        all.extend_from_slice(&core::mem::take(&mut first));
        all.extend_from_slice(&piece);
    }
    Ok(if all.is_empty() { first } else { Bytes::from(all) })
}

async fn place() -> Result<SemaphorePermit<'static>, Problem> {
    // The semaphore is never closed.
    let place = tokio::time::timeout(PLACE_WAIT_MAX, LARGE.acquire()).await;
    place.ok().and_then(Result::ok).ok_or_else(|| {
        Problem::new(503, "busy", "Too many large bodies are being read.")
            .detail("nothing was done; ask again later with the same request")
            .retry_after_ms(1_000)
    })
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(413, "too-large", "The request's body is too large.")
        .detail(format!("at most {bytes_max} bytes are taken"))
        .with("bytes_max", bytes_max)
}

#[cfg(test)]
mod tests;
