//! Sessions between nodes: opened when both ends can, lost by crashes and by silence.

use bytes::Bytes;
use group::{Input, Lane};
use wire::{FrameBuilder, Message, decode_frame};

use super::{Event, World};
use crate::knobs::{MILLI, SECOND};
use crate::net::Index;

impl World {
    /// Cuts a direction for `micros`.
    pub(crate) fn cut_for(&mut self, from: Index, to: Index, micros: u64) {
        self.cut(from, to);
        self.plan_in(micros, Event::Mend { from, to });
    }

    /// Cuts a direction. The ends notice after a while.
    pub fn cut(&mut self, from: Index, to: Index) {
        self.net.cut(from, to);
        self.plan_doubt(from, to);
    }

    /// Cuts both directions between two nodes.
    pub fn part(&mut self, a: Index, b: Index) {
        self.cut(a, b);
        self.cut(b, a);
    }

    /// Cuts a node off from all others.
    pub fn isolate(&mut self, node: Index) {
        for other in (0..self.count()).filter(|other| *other != node) {
            self.part(node, other);
        }
    }

    /// Makes a link slower by `micros` each way.
    pub fn slow(&mut self, a: Index, b: Index, micros: u64) {
        self.net.clog(a, b, micros);
        self.net.clog(b, a, micros);
    }

    /// Mends all links.
    pub fn heal(&mut self) {
        self.net.heal();
    }

    /// In a while, the pair looks whether its session is dead.
    pub(super) fn plan_doubt(&mut self, a: Index, b: Index) {
        let session = self.net.session(a, b).number;
        let wait = self.net_chance.between(500 * MILLI, 3 * SECOND);
        self.plan_in(wait, Event::Doubt { a, b, session });
    }

    pub(super) fn doubt(&mut self, a: Index, b: Index, session: u64) {
        if self.is_passable(a, b) {
            return;
        }
        let state = self.net.session(a, b);
        if state.number != session || !state.up {
            return;
        }
        state.up = false;
        for (node, peer) in [(a, b), (b, a)] {
            self.give(node, Input::Peer { node: self.names.id(peer), up: false });
        }
    }

    pub(super) fn poll(&mut self, a: Index, b: Index) {
        let wait = self.net_chance.between(150 * MILLI, 300 * MILLI);
        self.plan_in(wait, Event::Poll { a, b });
        if self.net.session(a, b).up || !self.is_passable(a, b) {
            return;
        }
        let session = self.net.session(a, b);
        session.up = true;
        session.number += 1;
        let (now, number) = (self.now, session.number);
        self.trace.note(&[now, 1, a as u64, b as u64, number], &[], || {
            format!("{now:>10} session {number} of n{} and n{}", a + 1, b + 1)
        });
        for (node, peer) in [(a, b), (b, a)] {
            self.give(node, Input::Peer { node: self.names.id(peer), up: true });
        }
    }

    /// The sessions of a node that lost power break; its peers hear of it, sooner or later.
    pub(super) fn break_sessions(&mut self, node: Index) {
        for peer in (0..self.count()).filter(|peer| *peer != node) {
            let session = self.net.session(node, peer);
            if !session.up {
                continue;
            }
            session.up = false;
            let session = session.number;
            let soon = if self.net.is_whole(node, peer) { 50 * MILLI } else { 3 * SECOND };
            let wait = self.net_chance.between(MILLI, soon);
            let life = self.hosts[peer].life;
            self.plan_in(wait, Event::Down { node: peer, life, peer: node, session });
        }
    }

    pub(super) fn down(&mut self, node: Index, life: u64, peer: Index, session: u64) {
        let state = *self.net.session(node, peer);
        if self.hosts[node].life == life && state.number == session && !state.up {
            self.give(node, Input::Peer { node: self.names.id(peer), up: false });
        }
    }

    pub(super) fn send(&mut self, from: Index, to: Index, lane: Lane, bytes: &Bytes) {
        let session = *self.net.session(from, to);
        if !session.up {
            self.report.frames_lost += 1;
            return;
        }
        let arrivals = self.net.arrivals(&mut self.net_chance, self.now, from, to, lane);
        if arrivals.is_empty() {
            self.report.frames_lost += 1;
        }
        for at in arrivals {
            let (session, bytes) = (session.number, bytes.clone());
            self.plan(at, Event::Deliver { from, to, session, bytes });
        }
    }

    pub(super) fn deliver(&mut self, from: Index, to: Index, session: u64, bytes: Bytes) {
        let state = *self.net.session(from, to);
        if !state.up || state.number != session || self.net.is_cut(from, to) {
            self.report.frames_lost += 1;
            return;
        }
        self.report.frames += 1;
        let is_deaf = self.now < self.net.register_from || self.net.deaf.contains(&to);
        let bytes = if is_deaf { unregistered(&bytes) } else { Some(bytes) };
        let is_newer = self.knobs.newer == Some(self.names.id(from));
        if let Some(bytes) = bytes.map(|bytes| if is_newer { newer(&bytes) } else { bytes }) {
            self.give(to, Input::Frame { from: self.names.id(from), bytes });
        }
    }

    /// The register goes away for `micros`: what its members say to each other is lost. All else
    /// arrives.
    pub fn silence_register(&mut self, micros: u64) {
        self.net.register_from = self.now + micros;
    }

    /// What members of the register say to this node is lost until the links are healed. All else arrives.
    pub fn deafen(&mut self, node: Index) {
        self.net.deaf.insert(node);
    }

    /// Whether both ends run and the links between them carry.
    fn is_passable(&self, a: Index, b: Index) -> bool {
        let runs = |node: Index| self.hosts[node].node.is_some() && !self.hosts[node].is_paused;
        runs(a) && runs(b) && self.net.is_whole(a, b)
    }
}

/// A frame as a node sends it that has more to say than the receiver's code knows.
fn newer(frame: &Bytes) -> Bytes {
    let mut with = FrameBuilder::default();
    with.push(&Message::Newer {
        tag: NEWER_TAG,
        fields: Bytes::from_static(b"in a later version"),
    });
    for message in decode_frame(frame).unwrap_or_default() {
        with.push(&message);
    }
    with.take().unwrap_or_default()
}

/// A tag that no message has.
const NEWER_TAG: u8 = 255;

/// A frame without what register members say to each other; `None` if nothing else is in it.
fn unregistered(frame: &Bytes) -> Option<Bytes> {
    let Ok(messages) = decode_frame(frame) else { return Some(frame.clone()) };
    let mut rest = FrameBuilder::default();
    for message in messages.iter().filter(|message| !matches!(message, Message::Register(_))) {
        rest.push(message);
    }
    rest.take()
}
