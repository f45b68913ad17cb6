//! The clients: each does one thing at a time, through whichever node it likes, and writes down what
//! it saw.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use client::{CallError, Client, Level, Options, Outcome, Session, Trouble};
use lincheck::models::Told as Money;
use tokio::sync::watch;
use tokio::time::sleep;

use super::cast::Message;
use super::{Attempt, Circle, History, Look, Payment, Read, Told};
use crate::ask::{account_path, report_path, stand};
use crate::clock::Clock;
use crate::cluster::{NODES, url};
use crate::net::Plane;
use crate::node::Node;
use crate::random::Random;

/// How many circles there are.
const CIRCLES: usize = 6;

/// Clients of each circle.
const CLIENTS: usize = 2;

/// Milliseconds that a client waits between two things it does, least and most.
const PAUSE_MS: (u64, u64) = (10, 90);

/// How much longer long messages are: a segment of 16 MiB is full after some 500 of them, which is
/// about as long as a disk is full.
const HEAVY_BYTES: usize = 32 << 10;

/// How long a client asks before it leaves an outcome open.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long an open outcome is asked for in the end, when no fault is left.
const RESOLVE_WITHIN: Duration = Duration::from_secs(60);

/// Problems with a message itself. A valid message is never told any of them.
const ABOUT_THE_MESSAGE: [&str; 9] = [
    "bad-header",
    "conflict",
    "expired",
    "hostile-xml",
    "invalid",
    "not-pacs008",
    "not-xml",
    "not-xml-type",
    "too-large",
];

/// What all clients share.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// What they saw.
    pub(crate) history: Arc<Mutex<History>>,
    /// The nodes, to ask how often they were started.
    pub(crate) nodes: Arc<[Arc<Node>]>,
    /// The clock of all times.
    pub(crate) clock: Clock,
    /// The run's seed.
    pub(crate) seed: u64,
    /// What tells this run's payments from any other's.
    pub(crate) run: u64,
    /// How many faults want long messages, so that the journals grow fast.
    pub(crate) heavy: Arc<AtomicUsize>,
}

/// The circles of a run.
pub(crate) fn circles() -> Vec<Circle> {
    (0..CIRCLES).map(Circle::new).collect()
}

/// The ledger's answer in the words of the checker; `None` for any other.
pub(crate) fn outcome(report: &[u8]) -> Option<Money> {
    let text = std::str::from_utf8(report).ok()?;
    let (_, transaction) = text.split_once("<TxInfAndSts>")?;
    let element = |name: &str| {
        let (_, rest) = transaction.split_once(&format!("<{name}>"))?;
        rest.split_once('<').map(|(inside, _)| inside)
    };
    match (element("TxSts")?, element("Cd")) {
        ("ACSC", _) => Some(Money::Settled),
        ("RJCT", Some("AM04")) => Some(Money::Short),
        _ => None,
    }
}

impl Load {
    /// Lets all clients do things until `stop` says so, and waits for what is under way.
    pub(crate) async fn run(&self, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..CIRCLES * CLIENTS {
            let (load, stop) = (self.clone(), stop.clone());
            let client = client(number, PATIENCE)?;
            clients.spawn(async move { load.be(number, &client, stop).await });
        }
        while let Some(done) = clients.join_next().await {
            done?;
        }
        Ok(())
    }

    /// One client's life.
    async fn be(&self, number: usize, client: &Client, stop: watch::Receiver<bool>) {
        let mut random = Random::new(self.seed, &format!("client {number}"));
        let circle = number % CIRCLES;
        while !*stop.borrow() {
            client.prefer(random.index(NODES));
            match random.below(100) {
                0..58 => self.pay(circle, client, &mut random).await,
                58..68 => self.repeat(circle, client, &mut random).await,
                68..88 => self.read(circle, client, &mut random).await,
                _ => self.look(circle, client, &mut random).await,
            }
            sleep(Duration::from_millis(random.within(PAUSE_MS.0, PAUSE_MS.1))).await;
        }
    }

    async fn pay(&self, circle: usize, client: &Client, random: &mut Random) {
        let (payment, bytes) = {
            let mut history = self.history();
            let Some(of) = history.circles.get(circle).cloned() else { return };
            let payment = history.payments.len();
            let padding = if self.heavy.load(Ordering::Relaxed) > 0 { HEAVY_BYTES } else { 0 };
            let message = of.pay(self.run, payment as u64, padding, random);
            let Message { name, debtor, creditor, amount, bytes } = message;
            let bytes = Bytes::from(bytes);
            let copy = bytes.clone();
            history.payments.push(Payment { name, circle, debtor, creditor, amount, bytes });
            (payment, copy)
        };
        self.submit(payment, &bytes, client).await;
    }

    /// Sends a payment again that this or another client has sent, known or not.
    async fn repeat(&self, circle: usize, client: &Client, random: &mut Random) {
        let Some((payment, bytes)) = self.any(circle, random) else { return };
        self.submit(payment, &bytes, client).await;
    }

