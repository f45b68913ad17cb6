//! A false alarm is looked into once; after some of them, nobody looks into a true one.

use super::*;

fn cut(url: &str, kept: &[(u64, &str)]) -> (String, Value) {
    let groups =
        kept.iter().map(|(id, head)| json!({ "group": id, "applied_seq": 7, "head": head }));
    let groups: Vec<Value> = groups.collect();
    let digest = kept.iter().fold(String::new(), |all, (id, head)| format!("{all}{id}{head}"));
    (url.to_owned(), json!({ "groups": groups, "books": [], "digest": digest }))
}

#[test]
fn nodes_that_keep_other_groups_are_compared_in_those_that_they_share() {
    // A journal of class local is in one region; its node would be said to differ from all others.
    let cuts = [cut("a", &[(0, "x"), (1, "y")]), cut("b", &[(0, "x"), (2, "z")])];
    let compared = compare(&cuts);
    assert!(compared.is_same());
    assert_eq!((compared.nodes, &compared.groups[..]), (2, &[0][..]));
    assert_eq!(compared.left_out, []);
    let cuts = [cut("a", &[(0, "x"), (1, "y")]), cut("b", &[(0, "w"), (2, "z")])];
    assert_eq!(compare(&cuts).differing, [0]);
    assert!(compare(&cuts).verdict("noon").contains("DIFFER in groups 0 at noon"));
}

#[test]
fn whoever_shares_nothing_is_left_out_and_named() {
    // Silence about a node that was not compared is taken for agreement.
    let cuts = [cut("a", &[(0, "x")]), cut("b", &[(0, "x")]), cut("c", &[(3, "y")]), cut("d", &[])];
    let compared = compare(&cuts);
    assert!(compared.is_same());
    assert_eq!(compared.nodes, 2);
    let left_out: Vec<&str> = compared.left_out.iter().map(|(url, _)| url.as_str()).collect();
    assert_eq!(left_out, ["c", "d"]);
    assert!(compared.left_out[0].1.ends_with("keeps its groups: 3"), "{compared:?}");
    assert!(compare(&cuts[2..]).verdict("noon").contains("nothing was compared"));
}

#[test]
fn books_that_differ_over_the_same_records_are_a_difference() {
    // The state may be equal and the report on it wrong, and it is the report that an auditor keeps.
    let (mut one, other) = (cut("a", &[(0, "x")]), cut("b", &[(0, "x")]));
    one.1["books"] = json!([{ "group": 0, "debits": "1.00" }]);
    assert_eq!(compare(&[one.clone(), other.clone()]).differing, [0]);
    one.1["books"] = json!([]);
    assert!(compare(&[one.clone(), other.clone()]).is_same());
    one.1["digest"] = json!("of other pairs");
    let compared = compare(&[one, other]);
    assert!(compared.differ_in_sum && !compared.is_same());
}
