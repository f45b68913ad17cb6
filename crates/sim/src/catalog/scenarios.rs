//! S1 to S30.

/// One scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its number in PROTOCOL 8b.
    pub number: u8,
    /// What happens, in short.
    pub trace: &'static str,
    /// What is not told yet, and which part is not built; empty when nothing is left.
    pub lacks: &'static str,
}

const fn told(number: u8, trace: &'static str) -> Scenario {
    Scenario { number, trace, lacks: "" }
}

const fn lacking(number: u8, trace: &'static str, lacks: &'static str) -> Scenario {
    Scenario { number, trace, lacks }
}

/// All of them.
pub const SCENARIOS: [Scenario; 30] = [
    told(1, "a minority's entry, copied later, is not committed"),
    told(2, "a seal is answered, and its promise lost"),
    told(3, "a zombie home with n-w sealed"),
    told(4, "a crash between ACTIVE and EpochStart, and a longer old tail"),
    told(5, "recovery reads that do not carry the epoch"),
    told(6, "a replaced disk under an old id"),
    told(7, "bit flips in the middle of the log, then failover"),
    told(8, "a torn last batch against a corrupt last one"),
    told(9, "a power cut of the whole cluster"),
    told(10, "a power loss, pauses and a partition"),
    told(11, "a disk that stalls while heartbeats go on"),
    told(12, "a seal half done, its coordinator dead"),
    told(13, "43 s of partition, both sides healthy"),
    told(14, "a half-dead switch"),
    told(15, "a client asks again elsewhere, and orphans are replayed"),
    told(16, "the same id with another amount"),
    told(17, "a channel whose message fails among others"),
    told(18, "a forced switch after shipping"),
    told(19, "a cancel races its payment"),
    told(20, "a snapshot that resets the chain; a trim too early"),
    told(21, "two versions apply the same log"),
    told(22, "an idle group, a new home with a slow clock"),
    told(23, "a pause and clocks that jump, of a home that grants itself no lease"),
    lacking(24, "a stamp from the future, compaction, a late write", "tables"),
    lacking(25, "reconciling while lagging, while a schema differs", "reconciliation"),
    lacking(26, "an engine below that fails over by itself", "engines below"),
    told(27, "the last replica standing dies, another returns"),
    told(28, "a disk that is full during failover"),
    told(29, "the register is away for an hour"),
    told(30, "256 groups lose a region at once"),
];
