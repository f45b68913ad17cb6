//! Deliberate faults in the rules, for the simulator to catch: a check never seen to fail proves
//! nothing (PROTOCOL 8a).

/// Which rule is broken on purpose. A release build of the product always runs `None`: no option or
/// message sets another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutant {
    /// All rules hold.
    #[default]
    None,
    /// A seal set of `n-w` others instead of `n-w+1`.
    SealTooFew,
    /// Records of older epochs commit by counting copies, without an `EpochStart` above them.
    CommitOldEpoch,
    /// A home sends other groups what only its own disk holds (W1).
    PostAtW1,
    /// A node applies every record under the newest model version that its code knows.
    IgnoreBarrier,
    /// A home tells its followers that what it has on its own disk (W1) is committed.
    ShipAtW1,
    /// A home answers linearizable reads without asking whether it is still the home.
    ReadUnconfirmed,
    /// A node takes its clock for right, and stamps for exact, when it says how old its state is.
    BoundedWithoutSlack,
    /// A node holds a token against what it has applied, and not against the epochs.
    TokenUnchecked,
    /// A group is looked at for a cut after one record too many.
    CutLate,
    /// What a node says that was given up by force counts as before.
    CountGivenUp,
}
