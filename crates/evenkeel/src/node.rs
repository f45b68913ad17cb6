//! `evenkeel node`: one node, from its configuration until it is told to stop or must not go on.

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use console::Site;
use group::StopReason;
use runtime::{Config, Halt, Running, StartError};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::operate::nodes;
use crate::output;

/// Arguments of `node`.
///
/// Needs the folder that `evenkeel cluster init` made. Prints one line with its URLs when it takes
/// requests, and logs to standard error; RUST_LOG chooses what. SIGTERM and SIGINT stop it in order.
/// Exit code 1 when it had to stop by itself, which a failed or stalled disk makes it do: everything
/// it acknowledged is on other nodes, and they take over.
///
/// A lost disk comes back as another node: `evenkeel node replace`.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment, args_conflicts_with_subcommands = true)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<nodes::Verb>,
    /// The node's configuration file.
    #[arg(long, required = true)]
    config: Option<PathBuf>,
    /// How to write the log.
    #[arg(long, value_enum, default_value_t)]
    log: LogForm,
    /// Stop when standard input ends: whoever started this node is gone.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, with times in UTC to the microsecond.
    Json,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Ended {
    if let Some(verb) = &args.verb {
        return nodes::run(verb);
    }
    let file =
        args.config.as_ref().context("--config: name the node's file").or_exit(Exit::Usage)?;
    log_to_stderr(args.log);
    let config = runtime::load(file)
        .with_context(|| format!("the configuration {} cannot be used", file.display()))
        .or_exit(Exit::Usage)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    let ended = runtime.block_on(serve(&config, args, file));
    // A read of standard input cannot be broken off, and a node that has taken itself out must end
    // even if whoever started it says nothing: nobody starts it again before.
    runtime.shutdown_background();
    ended
}

fn log_to_stderr(form: LogForm) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A node on whose log's disk there is no room goes on without a log: complaining of that to the
    // same place would end it.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(true)
        .log_internal_errors(false);
    let subscriber = subscriber.with_ansi(io::stderr().is_terminal());
    match form {
        LogForm::Text => subscriber.init(),
        LogForm::Json => subscriber.json().flatten_event(true).with_current_span(false).init(),
    }
}

async fn serve(config: &Config, args: &Args, file: &Path) -> Ended {
    // The port is taken before the log is read, which may take long: a node that cannot serve in the
    // end should say so at once.
    let listener = TcpListener::bind(config.listen.http)
        .await
        .map_err(|error| not_listening(error, config.listen.http, "listen.http", file))
        .or_exit(Exit::Usage)?;
    let http = listener.local_addr().context("a listener has an address")?;
    let site = Arc::new(Site::new(config).or_exit(Exit::Usage)?);
    let running = match payments_server::start(config) {
        Ok(running) => running,
        Err(error) => return Err(not_started(error, config, file)),
    };
    let router = payments_server::router(running.handle(), Arc::clone(&site));
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(console::serve(listener, router, async move {
        // An error means that this function is gone, which ends the server too.
        let _gone = stopped.await.is_err();
    }));
    // Before anybody is told that the node runs: from then on it may be told to stop.
    let asked = asked_to_stop(args.until_stdin_ends).context("signals cannot be taken")?;
    announce(http, &site, &running);
    if config.copies == 1 && config.nodes.len() > 1 {
        tracing::warn!(
            "copies: 1: what is acknowledged is on one node alone and is lost with it; no other node can \
             take over without `failover --forced`"
        );
    }
    let halt = tokio::select! {
        halt = running.halted() => halt,
        because = asked => {
            tracing::info!(because, "stopping");
            Halt::Asked
        }
    };
    // The server may have ended with its task.
    let _ended = stop.send(()).is_err();
    if halt == Halt::Asked {
        server.await.context("the HTTP server ended in a panic")?;
        running.stop().await;
        return Ok(Exit::Ok);
    }
    running.stop().await;
    let advice = match halt {
        Halt::Fenced(StopReason::Removed { .. }) => "nothing needs it any more",
        Halt::Fenced(StopReason::Diverged { .. }) => {
            "start it again; see docs/operating/recovery.md"
        }
        Halt::Disk(_) | Halt::Fenced(_) => {
            "what it acknowledged is on other nodes, which take over; mend the disk, run \
             `evenkeel journal verify`, then start the node again"
        }
        Halt::Asked | Halt::Refused(_) => "please report this",
    };
    Err(Failure::new(Exit::Failed, anyhow!(halt).context(format!("the node stopped: {advice}"))))
}

/// One line for people and for whatever started this node.
fn announce(http: SocketAddr, site: &Site, running: &Running<payments_model::Payments>) {
    let own = site.find(site.node()).map_or("", |node| node.url.as_str());
    output::line(&format!(
        "ready: node {} of {}: payments and console at {own} (listening on {http}), nodes at {}",
        site.node(),
        site.region(),
        running.peer_address(),
    ));
}

/// Takes signals from now on; the future ends with why the node is to stop.
fn asked_to_stop(until_stdin_ends: bool) -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stdin_ends = async move {
        if !until_stdin_ends {
            return std::future::pending().await;
        }
        let mut stdin = tokio::io::stdin();
        let mut buffer = [0; 64];
        // Nothing is ever sent: bytes are passed over, an end or an error means that nobody is there.
        while stdin.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            () = stdin_ends => "whoever started this node is gone",
        }
    })
}

fn not_started(error: StartError, config: &Config, file: &Path) -> Failure {
    if let StartError::Listen { address, source } = error {
        let error = not_listening(source, address, "listen.peers", file);
        return Failure::new(Exit::Usage, error);
    }
    let exit = match &error {
        StartError::CredentialFile(_)
        | StartError::Credential(_)
        | StartError::OtherNode { .. }
        | StartError::Blank { .. }
        | StartError::Listen { .. } => Exit::Usage,
        StartError::Storage(_)
        | StartError::Folder { .. }
        | StartError::Mark { .. }
        | StartError::Recover(_)
        | StartError::Transport(_)
        | StartError::Thread(_) => Exit::Failed,
    };
    let is_full = is_disk_full(&error);
    let error = anyhow::Error::new(error);
    let error = if is_full {
        error.context(format!(
            "the disk under {} is full: make room, or name another folder under `data` before the \
             node's first start",
            config.data.display()
        ))
    } else {
        error
    };
    Failure::new(exit, error)
}

fn not_listening(error: io::Error, address: SocketAddr, key: &str, file: &Path) -> anyhow::Error {
    let kind = error.kind();
    let file = file.display();
    let advice = if kind == io::ErrorKind::AddrInUse {
        format!("the port is taken; stop what uses it, or change `{key}` in {file}")
    } else if kind == io::ErrorKind::AddrNotAvailable {
        format!("this machine has no such address; change `{key}` in {file}")
    } else if kind == io::ErrorKind::PermissionDenied {
        format!("not allowed; choose a port above 1023 for `{key}` in {file}")
    } else {
        format!("see `{key}` in {file}")
    };
    anyhow::Error::new(error).context(format!("cannot listen on {address}: {advice}"))
}

/// Whether any error of the chain says that the disk has no room.
fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(one) = error {
        let kind = one.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        error = one.source();
    }
    false
}
