//! Operations as clients saw them, and what can be said of them without any specification.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// One operation. `called` is a moment of the caller's clock; all of a history share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation<I, O> {
    /// What was asked.
    pub input: I,
    /// When.
    pub called: u64,
    /// What came back; `None` if nobody knows whether it was carried out, then or later. What is
    /// known not to have been carried out does not belong into a history.
    pub response: Option<Response<O>>,
}

/// What came back, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response<O> {
    /// The answer.
    pub output: O,
    /// When it was there, not before the call.
    pub at: u64,
}

impl<I, O> Operation<I, O> {
    /// One with an answer.
    pub const fn answered(input: I, called: u64, output: O, at: u64) -> Self {
        Self { input, called, response: Some(Response { output, at }) }
    }

    /// One that was never answered.
    pub const fn pending(input: I, called: u64) -> Self {
        Self { input, called, response: None }
    }
}

/// The operations of each key, in their order. A history of parts that do not touch each other is
/// linearizable exactly if each part's is (Herlihy and Wing, Linearizability, 1990, theorem 1).
pub fn partition<K: Ord, I, O>(
    operations: impl IntoIterator<Item = Operation<I, O>>,
    key: impl Fn(&I) -> K,
) -> BTreeMap<K, Vec<Operation<I, O>>> {
    let mut parts: BTreeMap<K, Vec<Operation<I, O>>> = BTreeMap::new();
    for operation in operations {
        parts.entry(key(&operation.input)).or_default().push(operation);
    }
    parts
}

/// An operation's place in an order that a system claims to have kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When it was asked for.
    pub called: u64,
    /// When it was answered.
    pub at: u64,
    /// Its place; what shares one may have come in any order.
    pub place: u64,
}

/// The first two operations, by index, of which the later one in time has the earlier place; `None` if
/// the claim goes with the clock. If it is `strict`, the same place is as wrong: then two that share
/// one must have been under way at the same time.
#[must_use]
pub fn overtaken(claims: &[Claim], strict: bool) -> Option<(usize, usize)> {
    let mut by_call: Vec<usize> = (0..claims.len()).collect();
    by_call.sort_by_key(|index| claims[*index].called);
    let mut by_response: Vec<usize> = (0..claims.len()).collect();
    by_response.sort_by_key(|index| claims[*index].at);
    // Of all that had ended before this call, the one with the latest place.
    let mut ended = by_response.into_iter().peekable();
    let mut latest: Option<usize> = None;
    for later in by_call {
        while let Some(before) = ended.next_if(|index| claims[*index].at < claims[later].called) {
            if latest.is_none_or(|latest| claims[latest].place < claims[before].place) {
                latest = Some(before);
            }
        }
        if let Some(earlier) = latest {
            let (first, second) = (claims[earlier].place, claims[later].place);
            if first > second || strict && first == second {
                return Some((earlier, later));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
