//! A long and unreliable wire in user space: a TCP proxy with delay, jitter, bandwidth and cuts.
//!
//! It stands between two nodes of a demonstration or a test, so that three processes on one machine
//! meet the delays of three regions and links can be cut at will. It carries bytes and never looks
//! at them; TLS runs through it from end to end. Order is kept, nothing is lost while a connection
//! lives, and no byte arrives earlier than asked.
//!
//! It differs from a real wire in this: opening a TCP connection to it takes no time (a real one
//! costs a round trip), and a half-open state ends at the link, not at the far node.

mod flow;
mod timer;

use core::{net::SocketAddr, num::NonZeroU64};
use std::{
    io, net,
    sync::{Arc, Mutex},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

use self::{
    flow::{Pipe, carry},
    timer::Timer,
};
use crate::limits::ACCEPT_PAUSE;

/// Connections at once, waiting ones included: those who dial again and again into a black hole must
/// not use up the sockets of the process. Further ones are reset.
const CONNECTIONS_MAX: usize = 1_024;

/// One of the two ways through a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the side that connects to the target.
    ToTarget,
    /// From the target to the side that connected.
    ToSource,
}

/// What one direction does to bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// How long a byte is under way at least.
    pub delay_us: u32,
    /// What comes on top, evenly spread from 0 to this.
    pub jitter_us_max: u32,
    /// What all connections of the link share in this direction; `None` is no bound.
    pub bytes_per_s: Option<NonZeroU64>,
}

/// What a link does to bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Towards the target.
    pub to_target: Wire,
    /// Towards the side that connects.
    pub to_source: Wire,
}

impl Shape {
    /// The same delay each way and nothing else.
    #[must_use]
    pub const fn delay_us(one_way_us: u32) -> Self {
        let wire = Wire { delay_us: one_way_us, jitter_us_max: 0, bytes_per_s: None };
        Self { to_target: wire, to_source: wire }
    }
}

/// What a link lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Everything.
    Open,
    /// Nothing, and both ends learn it: connections are reset, new ones too.
    Cut,
    /// Nothing, and nobody learns it: bytes, ends and resets stay where they are; new connections
    /// are taken and left waiting. Opening the link again lets all of it go on in order.
    Blackhole,
    /// Bytes go this way and stop in the other. New connections are left waiting, since opening one
    /// takes both ways.
    OneWay(Direction),
}

impl Passage {
    const fn passes(self, direction: Direction) -> bool {
        match self {
            Self::Open => true,
            Self::Cut | Self::Blackhole => false,
            Self::OneWay(way) => way as u8 == direction as u8,
        }
    }
}

/// A running link. Dropping it closes all its connections.
#[derive(Debug)]
pub struct Link {
    local: SocketAddr,
    passage: watch::Sender<Passage>,
    pipes: Arc<Pipes>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Pipes {
    to_target: Mutex<Pipe>,
    to_source: Mutex<Pipe>,
}

impl Link {
    /// Takes connections at `listener` and carries them to `target`. Must be called inside a tokio
    /// runtime with I/O. Starts one thread, which keeps time more finely than the runtime does.
    ///
    /// # Errors
    /// If the listener cannot be used or the thread cannot be started.
    pub fn start(
        listener: net::TcpListener,
        target: SocketAddr,
        shape: Shape,
        seed: u64,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let pipes = Arc::new(Pipes {
            to_target: Mutex::new(Pipe::new(shape.to_target, seed)),
            to_source: Mutex::new(Pipe::new(shape.to_source, !seed)),
        });
        let passage = watch::Sender::new(Passage::Open);
        let timer = Arc::new(Timer::start()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_taking(listener, target, passage.clone(), pipes.clone(), timer));
        Ok(Self { local, passage, pipes, _tasks: tasks })
    }

    /// Where it takes connections.
    #[must_use]
    pub const fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// What it lets through now.
    #[must_use]
    pub fn passage(&self) -> Passage {
        *self.passage.borrow()
    }

    /// Changes what it lets through, from now on.
    pub fn set_passage(&self, passage: Passage) {
        self.passage.send_replace(passage);
    }

    /// Changes delays and bandwidth for bytes that come in from now on. They never overtake earlier
    /// ones of their connection.
    pub fn set_shape(&self, shape: Shape) {
        flow::lock(&self.pipes.to_target).set_wire(shape.to_target);
        flow::lock(&self.pipes.to_source).set_wire(shape.to_source);
    }

    /// How many bytes came in for a direction so far, those held back included.
    #[must_use]
    pub fn taken_bytes(&self, direction: Direction) -> u64 {
        match direction {
            Direction::ToTarget => flow::lock(&self.pipes.to_target).taken_bytes(),
            Direction::ToSource => flow::lock(&self.pipes.to_source).taken_bytes(),
        }
    }
}

async fn keep_taking(
    listener: TcpListener,
    target: SocketAddr,
    passage: watch::Sender<Passage>,
    pipes: Arc<Pipes>,
    timer: Arc<Timer>,
) {
    // Dropped with this task: the connections end with it.
    let mut connections = JoinSet::new();
    loop {
        let source = tokio::select! {
            taken = listener.accept() => match taken {
                Ok((source, _)) => source,
                Err(_) => {
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
        };
        if connections.len() >= CONNECTIONS_MAX {
            reset(source);
            continue;
        }
        let (passage, pipes, timer) = (passage.subscribe(), pipes.clone(), timer.clone());
        connections.spawn(async move {
            join(source, target, passage, &pipes, &timer).await;
        });
    }
}

/// Carries one connection until both ways have ended, or something breaks, or the link is cut.
async fn join(
    mut source: TcpStream,
    target: SocketAddr,
    passage: watch::Receiver<Passage>,
    pipes: &Pipes,
    timer: &Timer,
) {
    let mut gate = passage.clone();
    let settled = gate
        .wait_for(|passage| matches!(passage, Passage::Open | Passage::Cut))
        .await
        .map(|now| *now);
    if settled.ok() != Some(Passage::Open) {
        return reset(source);
    }
    let Ok(mut onward) = TcpStream::connect(target).await else { return reset(source) };
    if source.set_nodelay(true).and_then(|()| onward.set_nodelay(true)).is_err() {
        return reset(source);
    }
    let (from_source, to_source) = source.split();
    let (from_target, to_target) = onward.split();
    let (there, back) = (Direction::ToTarget, Direction::ToSource);
    let whole = tokio::select! {
        ends = async { tokio::try_join!(
            carry(from_source, to_target, there, passage.clone(), &pipes.to_target, timer),
            carry(from_target, to_source, back, passage.clone(), &pipes.to_source, timer),
        ) } => ends.is_ok(),
        _ = gate.wait_for(|passage| *passage == Passage::Cut) => false,
    };
    if !whole {
        reset(source);
        reset(onward);
    }
}

/// Closes so that the other end sees an error and not a good end.
fn reset(stream: TcpStream) {
    // If it cannot be set, the end is a good one, which TLS above tells from its own farewell.
    drop(stream.set_zero_linger());
    drop(stream);
}

#[cfg(test)]
mod tests;
