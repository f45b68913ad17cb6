//! The network of a run: every packet between nodes, and between clients and nodes, passes through
//! this process.
//!
//! Each node lives in a network namespace of its own, with one TUN device in it; the other end of the
//! device is a file here. [`Router`] reads packets from all of them and asks [`Fabric`] what becomes
//! of each: passed on, held for a while, passed twice, or lost. No kernel feature beyond TUN is
//! needed, and what happens to packets is code that can be tested.

mod devices;
mod fabric;
mod router;

pub(crate) use devices::{Plane, address, clients_port, join, namespace};
pub(crate) use fabric::{Fabric, Packets, Shape};
pub(crate) use router::Router;
