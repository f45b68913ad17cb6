//! Histories of a store of texts by key, in the form of Jepsen's events.

use std::collections::BTreeMap;
use std::fs;

use lincheck::models::{Text, TextInput};
use lincheck::{Operation, Response, Verdict, check, partition};

use crate::shared;

type Op = Operation<(String, TextInput), String>;

/// Reads events, one per line: `{:process N, :type :T, :f :F, :key "K", :value V}`.
fn read(text: &str) -> Vec<Op> {
    let mut operations: Vec<Op> = Vec::new();
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    for (time, line) in (0..).zip(text.lines().filter(|line| !line.trim().is_empty())) {
        let field = |name: &str| {
            let (_, rest) = line.split_once(&format!(":{name} ")).expect("every field is there");
            rest.strip_prefix('"').map_or_else(
                || rest.split([',', '}']).next().unwrap_or_default().to_owned(),
                |quoted| quoted.split('"').next().unwrap_or_default().to_owned(),
            )
        };
        let process = field("process");
        if field("type") == ":invoke" {
            let input = match field("f").as_str() {
                ":get" => TextInput::Get,
                ":put" => TextInput::Put(field("value")),
                ":append" => TextInput::Append(field("value")),
                other => panic!("`{other}` is no function"),
            };
            open.insert(process, operations.len());
            operations.push(Operation::pending((field("key"), input), time));
        } else {
            let index = open.remove(&process).expect("what ends has begun");
            operations[index].response = Some(Response { output: field("value"), at: time });
        }
    }
    operations
}

/// Steps for one key: few for all of them first, more for those that are open then. Of a wrong history
/// it is enough that one key is shown to be wrong; to show it of the hardest would take too long.
const KEY_STEPS_MAX: [u64; 2] = [20_000, 2_000_000];

/// Whether every key is right, or one at least is wrong.
fn judge(text: &str) -> bool {
    let parts = partition(read(text), |(key, _)| key.clone());
    let mut open: Vec<Vec<Operation<TextInput, String>>> = Vec::new();
    for part in parts.into_values() {
        let part = part.into_iter().map(|operation| {
            let Operation { input: (_, input), called, response } = operation;
            Operation { input, called, response }
        });
        open.push(part.collect());
    }
    for steps_max in KEY_STEPS_MAX {
        let mut undecided = Vec::new();
        for part in open {
            match check(&Text, &part, steps_max) {
                Verdict::Linearizable(_) => {}
                Verdict::NotLinearizable { .. } => return false,
                Verdict::Undecided { .. } => undecided.push(part),
            }
        }
        open = undecided;
    }
    assert!(open.is_empty(), "{} keys are undecided", open.len());
    true
}

#[test]
fn every_published_history_is_judged_as_its_name_says() {
    // The same for many keys and up to fifty clients, where a search without memory does not end.
    let Some(folder) = shared("histories/porcupine-kv") else { return };
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a history");
        assert!(name.ends_with("-ok.txt") || name.ends_with("-bad.txt"), "{name}");
        assert_eq!(judge(&text), name.ends_with("-ok.txt"), "{name}");
        count += 1;
    }
    assert!(count >= 6, "only {count} histories");
}

#[test]
fn small_histories_in_the_same_form() {
    // The reader of events, also where the published ones are not at hand.
    let right = "\
{:process 0, :type :invoke, :f :append, :key \"1\", :value \"x 0 0 y\"}
{:process 1, :type :invoke, :f :append, :key \"1\", :value \"x 1 0 y\"}
{:process 0, :type :ok, :f :append, :key \"1\", :value \"x 0 0 y\"}
{:process 1, :type :ok, :f :append, :key \"1\", :value \"x 1 0 y\"}
{:process 0, :type :invoke, :f :get, :key \"1\", :value nil}
{:process 0, :type :ok, :f :get, :key \"1\", :value \"x 1 0 yx 0 0 y\"}
{:process 1, :type :invoke, :f :get, :key \"2\", :value nil}
{:process 1, :type :ok, :f :get, :key \"2\", :value \"\"}
";
    assert!(judge(right));
    assert!(!judge(&right.replace("x 1 0 yx 0 0 y", "x 0 0 y")));
}
