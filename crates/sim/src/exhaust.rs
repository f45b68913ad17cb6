//! Every order of everything, within a bound: a small cluster checked exhaustively.
//!
//! Chance finds what is likely. Here nothing is drawn: three members, two copies to commit, and a bound
//! on epochs, commands, crashes and broken sessions; within it every message may wait for as long as it
//! likes or for ever (which is every partition there is), every crash may strike between any two steps,
//! and anyone may ask the register for the next epoch whenever they like. The machine is not a drawing of
//! the protocol: it is [`group::Group`] itself with its chain, its meta and its recovery, driven through
//! [`group::Solo`], and [`register::GroupState`] deciding by compare-and-set.
//!
//! What it leaves out: time (nothing is late; what a broken session lost is sent again when the next one
//! opens), the register's own consensus (it decides at once; those whom a decision concerns hear of it
//! in order, each when they hear of it), refusals (they only make a stale home stop sooner), watermarks
//! that travel alone (the next record carries them), pulses, forwarding, and whatever needs more records than fit in memory. The simulator has those.
//!
//! A step of one member depends on that member and what it is handed, and on nothing else. So each is
//! taken once and remembered; the states of the whole are combinations of remembered ones, which is what
//! makes the real machine affordable here.

mod broken;
mod member;
mod memo;
mod sent;
mod state;

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use replication::Mutant;
use stateright::{Model, Property};

use broken::Broken;
use memo::{Given, Memo};
pub use sent::Sent;
pub use state::State;

/// Members.
const MEMBERS: usize = 3;

/// How far everything is tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Epochs that the register issues.
    pub epochs: u64,
    /// Commands that clients bring, each in a record of its own or with others.
    pub commands: u8,
    /// Losses of power, of whichever members.
    pub crashes: u8,
    /// Sessions that break with what is under way in them, and are opened again.
    pub breaks: u8,
    /// Disks that are replaced by empty ones under the same member's number, which the rules forbid.
    pub blanks: u8,
    /// Whether homes also move by plan.
    pub planned: bool,
    /// Whether a write is durable in a step of its own, so that a crash may come in between and keep a
    /// part of what was written. Otherwise it is durable with the step that asks for it.
    pub slow_disks: bool,
}

impl Bound {
    /// What takes seconds.
    pub const QUICK: Self = Self {
        epochs: 2,
        commands: 1,
        crashes: 1,
        breaks: 0,
        blanks: 0,
        planned: false,
        slow_disks: false,
    };

    /// The bound of the specification: three epochs, three entries, a crash, any partition.
    pub const FULL: Self = Self {
        epochs: 3,
        commands: 3,
        crashes: 1,
        breaks: 0,
        blanks: 0,
        planned: false,
        slow_disks: false,
    };
}

/// What may happen next.
#[derive(Clone, PartialEq)]
pub enum Action {
    /// The next message of a lane arrives.
    Deliver(Arc<Sent>),
    /// The session of two members breaks and is opened again.
    Break(usize, usize),
    /// What a member has asked its disk for is durable.
    Sync(usize),
    /// A member hears of the register's next decision.
    Learn(usize),
    /// A member loses power and comes back.
    Crash(Crash),
    /// A member comes back with an empty disk.
    Blank(usize),
    /// Somebody has the register issue the next epoch to this candidate, by plan or not.
    Seal(usize, bool),
    /// A client brings a command to a home.
    Command(usize),
    /// A candidate has waited for the old home for long enough.
    GiveUpWaiting(usize),
}

/// A loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// Whose.
    at: usize,
    /// How many of the records that it had not made durable its disk keeps.
    records: usize,
    /// How many of the blobs.
    blobs: usize,
    /// Whether what it has sent still arrives.
    is_heard: bool,
}

impl Debug for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver(sent) => write!(f, "{sent:?}"),
            Self::Sync(at) => write!(f, "n{}'s writes are durable", at + 1),
            Self::Learn(at) => write!(f, "n{} hears of the register's next decision", at + 1),
            Self::Break(a, b) => write!(f, "the session of n{} and n{} breaks", a + 1, b + 1),
            Self::Crash(Crash { at, records, blobs, is_heard }) => write!(
                f,
                "n{} loses power, keeps {records} records and {blobs} blobs, {}",
                at + 1,
                if *is_heard { "what it sent arrives" } else { "what it sent is lost" }
            ),
            Self::Blank(at) => write!(f, "n{} comes back with an empty disk", at + 1),
            Self::Seal(at, true) => write!(f, "the register names n{} by plan", at + 1),
            Self::Seal(at, false) => write!(f, "the register names n{}", at + 1),
            Self::Command(at) => write!(f, "a command comes to n{}", at + 1),
            Self::GiveUpWaiting(at) => write!(f, "n{} waits no longer for the old home", at + 1),
        }
    }
}

