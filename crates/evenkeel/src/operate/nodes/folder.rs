//! The folder of a node that comes: a certificate for its id, a first start allowed once, and the
//! configuration of a node that there is, changed in three places.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use runtime::{Clock, Config, NodeRole};
use serde_json::Value;
use transport::pki::{Authority, NODE_DAYS};
use types::NodeId;

use crate::cluster::write_new;
use crate::exit::{Exit, Failure, OrExit as _};

/// Where a node stands and is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: String,
    pub(super) zone: String,
    pub(super) role: String,
    pub(super) peers: String,
    pub(super) http: String,
}

/// A folder that was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) folder: PathBuf,
    pub(super) place: Place,
}

impl Made {
    /// Makes the folder of node `id` in `dir`; what an order that broke off has left is used again.
    pub(super) fn make(
        dir: &Path,
        id: u16,
        replaces: Option<u16>,
        place: Option<Place>,
        (peers, http): (&Option<String>, &Option<String>),
        nodes: &Value,
    ) -> Result<Self, Failure> {
        let (source, config) = source(dir, replaces)?;
        let place = match (place, replaces) {
            (Some(place), _) => place,
            (None, old) => place_of(&config, old, (peers, http)).or_exit(Exit::Usage)?,
        };
        let text = fs::read_to_string(source.join("node.yaml"))
            .with_context(|| format!("cannot read {}", source.join("node.yaml").display()))?;
        let text = changed(&text, id, &place, &gone(nodes, replaces));
        let parsed = runtime::parse(&text);
        parsed
            .with_context(|| {
                format!(
                    "{} is not written as `cluster init` writes it: make the new node's by hand, \
                     docs/operating/nodes.md says how",
                    source.join("node.yaml").display()
                )
            })
            .or_exit(Exit::Usage)?;
        let zone = if place.zone.is_empty() { String::new() } else { format!("-{}", place.zone) };
        let folder = dir.join(format!("{}{zone}-n{id}", place.region));
        if !folder.join("node.yaml").exists() {
            fill(dir, &folder, &source, id, &text)?;
        }
        Ok(Self { folder, place })
    }
}

/// The folder of the node that is replaced, or of any, with its configuration.
fn source(dir: &Path, replaces: Option<u16>) -> Result<(PathBuf, Config), Failure> {
    let entries = fs::read_dir(dir)
        .with_context(|| format!("cannot look into {}", dir.display()))
        .or_exit(Exit::Usage)?;
    let mut folders: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    folders.sort();
    let configs = folders.into_iter().filter_map(|folder| {
        let config = runtime::load(&folder.join("node.yaml")).ok()?;
        Some((folder, config))
    });
    let mut fits = configs.filter(|(_, config)| replaces.is_none_or(|old| config.node == old));
    fits.next().ok_or_else(|| {
        let what = replaces.map_or_else(|| "any node".to_owned(), |old| format!("n{old}"));
        let error = anyhow!(
            "no folder in {} has the node.yaml of {what}: name the folder that `cluster init` made",
            dir.display()
        );
        Failure::new(Exit::Usage, error)
    })
}

fn place_of(
    config: &Config,
    old: Option<u16>,
    (peers, http): (&Option<String>, &Option<String>),
) -> anyhow::Result<Place> {
    let own = config.nodes.iter().find(|node| Some(node.id) == old);
    let own = own.context("a node is one of the nodes of its file")?;
    Ok(Place {
        region: own.region.clone(),
        zone: own.zone.clone(),
        role: match own.role {
            NodeRole::Full => "full",
            NodeRole::Witness => "witness",
            NodeRole::Register => "register",
        }
        .to_owned(),
        peers: peers.clone().unwrap_or_else(|| own.peers.clone()),
        http: http.clone().unwrap_or_else(|| own.http.clone()),
    })
}

