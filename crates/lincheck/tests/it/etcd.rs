//! Histories of a register that is read, written and exchanged, in the form of Jepsen's log.

use std::collections::BTreeMap;
use std::fs;

use lincheck::models::{Register, RegisterInput as Input, RegisterOutput as Output};
use lincheck::{Operation, Response, Verdict, check};

use crate::{STEPS_MAX, shared};

type Op = Operation<Input, Output>;

/// Reads a log: `INFO jepsen.util - PROCESS :TYPE :FUNCTION VALUE`, fields after tabs.
fn read(text: &str) -> Vec<Op> {
    let mut operations: Vec<Option<Op>> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (time, line) in (0..).zip(text.lines().filter(|line| line.contains(":"))) {
        let fields: Vec<&str> = line.split_whitespace().skip(3).collect();
        let [process, kind, function, value @ ..] = fields.as_slice() else {
            panic!("a line that cannot be read: {line}");
        };
        let numbers: Vec<i64> = value
            .iter()
            .filter_map(|word| word.trim_matches(|c| c == '[' || c == ']').parse().ok())
            .collect();
        if *kind == ":invoke" {
            let input = match (*function, numbers.as_slice()) {
                (":read", []) => Input::Read,
                (":write", [value]) => Input::Write(*value),
                (":cas", [expected, new]) => Input::Exchange { expected: *expected, new: *new },
                _ => panic!("a call that cannot be read: {line}"),
            };
            let before = open.insert(process, operations.len());
            assert_eq!(before, None, "a process does one thing at a time: {line}");
            operations.push(Some(Operation::pending(input, time)));
            continue;
        }
        let index = open.remove(process).expect("what ends has begun");
        let operation = operations[index].as_mut().expect("it has not ended yet");
        let output = match (*kind, *function) {
            (":ok", ":read") => Output::Value(numbers.first().copied()),
            (":ok", ":write") => Output::Written,
            (":ok", ":cas") => Output::Exchanged(true),
            (":fail", ":cas") => Output::Exchanged(false),
            // Nobody knows whether it happened.
            (":info", _) => continue,
            (":fail", _) => {
                operations[index] = None;
                continue;
            }
            _ => panic!("an end that cannot be read: {line}"),
        };
        operation.response = Some(Response { output, at: time });
    }
    operations.into_iter().flatten().collect()
}

#[test]
fn every_published_history_is_judged_as_published() {
    // A checker that nobody has seen right about a real system's history.
    let Some(folder) = shared("histories/porcupine-jepsen-etcd") else { return };
    let verdicts = fs::read_to_string(folder.join("verdicts.csv")).expect("the verdicts");
    let mut count = 0;
    for line in verdicts.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let (name, expect) = line.split_once(',').expect("a name and a verdict");
        let text = fs::read_to_string(folder.join(name)).expect("a history");
        let verdict = check(&Register, &read(&text), STEPS_MAX);
        assert!(!matches!(verdict, Verdict::Undecided { .. }), "{name}: {verdict:?}");
        assert_eq!(verdict.is_linearizable(), expect.trim() == "true", "{name}: {verdict:?}");
        count += 1;
    }
    assert!(count >= 30, "only {count} histories");
}

#[test]
fn small_histories_in_the_same_form() {
    // The reader of logs, also where the published ones are not at hand.
    let right = "\
INFO  jepsen.util - 0\t:invoke\t:write\t3
INFO  jepsen.util - 1\t:invoke\t:cas\t[3 4]
INFO  jepsen.util - 0\t:ok\t:write\t3
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
INFO  jepsen.util - 2\t:invoke\t:read\tnil
INFO  jepsen.util - 2\t:ok\t:read\t4
INFO  jepsen.util - 2\t:invoke\t:cas\t[3 5]
INFO  jepsen.util - 2\t:fail\t:cas\t[3 5]
";
    assert!(check(&Register, &read(right), STEPS_MAX).is_linearizable());
    let wrong = right.replace(":fail", ":ok");
    assert!(!check(&Register, &read(&wrong), STEPS_MAX).is_linearizable());
}
