//! What one client alone could be answered: the sequential specification that a history is held against.

use core::fmt::Debug;

/// A thing that is asked and answers, one operation at a time.
pub trait Specification {
    /// What it remembers. Compared often: keep it small.
    type State: Clone + Ord + Debug;
    /// What it can be asked.
    type Input: Debug;
    /// What it can answer.
    type Output: Debug;

    /// What it remembers before the first operation.
    fn initial(&self) -> Self::State;

    /// Whether `input` leaves every state as it is. Not needed for a verdict, but for reaching it: a read
    /// that is right where the search stands need not be tried anywhere else.
    fn only_reads(&self, input: &Self::Input) -> bool;

    /// What it remembers after `input`, if `output` is an answer that it may give in `state`; `None`
    /// if it is not. Without an output nobody was told, and what happened must follow from the state
    /// alone.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State>;
}
