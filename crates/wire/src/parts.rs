//! Encodings of the values that several messages share: tails, tables, configurations.

use alloc::vec::Vec;

use types::{
    Class, Config, ConfigId, Epoch, EpochTable, NodeId, QuorumLoss, Seq, Start, Tail, Terms,
};

use crate::{DecodeError, Reader, Writer, limits};

impl Writer<'_> {
    /// A tail: epoch u64, seq u64, hash 32.
    pub fn tail(&mut self, tail: Tail) -> &mut Self {
        self.u64(tail.epoch.0).u64(tail.seq.0).hash(tail.hash)
    }

    /// A table: count u32, then per start epoch u64, seq u64, hash 32, config u32, marks u8.
    pub fn table(&mut self, table: &EpochTable) -> &mut Self {
        self.count(table.starts().len());
        for start in table.starts() {
            self.u64(start.epoch.0)
                .u64(start.seq.0)
                .hash(start.hash)
                .u32(start.config.0)
                .start_marks(start);
        }
        self
    }

    /// What stands about an epoch beside where it starts, u8: 1 if it was forced, and the class times
    /// two. Tables written before there were classes read as class sync, which they were.
    pub fn start_marks(&mut self, start: &Start) -> &mut Self {
        self.u8(u8::from(start.forced) | class_code(start.class) << 1)
    }

    /// Terms, u8: the class, and 16 if the group degrades.
    pub fn terms(&mut self, terms: Terms) -> &mut Self {
        let degrades = match terms.on_quorum_loss {
            QuorumLoss::Block => 0,
            QuorumLoss::Degrade => DEGRADES,
        };
        self.u8(class_code(terms.class) | degrades)
    }

    /// A node that may be absent: flag u8, node u16, which is 0 when there is none.
    pub fn maybe_node(&mut self, node: Option<NodeId>) -> &mut Self {
        self.flag(node.is_some()).u16(node.unwrap_or_default().0)
    }

    /// A configuration: id u32, copies u8, terms u8, members. Before there were terms, copies took 16 bits
    /// whose upper half was zero.
    pub fn config(&mut self, config: &Config) -> &mut Self {
        let copies = u8::try_from(config.copies()).expect("copies are at most MEMBERS_MAX");
        self.u32(config.id().0).u8(copies).terms(config.terms()).members(config)
    }
}

impl Reader<'_> {
    /// A tail.
    ///
    /// # Errors
    /// `Truncated`.
    pub fn tail(&mut self) -> Result<Tail, DecodeError> {
        Ok(Tail { epoch: Epoch(self.u64()?), seq: Seq(self.u64()?), hash: self.hash()? })
    }

    /// A table whose epochs rise.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn table(&mut self) -> Result<EpochTable, DecodeError> {
        let count = self.count("epochs in a table", limits::EPOCHS_MAX)?;
        let mut starts = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let (epoch, seq) = (Epoch(self.u64()?), Seq(self.u64()?));
            let (hash, config) = (self.hash()?, ConfigId(self.u32()?));
            let marks = self.u8()?;
            let (forced, class) = (marks & 1 == 1, read_class("marks of an epoch", marks >> 1)?);
            starts.push(Start { epoch, seq, hash, config, forced, class });
        }
        EpochTable::from_starts(starts)
            .ok_or(DecodeError::Invalid { field: "order of epochs", value: 0 })
    }

    /// A node that may be absent.
    ///
    /// # Errors
    /// `Truncated`, or `Invalid` for an absent node with a number: a value has one encoding.
    pub fn maybe_node(&mut self) -> Result<Option<NodeId>, DecodeError> {
        let is_there = self.flag("node flag")?;
        let node = self.u16()?;
        if !is_there && node != 0 {
            return Err(DecodeError::Invalid { field: "absent node", value: node.into() });
        }
        Ok(is_there.then_some(NodeId(node)))
    }

    /// A configuration that can exist.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn config(&mut self) -> Result<Config, DecodeError> {
        let id = ConfigId(self.u32()?);
        let copies = usize::from(self.u8()?);
        let terms = self.terms()?;
        let members = self.members(limits::MEMBERS_MAX)?;
        members.config(id, copies).map(|config| config.with_terms(terms))
    }

    /// Terms.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn terms(&mut self) -> Result<Terms, DecodeError> {
        let code = self.u8()?;
        let class = read_class("terms", code & !DEGRADES)?;
        let degrades = code & DEGRADES != 0;
        let on_quorum_loss = if degrades { QuorumLoss::Degrade } else { QuorumLoss::Block };
        Ok(Terms { class, on_quorum_loss })
    }
}

/// In the byte of [`Terms`].
const DEGRADES: u8 = 16;

const fn class_code(class: Class) -> u8 {
    match class {
        Class::Sync => 0,
        Class::Async => 1,
        Class::Local => 2,
    }
}

fn read_class(field: &'static str, code: u8) -> Result<Class, DecodeError> {
    match code {
        0 => Ok(Class::Sync),
        1 => Ok(Class::Async),
        2 => Ok(Class::Local),
        value => Err(DecodeError::Invalid { field, value: value.into() }),
    }
}
