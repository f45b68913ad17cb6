//! I1 to I20.

/// One invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invariant {
    /// Its name in PROTOCOL 8a.
    pub name: &'static str,
    /// What it says, in short.
    pub says: &'static str,
    /// Where it is checked.
    pub checked: Where,
}

/// Where an invariant is checked, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On every run of every seed; the report counts how often with something at stake.
    EveryRun(&'static str),
    /// Only in stories, or only a part of it.
    Stories(&'static str),
    /// Not by the simulator, but by tests that are named.
    Elsewhere(&'static str),
    /// Not yet, and why.
    Missing(&'static str),
}

/// All of them.
pub const INVARIANTS: [Invariant; 20] = [
    Invariant {
        name: "I1",
        says: "one appender per epoch",
        checked: Where::EveryRun("every home and every record shipped; exhaustively, too"),
    },
    Invariant {
        name: "I2",
        says: "one record per group, epoch and seq; equal hashes have equal prefixes",
        checked: Where::EveryRun("every record of every chain; exhaustively, too"),
    },
    Invariant {
        name: "I3",
        says: "what was acknowledged at W2 is in every later chain, but for forced epochs",
        checked: Where::EveryRun(
            "every commit of every member and every answer; exhaustively, too",
        ),
    },
    Invariant {
        name: "I4",
        says: "no acknowledgement below a seal",
        checked: Where::EveryRun("every frame and every start; exhaustively, too"),
    },
    Invariant {
        name: "I5",
        says: "a new epoch's chain contains all commits below it",
        checked: Where::EveryRun("every epoch that the register opens; exhaustively, too"),
    },
    Invariant {
        name: "I6",
        says: "acknowledgements under open epochs only",
        checked: Where::EveryRun("every frame; exhaustively, too"),
    },
    Invariant {
        name: "I7",
        says: "one effect per id, one outcome for every retry, other content refused",
        checked: Where::EveryRun("every answer; the model notices an effect done twice"),
    },
    Invariant {
        name: "I8",
        says: "debits equal credits; clearing pairs equal what is under way",
        checked: Where::EveryRun(
            "every application step of both models; between groups at the first application of each \
             record, every move or payment of one held against the other",
        ),
    },
    Invariant {
        name: "I9",
        says: "equal states in all regions, replays and versions",
        checked: Where::EveryRun(
            "a digest over records and outcomes at every step, over the state at the end; nodes run code \
             in two versions, of the numbered moves only",
        ),
    },
    Invariant {
        name: "I10",
        says: "every outward effect rests on W2 and is in the chain at the end",
        checked: Where::EveryRun("every answer and every message between groups"),
    },
    Invariant {
        name: "I11",
        says: "what a replica called durable is in the chain or in exactly one orphan run",
        checked: Where::EveryRun("every start and at the end; exhaustively, too"),
    },
    Invariant {
        name: "I12",
        says: "reads meet their level",
        checked: Where::EveryRun(
            "every read of readers at all nodes: a linearizable one against all that was committed when it \
             was asked for, a session against its tokens, whose refusals must be true, too, a bounded one \
             against the true clock where clocks are as right as nodes are told, a cut against the same at \
             another node and against all that was committed; once faults are over every level answers at \
             every node; what real nodes answer is judged outside",
        ),
    },
    Invariant {
        name: "I13",
        says: "tables converge, losers are logged, stamps stay",
        checked: Where::Missing("there are no tables"),
    },
    Invariant {
        name: "I14",
        says: "an empty disk never counts under an old id",
        checked: Where::Stories(
            "after every replacement that a story makes; runs in which nodes come and go start half of the \
             lost disks' folders anew, emptied and under the old id, which must be refused",
        ),
    },
    Invariant {
        name: "I15",
        says: "no cut past a fault without enough who never had it; repairs restore bytes",
        checked: Where::EveryRun(
            "every acknowledgement of a member with a hole, every epoch (with I5), and at the end every \
             record on every disk; bits flip on some disks only, as no protocol survives it on all",
        ),
    },
    Invariant {
        name: "I16",
        says: "applied <= W2 <= W1 <= appended, and none goes back",
        checked: Where::EveryRun(
            "every step of every member, and what was answered at W1 until the end; exhaustively, too, \
             but for W1",
        ),
    },
    Invariant {
        name: "I17",
        says: "what is trimmed is needed by nobody",
        checked: Where::EveryRun(
            "every record deleted, in runs that trim; every base, in worlds with a witness",
        ),
    },
    Invariant {
        name: "I18",
        says: "reconciliation finds the true difference and never calls lag a loss",
        checked: Where::Missing("there is no reconciliation"),
    },
    Invariant {
        name: "I19",
        says: "seal sets meet all legal write sets, of earlier configurations, too",
        checked: Where::Elsewhere(
            "replication: all layouts of up to six members over regions, and all ways between two \
             configurations of up to four; worlds degrade and are restored under I5, W2 and F5",
        ),
    },
    Invariant {
        name: "I20",
        says: "once faults stop, every group serves again within a bound, none stuck in SEALING",
        checked: Where::EveryRun(
            "after a time drawn by the seed: one home, one epoch, ACTIVE at every seat, a new command \
             done and applied everywhere, every client told, every message between groups answered",
        ),
    },
];
