//! The core thread: everything that has come in goes into the node as one step, and what comes out
//! is carried out in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use bytes::Bytes;
use group::{Effect, Input, Lane, Node, OrderRefusal, StopReason};
use model::Model;
use storage::{LoadError, Owner, Refused, Request};
use tokio::sync::{oneshot, watch};
use types::{Epoch, ReadId, RequestId};
use wire::Reply;

use crate::handle::{Cutter, Job, NodeView, Reader};
use crate::limits::{DISK_RETRY_AFTER_MS, JOBS_MAX};
use crate::newcomers::Newcomers;
use crate::{Clock, log};

/// Why a node ended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Halt {
    /// It was asked to.
    #[error("asked to stop")]
    Asked,
    /// Its disk failed; what it acknowledged is on the other nodes. Mend the disk before starting it
    /// again.
    #[error("the disk failed")]
    Disk(#[source] Arc<storage::Failure>),
    /// It fenced itself off.
    #[error(transparent)]
    Fenced(#[from] StopReason),
    /// Storage refuses what can never be written.
    #[error("storage cannot take a write")]
    Refused(#[source] Refused),
}

/// The same end: a failure of the disk is the same as itself and as no other.
impl PartialEq for Halt {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Asked, Self::Asked) => true,
            (Self::Disk(one), Self::Disk(two)) => Arc::ptr_eq(one, two),
            (Self::Fenced(one), Self::Fenced(two)) => one == two,
            (Self::Refused(one), Self::Refused(two)) => one == two,
            (Self::Asked | Self::Disk(_) | Self::Fenced(_) | Self::Refused(_), _) => false,
        }
    }
}

impl Eq for Halt {}

/// The loop and what it carries effects out with.
pub(crate) struct Driver<M> {
    node: Node<M>,
    clock: Clock,
    jobs: Receiver<Job<M>>,
    storage: storage::Handle,
    transport: Arc<transport::Transport>,
    newcomers: Arc<Newcomers>,
    halted: watch::Sender<Option<Halt>>,
    /// Writes and reads that storage has not taken yet.
    backlog: VecDeque<Request>,
    /// Whether the disk took no more when it was last tried.
    disk_full: bool,
    /// Whether the node knows that its disk is full.
    told_full: bool,
    replies: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    ordered: BTreeMap<RequestId, oneshot::Sender<Result<(), OrderRefusal>>>,
    readers: BTreeMap<RequestId, Reader<M>>,
    cutters: BTreeMap<RequestId, Cutter<M>>,
    requests: u64,
    /// Reads of [`READERS`] under way.
    reads: BTreeMap<ReadId, oneshot::Sender<Result<Bytes, LoadError>>>,
    reads_issued: u64,
    /// Bounds the lines of the log that other nodes cause.
    peer_lines: log::Quota,
}

/// Two owners, so that storage need not end a commit at every superblock. The node does not need
/// that order: a record whose epoch is not in the superblock is no part of any chain.
const RECORDS: Owner = Owner(0);
const METAS: Owner = Owner(1);

/// Records that people want to see. The node knows nothing of these reads.
pub(crate) const READERS: Owner = Owner(2);

