//! The wires between the regions: every one of them goes through this process and takes its time.
//!
//! Between two nodes there are two wires, one for whoever connects from either side, and between the
//! clients of a region and the nodes of the others there is one each. Cutting a link cuts all of the
//! pair's. What is cut swallows bytes and tells nobody, as a dead line does.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;
use transport::link::{Link, Passage, Shape};

use super::latency::Latencies;
use super::region::Region;

/// Who is at the near end of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Near {
    /// The region's node.
    Node,
    /// The region's clients.
    Clients,
}

/// All wires.
#[derive(Debug)]
pub(crate) struct Wires {
    links: BTreeMap<(Near, usize, usize), Link>,
    round_trips_us: BTreeMap<(usize, usize), u32>,
}

impl Wires {
    /// Puts wires between all regions. Must be called inside a tokio runtime.
    pub(crate) fn lay(
        regions: &[Region],
        latencies: &Latencies,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut links = BTreeMap::new();
        let mut round_trips_us = BTreeMap::new();
        for from in regions {
            for to in regions.iter().filter(|to| to.index != from.index) {
                let round_trip_us = latencies.round_trip_us(&from.name, &to.name)?;
                round_trips_us.insert((from.index, to.index), round_trip_us);
                for (near, target) in [(Near::Node, to.peers), (Near::Clients, to.http)] {
                    // The system may choose: nobody connects here but what this process tells.
                    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                        .context("no port is free for a wire between regions")?;
                    let shape = Shape::delay_us(round_trip_us / 2);
                    let link = Link::start(listener, target, shape, seed)
                        .context("a wire between regions cannot be laid")?;
                    links.insert((near, from.index, to.index), link);
                }
            }
        }
        Ok(Self { links, round_trips_us })
    }

    /// Where the node of region `from` reaches that of region `to`.
    pub(crate) fn for_nodes(&self, from: usize, to: &Region) -> SocketAddr {
        let link = self.links.get(&(Near::Node, from, to.index));
        link.map_or(to.peers, Link::local_address)
    }

    /// Where clients in region `from` reach the node of region `to`.
    pub(crate) fn for_clients(&self, from: usize, to: &Region) -> SocketAddr {
        let link = self.links.get(&(Near::Clients, from, to.index));
        link.map_or(to.http, Link::local_address)
    }

    /// The round trip between two regions; 0 within one.
    pub(crate) fn round_trip_us(&self, a: usize, b: usize) -> u32 {
        self.round_trips_us.get(&(a, b)).copied().unwrap_or_default()
    }

    /// Cuts or mends everything between two regions.
    pub(crate) fn set(&self, a: usize, b: usize, passage: Passage) {
        for ((_, from, to), link) in &self.links {
            if (*from, *to) == (a, b) || (*from, *to) == (b, a) {
                link.set_passage(passage);
            }
        }
    }

    /// Cuts or mends everything between one region and all others.
    pub(crate) fn set_around(&self, region: usize, passage: Passage) {
        for ((_, from, to), link) in &self.links {
            if *from == region || *to == region {
                link.set_passage(passage);
            }
        }
    }
}
