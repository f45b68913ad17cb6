//! The knobs of a group and of a node, chosen by whoever builds them.

use alloc::vec::Vec;

use replication::Mutant;
use steering::Policy;
use types::NodeId;

/// What every group of a node is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOptions {
    /// This node.
    pub me: NodeId,
    /// Records that may wait for their commit before the home stops appending.
    pub window_records: u64,
    /// The same while a home answers before the commit: what it may be ahead.
    pub budget_records: u64,
    /// How old the oldest record that is not committed may be while a home answers before the commit;
    /// beyond that its answers wait.
    pub budget_us: u64,
    /// Bytes of recent records kept in memory.
    pub held_bytes_max: usize,
    /// Commands' bytes that may wait at this node for one group before new ones are told to wait.
    pub desk_bytes_max: usize,
    /// After how long without an answer a message is taken to be lost.
    pub resend_us: u64,
    /// How long a candidate of a planned switch waits for the old home before it seals the others.
    pub handoff_us: u64,
    /// After how long an idle home appends a beat; `u64::MAX` for never.
    pub beat_us: u64,
    /// How long a home waits for a commit before it calls itself stalled.
    pub patience_us: u64,
    /// How long a command that another node handed over may wait here.
    pub forwarded_wait_us: u64,
    /// How far a message of another group may be ahead of this node's time and still be taken (N6).
    pub ahead_us_max: u64,
    /// Records and commands between two save points, after which the state is saved and compared; the same on
    /// all members, or nothing is ever confirmed. `u64::MAX` for never.
    pub snapshot_work: u64,
    /// Time in the stamps between two save points; as above.
    pub snapshot_us: u64,
    /// Which rule is broken on purpose; the simulator's business.
    pub mutant: Mutant,
}

/// What a node is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeOptions {
    /// For its groups.
    pub group: GroupOptions,
    /// All nodes of the cluster, this one among them.
    pub nodes: Vec<NodeId>,
    /// How often the node proves that its disk makes progress.
    pub pulse_us: u64,
    /// How often the node looks whether a group needs a home.
    pub look_us: u64,
    /// When groups move by themselves.
    pub policy: Policy,
    /// How far this node's clock may be off the median and the node still become home.
    pub skew_us_max: u64,
    /// How long a write may take before the node fences itself off.
    pub disk_us_max: u64,
    /// Whether records are deleted that snapshots on enough members stand in for. Otherwise all stay.
    pub trim: bool,
    /// By how many bytes the place from which the log is read at a start must move for it to be recorded.
    pub floor_step_bytes: u64,
    /// How long to wait before a change is proposed to the register again.
    pub propose_us: u64,
}
