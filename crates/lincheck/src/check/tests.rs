//! Without these, a checker could call wrong histories right, or right ones wrong, and every suite
//! that rests on it would prove nothing.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Verdict, check};
use crate::models::{Accounts, Entry, Register, RegisterInput, RegisterOutput, Told};
use crate::{Operation, Specification};

type Op = Operation<RegisterInput, RegisterOutput>;

const STEPS_MAX: u64 = 1_000_000;

fn write(value: i64, called: u64, at: u64) -> Op {
    Operation::answered(RegisterInput::Write(value), called, RegisterOutput::Written, at)
}

fn read(value: Option<i64>, called: u64, at: u64) -> Op {
    Operation::answered(RegisterInput::Read, called, RegisterOutput::Value(value), at)
}

fn exchange(expected: i64, new: i64, done: bool, called: u64, at: u64) -> Op {
    let input = RegisterInput::Exchange { expected, new };
    Operation::answered(input, called, RegisterOutput::Exchanged(done), at)
}

fn holds(history: &[Op], expect: bool) {
    let verdict = check(&Register, history, STEPS_MAX);
    assert_eq!(verdict.is_linearizable(), expect, "{history:?}: {verdict:?}");
}

#[test]
fn histories_that_a_person_can_judge() {
    // A stale read, a lost write or a write from nowhere that is not called one.
    holds(&[], true);
    holds(&[write(1, 0, 1), read(Some(1), 2, 3)], true);
    holds(&[write(1, 0, 1), read(None, 2, 3)], false);
    holds(&[read(Some(1), 0, 1), write(1, 2, 3)], false);
    // Overlapping: either order will do, but all must agree on one.
    holds(&[write(1, 0, 9), read(None, 1, 2), read(Some(1), 3, 4)], true);
    holds(&[write(1, 0, 9), read(Some(1), 1, 2), read(None, 3, 4)], false);
    holds(&[write(1, 0, 9), write(2, 0, 9), read(Some(2), 10, 11), read(Some(1), 12, 13)], false);
    // Of two exchanges of one value, one wins.
    let both = [write(1, 0, 1), exchange(1, 2, true, 2, 9), exchange(1, 3, true, 2, 9)];
    holds(&both, false);
    holds(&[write(1, 0, 1), exchange(1, 2, true, 2, 9), exchange(1, 3, false, 2, 9)], true);
    // What meets at one moment is concurrent.
    holds(&[write(1, 0, 5), read(None, 5, 6)], true);
}

#[test]
fn what_was_never_answered_may_have_happened_late_or_never() {
    // A client that timed out, and whose write shows up minutes later, or does not.
    let lost = Operation::pending(RegisterInput::Write(7), 0);
    holds(&[lost.clone(), read(None, 1, 2)], true);
    holds(&[lost.clone(), read(None, 1, 2), read(Some(7), 90, 91)], true);
    holds(&[lost.clone(), read(Some(7), 1, 2), read(None, 3, 4)], false);
    // Not before it was asked for, and once only.
    let late = Operation::pending(RegisterInput::Write(7), 5);
    holds(&[read(Some(7), 1, 2), late], false);
    let again = [lost, write(1, 1, 2), read(Some(7), 3, 4), write(2, 5, 6), read(Some(7), 7, 8)];
    holds(&again, false);
}

#[test]
fn a_verdict_names_the_operation_that_nothing_explains() {
    // A report that says "wrong" and not where.
    let history = [write(1, 0, 1), write(2, 2, 3), read(Some(1), 4, 5), read(Some(2), 6, 7)];
    let verdict = check(&Register, &history, STEPS_MAX);
    let longest = Vec::from([0, 1]);
    assert_eq!(verdict, Verdict::NotLinearizable { longest, stuck: 2 });
}

#[test]
fn a_spent_budget_is_no_verdict() {
    // A search that gives up and calls that a success.
    let history: Vec<Op> = (0..12).map(|value| write(value, 0, 99)).collect();
    let wrong: Vec<Op> = history.into_iter().chain([read(Some(50), 100, 101)]).collect();
    assert_eq!(check(&Register, &wrong, 100), Verdict::Undecided { steps: 100 });
    assert!(matches!(check(&Register, &wrong, STEPS_MAX), Verdict::NotLinearizable { .. }));
}

