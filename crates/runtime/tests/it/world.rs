//! Nodes for tests: folders of their own, ports that the system picks, a model that counts.

use std::future::Future;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use model::{LoadError, Model, Outcome, Saving};
use runtime::{Clock, Config, Handle, Running};
use tokio::time::timeout;
use transport::{ClusterName, pki::Authority};
use types::{GroupId, Hash, MessageId, ModelVersion, NodeId, Stamp};
use wire::{Command, Reply};

/// Far beyond what any step takes, so that only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Replies with how many commands it has applied: what was applied twice gives another reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(u64);

impl Model for Count {
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        ModelVersion::FIRST..=ModelVersion::FIRST
    }

    fn apply(&mut self, _: ModelVersion, _: Stamp, _: &[u8], outcome: &mut Outcome) {
        self.0 += 1;
        outcome.reply.extend_from_slice(&self.0.to_le_bytes());
    }

    fn digest(&self) -> Hash {
        wire::digest(&self.0.to_le_bytes())
    }

    fn save(&self) -> Saving {
        Saving { aside: [self.0.to_le_bytes().to_vec()].into(), ..Saving::default() }
    }

    fn save_next(&self, saving: &mut Saving, _bytes_max: usize) -> Option<Vec<u8>> {
        saving.aside.pop_front()
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        self.0 = u64::from_le_bytes(part.try_into().map_err(|_| LoadError::Truncated)?);
        Ok(())
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        Ok(())
    }
}

/// What waits here either comes or hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("no hang")
}

pub(crate) fn authority() -> Authority {
    let now_unix_s = Clock::start().wall().0 / 1_000_000;
    Authority::create(ClusterName::new("test").unwrap(), now_unix_s).unwrap()
}

/// A node's credentials below `base`.
pub(crate) fn credentials(authority: &Authority, node: u16, base: &Path) {
    let now_unix_s = Clock::start().wall().0 / 1_000_000;
    let credential = authority.issue(NodeId(node), now_unix_s, 1).unwrap();
    credential.write(&base.join("tls")).unwrap();
    runtime::allow_first_start(&base.join("data")).unwrap();
}

/// The configuration of a node whose files are below `base`. `peers` are the addresses of all nodes,
/// by number from 1. Commands wait long: a test waits for what it wants and not for a moment.
pub(crate) fn config(node: u16, base: &Path, peers: &[String]) -> Config {
    let mut text = format!(
        "node: {node}\ndata: {0}/data\ncredentials: {{folder: {0}/tls}}\n\
         listen: {{peers: '127.0.0.1:0', http: '127.0.0.1:0'}}\n\
         groups: 3\ncopies: {1}\nanswer_within: 50s\nstorage: {{segment_mib: 16}}\n\
         failover: {{detect: 20s, pulse: 200ms, election: 300ms, resend: 300ms, disk: 20s}}\nnodes:\n",
        base.display(),
        peers.len().min(2),
    );
    for (id, address) in (1..).zip(peers) {
        text +=
            &format!("  - {{id: {id}, region: r{id}, peers: '{address}', http: 'http://r{id}'}}\n");
    }
    runtime::parse(&text).unwrap()
}

/// A cluster of one.
pub(crate) fn alone(base: &Path) -> Config {
    config(1, base, &["127.0.0.1:1".to_owned()])
}

pub(crate) fn start(config: &Config) -> Running<Count> {
    runtime::start(config, &Count::default()).unwrap()
}

pub(crate) fn command(id: u8, body: &'static [u8]) -> Command {
    Command {
        id: MessageId([id; 16]),
        digest: wire::digest(body),
        not_after: Stamp(u64::MAX),
        origin: None,
        body: Bytes::from_static(body),
    }
}

pub(crate) async fn ask(handle: &Handle<Count>, group: u16, command: Command) -> Reply {
    soon(handle.command(GroupId(group), command, None)).await.expect("the node runs")
}

/// The parts of an outcome that must never change, and whether it was told before.
pub(crate) fn done(reply: Reply) -> ((u64, Stamp, u64), bool) {
    match reply {
        Reply::Done { seq, stamp, repeated, outcome, .. } => {
            let count = u64::from_le_bytes(outcome[..].try_into().unwrap());
            ((seq.0, stamp, count), repeated)
        }
        other => panic!("not done: {other:?}"),
    }
}
