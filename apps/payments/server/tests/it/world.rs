//! A node with its own folder, certificate and ports.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use console::Site;
use payments_message::message::Version;
use payments_message::sample::{Draft, Payment, german_iban, uetr};
use payments_model::{Command, Message, Payments, Transaction};
use runtime::Running;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use transport::ClusterName;
use transport::pki::{Authority, NODE_DAYS};
use types::{Amount, Currency, NodeId, Stamp};

use crate::http::{self, Answer};

pub(crate) const TOKEN: &str = "a token of a test, no secret";

/// A running node.
pub(crate) struct World {
    pub(crate) http: SocketAddr,
    running: Option<Running<Payments>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    folder: Arc<TempDir>,
    ledgers: u16,
}

impl World {
    /// A cluster of this one node, serving.
    pub(crate) async fn alone() -> Self {
        Self::ledgers(1).await
    }

    /// The same, with so many ledgers of each currency.
    pub(crate) async fn ledgers(ledgers: u16) -> Self {
        let world = Self::start(Arc::new(TempDir::new().unwrap()), 1, ledgers).await;
        world.until_ready().await;
        world
    }

    /// One node of three, the others away: it can decide nothing.
    pub(crate) async fn lonely() -> Self {
        Self::start(Arc::new(TempDir::new().unwrap()), 3, 1).await
    }

    /// The same, where each of these groups is kept in one of the others' regions only.
    pub(crate) async fn lonely_without(kept: &[(u16, u16)]) -> Self {
        let lines = kept.iter().map(|(group, region)| {
            format!("  - {{groups: [{group}], class: local, region: region-{region}}}\n")
        });
        let journals = format!("journals:\n{}", lines.collect::<String>());
        Self::start_with(Arc::new(TempDir::new().unwrap()), 3, 1, &journals).await
    }

    /// Stops in order and starts again on the same folder.
    pub(crate) async fn restart(mut self) -> Self {
        self.end().await;
        let world = Self::start(Arc::clone(&self.folder), 1, self.ledgers).await;
        world.until_ready().await;
        world
    }

    async fn start(folder: Arc<TempDir>, nodes: u16, ledgers: u16) -> Self {
        Self::start_with(folder, nodes, ledgers, "").await
    }

    async fn start_with(folder: Arc<TempDir>, nodes: u16, ledgers: u16, more: &str) -> Self {
        credentials(&folder);
        let config = config(&folder, nodes, ledgers, more);
        let site = Arc::new(Site::new(&config).unwrap());
        let running = payments_server::start(&config).unwrap();
        let listener = TcpListener::bind(config.listen.http).await.unwrap();
        let http = listener.local_addr().unwrap();
        let router = payments_server::router(running.handle(), site);
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(console::serve(listener, router, async move {
            let _gone = stopped.await.is_err();
        }));
        Self {
            http,
            running: Some(running),
            stop: Some(stop),
            server: Some(server),
            folder,
            ledgers,
        }
    }

    /// Stops the server in order, then the node.
    pub(crate) async fn end(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            server.await.unwrap();
        }
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    async fn until_ready(&self) {
        let ready = async { while self.get("/readyz").await.status != 200 {} };
        tokio::time::timeout(Duration::from_secs(60), ready).await.expect("the node becomes ready");
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        http::ask(self.http, "GET", path, &[], b"").await
    }

    /// What this cluster's tokens begin with.
    pub(crate) fn token_stem(&self) -> String {
        let cluster = self.running.as_ref().expect("it runs").handle().cluster().mark();
        format!("t2.{cluster}.")
    }

    /// As an administrator.
    pub(crate) async fn get_as_admin(&self, path: &str) -> Answer {
        let token = format!("Bearer {TOKEN}");
        http::ask(self.http, "GET", path, &[("authorization", token.as_str())], b"").await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        let token = format!("Bearer {TOKEN}");
        let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
        http::ask(self.http, "POST", path, &headers, body.to_string().as_bytes()).await
    }

    pub(crate) async fn pay(&self, message: &[u8]) -> Answer {
        self.pay_with(message, &[]).await
    }

