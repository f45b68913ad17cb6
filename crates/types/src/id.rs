//! Names of things: nodes, groups, messages, requests, and the 32-byte hash.

use core::fmt;

/// One running node, which holds at most one replica of each group. Never reused: a node whose disk
/// was lost or replaced comes back under a new number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// One installation: 16 bytes that no two installations share. Tells its disks from all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub [u8; 16]);

/// The first bytes of a [`ClusterId`]: enough to tell installations apart by accident, not by intent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterMark(pub [u8; 8]);

impl ClusterId {
    /// The mark of this installation.
    #[must_use]
    pub const fn mark(self) -> ClusterMark {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        ClusterMark([a, b, c, d, e, f, g, h])
    }
}

/// One group: one journal, one model instance, one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u16);

/// One immutable configuration of a group. A change of members is a new number under a new epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigId(pub u32);

/// The id a client gives to a command; the same id has one outcome for ever. 16 bytes, usually a UUID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

impl MessageId {
    /// The id made of a hash: its first 16 bytes. Whoever hashes the same asks for the same.
    ///
    /// # Panics
    /// Never: a hash has more.
    #[must_use]
    pub fn of(hash: Hash) -> Self {
        let (short, _) = hash.0.split_first_chunk().expect("a hash has more than 16 bytes");
        Self(*short)
    }
}

/// The name that a model gives to something it sends over a channel: its own within the channel until
/// its answer is there. 16 bytes, usually the id of what it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelKey(pub [u8; 16]);

/// A request that waits for its answer, numbered by the driver of a node; means nothing elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A write handed to storage, numbered upwards by the machine that asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// A read handed to storage, numbered upwards by the machine that asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub u64);

/// A SHA-256 value: a chain head, a body, a digest of state.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash before the first record of every chain.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The first eight bytes in hexadecimal: enough to compare by eye, short enough for a table.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(8) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The usual form of a UUID, lower case with hyphens.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// All bytes in hexadecimal.
impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// All bytes in hexadecimal.
impl fmt::Display for ClusterMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}
