//! What a client has seen of a group, in a form that it can show to any node.
//!
//! A token names one record: its epoch, its seq and the first bytes of its chain hash. A node that has
//! applied that record shows no less than the client has seen; a node whose epochs say that the record is
//! in no chain says that instead. Nothing is signed: a token grants nothing, it only asks for more, and
//! whoever makes one up is told that it is none of this history. The text is what clients keep and send
//! back, so it is taken apart here as what it is, bytes of a stranger. It names the cluster, too: records of
//! two clusters have the same groups, epochs and seqs, and what another cluster has told must neither be
//! waited for nor be called lost.

use core::fmt;

use crate::{ClusterMark, Epoch, GroupId, Seq, Tail};

/// A record that a client has seen the effect of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    /// The group.
    pub group: GroupId,
    /// The epoch under which the record was appended first.
    pub epoch: Epoch,
    /// Its place in the chain; 0 is before the first.
    pub seq: Seq,
    /// The first bytes of its chain hash: enough to tell two histories apart by accident, not by intent.
    pub head: [u8; 8],
}

/// A token as clients keep it: with the cluster whose record it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterToken {
    /// The cluster.
    pub cluster: ClusterMark,
    /// The record.
    pub token: Token,
}

/// Why bytes are no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAToken {
    /// There are more than any token has.
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// They do not begin with a version that is known here.
    Version,
    /// A part is missing, or there is one too many.
    Parts,
    /// A part is no number in its one decimal form, or too large.
    Number {
        /// Which part.
        part: &'static str,
    },
    /// A part that is 16 hexadecimal digits in lower case is none.
    Digits {
        /// Which part.
        part: &'static str,
    },
}

impl Token {
    /// The token of a record of `group`.
    #[must_use]
    pub fn new(group: GroupId, at: Tail) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = at.hash.0;
        Self { group, epoch: at.epoch, seq: at.seq, head: [a, b, c, d, e, f, g, h] }
    }

    /// Whether `at` is the record that this names, as far as a token can tell.
    #[must_use]
    pub fn names(&self, at: Tail) -> bool {
        *self == Self::new(self.group, at)
    }
}

impl ClusterToken {
    /// The longest text of a token.
    pub const BYTES_MAX: usize = 2 + 1 + 16 + 1 + 5 + 1 + 20 + 1 + 20 + 1 + 16;

    /// Reads the text of a token: `t2`, the cluster in hexadecimal, group, epoch and seq in decimal, the head
    /// in hexadecimal, with dots between. Every token has one text. (`t1` named no cluster.)
    ///
    /// # Errors
    /// [`NotAToken`].
    pub fn parse(text: &[u8]) -> Result<Self, NotAToken> {
        if text.len() > Self::BYTES_MAX {
            return Err(NotAToken::TooLong { bytes: text.len() });
        }
        let mut parts = text.split(|byte| *byte == b'.');
        if parts.next() != Some(b"t2") {
            return Err(NotAToken::Version);
        }
        let mut next = || parts.next();
        let [Some(cluster), Some(group), Some(epoch), Some(seq), Some(head), None] =
            [next(), next(), next(), next(), next(), next()]
        else {
            return Err(NotAToken::Parts);
        };
        let cluster = ClusterMark(digits(cluster, "cluster")?);
        let group = u16::try_from(number(group, "group")?);
        let token = Token {
            group: GroupId(group.map_err(|_| NotAToken::Number { part: "group" })?),
            epoch: Epoch(number(epoch, "epoch")?),
            seq: Seq(number(seq, "seq")?),
            head: digits(head, "head")?,
        };
        Ok(Self { cluster, token })
    }
}

/// A number without sign, spaces or leading zeros.
fn number(text: &[u8], part: &'static str) -> Result<u64, NotAToken> {
    let wrong = NotAToken::Number { part };
    if text.is_empty() || text.first() == Some(&b'0') && text.len() > 1 {
        return Err(wrong);
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(wrong)?;
        sum.checked_mul(10).and_then(|sum| sum.checked_add(digit.into())).ok_or(wrong)
    })
}

fn digits(text: &[u8], part: &'static str) -> Result<[u8; 8], NotAToken> {
    let wrong = NotAToken::Digits { part };
    let (pairs, []) = text.as_chunks::<2>() else { return Err(wrong) };
    let pairs: &[[u8; 2]; 8] = pairs.try_into().map_err(|_| wrong)?;
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(wrong),
    };
    let mut bytes = [0; 8];
    for (slot, [high, low]) in bytes.iter_mut().zip(pairs) {
        *slot = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(bytes)
}

/// What stands in its text behind the cluster.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.", self.group.0, self.epoch.0, self.seq.0)?;
        self.head.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text that [`ClusterToken::parse`] reads.
impl fmt::Display for ClusterToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t2.{}.{}", self.cluster, self.token)
    }
}

impl fmt::Display for NotAToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(f, "{bytes} bytes are too many for a token"),
            Self::Version => f.write_str("a token begins with `t2.`"),
            Self::Parts => f.write_str("a token has six parts with dots between"),
            Self::Number { part } => write!(f, "the {part} of a token is a decimal number"),
            Self::Digits { part } => {
                write!(f, "the {part} of a token is 16 hexadecimal digits in lower case")
            }
        }
    }
}

impl core::error::Error for NotAToken {}

#[cfg(test)]
mod tests;
