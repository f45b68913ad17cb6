//! Ports for the regions of a demo.
//!
//! A region that is killed must find its ports free when it comes back. Ports that the system gives
//! away to outgoing connections are therefore not used: one of thousands of clients would sooner or
//! later sit on one.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, bail};

/// Below this are ports that other programs own by custom.
const LOWEST: u16 = 11_000;

/// First of the ports that Linux gives to outgoing connections unless told otherwise.
const OUTGOING: u16 = 32_768;

/// How many ports are tried before it is given up.
const TRIES: u64 = 2_000;

/// `count` ports in a row that nobody listens on, from `base` if given, or else from a place that
/// `seed` chooses.
pub(crate) fn choose(base: Option<u16>, count: u16, seed: u64) -> anyhow::Result<u16> {
    if let Some(base) = base {
        let Some(end) = base.checked_add(count).filter(|_| base > 0) else {
            bail!("--base-port {base}: the ports must lie in 1 to 65535");
        };
        for port in base..end {
            take(port).with_context(|| {
                format!(
                    "port {port} is taken, and the demo was told to use {base} to {}: stop what \
                     uses it, choose another --base-port, or leave it out",
                    end - 1
                )
            })?;
        }
        return Ok(base);
    }
    let highest = first_outgoing().unwrap_or(OUTGOING).clamp(LOWEST + 2 * count, u16::MAX - count);
    let room = u64::from(highest - LOWEST - count);
    for step in 0..TRIES {
        let offset = seed.wrapping_add(step.wrapping_mul(u64::from(count) + 1)) % room;
        let base = LOWEST + u16::try_from(offset).expect("an offset below a port");
        if (base..base + count).all(|port| take(port).is_ok()) {
            return Ok(base);
        }
    }
    bail!("found no {count} free ports in a row between {LOWEST} and {highest}; give --base-port")
}

/// Whether a port can be listened on now. It is let go at once.
fn take(port: u16) -> io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}

fn first_outgoing() -> Option<u16> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    range.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests;
