//! Every bound of this crate, with its reason.

use core::time::Duration;

/// The largest hello or answer to it: a few dozen bytes; anything longer is not ours.
pub(crate) const HELLO_BYTES_MAX: usize = 256;
/// Bytes gathered before a write: large enough that the cost of a call and of 16 KiB TLS records is
/// spread thin, small enough that a keep-alive never waits behind much.
pub(crate) const COALESCE_BYTES: usize = 64 * 1024;
/// Frames beyond this are handed to TLS as they are, because the copy would cost more than a call.
pub(crate) const COPY_BYTES_MAX: usize = 16 * 1024;
/// Room for decrypted bytes; the slices of delivered frames share it. With 64 KiB a stream of 64 KiB
/// frames costs 15% more processor time, because most frames straddle two buffers.
pub(crate) const READ_BYTES: usize = 256 * 1024;
/// What one call reads off the socket, still encrypted. Without it TLS reads 4 KiB at a time, which
/// costs a tenth more.
pub(crate) const SOCKET_BYTES: usize = 64 * 1024;
/// What a queued frame costs beside its bytes: its header and its place in the queue. Without it a
/// flood of one-byte frames would hold many times the memory that the limit names.
pub(crate) const FRAME_COST_BYTES: usize = 36;
/// The header keeps 30 bits for the length.
pub(crate) const FRAME_BYTES_CEILING: usize = (1 << 30) - 1;
/// How long accepting pauses after the listener failed (usually: out of file descriptors).
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const _: () = assert!(COPY_BYTES_MAX < COALESCE_BYTES);

/// The bounds an operator may set. `Default` gives the values stated at each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest frame, both ways; 8 MiB. A longer one from a peer ends its session.
    pub frame_bytes_max: usize,
    /// What may wait for one peer on the log lane; 64 MiB: some hundred ms of a full link.
    pub log_queue_bytes_max: usize,
    /// What may wait for one peer on the bulk lane; 16 MiB: the reader of a snapshot paces itself.
    pub bulk_queue_bytes_max: usize,
    /// What one lane of a peer may bring in before the receiver has worked it off, each frame with 36
    /// bytes on top; 64 MiB, as much as a peer may have waiting. Then the lane is not read. A peer that
    /// is held up for as long as `silence_max` sees the session as dead.
    pub inbound_bytes_max: usize,
    /// How often each lane asks for an echo; 200 ms.
    pub keepalive: Duration,
    /// A lane that heard nothing, or could not write a byte that it wanted to, for this long is
    /// closed; 2 s, well below the 10 s after which a region may be declared lost.
    pub silence_max: Duration,
    /// For connecting, TLS and the hellos together; 4 s: three round trips of the longest path
    /// take one.
    pub handshake_max: Duration,
    /// The first pause before dialing again; 50 ms. It doubles.
    pub redial_min: Duration,
    /// The longest pause before dialing again; 1 s, so that a healed link is found quickly.
    pub redial_max: Duration,
    /// How long closing may spend on writing what is queued; 500 ms.
    pub close_max: Duration,
    /// Strangers that may be in the handshake at once; 64, and a quarter of that from one address.
    /// Further ones are dropped unheard.
    pub handshakes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: 8 << 20,
            log_queue_bytes_max: 64 << 20,
            bulk_queue_bytes_max: 16 << 20,
            inbound_bytes_max: 64 << 20,
            keepalive: Duration::from_millis(200),
            silence_max: Duration::from_secs(2),
            handshake_max: Duration::from_secs(4),
            redial_min: Duration::from_millis(50),
            redial_max: Duration::from_secs(1),
            close_max: Duration::from_millis(500),
            handshakes_max: 64,
        }
    }
}

/// Which relation between limits does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// Frames need a length of at least 1 and below 2^30.
    #[error("the longest frame must have 1 to {FRAME_BYTES_CEILING} bytes")]
    FrameBytes,
    /// A queue must hold at least one longest frame, or that frame could never be sent or taken in.
    #[error("a queue is smaller than the longest frame")]
    QueueBytes,
    /// One lost echo must not end a session.
    #[error("the keep-alive must be above zero and at most half of the allowed silence")]
    Keepalive,
    /// The pauses must be above zero and in order.
    #[error("the first pause before redialing must be above zero and at most the longest")]
    Redial,
    /// Nobody could connect.
    #[error("the handshake needs time and at least one place")]
    Handshake,
}

impl Limits {
    /// Checks the relations.
    pub(crate) fn check(&self) -> Result<(), LimitsError> {
        if !(1..=FRAME_BYTES_CEILING).contains(&self.frame_bytes_max) {
            return Err(LimitsError::FrameBytes);
        }
        let queue_bytes = self.log_queue_bytes_max.min(self.bulk_queue_bytes_max);
        let queue_bytes = queue_bytes.min(self.inbound_bytes_max);
        if queue_bytes < self.frame_bytes_max + FRAME_COST_BYTES {
            return Err(LimitsError::QueueBytes);
        }
        if self.keepalive.is_zero() || self.keepalive * 2 > self.silence_max {
            return Err(LimitsError::Keepalive);
        }
        if self.redial_min.is_zero() || self.redial_min > self.redial_max {
            return Err(LimitsError::Redial);
        }
        if self.handshake_max.is_zero() || self.handshakes_max == 0 {
            return Err(LimitsError::Handshake);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
