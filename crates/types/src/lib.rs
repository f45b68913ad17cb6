//! Identifiers, positions, time and money: the words every other crate speaks.
//!
//! Each is a newtype so that an epoch cannot be passed for a sequence number. Nothing here knows how
//! it looks on a wire (that is `wire`) and nothing here decides.
#![no_std]

extern crate alloc;

mod amount;
mod class;
mod config;
mod currency;
mod epochs;
mod id;
mod member;
mod model;
mod position;
mod time;
mod token;

pub use amount::Amount;
pub use class::{Class, QuorumLoss, Terms, Until};
pub use config::{Config, NotAConfig};
pub use currency::Currency;
pub use epochs::{EpochTable, Start};
pub use id::{
    ChannelKey, ClusterId, ClusterMark, ConfigId, GroupId, Hash, MessageId, NodeId, ReadId,
    RequestId, WriteId,
};
pub use member::{Member, MemberRole, Place, RegionId, ZoneId};
pub use model::ModelVersion;
pub use position::{Epoch, Position, Seq, Tail};
pub use time::{Instant, Now, Stamp};
pub use token::{ClusterToken, NotAToken, Token};
