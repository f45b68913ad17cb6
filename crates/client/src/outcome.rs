//! What a submission came to.

use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use crate::Problem;

/// What became of a message, as far as this client knows.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was answered in kind. This is its one outcome, or a rejection that came before any.
    Final(Final),
    /// It was answered in kind from the disk of its home alone, as the class of its journal allows and
    /// this client's options do: the home's loss may take it back. Asked again with
    /// [`Until::Commit`](types::Until::Commit), it becomes final.
    Provisional(Final),
    /// It was certainly not carried out by any of the tries.
    Refused(Refused),
    /// It may or may not have been carried out. Ask again with the same bytes.
    Unknown(Unknown),
}

/// An answer in kind: a pacs.002.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    /// The HTTP status: 200 if the ledger decided, 202 if that is not committed, 422 if the message never
    /// came so far.
    pub status: u16,
    /// The pacs.002.
    pub body: Bytes,
    /// Whether the message had its outcome before the try that got the answer.
    pub repeated: bool,
    /// How many tries it took.
    pub attempts: u32,
    /// Whether a try before it may have been carried out, so that the outcome was unknown meanwhile. Of one
    /// that was known to be in settlement it was not.
    pub was_unknown: bool,
    /// Index of the endpoint that answered.
    pub endpoint: usize,
}

/// Certainly nothing was done.
#[derive(Clone, Debug)]
pub struct Refused {
    /// How many tries were made.
    pub attempts: u32,
    /// Why the last one failed.
    pub why: Trouble,
}

/// Nobody said, and a try may have been carried out.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// How many tries were made.
    pub attempts: u32,
    /// Why the last one failed.
    pub last: Trouble,
    /// The id by which [`Client::known`](crate::Client::known) asks for it without the bytes, if a node
    /// named it.
    pub id: Option<String>,
}

/// Why a try failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Trouble {
    /// The node said why.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// It could not be reached.
    #[error("cannot connect: {0}")]
    Connect(std::sync::Arc<std::io::Error>),
    /// The connection was lost.
    #[error("the connection was lost: {0}")]
    Lost(std::sync::Arc<hyper::Error>),
    /// It did not answer in time.
    #[error("no answer within {} ms", .0.as_millis())]
    Silent(Duration),
    /// It is in settlement: debited, and not answered by the ledger of a creditor's account. It will be
    /// settled or given back; asking again tells.
    #[error("it is in settlement between two ledgers")]
    InSettlement,
    /// Its answer was larger than is taken.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl Outcome {
    /// The final answer in kind, if there is one.
    #[must_use]
    pub const fn answer(&self) -> Option<&Final> {
        match self {
            Self::Final(answer) => Some(answer),
            Self::Provisional(_) | Self::Refused(_) | Self::Unknown(_) => None,
        }
    }

    /// How many tries were made.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        match self {
            Self::Final(answer) | Self::Provisional(answer) => answer.attempts,
            Self::Refused(refused) => refused.attempts,
            Self::Unknown(unknown) => unknown.attempts,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Final(answer) => write!(f, "answered with {}", answer.status),
            Self::Provisional(answer) => {
                write!(f, "answered with {} before the commit", answer.status)
            }
            Self::Refused(refused) => write!(f, "refused: {}", refused.why),
            Self::Unknown(unknown) => write!(f, "unknown: {}", unknown.last),
        }
    }
}
