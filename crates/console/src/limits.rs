//! How much a client may ask of a node, and why that much.

use core::time::Duration;

/// Bytes of a request body in JSON: an order that names each of 4,096 groups has 20 KiB.
pub const JSON_BYTES_MAX: usize = 64 << 10;

/// Connections served at once; those beyond wait to be accepted. Each costs some 20 KiB.
pub const CONNECTIONS_MAX: usize = 4_096;

/// Header lines of one request.
pub const HEADERS_MAX: usize = 64;

/// Bytes that are read from a connection ahead of being used. A request's head has to fit: one of
/// twice the size is refused for certain.
pub const READ_AHEAD_BYTES_MAX: usize = 16 << 10;

/// How long a client may take over the head of a request, and be silent between two.
pub const HEAD_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long a client may take over the body of a request.
pub const BODY_WAIT_MAX: Duration = Duration::from_secs(30);

/// Bytes of a body that is read at once if its size is announced: a payment of some hundred
/// transactions. All connections together hold 256 MiB of these at most.
pub const SMALL_BODY_BYTES_MAX: usize = 64 << 10;

/// Larger bodies, and those of no announced size, that are read at once; others wait. Of 1 MiB each,
/// they hold 128 MiB: clients that send slowly must not be able to take a node's memory.
pub const LARGE_BODIES_MAX: usize = 128;

/// How long a large body waits to be read.
pub const PLACE_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a client may leave an answer unread while more of it waits to be sent.
pub const WRITE_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long requests under way are waited for when the server ends.
pub const DRAIN_WAIT_MAX: Duration = Duration::from_secs(10);

/// Bytes of the text that names who gives an order.
pub const ACTOR_BYTES_MAX: usize = 64;

/// Bytes of an administrator's token; fewer than 16 are refused as guessable.
pub const TOKEN_BYTES_MAX: usize = 1 << 10;

/// Fewest bytes of an administrator's token.
pub const TOKEN_BYTES_MIN: usize = 16;

/// Groups that one look at the node takes in; each takes some 5 µs of the core thread.
pub const GROUPS_PER_LOOK: u16 = 64;

const _: () = assert!(READ_AHEAD_BYTES_MAX >= 8 << 10, "hyper takes no less");
const _: () = assert!(JSON_BYTES_MAX <= SMALL_BODY_BYTES_MAX, "orders never wait for documents");
const _: () = assert!(TOKEN_BYTES_MIN < TOKEN_BYTES_MAX);

/// Records of a run that was set aside in one answer. Each is read from the disk.
pub const ORPHANS_PER_PAGE: usize = 100;

/// Tokens that one request may bring, and that one answer gives: more than a client with a few ledgers
/// has, and few enough for the head of a request.
pub const TOKENS_MAX: usize = 64;

/// How long a read waits for what it asks for when it does not say: a reader that is told why sooner can
/// ask elsewhere.
pub const READ_PATIENCE_US: u64 = 2_000_000;

const _: () = assert!(TOKENS_MAX * (types::ClusterToken::BYTES_MAX + 2) < READ_AHEAD_BYTES_MAX);

/// Microseconds that a second person may take to confirm what a first was shown: a quarter of an hour.
pub const CODE_LIFE_US: u64 = 15 * 60 * 1_000_000;

/// Wrong codes that end the one which is open.
pub const CODE_TRIES_MAX: u8 = 5;