/// Who is gone, with the one that is replaced now.
fn gone(nodes: &Value, replaces: Option<u16>) -> Vec<u64> {
    let all = nodes.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_gone = |node: &&Value| node.get("gone").is_some_and(|gone| !gone.is_null());
    let gone =
        all.iter().filter(is_gone).filter_map(|node| node.get("node").and_then(Value::as_u64));
    gone.chain(replaces.map(u64::from)).collect()
}

fn fill(dir: &Path, folder: &Path, source: &Path, id: u16, text: &str) -> Result<(), Failure> {
    let authority = Authority::read(&dir.join("authority"))
        .with_context(|| {
            format!("{}: only who has the authority's key can make nodes", dir.display())
        })
        .or_exit(Exit::Usage)?;
    let now_unix_s = Clock::start().wall().0 / 1_000_000;
    let credential =
        authority.issue(NodeId(id), now_unix_s, NODE_DAYS).context("no certificate")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let credentials = folder.join("credentials");
    if !credentials.exists() {
        credential.write(&credentials).context("the certificate cannot be written")?;
    }
    let token = source.join("admin.token");
    if let Ok(token) = fs::read_to_string(&token)
        && !folder.join("admin.token").exists()
    {
        write_new(&folder.join("admin.token"), &token, 0o600)?;
    }
    let data = folder.join("data");
    runtime::allow_first_start(&data).with_context(|| format!("cannot make {}", data.display()))?;
    // Last: with it the folder is whole.
    write_new(&folder.join("node.yaml"), text, 0o644)?;
    Ok(())
}

/// A node's file made another's: its number, where it listens, and itself in the list of nodes, where
/// those that are gone are marked. Read back and checked by the caller.
pub(super) fn changed(text: &str, id: u16, place: &Place, gone: &[u64]) -> String {
    let port = |address: &str| address.rsplit_once(':').map(|(_, port)| port.to_owned());
    let listen = |address: &str| {
        let host = address.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.rsplit_once('/').map_or(host, |(_, host)| host);
        let is_ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
        let host = if is_ip { host } else { "0.0.0.0" };
        port(address.trim_end_matches('/')).map(|port| format!("{host}:{port}"))
    };
    let http = place.http.trim_end_matches('/');
    let own = [
        format!("  - id: {id}"),
        "    joined: true".to_owned(),
        format!("    region: {:?}", place.region),
        format!("    zone: {:?}", place.zone),
        format!("    role: {}", place.role),
        format!("    peers: {:?}", place.peers),
        format!("    http: {http:?}"),
    ];
    let (mut out, mut section, mut is_in) = (Vec::new(), String::new(), false);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_top = line.starts_with(|first: char| first.is_alphabetic());
        if is_top {
            section = line.split(':').next().unwrap_or_default().to_owned();
        }
        let key = line.trim_start();
        match section.as_str() {
            "node" if is_top => out.push(format!("node: {id}")),
            "listen" if key.starts_with("peers:") => {
                let address = listen(&place.peers);
                out.push(
                    address.map_or_else(|| line.to_owned(), |one| format!("  peers: {one:?}")),
                );
            }
            "listen" if key.starts_with("http:") => {
                let address = listen(http);
                out.push(address.map_or_else(|| line.to_owned(), |one| format!("  http: {one:?}")));
            }
            "nodes" => {
                // What was said of it before is said again below.
                if !key.starts_with("gone:") {
                    out.push(line.to_owned());
                }
                let number = key.strip_prefix("- id:").and_then(|rest| rest.trim().parse().ok());
                if number.is_some_and(|number: u64| gone.contains(&number)) {
                    out.push("    gone: true".to_owned());
                }
                let is_last = lines.peek().is_none_or(|next| !next.starts_with([' ', '-']));
                if is_last && !is_top && !is_in {
                    is_in = true;
                    out.extend(own.iter().cloned());
                }
            }
            _ => out.push(line.to_owned()),
        }
    }
    out.push(String::new());
    out.join("\n")
}

#[cfg(test)]
mod tests;
