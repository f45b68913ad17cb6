//! How the rest of the process talks to the thread that owns the node.

use std::sync::{Arc, mpsc};

use bytes::Bytes;
use group::{
    CutRefusal, Decision, Input, MembershipOrder, Node, Order, OrderRefusal, ReadOrder,
    ReadRefusal, RecoverOrder, TermsOrder, UpgradeOrder,
};
use storage::LoadError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc as queue, oneshot};
use types::{ClusterId, GroupId, Instant, NodeId, Now, Position, ReadId, Stamp, Until};
use wire::{Command, Reply};

use crate::Clock;
use crate::limits::{COMMAND_COST_BYTES, COMMANDS_BYTES_MAX, CROWDED_RETRY_AFTER_MS};
use crate::newcomers::Newcomers;

/// What goes to the core thread.
pub(crate) enum Job<M> {
    /// Things that happened.
    Inputs(Vec<Input>),
    /// Another node's bytes, and what holds that node up until they are taken.
    Frame { from: NodeId, bytes: Bytes, room: transport::Room },
    /// A client's command.
    Command {
        group: GroupId,
        command: Command,
        until: Until,
        deadline: Instant,
        reply: oneshot::Sender<Reply>,
        /// Its place among the commands that wait to be taken.
        place: OwnedSemaphorePermit,
    },
    /// An operator's order.
    Order { order: Order, reply: oneshot::Sender<Result<(), OrderRefusal>> },
    /// An operator's decision about a run that was set aside.
    Dispose { decision: Decision, reply: oneshot::Sender<Result<(), OrderRefusal>> },
    /// An operator's order to raise the model version.
    Upgrade { order: UpgradeOrder, reply: oneshot::Sender<Result<(), OrderRefusal>> },
    /// An operator's order of another class, or other terms.
    Terms { order: TermsOrder, reply: oneshot::Sender<Result<(), OrderRefusal>> },
    /// An operator's order about the nodes.
    Membership { order: MembershipOrder, reply: oneshot::Sender<Result<(), OrderRefusal>> },
    /// An operator's order to begin the register anew with those that are left.
    Recover { order: RecoverOrder, reply: oneshot::Sender<Result<(), OrderRefusal>> },
    /// A question.
    Ask(Question<M>),
    /// A question to be put once the state meets what is asked for.
    Show { order: ReadOrder, deadline: Instant, reader: Reader<M> },
    /// A question to be put to each group once it stands at a cut.
    Cut { at: Stamp, deadline: Instant, cutter: Cutter<M> },
    /// A record to be read back for people.
    Read { at: Position, reply: oneshot::Sender<Result<Bytes, LoadError>> },
    /// It was read.
    Loaded { id: ReadId, result: Result<Bytes, LoadError> },
    /// Storage has room again.
    Room,
    /// End, for this reason.
    Halt(crate::Halt),
}

