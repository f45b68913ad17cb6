//! `evenkeel cluster init`: an authority, and for each node a folder to carry to its machine.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use runtime::{Clock, NodeRole};
use transport::ClusterName;
use transport::pki::{Authority, NODE_DAYS};
use types::NodeId;

use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::node_file::{Durability, NodeFile, Profile, Seen};
use crate::output::{self, Table};

/// Arguments of `cluster`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a new cluster.
    ///
    /// Writes DIR/authority, which stays where it is and is kept secret, and a folder per node
    /// with the node's certificate, its key, its configuration and the administrators' token. Carry
    /// each folder to its machine, look through its node.yaml, and start it there.
    ///
    /// Which losses a cluster survives follows from where its nodes stand: docs/operating/topologies.md.
    #[command(after_help = "Examples:\n  \
        evenkeel cluster init prod --region dublin=10.1.0.5 --region frankfurt=10.2.0.5 \
        --region virginia=10.3.0.5\n  \
        evenkeel cluster init prod --region dublin=10.1.0.5 --region frankfurt=10.2.0.5 \
        --witness paris=10.3.0.5\n  \
        evenkeel cluster init prod --region dublin/a=10.1.0.5 --region dublin/b=10.1.1.5 ... \
        (six nodes in three regions)")]
    Init(Init),
}

#[derive(Debug, clap::Args)]
struct Init {
    /// The folder to make.
    dir: PathBuf,
    /// A full node: its region, its zone there if the region has several nodes, and where it is reached;
    /// without HOST, on this machine. Give 1, or 3 to 7 nodes in all.
    #[arg(long = "region", value_name = "NAME[/ZONE][=HOST]", required = true, value_parser = place)]
    regions: Vec<Place>,
    /// A node that keeps the end of every journal, which counts as a copy, runs no application and is
    /// never home.
    #[arg(long = "witness", value_name = "NAME[/ZONE][=HOST]", value_parser = place)]
    witnesses: Vec<Place>,
    /// A node that has a vote in the register, which decides who is home, and keeps no copy.
    #[arg(long = "register", value_name = "NAME[/ZONE][=HOST]", value_parser = place)]
    registers: Vec<Place>,
    /// Durable copies that an acknowledgement needs, the home's included. Without it: more than half, or
    /// with several nodes in a region one more than --spread.
    #[arg(long)]
    copies: Option<usize>,
    /// In how many regions, at least, those copies must lie. Without it: 1, or with several nodes in a
    /// region more than half of the regions.
    #[arg(long)]
    spread: Option<usize>,
    /// First of the ports: each node takes two, one for nodes and one for HTTP.
    #[arg(long, default_value_t = 7_400)]
    base_port: u16,
    /// What the cluster is called in its certificates.
    #[arg(long, default_value = "evenkeel")]
    name: String,
    /// How many ledgers a currency has, each with a group of its own. Accounts at one bank share one; a
    /// payment between two takes three commits. It never changes.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    ledgers: u16,
}

/// One `--region`, `--witness` or `--register`.
#[derive(Clone, Debug)]
struct Place {
    region: String,
    zone: String,
    host: Option<String>,
}

fn place(text: &str) -> Result<Place, &'static str> {
    let (region, host) = match text.split_once('=') {
        Some((region, host)) => (region, Some(host)),
        None => (text, None),
    };
    let (region, zone) = match region.split_once('/') {
        Some((region, zone)) => (region, Some(zone)),
        None => (region, None),
    };
    if !is_folder_name(region) || zone.is_some_and(|zone| !is_folder_name(zone)) {
        return Err("want a name of letters, digits, hyphens and underscores");
    }
    if host.is_some_and(str::is_empty) {
        return Err("want a host after the equals sign");
    }
    let zone = zone.unwrap_or_default().to_owned();
    Ok(Place { region: region.to_owned(), zone, host: host.map(str::to_owned) })
}

/// Whether a region's name can be a folder's: it becomes one.
pub(crate) fn is_folder_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= 40 && name.chars().all(fits) && !name.starts_with('-')
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Ended {
    match &args.verb {
        Verb::Init(init) => make(init),
    }
}

