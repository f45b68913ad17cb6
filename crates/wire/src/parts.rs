//! Encodings of the values that several messages share: tails, tables, configurations.

use alloc::vec::Vec;

use types::{Config, ConfigId, Epoch, EpochTable, NodeId, Seq, Start, Tail};

use crate::{DecodeError, Reader, Writer, limits};

impl Writer<'_> {
    /// A tail: epoch u64, seq u64, hash 32.
    pub fn tail(&mut self, tail: Tail) -> &mut Self {
        self.u64(tail.epoch.0).u64(tail.seq.0).hash(tail.hash)
    }

    /// A table: count u32, then per start epoch u64, seq u64, hash 32, config u32, forced u8.
    pub fn table(&mut self, table: &EpochTable) -> &mut Self {
        self.count(table.starts().len());
        for start in table.starts() {
            self.u64(start.epoch.0)
                .u64(start.seq.0)
                .hash(start.hash)
                .u32(start.config.0)
                .flag(start.forced);
        }
        self
    }

    /// A node that may be absent: flag u8, node u16, which is 0 when there is none.
    pub fn maybe_node(&mut self, node: Option<NodeId>) -> &mut Self {
        self.flag(node.is_some()).u16(node.unwrap_or_default().0)
    }

    /// A configuration: id u32, copies u16, count u32, members u16 each.
    pub fn config(&mut self, config: &Config) -> &mut Self {
        let copies = u16::try_from(config.copies()).expect("copies are at most MEMBERS_MAX");
        self.u32(config.id().0).u16(copies).count(config.members().len());
        for member in config.members() {
            self.u16(member.0);
        }
        self
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
            starts.push(Start {
                epoch: Epoch(self.u64()?),
                seq: Seq(self.u64()?),
                hash: self.hash()?,
                config: ConfigId(self.u32()?),
                forced: self.flag("forced flag")?,
            });
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
        let copies = usize::from(self.u16()?);
        let count = self.count("members of a configuration", limits::MEMBERS_MAX)?;
        let mut members = Vec::with_capacity(count);
        for _ in 0..count {
            members.push(NodeId(self.u16()?));
        }
        Config::new(id, members, copies)
            .map_err(|_| DecodeError::Invalid { field: "configuration", value: id.0.into() })
    }
}
