//! The members of a configuration: who they are, what they do, where they stand, and in how many
//! regions their copies must lie.
//!
//! Before there were roles and places a configuration was a count and so many nodes. One that needs no
//! more is still written so, byte for byte; the upper half of the count tells the two apart.

use alloc::vec::Vec;

use types::{Config, ConfigId, Member, MemberRole, NodeId, Place, RegionId, ZoneId};

use crate::{DecodeError, Reader, Writer};

/// In the upper half of the count: nodes only, all full, each in a region of its own.
const PLAIN: u32 = 0;

/// In the upper half of the count: the spread, then each member with its role and its place.
const PLACED: u32 = 1;

/// Members as read, not yet known to be a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// Full ones, each in a region of its own.
    Plain(Vec<NodeId>),
    /// With roles and places.
    Placed {
        /// In how many regions copies must lie.
        spread: usize,
        /// The members.
        members: Vec<Member>,
    },
}

impl Members {
    /// The configuration of these members.
    ///
    /// # Errors
    /// `Invalid` if there can be none, or if it has a shorter encoding: a value has one.
    pub fn config(self, id: ConfigId, copies: usize) -> Result<Config, DecodeError> {
        let config = match self {
            Self::Plain(nodes) => Config::new(id, nodes, copies).ok(),
            Self::Placed { spread, members } => {
                Config::placed(id, members, copies, spread).ok().filter(|config| !config.is_plain())
            }
        };
        config.ok_or(DecodeError::Invalid { field: "configuration", value: id.0.into() })
    }
}

impl Writer<'_> {
    /// Members: count u16, layout u16, then for layout 0 nodes u16 each, and for layout 1 spread u8 and
    /// per member node u16, role u8, region u16, zone u16.
    pub fn members(&mut self, config: &Config) -> &mut Self {
        let count = u16::try_from(config.members().len()).expect("members are a handful");
        let layout = if config.is_plain() { PLAIN } else { PLACED };
        self.u32(u32::from(count) | layout << 16);
        if layout == PLAIN {
            for node in config.members() {
                self.u16(node.0);
            }
            return self;
        }
        self.u8(u8::try_from(config.spread()).expect("regions are at most the members"));
        for Member { node, role, place } in config.each() {
            self.u16(node.0).u8(role_code(role)).u16(place.region.0).u16(place.zone.0);
        }
        self
    }
}

impl Reader<'_> {
    /// At most `max` members.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn members(&mut self, max: usize) -> Result<Members, DecodeError> {
        let word = self.u32()?;
        let (count, layout) = (word & 0xffff, word >> 16);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > max || layout > PLACED {
            let field = "members of a configuration";
            return Err(DecodeError::Invalid { field, value: word.into() });
        }
        if layout == PLAIN {
            let mut nodes = Vec::with_capacity(count);
            for _ in 0..count {
                nodes.push(NodeId(self.u16()?));
            }
            return Ok(Members::Plain(nodes));
        }
        let spread = self.u8()?.into();
        let mut members = Vec::with_capacity(count);
        for _ in 0..count {
            let (node, role) = (NodeId(self.u16()?), read_role(self.u8()?)?);
            let place = Place { region: RegionId(self.u16()?), zone: ZoneId(self.u16()?) };
            members.push(Member { node, role, place });
        }
        Ok(Members::Placed { spread, members })
    }
}

/// Numbers never reused.
const fn role_code(role: MemberRole) -> u8 {
    match role {
        MemberRole::Full => 1,
        MemberRole::Witness => 2,
        MemberRole::Learner => 3,
    }
}

fn read_role(code: u8) -> Result<MemberRole, DecodeError> {
    match code {
        1 => Ok(MemberRole::Full),
        2 => Ok(MemberRole::Witness),
        3 => Ok(MemberRole::Learner),
        value => Err(DecodeError::Invalid { field: "role of a member", value: value.into() }),
    }
}

#[cfg(test)]
mod tests;