    async fn submit(&self, payment: usize, bytes: &[u8], client: &Client) {
        let called_us = self.clock.micros();
        let told = told(client.submit(bytes).await);
        let at_us = self.clock.micros();
        self.history().attempts.push(Attempt { payment, called_us, at_us, told });
    }

    async fn read(&self, circle: usize, client: &Client, random: &mut Random) {
        let node = random.index(NODES);
        let (account, path) = {
            let history = self.history();
            let Some(of) = history.circles.get(circle) else { return };
            let account = random.index(of.keys.len());
            let Some(key) = of.keys.get(account) else { return };
            (account, account_path(of.currency, key))
        };
        let is_linearizable = random.below(2) == 0;
        let before = self.starts(node).await;
        let called_us = self.clock.micros();
        let (node, found) = if is_linearizable {
            // Whichever is the home answers, and none that only was.
            let shown = client.read(&Session::default(), Level::Linearizable, &path).await.ok();
            let at = shown.as_ref().map_or(node, |shown| shown.endpoint);
            (at, shown.and_then(|shown| serde_json::from_slice(&shown.body).ok()))
        } else {
            (node, client.get_json(node, &path).await.ok())
        };
        let at_us = self.clock.micros();
        let same_start = !is_linearizable && self.starts(node).await == before;
        let start = same_start.then_some(before);
        let found = found.and_then(|found| stand(&found));
        let mut history = self.history();
        let Some(found) = found else {
            history.unanswered += 1;
            return;
        };
        let (sums, closed_us) = (found.sums, found.closed_us);
        history.reads.push(Read {
            node,
            start,
            circle,
            account,
            called_us,
            at_us,
            sums,
            closed_us,
            is_linearizable,
        });
    }

    async fn look(&self, circle: usize, client: &Client, random: &mut Random) {
        let Some((payment, _)) = self.any(circle, random) else { return };
        let path = self.history().payments.get(payment).map(|one| report_path(&one.name));
        let Some(path) = path else { return };
        let node = random.index(NODES);
        let before = self.starts(node).await;
        let called_us = self.clock.micros();
        let found = client.get_bytes(node, &path).await;
        let at_us = self.clock.micros();
        let start = (self.starts(node).await == before).then_some(before);
        let found = match found {
            Ok(report) => Some(report),
            Err(CallError::Refused { problem, .. }) if problem.status == 404 => None,
            Err(_) => {
                self.history().unanswered += 1;
                return;
            }
        };
        self.history().looks.push(Look { node, start, payment, called_us, at_us, found });
    }

    /// A payment of the circle that was sent lately.
    fn any(&self, circle: usize, random: &mut Random) -> Option<(usize, Bytes)> {
        let history = self.history();
        let from = history.payments.len().saturating_sub(40 * CIRCLES);
        let mut of_circle = Vec::new();
        for (payment, one) in history.payments.iter().enumerate().skip(from) {
            if one.circle == circle {
                of_circle.push((payment, one.bytes.clone()));
            }
        }
        random.pick(&of_circle).cloned()
    }

    async fn starts(&self, node: usize) -> u64 {
        match self.nodes.get(node) {
            Some(node) => node.starts().await,
            None => 0,
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for every open outcome until it is known, when no fault is left; how many there were.
pub(crate) async fn resolve(load: &Load) -> anyhow::Result<usize> {
    let open: Vec<(usize, Bytes)> = {
        let history = load.history();
        let bytes =
            |payment: &usize| Some((*payment, history.payments.get(*payment)?.bytes.clone()));
        history.open().iter().filter_map(bytes).collect()
    };
    let client = client(CIRCLES * CLIENTS, RESOLVE_WITHIN)?;
    for (payment, bytes) in &open {
        load.submit(*payment, bytes, &client).await;
    }
    Ok(open.len())
}

fn client(number: usize, deadline: Duration) -> anyhow::Result<Client> {
    let options = Options {
        deadline,
        try_wait: Duration::from_secs(2),
        connect_wait: Duration::from_millis(800),
        seed: number as u64 + 1,
        ..Options::default()
    };
    Ok(Client::new((0..NODES).map(|node| url(Plane::Data, node)), options)?)
}

fn told(outcome: Outcome) -> Told {
    match outcome {
        Outcome::Final(answer) if answer.status == 200 => Told::Decided(answer.body),
        Outcome::Final(answer) => Told::Wrong {
            what: format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
        },
        // These clients wait for the commit, and no node owes them such an answer.
        Outcome::Provisional(answer) => {
            Told::Wrong { what: format!("{} before the commit", answer.status) }
        }
        Outcome::Unknown(unknown) => Told::Unknown { why: unknown.last.to_string() },
        Outcome::Refused(refused) => {
            let why = refused.why.to_string();
            match refused.why {
                Trouble::Problem(problem) if ABOUT_THE_MESSAGE.contains(&problem.kind.as_str()) => {
                    Told::Wrong { what: why }
                }
                Trouble::Problem(_)
                | Trouble::Connect(_)
                | Trouble::Lost(_)
                | Trouble::Silent(_)
                | Trouble::InSettlement
                | Trouble::TooLarge(_) => Told::NotDone { why },
            }
        }
    }
}
