//! From a configuration to a running node: identity, disk, recovery, sessions, core thread.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use group::{Folder, Recovery, Restoration};
use model::Model;
use storage::{Read, Storage};
use tokio::sync::watch;
use transport::{Identity, Transport, pki::Credential};
use types::{ClusterId, NodeId};

use crate::driver::Driver;
use crate::handle::{Handle, Job};
use crate::limits::RESTORE_THREADS_MAX;
use crate::newcomers::Newcomers;
use crate::{Clock, Config, Halt, log, options, sinks, stop};

/// Why a node did not start. The chain of sources names the file or address and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A certificate or key file cannot be read.
    #[error("the node's credentials cannot be read")]
    CredentialFile(#[source] transport::pki::FileError),
    /// The certificate or key is of no use.
    #[error("the node's credentials cannot be used")]
    Credential(#[source] transport::IdentityError),
    /// The certificate is another node's.
    #[error("the certificate is {found}'s, the configuration is {expected}'s")]
    OtherNode {
        /// Whose certificate it is.
        found: NodeId,
        /// Whose configuration it is.
        expected: NodeId,
    },
    /// The folder cannot be opened.
    #[error("the node's folder cannot be used")]
    Storage(#[from] storage::OpenError),
    /// It cannot be seen what the folder holds.
    #[error("cannot read {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The folder is empty and this is not the node's first start.
    #[error(
        "{} is empty, and this node has been started before: an empty disk has forgotten what the node \
         promised, and must not vote under its name. Mount or bring back its own disk. If that is lost for \
         good, give its place to a node with a new id: `evenkeel node replace` makes its folder and orders it",
        path.display()
    )]
    Blank {
        /// The folder.
        path: PathBuf,
    },
    /// What the folder holds cannot be.
    #[error(
        "the node cannot be recovered from its folder. If node, nodes, groups or copies were changed in \
         the configuration, put them back: they are fixed for the life of a cluster. Otherwise run \
         `evenkeel journal verify`, and do not start this node on an empty folder"
    )]
    Recover(#[from] group::RecoverError),
    /// The mark of the first start cannot be removed.
    #[error("cannot remove {}", path.display())]
    Mark {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The sessions did not start.
    #[error("the sessions to other nodes did not start")]
    Transport(#[from] transport::StartError),
    /// The core thread did not start.
    #[error("the core thread did not start")]
    Thread(#[source] io::Error),
}

/// A running node. Dropping it stops the node as a crash would, but for what waits to be written.
#[derive(Debug)]
pub struct Running<M> {
    handle: Handle<M>,
    jobs: mpsc::Sender<Job<M>>,
    halted: watch::Receiver<Option<Halt>>,
    core: Option<JoinHandle<()>>,
    transport: Arc<Transport>,
    storage: Option<Storage>,
}

/// Starts a node. `fresh` is the application's model before the first command. Must be called inside
/// a tokio runtime; reading the log may take a while.
///
/// # Errors
/// [`StartError`]; nothing runs then.
pub fn start<M: Model + Send + 'static>(
    config: &Config,
    fresh: &M,
) -> Result<Running<M>, StartError> {
    let clock = Clock::start();
    let (identity, cluster) = identity(config)?;
    let listener = TcpListener::bind(config.listen.peers)
        .map_err(|source| StartError::Listen { address: config.listen.peers, source })?;

    let (jobs, receiver) = mpsc::channel();
    let folder = folder(&config.data)
        .map_err(|source| StartError::Folder { path: config.data.clone(), source })?;
    Recovery::<M>::may_start(folder)
        .map_err(|_| StartError::Blank { path: config.data.clone() })?;
    let mut opened = storage::open(options::storage(config, cluster, clock))?;
    let first = options::first_configs(config);
    let mut recovery = Recovery::new(options::node(config), &first, fresh, opened.blobs())?;
    recovery.files(opened.snapshots()?);
    restore(&mut recovery, &opened);
    if recovery.reads_all()? {
        opened.read_all();
    }
    recovery.reads_from(opened.start(), opened.kept());
    let mut error = None;
    let scanned = opened.replay(&mut |read| match read {
        Read::Record(record) if error.is_none() => {
            let bytes = Bytes::copy_from_slice(record.payload);
            error = recovery.record(record.at, record.kind, bytes).err();
        }
        Read::Record(_) => {}
        Read::Damage(damage) => recovery.damage(&damage),
    })?;
    if let Some(error) = error {
        return Err(error.into());
    }
    let found = *scanned.found();
    for damage in scanned.damage() {
        let until = damage.until.map(|until| until.0);
        tracing::error!(from = damage.from.0, until, "the log is damaged: peers are asked for it");
    }
    let blobs = recovery.examine();
    let node = recovery.finish(options::register(config, &first), clock.now())?;
    let replayed = scanned.settle(blobs)?;
    tracing::info!(records = found.records, torn = ?found.torn, "log read");

    remove_mark(&config.data)?;
    let storage = replayed.start(sinks::storage(jobs.clone()))?;
    let transport = Arc::new(Transport::start(
        transport::Options {
            identity,
            listener,
            peers: config
                .nodes
                .iter()
                .filter(|node| node.id != config.node && !node.gone)
                .map(|node| (NodeId(node.id), node.peers.clone()))
                .collect(),
            limits: options::transport_limits(config),
            seed: clock.wall().0,
        },
        sinks::transport(jobs.clone(), clock),
    )?);
    let (halted_sender, halted) = watch::channel(None);
    let newcomers = Arc::new(Newcomers::default());
    let parts = (storage.handle(), Arc::clone(&transport), Arc::clone(&newcomers));
    let driver = Driver::new(node, clock, receiver, parts, halted_sender);
    let core = thread::Builder::new()
        .name("core".into())
        .spawn(move || driver.run())
        .map_err(StartError::Thread)?;
    let answer_within_us = config.answer_within.micros();
    let handle = Handle::new(jobs.clone(), clock, answer_within_us, newcomers, cluster);
    Ok(Running { handle, jobs, halted, core: Some(core), transport, storage: Some(storage) })
}

/// Takes in the groups' snapshots, so that only what follows them is replayed: several at a time, as
/// nothing but the processor is in the way.
fn restore<M: Model + Send>(recovery: &mut Recovery<M>, opened: &storage::Opened) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let waiting = Mutex::new(recovery.restorations());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(mut group) = next() {
            take_in(&mut group, opened);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(RESTORE_THREADS_MAX) {
            // One that cannot be had leaves more for the others.
            let _started = thread::Builder::new().spawn_scoped(scope, work).is_ok();
        }
        work();
    });
}