/// Every order of every choice of operations, tried one by one.
fn brute_force<S: Specification>(
    specification: &S,
    history: &[Operation<S::Input, S::Output>],
) -> bool {
    fn extend<S: Specification>(
        specification: &S,
        history: &[Operation<S::Input, S::Output>],
        taken: &mut Vec<usize>,
        state: &S::State,
    ) -> bool {
        let left: Vec<usize> = (0..history.len()).filter(|index| !taken.contains(index)).collect();
        if left.iter().all(|index| history[*index].response.is_none()) {
            return true;
        }
        left.iter().any(|index| {
            let one = &history[*index];
            let is_overtaken = left.iter().any(|other| {
                history[*other].response.as_ref().is_some_and(|response| response.at < one.called)
            });
            let output = one.response.as_ref().map(|response| &response.output);
            let next = specification.step(state, &one.input, output);
            let Some(next) = next.filter(|_| !is_overtaken) else { return false };
            taken.push(*index);
            let holds = extend(specification, history, taken, &next);
            taken.pop();
            holds
        })
    }
    extend(specification, history, &mut Vec::new(), &specification.initial())
}

/// An order that a verdict names has to be one.
fn is_order<S: Specification>(
    specification: &S,
    history: &[Operation<S::Input, S::Output>],
    order: &[usize],
) -> bool {
    let mut state = specification.initial();
    for (place, index) in order.iter().enumerate() {
        let one = &history[*index];
        let is_early = order[place + 1..].iter().any(|later| {
            history[*later].response.as_ref().is_some_and(|response| response.at < one.called)
        });
        let output = one.response.as_ref().map(|response| &response.output);
        match specification.step(&state, &one.input, output) {
            Some(next) if !is_early && !order[..place].contains(index) => state = next,
            _ => return false,
        }
    }
    (0..history.len()).all(|index| history[index].response.is_none() || order.contains(&index))
}

fn agree<S: Specification>(specification: &S, history: &[Operation<S::Input, S::Output>]) {
    let expect = brute_force(specification, history);
    match check(specification, history, STEPS_MAX) {
        Verdict::Linearizable(order) => {
            assert!(expect, "called right: {history:?}");
            assert!(is_order(specification, history, &order), "{order:?} of {history:?}");
        }
        Verdict::NotLinearizable { longest, stuck } => {
            assert!(!expect, "called wrong: {history:?}");
            assert!(!longest.contains(&stuck));
        }
        Verdict::Undecided { steps } => panic!("{steps} steps for {history:?}"),
    }
}

fn register_op() -> impl Strategy<Value = Op> {
    let kind = (0..3_i64, 0..3_i64, 0..9_u8);
    (kind, 0..12_u64, 0..8_u64).prop_map(|((a, b, kind), called, lasts)| {
        let at = called + lasts;
        match kind {
            0 | 1 => write(a, called, at),
            2 => read(None, called, at),
            3..=5 => read(Some(a), called, at),
            6 => exchange(a, b, true, called, at),
            7 => exchange(a, b, false, called, at),
            _ => Operation::pending(RegisterInput::Exchange { expected: a, new: b }, called),
        }
    })
}

fn account_op() -> impl Strategy<Value = Operation<Entry, Told>> {
    let kind = (0..3_usize, 1..3_usize, 1..4_u64, 0..5_u8);
    (kind, 0..12_u64, 0..8_u64).prop_map(|((debtor, step, amount, kind), called, lasts)| {
        let input = Entry::Transfer { debtor, creditor: (debtor + step) % 3, amount };
        match kind {
            0..=2 => Operation::answered(input, called, Told::Settled, called + lasts),
            3 => Operation::answered(input, called, Told::Short, called + lasts),
            _ => Operation::pending(input, called),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn registers_are_judged_as_by_trying_everything(history in vec(register_op(), 0..7)) {
        // A memory that forgets too little, or an operation put back in the wrong place.
        agree(&Register, &history);
    }

    #[test]
    fn accounts_are_judged_as_by_trying_everything(history in vec(account_op(), 0..7)) {
        // The same, where many orders lead to one state and the memory matters.
        agree(&Accounts { funding: Vec::from([3, 0, 1]) }, &history);
    }
}
