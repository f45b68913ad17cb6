//! A question that has one answer for ever: what the outcome of a payment's id must be.

use core::fmt::Debug;
use core::marker::PhantomData;

use crate::Specification;

/// A question that may be asked again and again. `T` is its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once<T>(PhantomData<T>);

impl<T> Once<T> {
    /// A question nobody has asked yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Clone + Ord + Debug> Specification for Once<T> {
    /// The answer, once somebody was told.
    type State = Option<T>;
    /// Whether whoever asks only looks: to a look, the answer may also be that there is none yet.
    type Input = bool;
    /// The answer; `None` only to a look.
    type Output = Option<T>;

    fn initial(&self) -> Option<T> {
        None
    }

    fn only_reads(&self, _: &bool) -> bool {
        // A look may be the first to say what an earlier question, never answered, came to.
        false
    }

    fn step(
        &self,
        state: &Option<T>,
        only_looks: &bool,
        output: Option<&Option<T>>,
    ) -> Option<Option<T>> {
        match (state, output) {
            // Whoever was not told may have been first; what the answer is then, the next one says.
            (state, None) => Some(state.clone()),
            // A look changes nothing: it may find none, but not one that nobody asked for.
            (None, Some(None)) => only_looks.then_some(None),
            (None, Some(Some(answer))) => Some(Some(answer.clone())),
            (Some(first), Some(answer)) => {
                (answer.as_ref() == Some(first)).then(|| Some(first.clone()))
            }
        }
    }
}
