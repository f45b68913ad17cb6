//! One value that is read, written, and exchanged if it is as expected.

use crate::Specification;

/// A register that holds nothing at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Register;

/// What a register is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterInput {
    /// Its value.
    Read,
    /// To hold this.
    Write(i64),
    /// To hold `new` if it holds `expected`.
    Exchange {
        /// What it should hold.
        expected: i64,
        /// What it is to hold then.
        new: i64,
    },
}

/// What a register answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterOutput {
    /// What it holds.
    Value(Option<i64>),
    /// It was written.
    Written,
    /// Whether it was exchanged.
    Exchanged(bool),
}

impl Specification for Register {
    type State = Option<i64>;
    type Input = RegisterInput;
    type Output = RegisterOutput;

    fn initial(&self) -> Self::State {
        None
    }

    fn only_reads(&self, input: &RegisterInput) -> bool {
        matches!(input, RegisterInput::Read)
    }

    fn step(
        &self,
        state: &Self::State,
        input: &RegisterInput,
        output: Option<&RegisterOutput>,
    ) -> Option<Self::State> {
        let (next, right) = match *input {
            RegisterInput::Read => (*state, RegisterOutput::Value(*state)),
            RegisterInput::Write(value) => (Some(value), RegisterOutput::Written),
            RegisterInput::Exchange { expected, new } if *state == Some(expected) => {
                (Some(new), RegisterOutput::Exchanged(true))
            }
            RegisterInput::Exchange { .. } => (*state, RegisterOutput::Exchanged(false)),
        };
        output.is_none_or(|output| *output == right).then_some(next)
    }
}
