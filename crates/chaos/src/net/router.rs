//! Moves packets between the devices, at the time and as often as the fabric says.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tun_rs::SyncDevice;

use super::devices::{MTU, Plane, destination, port_of};
use super::{Fabric, Packets, Shape};
use crate::clock::Clock;

/// Packets held at once. Beyond that they are lost, as in any queue of a network.
const HELD_MAX: usize = 100_000;

/// The router. Its threads end with the process.
#[derive(Clone)]
pub(crate) struct Router {
    shared: Arc<Shared>,
}

struct Shared {
    devices: Vec<SyncDevice>,
    fabric: Mutex<Fabric>,
    held: Mutex<Held>,
    earlier: Condvar,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Held {
    packets: BinaryHeap<Reverse<Packet>>,
    count: u64,
}

/// A packet on its way, ordered by when it is due, then by when it came.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due_us: u64,
    number: u64,
    to: usize,
    bytes: Vec<u8>,
}

impl Router {
    /// Starts to move packets between the devices, whose places are their ports.
    pub(crate) fn start(
        devices: Vec<SyncDevice>,
        fabric: Fabric,
        clock: Clock,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            devices,
            fabric: Mutex::new(fabric),
            held: Mutex::default(),
            earlier: Condvar::new(),
            clock,
        });
        for port in 0..shared.devices.len() {
            let shared = Arc::clone(&shared);
            let name = format!("net-{port}");
            thread::Builder::new().name(name).spawn(move || shared.receive(port))?;
        }
        let sender = Arc::clone(&shared);
        thread::Builder::new().name("net-send".to_owned()).spawn(move || sender.deliver())?;
        Ok(Self { shared })
    }

    /// Brings a fault into force, see [`Fabric::begin`].
    pub(crate) fn begin(&self, id: u64, directions: Vec<(usize, usize)>, shape: Shape) {
        lock(&self.shared.fabric).begin(id, directions, shape);
    }

    /// Ends a fault.
    pub(crate) fn end(&self, id: u64) {
        lock(&self.shared.fabric).end(id);
    }

    /// What became of the packets so far.
    pub(crate) fn packets(&self) -> Packets {
        lock(&self.shared.fabric).packets()
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("packets", &self.packets()).finish_non_exhaustive()
    }
}

impl Shared {
    /// Takes what a port sends, for as long as its device is there.
    fn receive(&self, from: usize) {
        let Some(device) = self.devices.get(from) else { return };
        let mut buffer = vec![0; usize::from(MTU) + 64];
        loop {
            match device.recv(&mut buffer) {
                Ok(count) => self.take(from, buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn take(&self, from: usize, bytes: &[u8]) {
        let Some((plane, to)) = destination(bytes).and_then(|to| port_of(to, self.devices.len()))
        else {
            return;
        };
        let now_us = self.clock.micros();
        let due = match plane {
            Plane::Control => [Some(now_us), None],
            Plane::Data => lock(&self.fabric).send(from, to, now_us),
        };
        for due_us in due.into_iter().flatten() {
            if due_us <= now_us {
                self.send(to, bytes);
                continue;
            }
            let mut held = lock(&self.held);
            if held.packets.len() < HELD_MAX {
                held.count += 1;
                let number = held.count;
                held.packets.push(Reverse(Packet { due_us, number, to, bytes: bytes.to_vec() }));
                let is_first = held.packets.peek().is_some_and(|first| first.0.number == number);
                drop(held);
                if is_first {
                    self.earlier.notify_one();
                }
            }
        }
    }

    /// Sends what was held when it is due.
    fn deliver(&self) {
        let mut held = lock(&self.held);
        loop {
            let now_us = self.clock.micros();
            let wait = match held.packets.peek() {
                Some(Reverse(first)) if first.due_us <= now_us => {
                    if let Some(Reverse(packet)) = held.packets.pop() {
                        drop(held);
                        self.send(packet.to, &packet.bytes);
                        held = lock(&self.held);
                    }
                    continue;
                }
                Some(Reverse(first)) => Duration::from_micros(first.due_us - now_us),
                None => Duration::from_secs(1),
            };
            let woken = self.earlier.wait_timeout(held, wait);
            held = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn send(&self, to: usize, bytes: &[u8]) {
        if let Some(device) = self.devices.get(to) {
            // A device that is down loses packets, as a network does.
            let _lost = device.send(bytes).is_err();
        }
    }
}

/// Each change under these locks is one step, so a thread that panicked has left them whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
