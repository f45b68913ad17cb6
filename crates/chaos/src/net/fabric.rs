//! What becomes of a packet: decided from the faults that are in force, without touching anything.

use std::collections::BTreeMap;

use crate::random::Random;

/// How one direction between two ports treats packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// All are lost.
    pub(crate) cut: bool,
    /// Of a million, so many are lost.
    pub(crate) loss_ppm: u32,
    /// Of a million that pass, so many pass twice.
    pub(crate) duplicate_ppm: u32,
    /// Each is held for so long.
    pub(crate) delay_us: u64,
    /// And for up to so long in addition, each for itself, so that they overtake each other.
    pub(crate) jitter_us: u64,
}

impl Shape {
    /// Nothing passes.
    pub(crate) const CUT: Self =
        Self { cut: true, loss_ppm: 0, duplicate_ppm: 0, delay_us: 0, jitter_us: 0 };

    /// Both at once: delays add up, of chances the greater one counts.
    fn with(self, other: Self) -> Self {
        Self {
            cut: self.cut || other.cut,
            loss_ppm: self.loss_ppm.max(other.loss_ppm),
            duplicate_ppm: self.duplicate_ppm.max(other.duplicate_ppm),
            delay_us: self.delay_us.saturating_add(other.delay_us),
            jitter_us: self.jitter_us.max(other.jitter_us),
        }
    }
}

/// What became of the packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packets {
    /// Passed on, copies not counted.
    pub(crate) passed: u64,
    /// Swallowed by a cut.
    pub(crate) cut: u64,
    /// Lost by chance.
    pub(crate) lost: u64,
    /// Passed twice.
    pub(crate) duplicated: u64,
    /// Due before one that was sent earlier the same way.
    pub(crate) overtaking: u64,
}

/// All directions between all ports, and the faults that are in force.
#[derive(Debug)]
pub(crate) struct Fabric {
    ports: usize,
    base: Shape,
    faults: BTreeMap<u64, (Vec<(usize, usize)>, Shape)>,
    /// By sender and receiver: all that is in force.
    shapes: Vec<Shape>,
    /// By sender and receiver: when the last packet is due.
    latest_us: Vec<u64>,
    random: Random,
    packets: Packets,
}

impl Fabric {
    /// A fabric without faults, in which every direction is `base`.
    pub(crate) fn new(ports: usize, base: Shape, random: Random) -> Self {
        let pairs = ports * ports;
        let (faults, shapes) = (BTreeMap::new(), vec![base; pairs]);
        let (latest_us, packets) = (vec![0; pairs], Packets::default());
        Self { ports, base, faults, shapes, latest_us, random, packets }
    }

    /// Brings a fault into force for these directions, from sender to receiver. `id` is the caller's.
    pub(crate) fn begin(&mut self, id: u64, directions: Vec<(usize, usize)>, shape: Shape) {
        self.faults.insert(id, (directions, shape));
        self.combine();
    }

    /// Ends a fault. What is held stays held for its time.
    pub(crate) fn end(&mut self, id: u64) {
        self.faults.remove(&id);
        self.combine();
    }

    /// What becomes of a packet that is sent now: when it is due, and when a copy of it is.
    pub(crate) fn send(&mut self, from: usize, to: usize, now_us: u64) -> [Option<u64>; 2] {
        let pair = from * self.ports + to;
        let Some(shape) = self.shapes.get(pair).copied() else { return [None, None] };
        if shape.cut {
            self.packets.cut += 1;
            return [None, None];
        }
        if self.random.chance(shape.loss_ppm) {
            self.packets.lost += 1;
            return [None, None];
        }
        self.packets.passed += 1;
        let first = self.due(pair, shape, now_us);
        if !self.random.chance(shape.duplicate_ppm) {
            return [Some(first), None];
        }
        self.packets.duplicated += 1;
        [Some(first), Some(self.due(pair, shape, now_us))]
    }

    /// What became of the packets so far.
    pub(crate) const fn packets(&self) -> Packets {
        self.packets
    }

    fn due(&mut self, pair: usize, shape: Shape, now_us: u64) -> u64 {
        let due = now_us + shape.delay_us + self.random.below(shape.jitter_us.saturating_add(1));
        let latest = &mut self.latest_us[pair];
        if due < *latest {
            self.packets.overtaking += 1;
        }
        *latest = due.max(*latest);
        due
    }

    fn combine(&mut self) {
        self.shapes.fill(self.base);
        for (directions, shape) in self.faults.values() {
            for (from, to) in directions {
                if let Some(one) = self.shapes.get_mut(from * self.ports + to) {
                    *one = one.with(*shape);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
