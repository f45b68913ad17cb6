//! Three nodes on this machine, each with its own folder, process and ports.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Output;
use std::sync::MutexGuard;

use payments_message::message::Version;
use payments_message::sample::{Draft, Payment, german_iban, uetr};
use serde_json::Value;
use tempfile::TempDir;
use types::{Amount, Currency};

use crate::command::{Node, alone, run, stderr, stdout};
use crate::http::{self, Answer};

/// The regions, and the folders of their nodes.
pub(crate) const REGIONS: [&str; 3] = ["a", "b", "c"];

/// Three nodes, running or not.
pub(crate) struct Trio {
    dir: TempDir,
    base: u16,
    nodes: [Option<Node>; 3],
    _alone: MutexGuard<'static, ()>,
}

impl Trio {
    /// Three folders for eight groups, with `more` at the end of each configuration. Nothing runs yet.
    pub(crate) fn new(more: &str) -> Self {
        Self::with_ledgers(1, more)
    }

    /// The same, with so many ledgers of each currency.
    pub(crate) fn with_ledgers(ledgers: u16, more: &str) -> Self {
        let alone = alone();
        let dir = tempfile::tempdir().unwrap();
        let base = free_ports(6);
        let (path, port, ledgers) =
            (dir.path().join("cluster"), base.to_string(), ledgers.to_string());
        let init = ["cluster", "init", path.to_str().unwrap(), "--base-port", &port];
        let init = [&init[..], &["--ledgers", &ledgers]].concat();
        let regions = REGIONS.iter().flat_map(|region| ["--region", region]);
        let output = run(&init.into_iter().chain(regions).collect::<Vec<_>>());
        assert!(output.status.success(), "{}", stderr(&output));
        let trio = Self { dir, base, nodes: [None, None, None], _alone: alone };
        for node in 0..3 {
            let file = trio.folder(node).join("node.yaml");
            let mut text = std::fs::read_to_string(&file).unwrap();
            for (usual, quick) in [
                ("groups: 64", "groups: 8"),
                ("segment_mib: 128", "segment_mib: 16"),
                ("detect: 10s", "detect: 2s"),
                ("residence: 10min", "residence: 1s"),
                ("pulse: 1s", "pulse: 100ms"),
                ("election: 1s", "election: 900ms"),
                ("resend: 500ms", "resend: 300ms"),
            ] {
                assert!(text.contains(usual), "{text}");
                text = text.replace(usual, quick);
            }
            std::fs::write(&file, text + more).unwrap();
        }
        trio
    }

    /// Starts nodes and waits until they take requests.
    pub(crate) fn start(&mut self, nodes: &[usize]) {
        for node in nodes {
            let file = self.folder(*node).join("node.yaml");
            self.nodes[*node] = Some(Node::start(&file));
        }
    }

    /// Ends nodes as a power cut would.
    pub(crate) fn kill(&mut self, nodes: &[usize]) {
        for node in nodes {
            drop(self.nodes[*node].take().expect("it runs"));
        }
    }

    fn folder(&self, node: usize) -> PathBuf {
        self.dir.path().join("cluster").join(REGIONS[node])
    }

    /// Where a node takes requests.
    pub(crate) fn address(&self, node: usize) -> String {
        format!("127.0.0.1:{}", usize::from(self.base) + 2 * node + 1)
    }

    /// A command for these nodes, asked in this order.
    pub(crate) fn evenkeel(&self, nodes: &[usize], args: &[&str]) -> Output {
        let urls: Vec<String> =
            nodes.iter().map(|node| format!("http://{}", self.address(*node))).collect();
        run(&[args, &["--endpoint", &urls.join(",")]].concat())
    }

    /// The same for a command that changes something, which must succeed. It is given again, as an operator
    /// would, where it was not taken because nobody could decide yet, or because the group just changed.
    #[track_caller]
    pub(crate) fn order(&self, nodes: &[usize], args: &[&str]) -> String {
        const NO_QUORUM: i32 = 4;
        const STALE: i32 = 5;
        let mut done = String::new();
        until(|| {
            let output = self.try_order(nodes, args);
            let said = format!("{args:?}: {}{}", stdout(&output), stderr(&output));
            match output.status.code() {
                Some(0) => done = stdout(&output),
                Some(NO_QUORUM | STALE) => return Err(said),
                _ => panic!("{said}"),
            }
            Ok(())
        });
        done
    }

    /// The same, whatever comes of it.
    pub(crate) fn try_order(&self, nodes: &[usize], args: &[&str]) -> Output {
        let token = self.folder(0).join("admin.token");
        self.evenkeel(nodes, &[args, &["--token-file", token.to_str().unwrap()]].concat())
    }

    /// Moves these groups to the first node, if they are not there.
    #[track_caller]
    pub(crate) fn move_to_first(&self, groups: &[u64]) {
        let is_away = |group: &&u64| self.get(0, &format!("/v1/groups/{group}"))["home"] != 1;
        for group in groups.iter().filter(is_away) {
            let switch = ["switchover", "--to", "a", "--reason", "a test", "--wait", "--groups"];
            self.order(&[0], &[&switch[..], &[&group.to_string()]].concat());
        }
    }

