//! What must hold in every state, as the checker is told it.

use super::{Exhaust, State};

/// What did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Two homes of one epoch.
    I1,
    /// Two records of one epoch and seq.
    I2,
    /// Something committed is gone, or something not committed was told.
    I3,
    /// An acknowledgement below a seal.
    I4,
    /// An epoch without all that was committed before it.
    I5,
    /// An acknowledgement under an epoch that is not open.
    I6,
    /// An effect that is done twice, or books that do not balance.
    I7,
    /// A durable record that is neither in the chain nor among the orphans.
    I11,
    /// A watermark that fell, or two that are in the wrong order.
    I16,
    /// A home that commits by counting copies of another's records.
    N3,
    /// A member takes itself out, with nothing damaged.
    Quarantine,
    /// A member cannot start from its own disk.
    Recovery,
}

impl Broken {
    pub(super) const ALL: [Self; 12] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I11,
        Self::I16,
        Self::N3,
        Self::Quarantine,
        Self::Recovery,
    ];

    /// The property that it breaks.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::I1 => "I1 one appender per epoch",
            Self::I2 => "I2 one record per epoch and seq",
            Self::I3 => "I3 nothing committed is lost, nothing else is told",
            Self::I4 => "I4 no acknowledgement below a seal",
            Self::I5 => "I5 an epoch starts with all that was committed",
            Self::I6 => "I6 acknowledgements in open epochs only",
            Self::I7 => "I7 every effect once, books balance",
            Self::I11 => "I11 what was durable is in the chain or an orphan",
            Self::I16 => "I16 watermarks in order and never back",
            Self::N3 => "N3 a home counts copies of its own records only",
            Self::Quarantine => "no member takes itself out",
            Self::Recovery => "every disk can be started from",
        }
    }

    pub(super) fn condition(self) -> fn(&Exhaust, &State) -> bool {
        match self {
            Self::I1 => |_, state| state.broken() != Some(Self::I1),
            Self::I2 => |_, state| state.broken() != Some(Self::I2),
            Self::I3 => |_, state| state.broken() != Some(Self::I3),
            Self::I4 => |_, state| state.broken() != Some(Self::I4),
            Self::I5 => |_, state| state.broken() != Some(Self::I5),
            Self::I6 => |_, state| state.broken() != Some(Self::I6),
            Self::I7 => |_, state| state.broken() != Some(Self::I7),
            Self::I11 => |_, state| state.broken() != Some(Self::I11),
            Self::I16 => |_, state| state.broken() != Some(Self::I16),
            Self::N3 => |_, state| state.broken() != Some(Self::N3),
            Self::Quarantine => |_, state| state.broken() != Some(Self::Quarantine),
            Self::Recovery => |_, state| state.broken() != Some(Self::Recovery),
        }
    }
}