/// A look at the node that runs on the core thread.
pub(crate) type Question<M> = Box<dyn FnOnce(&NodeView<'_, M>) + Send>;

/// What is told that the node may be looked at, or why not.
pub(crate) type Reader<M> = Box<dyn FnOnce(Result<NodeView<'_, M>, ReadRefusal>) + Send>;

type GroupLook<M> = Box<dyn FnMut(&NodeView<'_, M>, GroupId) + Send>;

/// What looks at each group at a cut, and who is told of the end.
pub(crate) struct Cutter<M> {
    pub(crate) look: GroupLook<M>,
    pub(crate) end: oneshot::Sender<Result<(), CutRefusal>>,
}

/// What a question may look at.
#[derive(Debug)]
pub struct NodeView<'a, M> {
    /// The node.
    pub node: &'a Node<M>,
    /// What the clocks say.
    pub now: Now,
    /// How the disk does.
    pub storage: &'a storage::Handle,
    /// How the sessions do.
    pub transport: &'a transport::Transport,
}

/// The node has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this node is stopping")]
pub struct Gone;

/// Talks to a running node. Cheap to clone.
#[derive(Debug)]
pub struct Handle<M> {
    jobs: mpsc::Sender<Job<M>>,
    clock: Clock,
    answer_within_us: u64,
    /// Bytes of commands that may still come to wait.
    places: Arc<Semaphore>,
    newcomers: Arc<Newcomers>,
    cluster: ClusterId,
}

impl<M> Clone for Handle<M> {
    fn clone(&self) -> Self {
        let (jobs, places) = (self.jobs.clone(), Arc::clone(&self.places));
        let (newcomers, cluster) = (Arc::clone(&self.newcomers), self.cluster);
        let (clock, answer_within_us) = (self.clock, self.answer_within_us);
        Self { jobs, clock, answer_within_us, places, newcomers, cluster }
    }
}

impl<M: 'static> Handle<M> {
    pub(crate) fn new(
        jobs: mpsc::Sender<Job<M>>,
        clock: Clock,
        answer_within_us: u64,
        newcomers: Arc<Newcomers>,
        cluster: ClusterId,
    ) -> Self {
        let places = Arc::new(Semaphore::new(COMMANDS_BYTES_MAX));
        Self { jobs, clock, answer_within_us, places, newcomers, cluster }
    }

    /// The cluster that this node belongs to.
    #[must_use]
    pub const fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The nodes that were admitted after the first day, as far as this node knows.
    #[must_use]
    pub fn newcomers(&self) -> Arc<Newcomers> {
        Arc::clone(&self.newcomers)
    }

    /// Hands an order about the nodes to the node, and waits until the register has taken or refused it.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn change_nodes(
        &self,
        order: MembershipOrder,
    ) -> Result<Result<(), OrderRefusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Membership { order, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Begins a generation of the register without those that are lost for good, and waits until that is on
    /// this node's disk.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn recover_register(
        &self,
        order: RecoverOrder,
    ) -> Result<Result<(), OrderRefusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Recover { order, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// The node's clocks.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// How long whoever is willing to wait for `patience_us` is kept waiting at most, in microseconds.
    #[must_use]
    pub fn patience_us(&self, patience_us: Option<u64>) -> u64 {
        patience_us.map_or(self.answer_within_us, |us| us.min(self.answer_within_us))
    }

    /// Hands a command to its group and waits for its commit; see [`Handle::command_until`].
    ///
    /// # Errors
    /// [`Gone`]: whether the command was or will be done is not known.
    pub async fn command(
        &self,
        group: GroupId,
        command: Command,
        patience_us: Option<u64>,
    ) -> Result<Reply, Gone> {
        self.command_until(group, command, Until::Commit, patience_us).await
    }

    /// Hands a command to its group and waits for the answer, which comes within the configured
    /// time, or within `patience_us` if that is shorter; an outcome that is not known by then is said
    /// to be unknown. With [`Until::Class`], groups of class async and local answer before the commit,
    /// and say so: [`Reply::Provisional`].
    ///
    /// Dropping the future does not take the command back. `Busy` without a look at the group means
    /// that this node is behind with all commands.
    ///
    /// # Errors
    /// [`Gone`]: whether the command was or will be done is not known.
    pub async fn command_until(
        &self,
        group: GroupId,
        command: Command,
        until: Until,
        patience_us: Option<u64>,
    ) -> Result<Reply, Gone> {
        let deadline = self.clock.instant().after(self.patience_us(patience_us));
        let cost = u32::try_from(command.body.len() + COMMAND_COST_BYTES).unwrap_or(u32::MAX);
        let Ok(place) = Arc::clone(&self.places).try_acquire_many_owned(cost) else {
            return Ok(Reply::Busy { retry_after_ms: CROWDED_RETRY_AFTER_MS });
        };
        let (reply, answer) = oneshot::channel();
        let job = Job::Command { group, command, until, deadline, reply, place };
        self.jobs.send(job).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Hands an order to the node and waits until the register has taken or refused it.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn order(&self, order: Order) -> Result<Result<(), OrderRefusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Order { order, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Hands a decision about a run that was set aside to the node, and waits until the register has
    /// taken or refused it.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn dispose(&self, decision: Decision) -> Result<Result<(), OrderRefusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Dispose { decision, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Reads a record of this node's log back, for people who want to see it. It stands in line behind
    /// what the node itself reads.
    ///
    /// # Errors
    /// [`Gone`]; and [`LoadError`] if there is none, or it is damaged.
    pub async fn read(&self, at: Position) -> Result<Result<Bytes, LoadError>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Read { at, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Hands an order to raise the model version to the node and waits until the register has taken or
    /// refused it.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn upgrade(&self, order: UpgradeOrder) -> Result<Result<(), OrderRefusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Upgrade { order, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Hands an order of another class, or other terms, to the node and waits until the register has taken or
    /// refused it.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn retune(&self, order: TermsOrder) -> Result<Result<(), OrderRefusal>, Gone> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Terms { order, reply }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Asks the node something. `look` runs on the core thread between two steps, so it sees one
    /// consistent state; it must be quick.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn ask<T: Send + 'static>(
        &self,
        look: impl FnOnce(&NodeView<'_, M>) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        let ask = Job::Ask(Box::new(move |view| {
            // Nobody waits any more if the client has gone away.
            let _gone = reply.send(look(view)).is_err();
        }));
        self.jobs.send(ask).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Asks the node something once its state meets what `order` asks for, and until then waits for
    /// `patience_us` or the configured time, whichever is shorter. `look` runs between two steps, at the
    /// very state that was judged; it must be quick.
    ///
    /// # Errors
    /// [`Gone`]; and [`ReadRefusal`] if the state does not come to meet it: nothing was looked at.
    pub async fn show<T: Send + 'static>(
        &self,
        order: ReadOrder,
        patience_us: Option<u64>,
        look: impl FnOnce(&NodeView<'_, M>) -> T + Send + 'static,
    ) -> Result<Result<T, ReadRefusal>, Gone> {
        let deadline = self.clock.instant().after(self.patience_us(patience_us));
        let (reply, answer) = oneshot::channel();
        let reader: Reader<M> = Box::new(move |view| {
            // Nobody waits any more if the client has gone away.
            let _gone = reply.send(view.map(|view| look(&view))).is_err();
        });
        self.jobs.send(Job::Show { order, deadline, reader }).map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Asks each group of the node something as it stands at the cut `at`, which is to lie ahead, within
    /// `patience_us` from now. What `look` returns of each comes in the order in which they came to it.
    ///
    /// # Errors
    /// [`Gone`]; and [`CutRefusal`] if not all groups could be looked at there.
    pub async fn cut<T: Send + 'static>(
        &self,
        at: Stamp,
        patience_us: u64,
        mut look: impl FnMut(&NodeView<'_, M>, GroupId) -> T + Send + 'static,
    ) -> Result<Result<Vec<(GroupId, T)>, CutRefusal>, Gone> {
        let deadline = self.clock.instant().after(patience_us);
        let (seen, mut looks) = queue::unbounded_channel();
        let (end, ended) = oneshot::channel();
        let look: GroupLook<M> = Box::new(move |view, group| {
            let _gone = seen.send((group, look(view, group))).is_err();
        });
        self.jobs
            .send(Job::Cut { at, deadline, cutter: Cutter { look, end } })
            .map_err(|_| Gone)?;
        if let Err(refusal) = ended.await.map_err(|_| Gone)? {
            return Ok(Err(refusal));
        }
        let mut all = Vec::new();
        while let Ok(one) = looks.try_recv() {
            all.push(one);
        }
        Ok(Ok(all))
    }
}
