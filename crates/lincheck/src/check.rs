//! The search for an order: try what may come next, remember what was tried, go back where it fails.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::bits::Bits;
use crate::{Operation, Specification};

/// What the search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is an order, and this is one: places in the history. Operations without a response that
    /// were not needed are left out.
    Linearizable(Vec<usize>),
    /// There is none.
    NotLinearizable {
        /// The longest order that was found to be right as far as it goes.
        longest: Vec<usize>,
        /// The operation whose response no order of that length explains.
        stuck: usize,
    },
    /// The budget is spent; nothing is known.
    Undecided {
        /// How many steps were taken.
        steps: u64,
    },
}

impl Verdict {
    /// Whether an order was found.
    #[must_use]
    pub const fn is_linearizable(&self) -> bool {
        matches!(self, Self::Linearizable(_))
    }
}

/// Searches for an order in which all responses are right, taking `steps_max` steps at most; a step
/// tries one operation in one place. The memory that is taken grows with the steps.
///
/// An operation precedes another if its response is before the other's call; at the same moment they
/// are concurrent.
pub fn check<S: Specification>(
    specification: &S,
    history: &[Operation<S::Input, S::Output>],
    steps_max: u64,
) -> Verdict {
    let mut events = Events::new(history);
    let mut placed = Bits::new(history.len());
    let mut state = specification.initial();
    let mut order: Vec<Placed<S::State>> = Vec::new();
    let mut seen: BTreeSet<(Bits, S::State)> = BTreeSet::new();
    let (mut longest, mut stuck) = (Vec::new(), None);
    let mut steps = 0_u64;
    let mut at = events.first();
    loop {
        match at {
            // No response is left: whatever is pending need not have happened.
            Event::End => {
                return Verdict::Linearizable(order.into_iter().map(|one| one.index).collect());
            }
            Event::Call(index) => {
                if steps == steps_max {
                    return Verdict::Undecided { steps };
                }
                steps += 1;
                let Operation { input, response, .. } = &history[index];
                let output = response.as_ref().map(|response| &response.output);
                let next = specification.step(&state, input, output).filter(|next| {
                    placed.insert(index);
                    let is_new = seen.insert((placed.clone(), next.clone()));
                    if !is_new {
                        placed.remove(index);
                    }
                    is_new
                });
                match next {
                    Some(next) => {
                        // A read that is right here may as well come here: whatever order holds
                        // with it further on holds with it here too.
                        let is_settled = response.is_some() && specification.only_reads(input);
                        let before = core::mem::replace(&mut state, next);
                        order.push(Placed { index, before, is_settled });
                        events.lift(index);
                        at = events.first();
                    }
                    None => at = events.after_call(index),
                }
            }
            // Its operation should have been placed by now: one of those placed came too early.
            Event::Response(index) => {
                if stuck.is_none() || order.len() > longest.len() {
                    longest = order.iter().map(|one| one.index).collect();
                    stuck = Some(index);
                }
                at = loop {
                    let Some(Placed { index: last, before, is_settled }) = order.pop() else {
                        let stuck = stuck.unwrap_or(index);
                        return Verdict::NotLinearizable { longest, stuck };
                    };
                    state = before;
                    placed.remove(last);
                    events.put_back(last);
                    if !is_settled {
                        break events.after_call(last);
                    }
                };
            }
        }
    }
}

/// An operation that has its place in the order.
#[derive(Debug)]
struct Placed<S> {
    index: usize,
    /// What was remembered before it.
    before: S,
    /// Whether any other place is of no use.
    is_settled: bool,
}

/// What stands at a place of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Call(usize),
    Response(usize),
    End,
}

/// Calls and responses in the order of time, as a list from which operations are lifted and put back
/// where they were, the last lifted first (Knuth's dancing links).
#[derive(Debug)]
struct Events {
    kinds: Vec<Event>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Where each operation's call stands.
    calls: Vec<usize>,
    /// Where its response stands, if it has one.
    responses: Vec<Option<usize>>,
}

/// The list begins and ends here.
const HEAD: usize = 0;

impl Events {
    fn new<I, O>(history: &[Operation<I, O>]) -> Self {
        let mut moments = Vec::new();
        for (index, operation) in history.iter().enumerate() {
            moments.push((operation.called, false, index));
            if let Some(response) = &operation.response {
                assert!(response.at >= operation.called, "no response comes before its call");
                moments.push((response.at, true, index));
            }
        }
        // At one moment calls come first, so that what meets there is concurrent.
        moments.sort_unstable();
        let count = moments.len() + 1;
        let mut events = Self {
            kinds: Vec::from([Event::End]),
            next: (1..count).chain([HEAD]).collect(),
            previous: (0..count).map(|at| (at + count - 1) % count).collect(),
            calls: alloc::vec![HEAD; history.len()],
            responses: alloc::vec![None; history.len()],
        };
        for (at, (_, is_response, index)) in (1..).zip(moments) {
            if is_response {
                events.kinds.push(Event::Response(index));
                events.responses[index] = Some(at);
            } else {
                events.kinds.push(Event::Call(index));
                events.calls[index] = at;
            }
        }
        events
    }

    fn first(&self) -> Event {
        self.kinds[self.next[HEAD]]
    }

    fn after_call(&self, operation: usize) -> Event {
        self.kinds[self.next[self.calls[operation]]]
    }

    fn lift(&mut self, operation: usize) {
        for at in [Some(self.calls[operation]), self.responses[operation]].into_iter().flatten() {
            let (before, after) = (self.previous[at], self.next[at]);
            self.next[before] = after;
            self.previous[after] = before;
        }
    }

    fn put_back(&mut self, operation: usize) {
        for at in [self.responses[operation], Some(self.calls[operation])].into_iter().flatten() {
            let (before, after) = (self.previous[at], self.next[at]);
            self.next[before] = at;
            self.previous[after] = at;
        }
    }
}

#[cfg(test)]
mod tests;