    pub(crate) async fn pay_with(&self, message: &[u8], headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("content-type", "application/xml")], headers].concat();
        http::ask(self.http, "POST", "/v1/payments", &headers, message).await
    }

    /// Has the ledger of the message's currency take it, past all that the server looks at.
    pub(crate) async fn take(&self, document: &[u8]) {
        let transfer = payments_message::read(document).unwrap();
        let one = &transfer.transactions[0];
        let (debtor, creditor) = (account(1), account(2));
        let message = Message {
            currency: transfer.currency,
            version: payments_model::Version::V08,
            settlement_date: None,
            sender: "COBADEFFXXX",
            message_id: &transfer.message_id,
            transactions: vec![Transaction {
                uetr: None,
                amount: one.amount,
                instruction_id: one.id.instruction.as_deref(),
                end_to_end_id: &one.id.end_to_end,
                transaction_id: one.id.transaction.as_deref(),
                debtor: &debtor,
                creditor: &creditor,
                debtor_agent: None,
                creditor_agent: None,
            }],
        };
        let id = message.id();
        let placement = payments_server::Placement::new(8, self.ledgers);
        let group = placement.group(transfer.currency, &debtor);
        let body = Command::Pay { message, raw: document }.encode().unwrap().body.into();
        let (digest, not_after) = (transfer.content, Stamp(u64::MAX));
        let command = wire::Command { id, digest, not_after, origin: None, body };
        let handle = self.running.as_ref().unwrap().handle();
        let reply = handle.command(group, command, None).await.unwrap();
        assert!(matches!(reply, wire::Reply::Done { repeated: false, .. }), "{reply:?}");
    }

    pub(crate) async fn post_json_as(&self, path: &str, key: &str, body: &Value) -> Answer {
        let token = format!("Bearer {TOKEN}");
        let headers = [("authorization", token.as_str()), ("idempotency-key", key)];
        http::ask(self.http, "POST", path, &headers, body.to_string().as_bytes()).await
    }

    pub(crate) async fn open(&self, currency: &str, number: u64, funding: &str) -> Answer {
        let body = json!({
            "currency": currency,
            "key": account(number),
            "name": "Tester",
            "funding": funding,
            "kind": "customer",
        });
        self.post_json("/v1/accounts", &body).await
    }
}

fn credentials(folder: &TempDir) {
    let tls = folder.path().join("tls");
    if tls.exists() {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "certificates are checked against the real time")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let authority = Authority::create(ClusterName::new("test").unwrap(), now).unwrap();
    authority.issue(NodeId(1), now, NODE_DAYS).unwrap().write(&tls).unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    runtime::allow_first_start(&folder.path().join("data")).unwrap();
}

fn config(folder: &TempDir, nodes: u16, ledgers: u16, more: &str) -> runtime::Config {
    let at = folder.path().display();
    let copies = nodes.div_ceil(2);
    let mut text = format!(
        "node: 1\ndata: {at}/data\ncredentials: {{folder: {at}/tls, admin_token: {at}/token}}\n\
         listen: {{peers: '127.0.0.1:0', http: '127.0.0.1:0'}}\ngroups: 8\nledgers: {ledgers}\n\
         copies: {copies}\n\
         storage: {{segment_mib: 16}}\nanswer_within: 2s\n\
         failover: {{pulse: 50ms, election: 100ms, resend: 50ms, detect: 1s}}\nnodes:\n"
    );
    for node in 1..=nodes {
        // Nobody listens on port 9 of this machine, and nobody needs to.
        text += &format!(
            "  - {{id: {node}, region: region-{node}, peers: '127.0.0.{node}:9', \
             http: 'http://127.0.0.{node}:9'}}\n"
        );
    }
    text += more;
    runtime::parse(&text).unwrap()
}

/// The key of a test's account.
pub(crate) fn account(number: u64) -> String {
    german_iban(37_040_044, number)
}

/// A message of one payment of 12.34 from account 1 to account 2, its ids made from `number`.
pub(crate) fn draft(number: u32) -> Draft {
    Draft {
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
            amount: Amount(1_234),
            currency: Currency::from_code("EUR").unwrap(),
            debtor: "Payer & Sons".to_owned(),
            debtor_iban: account(1),
            creditor: "Payee".to_owned(),
            creditor_iban: account(2),
            purpose: None,
            remittance: "Invoice 1".to_owned(),
        }],
    }
}

/// [`draft`] as a pacs.008.001.08.
pub(crate) fn message(number: u32) -> Vec<u8> {
    draft(number).write(Version::V08)
}
