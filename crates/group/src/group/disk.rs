//! What a group writes, and what follows once it is durable.

use alloc::vec::Vec;

use model::Model;
use types::Position;
use wire::Record;

use super::{Group, InFlight, Out, Then, Writing};

impl<M: Model> Group<M> {
    /// Takes the completion of this group's oldest write in flight.
    pub(crate) fn written(&mut self, at: Position, out: &mut Vec<Out>) {
        let written = self.in_flight.pop_front().expect("storage completes what was asked for");
        match written {
            InFlight::Record { epoch, seq, hash } => {
                self.chain.place(seq, hash, at);
                if self.chain.link(seq).is_some_and(|link| link.hash == hash) {
                    assert!(seq == self.durable.next(), "records become durable in order");
                    self.durable = seq;
                    self.ack_due = true;
                } else {
                    self.note_place(epoch, seq, at);
                }
            }
            InFlight::Repaired(record) => self.repaired(&record, at),
            InFlight::Meta(Then::Nothing) => {
                // What could not be acknowledged while the meta was on its way can be now.
                self.ack_due = true;
                self.remove_unnamed(out);
            }
            InFlight::Meta(Then::Promised { to, epoch }) => self.promised_durably(to, epoch, out),
            InFlight::Meta(Then::Joined { epoch }) => self.joined_durably(epoch, out),
            InFlight::Meta(Then::Kept { seq }) => self.kept_durably(seq, out),
            InFlight::Meta(Then::Installed { at }) => self.installed(at, out),
            InFlight::Meta(Then::Based { at }) => self.based(at, out),
            InFlight::Meta(Then::Rewound) => out.push(Out::Rewind),
        }
    }

    /// Nothing from `at` on is deleted.
    pub(super) fn pin(&mut self, at: Position) {
        if self.meta.pinned.is_none_or(|pinned| at < pinned) {
            self.meta.pinned = Some(at);
            self.is_pin_new = true;
        }
    }

    pub(super) fn write_meta(&mut self, then: Then, out: &mut Vec<Out>) {
        self.meta.faults = self.faults();
        self.is_pin_new = false;
        self.in_flight.push_back(InFlight::Meta(then));
        out.push(Out::Meta(self.meta.encode()));
    }

    /// Adds a record to the chain and to the log.
    pub(super) fn append(&mut self, record: &Record, out: &mut Vec<Out>) {
        let tail = record.tail();
        self.chain.push(record, None);
        let (epoch, seq, hash) = (tail.epoch, tail.seq, tail.hash);
        self.versions.push(record.header());
        self.in_flight.push_back(InFlight::Record { epoch, seq, hash });
        out.push(Out::Append(record.bytes().clone(), Writing::First));
    }
}
