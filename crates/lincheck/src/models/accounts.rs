//! A few accounts between which money moves if there is enough of it.

use alloc::vec::Vec;

use crate::Specification;

/// Accounts by place, with what each was given at first. Money neither enters nor leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Credited to each before the first operation.
    pub funding: Vec<u64>,
}

/// All that was ever moved out of and into an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sums {
    /// Out.
    pub debits: u64,
    /// In, the funding among it.
    pub credits: u64,
}

/// What accounts are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// To move money between two of them.
    Transfer {
        /// Place of the one that pays.
        debtor: usize,
        /// Place of the one that is paid.
        creditor: usize,
        /// How much, more than nothing.
        amount: u64,
    },
    /// What stands on one of them.
    Read {
        /// Its place.
        account: usize,
    },
}

/// What accounts answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The money was moved.
    Settled,
    /// There was not enough of it; nothing was moved.
    Short,
    /// What stands on the account.
    Stands(Sums),
}

impl Specification for Accounts {
    type State = Vec<Sums>;
    type Input = Entry;
    type Output = Told;

    fn initial(&self) -> Vec<Sums> {
        self.funding.iter().map(|funding| Sums { debits: 0, credits: *funding }).collect()
    }

    fn only_reads(&self, input: &Entry) -> bool {
        matches!(input, Entry::Read { .. })
    }

    fn step(&self, state: &Vec<Sums>, input: &Entry, output: Option<&Told>) -> Option<Vec<Sums>> {
        let mut next = state.clone();
        let right = match *input {
            Entry::Read { account } => Told::Stands(*state.get(account)?),
            Entry::Transfer { debtor, creditor, amount } => {
                let left = state.get(debtor)?.left();
                if left.is_some_and(|left| left >= amount) {
                    let payer = next.get_mut(debtor)?;
                    payer.debits = payer.debits.checked_add(amount)?;
                    let payee = next.get_mut(creditor)?;
                    payee.credits = payee.credits.checked_add(amount)?;
                    Told::Settled
                } else {
                    Told::Short
                }
            }
        };
        output.is_none_or(|output| *output == right).then_some(next)
    }
}

impl Sums {
    const fn left(self) -> Option<u64> {
        self.credits.checked_sub(self.debits)
    }
}
