//! What every manifest says, and what only some may.
//!
//! Shared lints are only as good as the crate that forgets them, and one async crate in a decider
//! brings in clocks and sockets that no `#![no_std]` of ours can see through.

use super::Finding;
use super::layers::{Table, WORLD};
use crate::workspace::Crate;

/// Crates that bring clocks, threads, sockets or TLS, by their full name or, with `-` at the end, by
/// how it begins.
const WORLDLY: [&str; 22] = [
    "async-",
    "axum",
    "axum-",
    "futures",
    "futures-",
    "http-body-util",
    "hyper",
    "hyper-",
    "mio",
    "openraft",
    "polling",
    "quinn",
    "quinn-",
    "reqwest",
    "rustls",
    "rustls-",
    "smol",
    "socket2",
    "tokio",
    "tokio-",
    "tonic",
    "tower",
];

/// Only layers 4 and 5 depend on crates that touch the world, their tests included: a decider's test
/// that needs a runtime tests something else.
pub(crate) fn check_world(table: &Table, crates: &[Crate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in crates {
        if table.layer(&package.name).is_none_or(|layer| layer >= WORLD) {
            continue;
        }
        for arrow in package.arrows.iter().filter(|arrow| !arrow.ours && is_worldly(&arrow.to)) {
            let place = format!("{}/Cargo.toml", package.folder);
            let says =
                format!("`{}` belongs to layers 4 and 5; `{}` decides", arrow.to, package.name);
            findings.push(Finding::fails(place, says));
        }
    }
    findings
}

fn is_worldly(name: &str) -> bool {
    WORLDLY.iter().any(|known| name == *known || (known.ends_with('-') && name.starts_with(known)))
}

/// Every manifest takes the lints of the workspace. `text` is the manifest at `path`.
pub(crate) fn check_lints(path: &str, text: &str) -> Option<Finding> {
    let mut lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    lines.find(|line| *line == "[lints]");
    let inherits = lines
        .take_while(|line| !line.starts_with('['))
        .any(|line| line.split_whitespace().collect::<String>() == "workspace=true");
    (!inherits)
        .then(|| Finding::fails(path, "does not take the shared lints: [lints] workspace = true"))
}

#[cfg(test)]
mod tests;