fn make(init: &Init) -> Ended {
    let places = init.places();
    let count = places.len();
    if !matches!(count, 1 | 3..=7) {
        let error = anyhow!("{count} nodes: want 1, or 3 to 7, so that a majority can be left");
        return Err(Failure::new(Exit::Usage, error));
    }
    let ports = u16::try_from(2 * count).expect("there are at most 7");
    if init.base_port == 0 || init.base_port.checked_add(ports).is_none() {
        let error = anyhow!("--base-port {}: the ports must lie in 1 to 65535", init.base_port);
        return Err(Failure::new(Exit::Usage, error));
    }
    let nodes: Vec<Seen> =
        (1..).zip(&places).map(|(id, (place, role))| seen(init, id, place, *role)).collect();
    let folders: BTreeSet<String> = nodes.iter().map(Seen::folder).collect();
    if folders.len() != count || folders.contains("authority") {
        let error = anyhow!(
            "each node needs a region or a zone of its own, and none may be called `authority`"
        );
        return Err(Failure::new(Exit::Usage, error));
    }
    let durability = durability(init, &nodes)?;
    let name = ClusterName::new(&init.name).context("--name").or_exit(Exit::Usage)?;
    refuse_used(&init.dir)?;
    let files = (1..).zip(&places).map(|(id, (place, _))| {
        let ip = match place.host.as_deref().map(str::parse::<IpAddr>) {
            None => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(Ok(ip)) => ip,
            Some(Err(_)) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let (peers, http) = ports_of(init, id);
        NodeFile {
            node: id,
            listen_peers: SocketAddr::new(ip, peers),
            listen_http: SocketAddr::new(ip, http),
            nodes: nodes.clone(),
            durability,
            ledgers: init.ledgers,
            profile: Profile::PRODUCTION,
        }
    });
    let files: Vec<NodeFile> = files.collect();
    write(&init.dir, name, &files)?;

    let mut table = Table::new(["node", "place", "for nodes", "for clients", "start with"]);
    for file in &files {
        let Some(own) = file.nodes.iter().find(|seen| seen.id == file.node) else { continue };
        let start = init.dir.join(own.folder()).join("node.yaml");
        table.row([
            file.node.to_string(),
            place_of(own),
            own.peers.clone(),
            own.http.clone(),
            format!("evenkeel node --config {}", start.display()),
        ]);
    }
    output::print(&table.render());
    output::line("");
    let Durability { copies, spread } = durability;
    output::line(&format!(
        "An acknowledgement needs {copies} durable copies in at least {spread} {}.",
        if spread == 1 { "region" } else { "regions" }
    ));
    output::line(&format!(
        "The authority's key is {}. It can make nodes: keep it off the nodes.",
        init.dir.join("authority/authority.key").display()
    ));
    Ok(Exit::Ok)
}

impl Init {
    /// Every node, in the order of their numbers.
    fn places(&self) -> Vec<(&Place, NodeRole)> {
        let full = self.regions.iter().map(|place| (place, NodeRole::Full));
        let witnesses = self.witnesses.iter().map(|place| (place, NodeRole::Witness));
        let registers = self.registers.iter().map(|place| (place, NodeRole::Register));
        full.chain(witnesses).chain(registers).collect()
    }
}

/// What was asked for, or what is usual for these nodes, if it can be had.
fn durability(init: &Init, nodes: &[Seen]) -> Result<Durability, Failure> {
    let usual = Durability::usual(nodes);
    let durability = Durability {
        copies: init.copies.unwrap_or_else(|| usual.copies.max(init.spread.unwrap_or(0))),
        spread: init.spread.unwrap_or_else(|| usual.spread.min(init.copies.unwrap_or(usize::MAX))),
    };
    let keeping = || nodes.iter().filter(|seen| seen.role != NodeRole::Register);
    let regions = keeping().map(|seen| seen.region.as_str()).collect::<BTreeSet<_>>().len();
    let (count, Durability { copies, spread }) = (keeping().count(), durability);
    let fits = (1..=count).contains(&copies) && (1..=copies.min(regions)).contains(&spread);
    fits.then_some(durability).ok_or_else(|| {
        let error = anyhow!(
            "{copies} copies in {spread} regions cannot be had: {count} nodes in {regions} regions \
             keep copies"
        );
        Failure::new(Exit::Usage, error)
    })
}

/// Where a node stands and what it is, as people say it.
fn place_of(seen: &Seen) -> String {
    let zone = if seen.zone.is_empty() { String::new() } else { format!("/{}", seen.zone) };
    let role = match seen.role {
        NodeRole::Full => "",
        NodeRole::Witness => " (witness)",
        NodeRole::Register => " (register)",
    };
    format!("{}{zone}{role}", seen.region)
}

fn ports_of(init: &Init, id: u16) -> (u16, u16) {
    let peers = init.base_port + 2 * (id - 1);
    (peers, peers + 1)
}

fn seen(init: &Init, id: u16, place: &Place, role: NodeRole) -> Seen {
    let host = match place.host.as_deref() {
        None => "127.0.0.1".to_owned(),
        Some(host) if host.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{host}]"),
        Some(host) => host.to_owned(),
    };
    let (peers, http) = ports_of(init, id);
    Seen {
        id,
        region: place.region.clone(),
        zone: place.zone.clone(),
        role,
        peers: format!("{host}:{peers}"),
        http: format!("http://{host}:{http}"),
    }
}

fn refuse_used(dir: &Path) -> Result<(), Failure> {
    let is_used = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot look into {}", dir.display()))
                .or_exit(Exit::Usage);
        }
    };
    if is_used {
        let error = anyhow!(
            "{} is not empty; a cluster's keys are never overwritten: name another folder",
            dir.display()
        );
        return Err(Failure::new(Exit::Usage, error));
    }
    Ok(())
}

/// Writes `dir/authority` and a folder for every node; returns the administrators' token.
pub(crate) fn write(dir: &Path, name: ClusterName, files: &[NodeFile]) -> anyhow::Result<String> {
    let now_unix_s = Clock::start().wall().0 / 1_000_000;
    let authority = Authority::create(name, now_unix_s)?;
    authority.write(&dir.join("authority"))?;
    let token = random_token()?;
    for file in files {
        let own = file.nodes.iter().find(|seen| seen.id == file.node);
        let folder = dir.join(own.map(Seen::folder).context("a node is one of the nodes")?);
        let credential = authority.issue(NodeId(file.node), now_unix_s, NODE_DAYS)?;
        credential.write(&folder.join("credentials"))?;
        write_new(&folder.join("admin.token"), &format!("{token}\n"), 0o600)?;
        write_new(&folder.join("node.yaml"), &file.yaml(), 0o644)?;
        let data = folder.join("data");
        runtime::allow_first_start(&data)
            .with_context(|| format!("cannot make {}", data.display()))?;
    }
    Ok(token)
}

/// 32 random bytes in hexadecimal.
fn random_token() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read randomness from /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(crate) fn write_new(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .with_context(|| format!("cannot write {}", path.display()))
}