impl<M: Model + 'static> Driver<M> {
    pub(crate) fn new(
        node: Node<M>,
        clock: Clock,
        jobs: Receiver<Job<M>>,
        (storage, transport, newcomers): (
            storage::Handle,
            Arc<transport::Transport>,
            Arc<Newcomers>,
        ),
        halted: watch::Sender<Option<Halt>>,
    ) -> Self {
        Self {
            newcomers,
            node,
            clock,
            jobs,
            storage,
            transport,
            halted,
            backlog: VecDeque::new(),
            disk_full: false,
            told_full: false,
            replies: BTreeMap::new(),
            ordered: BTreeMap::new(),
            readers: BTreeMap::new(),
            cutters: BTreeMap::new(),
            requests: 0,
            reads: BTreeMap::new(),
            reads_issued: 0,
            peer_lines: log::Quota::default(),
        }
    }

    /// Runs until the node must not go on, or is asked to stop.
    pub(crate) fn run(mut self) {
        // Those whom the register knew when this node stopped.
        let mut effects = vec![self.node.contacts()];
        if let Err(halt) = self.carry_out(&mut effects) {
            self.halted.send_replace(Some(halt));
            return;
        }
        let halt = loop {
            let inputs = match self.wait() {
                Ok(inputs) => inputs,
                Err(halt) => break halt,
            };
            let inputs = self.with_room(inputs);
            self.node.handle_all(self.clock.now(), inputs, &mut effects);
            if let Err(halt) = self.carry_out(&mut effects) {
                break halt;
            }
        };
        tracing::info!(reason = %log::Chain(&halt), "node stops");
        self.halted.send_replace(Some(halt));
    }

    /// Everything that has come in, after waiting for the first of it or for the node's deadline.
    fn wait(&mut self) -> Result<Vec<Input>, Halt> {
        let mut inputs = Vec::new();
        let first = match self.node.next_deadline() {
            Some(deadline) => match self.jobs.recv_timeout(self.clock.until(deadline)) {
                Ok(job) => Some(job),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Err(Halt::Asked),
            },
            None => Some(self.jobs.recv().map_err(|_| Halt::Asked)?),
        };
        inputs.push(Input::Wake);
        if let Some(job) = first {
            self.take(job, &mut inputs)?;
            for _ in 0..JOBS_MAX {
                match self.jobs.try_recv() {
                    Ok(job) => self.take(job, &mut inputs)?,
                    Err(_) => break,
                }
            }
        }
        Ok(inputs)
    }

    /// Tells the node before all else when the disk has become full, or has room again.
    fn with_room(&mut self, mut inputs: Vec<Input>) -> Vec<Input> {
        let is_full = self.storage.space() == storage::Space::Full;
        if is_full != self.told_full {
            self.told_full = is_full;
            if is_full {
                tracing::error!("the disk is full: no commands are taken until there is room");
            } else {
                tracing::info!("the disk has room again");
            }
            inputs.insert(0, Input::Disk { is_full });
        }
        inputs
    }

    fn take(&mut self, job: Job<M>, inputs: &mut Vec<Input>) -> Result<(), Halt> {
        match job {
            Job::Inputs(mut happened) => inputs.append(&mut happened),
            Job::Frame { from, bytes, room } => {
                inputs.push(Input::Frame { from, bytes });
                drop(room);
            }
            Job::Command { group, command, until, deadline, reply, place } => {
                drop(place);
                let refusal = if self.storage.space() == storage::Space::Full {
                    Some(Reply::Busy { retry_after_ms: DISK_RETRY_AFTER_MS })
                } else if self.node.group(group).is_none() {
                    // Nobody would ever answer it.
                    Some(Reply::NotHome { home: None, epoch: Epoch(0) })
                } else {
                    None
                };
                if let Some(refusal) = refusal {
                    // The client may have gone away.
                    let _gone = reply.send(refusal).is_err();
                    return Ok(());
                }
                let request = self.number();
                self.replies.insert(request, reply);
                inputs.push(Input::Command { request, group, command, until, deadline });
            }
            Job::Order { order, reply } => {
                let request = self.number();
                self.ordered.insert(request, reply);
                inputs.push(Input::Order { request, order });
            }
            Job::Dispose { decision, reply } => {
                let request = self.number();
                self.ordered.insert(request, reply);
                inputs.push(Input::Dispose { request, decision });
            }
            Job::Upgrade { order, reply } => {
                let request = self.number();
                self.ordered.insert(request, reply);
                inputs.push(Input::Upgrade { request, order });
            }
            Job::Terms { order, reply } => {
                let request = self.number();
                self.ordered.insert(request, reply);
                inputs.push(Input::Terms { request, order });
            }
            Job::Ask(ask) => ask(&self.view()),
            Job::Show { order, deadline, reader } => {
                let request = self.number();
                self.readers.insert(request, reader);
                inputs.push(Input::Read { request, order, deadline });
            }
            Job::Cut { at, deadline, cutter } => {
                let request = self.number();
                self.cutters.insert(request, cutter);
                inputs.push(Input::Cut { request, at, deadline });
            }
            Job::Membership { order, reply } => {
                let request = self.number();
                self.ordered.insert(request, reply);
                inputs.push(Input::Membership { request, order });
            }
            Job::Recover { order, reply } => {
                let request = self.number();
                self.ordered.insert(request, reply);
                inputs.push(Input::Recover { request, order });
            }
            Job::Read { at, reply } => {
                self.reads_issued += 1;
                let id = ReadId(self.reads_issued);
                self.reads.insert(id, reply);
                self.backlog.push_back(Request::Load { owner: READERS, id, at });
            }
            Job::Loaded { id, result } => {
                if let Some(reply) = self.reads.remove(&id) {
                    let _gone = reply.send(result).is_err();
                }
            }
            Job::Room => {}
            Job::Halt(halt) => return Err(halt),
        }
        Ok(())
    }

    fn view(&self) -> NodeView<'_, M> {
        let (node, now) = (&self.node, self.clock.now());
        NodeView { node, now, storage: &self.storage, transport: &self.transport }
    }

    fn number(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    fn carry_out(&mut self, effects: &mut Vec<Effect>) -> Result<(), Halt> {
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, lane, bytes } => {
                    let lane = match lane {
                        Lane::Log => transport::Lane::Log,
                        Lane::Bulk => transport::Lane::Bulk,
                    };
                    // What is refused is as good as lost on the way: the protocol sends again.
                    if let Err(refused) = self.transport.send(to, lane, bytes) {
                        tracing::trace!(%to, %refused, "frame not sent");
                    }
                }
                Effect::Append { id, kind, bytes } => {
                    self.backlog.push_back(Request::Append { owner: RECORDS, id, kind, bytes });
                }
                Effect::Superblock { id, group, bytes } => {
                    let owner = METAS;
                    self.backlog.push_back(Request::Superblock { owner, id, group, blob: bytes });
                }
                Effect::Floor { id, start, keep } => {
                    self.backlog.push_back(Request::Floor { owner: METAS, id, start, keep });
                }
                Effect::SnapshotWrite { group, seq, offset, bytes, is_last } => {
                    let write = Request::SnapshotWrite { group, seq, offset, bytes, is_last };
                    self.backlog.push_back(write);
                }
                Effect::SnapshotRead { id, group, seq, offset, bytes_max } => {
                    let owner = RECORDS;
                    let read = Request::SnapshotRead { owner, id, group, seq, offset, bytes_max };
                    self.backlog.push_back(read);
                }
                Effect::SnapshotRemove { group, seq } => {
                    self.backlog.push_back(Request::SnapshotRemove { group, seq });
                }
                Effect::Load { id, at } => {
                    self.backlog.push_back(Request::Load { owner: RECORDS, id, at });
                }
                Effect::Nodes { come, gone } => {
                    for node in gone {
                        self.transport.remove(node);
                    }
                    for newcomer in come {
                        self.transport.add(newcomer.node, newcomer.contact.peers.clone());
                        self.newcomers.push(newcomer);
                    }
                }
                Effect::Answer { to, reply } => {
                    if let Some(waiting) = self.replies.remove(&to) {
                        // The client may have gone away; its command is done all the same.
                        let _gone = waiting.send(reply).is_err();
                    }
                }
                Effect::Ordered { to, result } => {
                    if let Some(waiting) = self.ordered.remove(&to) {
                        let _gone = waiting.send(result).is_err();
                    }
                }
                // The step is over, so this is the state that the node has judged.
                Effect::Read { to, result } => {
                    if let Some(reader) = self.readers.remove(&to) {
                        reader(result.map(|()| self.view()));
                    }
                }
                Effect::AtCut { to, group } => {
                    if let Some(mut cutter) = self.cutters.remove(&to) {
                        (cutter.look)(&self.view(), group);
                        self.cutters.insert(to, cutter);
                    }
                }
                Effect::Cut { to, result } => {
                    if let Some(cutter) = self.cutters.remove(&to) {
                        let _gone = cutter.end.send(result).is_err();
                    }
                }
                Effect::Note(event) => {
                    log::event(&event, self.clock.instant(), &mut self.peer_lines);
                }
                Effect::Stop(reason) => return Err(Halt::Fenced(reason)),
            }
        }
        let refused = self.storage.submit(&mut self.backlog).err();
        let disk_full = refused == Some(Refused::DiskFull);
        if disk_full && !self.disk_full {
            tracing::error!(
                "not even the reserve has room: make some, or this node takes itself out"
            );
        } else if self.disk_full && !disk_full {
            tracing::info!("the disk takes records again");
        }
        self.disk_full = disk_full;
        match refused {
            // What is left is submitted again at the next step; storage says when there is room.
            None | Some(Refused::Full | Refused::DiskFull) => Ok(()),
            // It stopped before it could say why: the reason follows as a job. Nothing more becomes
            // durable, so nothing more is promised meanwhile.
            Some(Refused::Stopped) => Ok(()),
            Some(refused @ (Refused::TooLarge { .. } | Refused::SuperblockFull { .. })) => {
                Err(Halt::Refused(refused))
            }
        }
    }
}
