//! Channels between ledgers that a forced failover froze, and opening them again: real nodes, killed.

use payments_server::Placement;
use serde_json::{Value, json};
use types::Currency;

use crate::across::elsewhere;
use crate::command::{stderr, stdout};
use crate::trio::{Trio, account, message_between, until};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// A client that does not wait for long.
const SOON: (&str, &str) = ("evenkeel-timeout", "1500ms");

/// Two ledgers. The first is kept by nodes 1 and 2, and what one of them has is committed; the second has its home at
/// node 3.
struct Split {
    trio: Trio,
    here: u64,
    there: u64,
}

fn split() -> Split {
    let placement = Placement::new(8, 2);
    let euro = Currency::from_code("EUR").unwrap();
    let group = |key: &str| u64::from(placement.group(euro, key).0);
    let (here, there) = (group(&account(1)), group(&elsewhere(7)));
    let one_copy = format!("journals:\n  - {{groups: [{here}], nodes: [1, 2], copies: 1}}\n");
    let mut trio = Trio::with_ledgers(2, &one_copy);
    trio.start(&[A, B, C]);
    trio.until_served(&[A, B, C]);
    let open = ["accounts", "open", "--currency", "EUR", "--funding", "100.00", "--key"];
    for key in [account(1), elsewhere(7)] {
        trio.order(&[A, B], &[&open[..], &[&key]].concat());
    }
    trio.move_to_first(&[here]);
    if trio.get(A, &format!("/v1/groups/{there}"))["home"] != 3 {
        let switch = ["switchover", "--to", "c", "--reason", "a test", "--wait", "--groups"];
        trio.order(&[A], &[&switch[..], &[&there.to_string()]].concat());
    }
    Split { trio, here, there }
}

impl Split {
    /// From the first ledger to the second.
    fn out(number: u32, amount: u128) -> Vec<u8> {
        message_between("EUR", number, amount, [&account(1), &elsewhere(7)])
    }

    /// From the second to the first.
    fn back(number: u32, amount: u128) -> Vec<u8> {
        message_between("EUR", number, amount, [&elsewhere(7), &account(1)])
    }

    fn path(&self, is_out: bool) -> String {
        let (here, there) = (self.here, self.there);
        let [from, to] = if is_out { [here, there] } else { [there, here] };
        format!("/v1/channels/{from}/{to}")
    }

    /// The states of both channels as a node has them, and the ends that are frozen.
    fn states(&self, node: usize) -> Vec<(String, usize)> {
        let channels = self.trio.get(node, "/v1/channels")["channels"].clone();
        let each = channels.as_array().unwrap().iter().map(|channel| {
            let frozen = ["sender", "receiver"].map(|end| channel[end]["frozen"].is_string());
            let state = channel["state"].as_str().unwrap().to_owned();
            (state, frozen.into_iter().filter(|is| *is).count())
        });
        each.collect()
    }

    #[track_caller]
    fn until_states(&self, node: usize, state: &str, ends: usize) {
        until(|| {
            let states = self.states(node);
            let all = vec![(state.to_owned(), ends); 2];
            if states == all { Ok(()) } else { Err(format!("{states:?}")) }
        });
    }

    /// A payment each way that the first ledger forgets, and one each way that finds it out.
    fn freeze(&mut self) {
        let trio = &mut self.trio;
        trio.kill(&[B]);
        for message in [Self::out(1, 1_000), Self::back(2, 300)] {
            let paid = trio.pay(A, &message, &[]);
            assert_eq!((paid.status, paid.element("GrpSts")), (200, "ACSC"), "{}", paid.body);
        }
        trio.kill(&[A]);
        trio.start(&[B]);
        let failover = ["failover", "--to", "b", "--forced", "--reason", "a is gone", "--wait"];
        trio.order(&[B, C], &[&failover[..], &["--timeout", "90s"]].concat());
        trio.until_served(&[B, C]);
        assert_eq!(trio.balance(B, "EUR", &account(1)), "100.00", "both are forgotten");
        for message in [Self::out(3, 500), Self::back(4, 200)] {
            let told = trio.pay(B, &message, &[SOON]);
            assert_eq!((told.status, told.element("GrpSts")), (202, "ACSP"), "{}", told.body);
        }
        self.until_states(B, "frozen", 2);
    }