    /// Asks a node for something with the administrators' token, and with a body orders it.
    pub(crate) fn ask_as_admin(&self, node: usize, path: &str, body: Option<&Value>) -> Answer {
        let token = std::fs::read_to_string(self.folder(0).join("admin.token")).unwrap();
        let bearer = format!("Bearer {}", token.trim());
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let method = if body.is_some() { "POST" } else { "GET" };
        let body = body.map(Value::to_string).unwrap_or_default();
        http::ask(&self.address(node), method, path, &headers, body.as_bytes())
    }

    /// What a node answers in JSON.
    pub(crate) fn get(&self, node: usize, path: &str) -> Value {
        http::ask(&self.address(node), "GET", path, &[], b"").json()
    }

    /// A node's figures.
    pub(crate) fn metrics(&self, node: usize) -> String {
        http::ask(&self.address(node), "GET", "/metrics", &[], b"").body
    }

    /// Sends a payment.
    pub(crate) fn pay(&self, node: usize, message: &[u8], headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("content-type", "application/xml")], headers].concat();
        http::ask(&self.address(node), "POST", "/v1/payments", &headers, message)
    }

    /// Waits until a node says something of each of its groups. Every step of it is the product's own, so
    /// there is nothing to wait for here but its end.
    #[track_caller]
    pub(crate) fn until_groups(&self, node: usize, stand: impl Fn(&Value) -> bool) {
        until(|| {
            let status = self.get(node, "/v1/status");
            let groups = status["groups"].as_array().unwrap();
            let mut waits = groups.iter().filter(|group| !stand(group));
            waits.next().map_or(Ok(()), |group| Err(format!("{group:#}")))
        });
    }

    /// Waits until the balance of an account is that, as a node has it.
    #[track_caller]
    pub(crate) fn until_balance(&self, node: usize, currency: &str, key: &str, wanted: &str) {
        until(|| {
            let balance = self.balance(node, currency, key);
            if balance == wanted { Ok(()) } else { Err(balance) }
        });
    }

    /// Waits until every group has one of these nodes as its home.
    pub(crate) fn until_served(&self, nodes: &[usize]) {
        let numbers: Vec<u64> = nodes.iter().map(|node| *node as u64 + 1).collect();
        let is_served = |group: &Value| {
            let home = group["home"].as_u64();
            home.is_some_and(|home| numbers.contains(&home))
                && group["phase"]["name"] == "active"
                // Of a journal that is kept elsewhere a node has nothing.
                && (group["role"] == "elsewhere" || group["w2_seq"].as_u64() > Some(0))
        };
        for node in nodes {
            self.until_groups(*node, is_served);
        }
    }

    /// The balance of account `number` as a node has it.
    pub(crate) fn balance(&self, node: usize, currency: &str, key: &str) -> String {
        let account = self.get(node, &format!("/v1/accounts/{currency}/{key}"));
        account["balance"].as_str().unwrap_or_default().to_owned()
    }
}

/// Looks again and again; what the last look said is told if it takes too long.
#[track_caller]
pub(crate) fn until(mut look: impl FnMut() -> Result<(), String>) {
    let clock = runtime::Clock::start();
    let begun = clock.instant();
    while let Err(what) = look() {
        let waited = clock.instant().since(begun) / 1_000_000;
        assert!(waited < 120, "after {waited} s: {what}");
    }
}

/// The key of a test's account.
pub(crate) fn account(number: u64) -> String {
    german_iban(37_040_044, number)
}

/// A message of one payment of `amount` minor units from account 1 to account 2; its ids follow from
/// `number`.
pub(crate) fn message(currency: &str, number: u32, amount: u128) -> Vec<u8> {
    message_to(currency, number, amount, &account(2))
}

/// The same to another account.
pub(crate) fn message_to(currency: &str, number: u32, amount: u128, creditor: &str) -> Vec<u8> {
    message_between(currency, number, amount, [&account(1), creditor])
}

/// The same from one account to another.
pub(crate) fn message_between(
    currency: &str,
    number: u32,
    amount: u128,
    [debtor, creditor]: [&str; 2],
) -> Vec<u8> {
    let draft = Draft {
        message_id: format!("MSG-{number}"),
        created: "2026-11-20T08:00:00.000Z".to_owned(),
        settlement_date: "2026-11-20".to_owned(),
        instructing: "COBADEFFXXX".to_owned(),
        instructed: "INGDDEFFXXX".to_owned(),
        payments: vec![Payment {
            instruction_id: format!("INSTR-{number}"),
            end_to_end_id: format!("E2E-{number}"),
            transaction_id: format!("TX-{number}"),
            uetr: uetr(u128::from(number) << 80 | 0x1234),
            amount: Amount(amount),
            currency: Currency::from_code(currency).unwrap(),
            debtor: "Payer".to_owned(),
            debtor_iban: debtor.to_owned(),
            creditor: "Payee".to_owned(),
            creditor_iban: creditor.to_owned(),
            purpose: None,
            remittance: format!("Invoice {number}"),
        }],
    };
    draft.write(Version::V08)
}

/// So many ports in a row that nobody listens on and that the system does not give to outgoing
/// connections: a node that was killed must find its own free.
fn free_ports(count: u16) -> u16 {
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let start = 11_000 + u16::try_from(std::process::id() % 1_900).unwrap() * 11;
    let mut bases = (0..1_000).map(|step| start.saturating_add(step * (count + 1)));
    bases.find(|base| (*base..base + count).all(free)).expect("there are free ports")
}