/// The model that is checked.
#[derive(Debug)]
pub struct Exhaust {
    bound: Bound,
    memo: Memo,
}

impl Exhaust {
    /// The model of a bound, with a rule broken on purpose or none.
    #[must_use]
    pub fn new(bound: Bound, mutant: Mutant) -> Self {
        Self { bound, memo: Memo::new(mutant, bound.slow_disks) }
    }

    /// The bound.
    #[must_use]
    pub const fn bound(&self) -> Bound {
        self.bound
    }

    /// Steps of single members that were taken, each once.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.memo.count()
    }
}

/// That nobody waits for something that will not come. Timers would end such a wait in time; nothing
/// here needs one unless power or a session was lost.
const REST: &str = "I20 when nothing is under way, the newest epoch serves";

/// That the bound is reached at all: a check of states in which nothing happens would hold, too.
const EVERYTHING: &str = "some run commits every command and opens every epoch";

impl Model for Exhaust {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.memo)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken().is_some() {
            return;
        }
        actions.extend(state.next_in_lanes().map(Action::Deliver));
        if state.breaks() < self.bound.breaks {
            let pairs = [(0, 1), (0, 2), (1, 2)];
            let busy = pairs.into_iter().filter(|(a, b)| state.is_anything_between(*a, *b));
            actions.extend(busy.map(|(a, b)| Action::Break(a, b)));
        }
        for at in 0..MEMBERS {
            let member = state.member(at);
            let (records, blobs) = member.waiting();
            if records + blobs > 0 {
                actions.push(Action::Sync(at));
            }
            if state.news_for(at).is_some() {
                actions.push(Action::Learn(at));
            }
            if state.crashes() < self.bound.crashes {
                for (records, blobs) in
                    (0..=records).flat_map(|records| (0..=blobs).map(move |blobs| (records, blobs)))
                {
                    for is_heard in [false, true] {
                        actions.push(Action::Crash(Crash { at, records, blobs, is_heard }));
                    }
                }
            }
            if state.blanks() < self.bound.blanks {
                actions.push(Action::Blank(at));
            }
            if member.is_home() && state.commands() < self.bound.commands {
                actions.push(Action::Command(at));
            }
            if member.is_waiting_for_the_old_home() {
                actions.push(Action::GiveUpWaiting(at));
            }
            // Members differ in their numbers only: the first home is the first of them.
            if state.issued() < self.bound.epochs && (state.issued() > 0 || at == 0) {
                actions.push(Action::Seal(at, false));
                if self.bound.planned && state.may_plan(at) {
                    actions.push(Action::Seal(at, true));
                }
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let memo = &self.memo;
        match action {
            Action::Deliver(sent) => Some(last.delivered(memo, &sent)),
            Action::Break(a, b) => Some(last.broken_between(memo, a, b)),
            Action::Sync(at) => last.after(memo, at, &Given::Durable),
            Action::Learn(at) => {
                let decision = last.news_for(at)?;
                last.after(memo, at, &Given::Decision(decision))
            }
            Action::Crash(crash) => Some(last.crashed(memo, crash)),
            Action::Blank(at) => Some(last.blanked(memo, at)),
            Action::Seal(at, planned) => last.sealing(at, planned),
            Action::Command(at) => {
                let number = last.commands() + 1;
                last.after(memo, at, &Given::Command(number)).map(State::commanded)
            }
            Action::GiveUpWaiting(at) => last.after(memo, at, &Given::Patience),
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let all = Broken::ALL.map(|broken| Property::always(broken.name(), broken.condition()));
        let reached = Property::sometimes(EVERYTHING, State::is_everything_committed);
        let rest = Property::always(REST, State::is_serving_if_at_rest);
        all.into_iter().chain([rest, reached]).collect()
    }
}
