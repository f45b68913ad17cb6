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

/// The first pair of operations, by place, of which the later one in time has the earlier place in an
/// order that a system claims to have kept; `None` if the claim goes with the clock.
///
/// `spans` are call, response and claimed place. Two with the same place may have come in any order,
/// but not one after the other: `strict` says whether such a pair counts too.
pub fn overtaken(spans: &[(u64, u64, u64)], strict: bool) -> Option<(usize, usize)> {
    let mut by_call: Vec<usize> = (0..spans.len()).collect();
    by_call.sort_by_key(|index| spans[*index].0);
    let mut by_response: Vec<usize> = (0..spans.len()).collect();
    by_response.sort_by_key(|index| spans[*index].1);
    // Of all that had ended before this call, the one with the latest place.
    let mut ended = by_response.into_iter().peekable();
    let mut latest: Option<usize> = None;
    for later in by_call {
        while let Some(before) = ended.next_if(|index| spans[*index].1 < spans[later].0) {
            if latest.is_none_or(|latest| spans[latest].2 < spans[before].2) {
                latest = Some(before);
            }
        }
        if let Some(earlier) = latest {
            let (first, second) = (spans[earlier].2, spans[later].2);
            if first > second || strict && first == second {
                return Some((earlier, later));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
