//! What a client has seen of a group, in a form that it can show to any node.
//!
//! A token names one record: its epoch, its seq and the first bytes of its chain hash. A node that has
//! applied that record shows no less than the client has seen; a node whose epochs say that the record is
//! in no chain says that instead. Nothing is signed: a token grants nothing, it only asks for more, and
//! whoever makes one up is told that it is none of this history. The text is what clients keep and send
//! back, so it is taken apart here as what it is, bytes of a stranger.

use core::fmt;

use crate::{Epoch, GroupId, Seq, Tail};

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
    /// The last part is not 16 hexadecimal digits in lower case.
    Head,
}

impl Token {
    /// The longest text of a token.
    pub const BYTES_MAX: usize = 2 + 1 + 5 + 1 + 20 + 1 + 20 + 1 + 16;

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

    /// Reads the text of a token: `t1`, group, epoch and seq in decimal, the head in hexadecimal, with
    /// dots between. Every token has one text.
    ///
    /// # Errors
    /// [`NotAToken`].
    pub fn parse(text: &[u8]) -> Result<Self, NotAToken> {
        if text.len() > Self::BYTES_MAX {
            return Err(NotAToken::TooLong { bytes: text.len() });
        }
        let mut parts = text.split(|byte| *byte == b'.');
        if parts.next() != Some(b"t1") {
            return Err(NotAToken::Version);
        }
        let [Some(group), Some(epoch), Some(seq), Some(head), None] =
            [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()]
        else {
            return Err(NotAToken::Parts);
        };
        let group = u16::try_from(number(group, "group")?);
        Ok(Self {
            group: GroupId(group.map_err(|_| NotAToken::Number { part: "group" })?),
            epoch: Epoch(number(epoch, "epoch")?),
            seq: Seq(number(seq, "seq")?),
            head: digits(head).ok_or(NotAToken::Head)?,
        })
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

fn digits(text: &[u8]) -> Option<[u8; 8]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let pairs: &[[u8; 2]; 8] = pairs.try_into().ok()?;
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut head = [0; 8];
    for (slot, [high, low]) in head.iter_mut().zip(pairs) {
        *slot = digit(*high)? << 4 | digit(*low)?;
    }
    Some(head)
}

/// The text that [`Token::parse`] reads.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t1.{}.{}.{}.", self.group.0, self.epoch.0, self.seq.0)?;
        self.head.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for NotAToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => write!(f, "{bytes} bytes are too many for a token"),
            Self::Version => f.write_str("a token begins with `t1.`"),
            Self::Parts => f.write_str("a token has five parts with dots between"),
            Self::Number { part } => write!(f, "the {part} of a token is a decimal number"),
            Self::Head => f.write_str("a token ends with 16 hexadecimal digits in lower case"),
        }
    }
}

impl core::error::Error for NotAToken {}

#[cfg(test)]
mod tests;