    /// The payments of a case of the first ledger, of which there is one.
    fn item(&self, case: &str) -> Value {
        let show = ["cases", "show", case, "--output", "json"];
        let shown = self.trio.evenkeel(&[A, B], &show);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown["items_count"], 1, "{shown:#}");
        shown["items"][0].clone()
    }

    fn settle(&self, case: &str, more: &[&str]) {
        let item = self.item(case)["item"].as_str().unwrap().to_owned();
        let order = ["cases", "settle", case, "--item", &item, "--reason", "a test", "--name", "1"];
        self.trio.order(&[A, B], &[&order[..], more].concat());
    }
}

#[test]
fn channels_that_a_forced_failover_froze_are_opened_again_and_the_books_add_up() {
    // What waits would wait for ever and every payment between the two ledgers be refused; or money that one of them
    // forgot would be made or lost by the very order that is to make it good.
    let mut split = split();
    split.freeze();
    let (here, there) = (split.here, split.there);
    let trio = &split.trio;
    let metrics = trio.metrics(B);
    for group in [here, there] {
        let alarm = format!("evenkeel_group_frozen_channels{{group=\"{group}\"}} 2");
        assert!(metrics.contains(&alarm), "{metrics}");
    }
    let cases = stdout(&trio.evenkeel(&[B], &["cases"]));
    assert!(cases.contains("2 frozen and 0 half-open channels"), "{cases}");
    let refused = trio.pay(B, &Split::out(5, 100), &[]);
    assert_eq!((refused.element("GrpSts"), refused.element("Cd")), ("RJCT", "AB08"));

    // The lost region returns. Nobody decides about its orphans yet.
    split.trio.start(&[A]);
    let trio = &split.trio;
    trio.until_served(&[A, B, C]);
    let [from, to] = [here.to_string(), there.to_string()];
    let reopen = ["channels", "reopen", &from, &to];
    // Not every node has both ledgers: the next one is asked.
    let shown = trio.order(&[C, B], &[&reopen[..], &["--dry-run"]].concat());
    for part in [
        format!("credited by g{there}, debit lost by g{here}"),
        "10.00 EUR".to_owned(),
        "waits, will be sent-again".to_owned(),
        "5.00 EUR".to_owned(),
    ] {
        assert!(shown.contains(&part), "`{part}` in {shown}");
    }
    let look = ["--dry-run", "--output", "json"];
    let look = trio.order(&[C, B], &[&reopen[..], &look].concat());
    let look: Value = serde_json::from_str(&look).unwrap();
    let gist = look["gist"].as_str().unwrap();
    let next = format!("evenkeel channels reopen {from} {to} --gist {gist} --case NUMBER --reason");
    assert!(shown.contains(&next), "`{next}` in {shown}");
    // Money is not moved on terms that nobody has read.
    let unread = ["--reason", "after the failover", "--case", "40"];
    let unread = trio.try_order(&[C, B], &[&reopen[..], &unread].concat());
    assert_eq!(unread.status.code(), Some(2), "{}", stderr(&unread));
    assert!(stderr(&unread).contains("--dry-run"), "{}", stderr(&unread));
    let order = |case: &[&str]| {
        let rest = ["--reason", "after the failover", "--gist", gist];
        trio.try_order(&[C, B], &[&reopen[..], &rest, case].concat())
    };
    let early = order(&["--case", "40"]);
    assert_eq!(early.status.code(), Some(3), "{}", stderr(&early));
    assert!(stderr(&early).contains("model upgrade --to 2"), "{}", stderr(&early));
    let upgrade = ["model", "upgrade", "--to", "2", "--groups", "all", "--reason", "a test"];
    trio.order(&[B], &[&upgrade[..], &["--wait", "--timeout", "90s"]].concat());
    let no_case = order(&[]);
    assert_eq!(no_case.status.code(), Some(2), "{}", stderr(&no_case));

    // What was shown has changed meanwhile.
    let other = ["--reason", "after the failover", "--case", "40", "--gist", "00"];
    let moved = trio.try_order(&[C, B], &[&reopen[..], &other].concat());
    assert_eq!(moved.status.code(), Some(5), "{}", stderr(&moved));

    // One by command, the other over HTTP.
    let as_shown = ["--reason", "after the failover", "--case", "40", "--gist", gist];
    let done = trio.order(&[C, B], &[&reopen[..], &as_shown].concat());
    assert!(done.contains(&format!("g{here}, the sender: 1 payments accounted for")), "{done}");
    let back = split.path(false);
    let stranger = crate::http::ask(&trio.address(B), "GET", &back, &[], b"");
    assert_eq!(stranger.status, 401, "a look costs more than a stranger may ask for");
    let look = trio.ask_as_admin(B, &back, None).json();
    assert_eq!(look["lost_by_receiver"][0]["amount"], "3.00", "{look:#}");
    let mut body = json!({ "gist": "00", "reason": "after the failover", "case": 41 });
    let moved = trio.ask_as_admin(B, &back, Some(&body));
    assert_eq!((moved.status, moved.problem()), (409, "moved".to_owned()), "{}", moved.body);
    body["gist"] = look["gist"].clone();
    let done = trio.ask_as_admin(B, &back, Some(&body));
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(done.json()["ends"][0]["accounted_count"], 1);
    split.until_states(B, "open", 0);
    assert!(!trio.metrics(B).contains("evenkeel_channel_half_open_seconds{"));

    // What waited arrives, and what comes after it.
    for message in
        [Split::out(3, 500), Split::back(4, 200), Split::out(6, 100), Split::back(7, 100)]
    {
        let told = loop {
            let told = trio.pay(B, &message, &[]);
            if told.status != 202 {
                break told;
            }
        };
        assert_eq!((told.status, told.element("GrpSts")), (200, "ACSC"), "{}", told.body);
    }
    // A replay of what was accounted for does not make it a second time.
    let listed = trio.evenkeel(&[A, B, C], &["orphans", "list", "--open", "--output", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let runs = listed["runs"].as_array().unwrap().iter();
    let mut runs = runs.filter(|run| run["contents"]["totals"]["EUR"] == "10.00");
    let run = runs.next().expect("the debit was set aside")["run"].as_str().unwrap().to_owned();
    let replay = ["orphans", "decide", &run, "--as", "replay", "--reason", "a test"];
    let done = trio.order(&[A, B], &[&replay[..], &["--output", "json"]].concat());
    let done: Value = serde_json::from_str(&done).unwrap();
    assert_eq!(done["commands"][0]["status"], "RJCT", "{done:#}");
    let looked = trio.get(B, "/v1/payments/COBADEFFXXX%2FMSG-1");
    assert_eq!(looked["transactions"][0]["reason"]["code"], "AM05", "{looked:#}");

    // People settle what was lost, and everything is where it belongs.
    assert_eq!(
        (&split.item("40")["why"], &split.item("41")["why"]),
        (&json!("debit-lost"), &json!("credit-lost"))
    );
    split.settle("40", &["--way", "collect", "--amount", "10.00", "--account", &account(1)]);
    split.settle("41", &["--way", "pay", "--amount", "3.00"]);
    for node in [A, B] {
        trio.until_balance(node, "EUR", &account(1), "90.00");
        trio.until_balance(node, "EUR", &elsewhere(7), "110.00");
        trio.until_balance(node, "EUR", "HOUSE:SUSPENSE:40", "0.00");
        trio.until_balance(node, "EUR", "HOUSE:SUSPENSE:41", "0.00");
        let books = trio.get(node, "/v1/books");
        let pairs = books["clearing"].as_array().unwrap();
        let states: Vec<&str> =
            pairs.iter().map(|pair| pair["state"].as_str().unwrap_or_default()).collect();
        assert_eq!((&books["balanced"], states), (&json!(true), vec!["balanced"; 2]), "{books:#}");
    }
}
