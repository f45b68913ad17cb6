//! Namespaces, devices and addresses.
//!
//! Every port has two addresses: one in the *data* plane, on which faults work, and one in the
//! *control* plane, on which none do. Nodes know each other, and clients know nodes, by the first;
//! what this program asks to judge a run goes by the second.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context as _, bail};
use tun_rs::{DeviceBuilder, SyncDevice};

/// Bytes of a packet, headers included.
pub(super) const MTU: u16 = 1_500;

/// Where the clients' last byte is; nodes' start at 1.
const CLIENTS_BYTE: u8 = 100;

/// Which network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plane {
    /// Faults work on it.
    Data,
    /// They do not.
    Control,
}

impl Plane {
    const fn byte(self) -> u8 {
        match self {
            Self::Data => 77,
            Self::Control => 78,
        }
    }
}

/// The port of the clients, which is the last.
pub(crate) const fn clients_port(nodes: usize) -> usize {
    nodes
}

/// The address of a node in a plane.
pub(crate) fn address(plane: Plane, node: usize) -> Ipv4Addr {
    with_byte(plane, u8::try_from(node + 1).unwrap_or(u8::MAX))
}

const fn with_byte(plane: Plane, last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, plane.byte(), 0, last)
}

/// The name of a node's namespace.
pub(crate) fn namespace(node: usize) -> String {
    format!("chaos-{}", node + 1)
}

/// Where a packet goes, if it is one of IPv4 (RFC 791, section 3.1).
pub(super) fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    let is_v4 = packet.first()? >> 4 == 4;
    let bytes: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    is_v4.then(|| Ipv4Addr::from(bytes))
}

/// Which port of `ports` has an address; the last one is the clients'.
pub(super) fn port_of(address: Ipv4Addr, ports: usize) -> Option<(Plane, usize)> {
    let [10, plane, 0, last] = address.octets() else { return None };
    let plane = [Plane::Data, Plane::Control].into_iter().find(|one| one.byte() == plane)?;
    let nodes = ports.checked_sub(1)?;
    if last == CLIENTS_BYTE {
        return Some((plane, nodes));
    }
    let node = usize::from(last).checked_sub(1)?;
    (node < nodes).then_some((plane, node))
}

/// Makes a namespace for every node and a device in each, and one device here for the clients.
/// Returns the devices in the order of their ports.
pub(crate) fn join(nodes: usize) -> anyhow::Result<Vec<SyncDevice>> {
    let mut devices = Vec::new();
    for node in 0..nodes {
        let (space, name) = (namespace(node), format!("node{}", node + 1));
        ip(&["netns", "add", &space])?;
        let device = open(&name)?;
        ip(&["link", "set", &name, "netns", &space])?;
        bring_up(&["-n", &space], &name, u8::try_from(node + 1)?)?;
        ip(&["-n", &space, "link", "set", "lo", "up"])?;
        devices.push(device);
    }
    let device = open("clients")?;
    bring_up(&[], "clients", CLIENTS_BYTE)?;
    ip(&["link", "set", "lo", "up"])?;
    devices.push(device);
    Ok(devices)
}

fn open(name: &str) -> anyhow::Result<SyncDevice> {
    let device = DeviceBuilder::new().name(name).mtu(MTU).enable(false).build_sync();
    device.with_context(|| format!("cannot make the TUN device {name}"))
}

fn bring_up(inside: &[&str], name: &str, last: u8) -> anyhow::Result<()> {
    for plane in [Plane::Data, Plane::Control] {
        let address = format!("{}/16", with_byte(plane, last));
        ip(&[inside, &["addr", "add", &address, "dev", name]].concat())?;
    }
    ip(&[inside, &["link", "set", name, "up"]].concat())
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ip").args(arguments).output();
    let output = output.context("cannot start `ip`: install iproute2")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`ip {}` failed: {}", arguments.join(" "), said.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