fn take_in<M: Model>(group: &mut Restoration<'_, M>, opened: &storage::Opened) {
    while let Some(wanted) = group.wanted() {
        let (id, seq) = (group.group(), wanted.tail.seq);
        match group.restore(opened.snapshot(id, seq)) {
            Ok(()) => tracing::debug!(group = %id, %seq, "snapshot taken in"),
            Err(error) => {
                let error = log::Chain(&error);
                tracing::error!(group = %id, %seq, %error, "snapshot of no use; trying an older one");
            }
        }
    }
}

/// The file in a node's folder that allows it to be started empty, once.
const FIRST_START: &str = "first-start";

/// Makes a node's folder ready for its first start. A folder without this mark is never started
/// empty: a node whose disk was lost, or is not mounted, would vote again on what it has promised.
///
/// # Errors
/// If the folder or the mark cannot be made.
pub fn allow_first_start(data: &Path) -> io::Result<()> {
    fs::create_dir_all(data)?;
    fs::write(
        data.join(FIRST_START),
        "This node has never run. Its first start removes this file.\n",
    )
}

fn folder(data: &Path) -> io::Result<Folder> {
    Ok(if storage::is_used(data)? {
        Folder::Used
    } else if data.join(FIRST_START).try_exists()? {
        Folder::New
    } else {
        Folder::Empty
    })
}

/// The superblock exists now and says the rest.
fn remove_mark(data: &Path) -> Result<(), StartError> {
    let path = data.join(FIRST_START);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StartError::Mark { path, source })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

impl<M: 'static> Running<M> {
    /// For talking to the node.
    #[must_use]
    pub fn handle(&self) -> Handle<M> {
        self.handle.clone()
    }

    /// Where the other nodes reach this one.
    #[must_use]
    pub fn peer_address(&self) -> std::net::SocketAddr {
        self.transport.local_address()
    }

    /// Waits until the node ends by itself, and says why.
    pub async fn halted(&self) -> Halt {
        let mut halted = self.halted.clone();
        match halted.wait_for(Option::is_some).await {
            Ok(halt) => halt.clone().unwrap_or(Halt::Asked),
            Err(_) => Halt::Asked,
        }
    }

    /// Stops the node in order: no more steps, what waits is written, sessions are closed.
    ///
    /// A disk that does not come back is not waited for longer than ten seconds: a node that takes
    /// itself out because its disk stalls must be gone for the others, and for whoever starts it again.
    pub async fn stop(mut self) {
        self.halt();
        let (core, storage) = (self.core.take(), self.storage.take());
        let writing = stop::within(stop::DISK_TIME_MAX, "node-stop", move || {
            if core.is_some_and(|core| core.join().is_err()) {
                tracing::error!("the core thread panicked");
            }
            drop(storage);
        });
        // At once, and not after the disk: the other nodes need not wait for it.
        let (written, ()) = tokio::join!(writing, self.transport.close());
        if !written {
            tracing::error!("the disk does not answer: the node ends without it");
        }
    }
}

impl<M> Running<M> {
    fn halt(&self) {
        // The core thread may have ended already.
        let _ended = self.jobs.send(Job::Halt(Halt::Asked)).is_err();
    }
}

/// The core thread holds the sessions and, through them, the way to itself: nothing but a word ends it.
impl<M> Drop for Running<M> {
    fn drop(&mut self) {
        self.halt();
    }
}

fn identity(config: &Config) -> Result<(Identity, ClusterId), StartError> {
    let credential =
        Credential::read(&config.credentials.folder).map_err(StartError::CredentialFile)?;
    let identity = Identity::new(&credential).map_err(StartError::Credential)?;
    let (found, expected) = (identity.node(), config.me());
    if found != expected {
        return Err(StartError::OtherNode { found, expected });
    }
    let cluster = cluster_id(identity.authority_key());
    Ok((identity, cluster))
}

/// An installation is told from all others by its authority's key: a folder or a session of another
/// cluster never passes for this one's. The key and not the file, so that neither a copy with other
/// line ends nor a certificate that was renewed makes a node refuse its own disk.
fn cluster_id(authority_key: &[u8]) -> ClusterId {
    let digest = wire::digest(authority_key);
    let mut id = [0; 16];
    id.copy_from_slice(digest.0.split_at(16).0);
    ClusterId(id)
}
