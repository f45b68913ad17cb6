//! The faults that strike a world, and how they do.

use register::SealKind;
use types::{Class, GroupId, NodeId, QuorumLoss};

use crate::knobs::{MILLI, SECOND};
use crate::{Code, World, world::Event};

/// A kind of fault. The order is part of what a seed means: new kinds go last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A node loses power between two events.
    Crash,
    /// A node loses power between two effects of one step.
    CrashInStep,
    /// All nodes lose power at once.
    PowerCut,
    /// A node stands still for a while and then goes on.
    Pause,
    /// A node is cut off from all others.
    Isolate,
    /// One direction between two nodes is cut.
    OneWay,
    /// Two nodes are cut off from each other; a third still sees both.
    Pair,
    /// A direction delivers late.
    Clog,
    /// A disk stands still for a while.
    DiskStall,
    /// A sync fails.
    DiskError,
    /// A wall clock jumps.
    ClockJump,
    /// An operator moves a home by plan.
    Planned,
    /// An operator takes a home away.
    Unplanned,
    /// An operator gives up what cannot be reached.
    Forced,
    /// What register members say to each other is lost for a while; all else arrives.
    RegisterOutage,
    /// A node is started anew with older or newer code.
    Roll,
    /// An operator raises the model version.
    Upgrade,
    /// Bits flip in a durable record.
    BitFlip,
    /// A disk has no room for a while.
    DiskFull,
    /// A disk is lost for good and its node replaced, or a node comes or goes by order.
    Members,
    /// An operator gives a group another class, or has it do something else when copies are missing.
    Terms,
    /// A majority of the register is lost, given up by force, and found later.
    Burn,
    /// A home and one other commit by themselves, are lost, and operators go on without them by force.
    Recall,
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Which.
    pub fault: Fault,
    /// Mean time between two strikes.
    pub every_us: u64,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 23] = [
        Self::Crash,
        Self::CrashInStep,
        Self::PowerCut,
        Self::Pause,
        Self::Isolate,
        Self::OneWay,
        Self::Pair,
        Self::Clog,
        Self::DiskStall,
        Self::DiskError,
        Self::ClockJump,
        Self::Planned,
        Self::Unplanned,
        Self::Forced,
        Self::RegisterOutage,
        Self::Roll,
        Self::Upgrade,
        Self::BitFlip,
        Self::DiskFull,
        Self::Members,
        Self::Terms,
        Self::Burn,
        Self::Recall,
    ];

    /// In how many runs of a million it occurs, and how often there.
    pub(crate) const fn usual(self) -> (u64, u64) {
        match self {
            Self::Crash => (450_000, 4 * SECOND),
            Self::CrashInStep => (450_000, 4 * SECOND),
            Self::PowerCut => (200_000, 8 * SECOND),
            Self::Pause => (300_000, 5 * SECOND),
            Self::Isolate => (400_000, 5 * SECOND),
            Self::OneWay => (250_000, 5 * SECOND),
            Self::Pair => (300_000, 5 * SECOND),
            Self::Clog => (200_000, 4 * SECOND),
            Self::DiskStall => (250_000, 5 * SECOND),
            Self::DiskError => (150_000, 8 * SECOND),
            Self::ClockJump => (200_000, 6 * SECOND),
            Self::Planned => (350_000, 4 * SECOND),
            Self::Unplanned => (300_000, 5 * SECOND),
            Self::Forced => (80_000, 8 * SECOND),
            Self::RegisterOutage => (200_000, 6 * SECOND),
            Self::Roll => (250_000, 4 * SECOND),
            Self::Upgrade => (300_000, 4 * SECOND),
            Self::BitFlip => (250_000, 3 * SECOND),
            Self::DiskFull => (200_000, 5 * SECOND),
            Self::Members => (250_000, 5 * SECOND),
            Self::Terms => (200_000, 4 * SECOND),
            Self::Burn => (150_000, 8 * SECOND),
            Self::Recall => (60_000, 7 * SECOND),
        }
    }
}

impl World {
    /// Lets a fault strike now.
    pub(crate) fn strike(&mut self, fault: Fault) {
        let count = self.count();
        let node = self.chance.index(count);
        let other = (node + 1 + self.chance.index(count - 1)) % count;
        let short = self.chance.between(300 * MILLI, 3 * SECOND);
        let long = self.chance.between(SECOND, 8 * SECOND);
        self.report.struck(fault);
        let now = self.now();
        self.trace.note(&[now, 90, fault as u64, node as u64], &[], || {
            format!("{now:>10} fault {fault:?} n{}", node + 1)
        });
        match fault {
            Fault::Crash => {
                self.kill(node);
                let at = self.draw_return();
                self.plan(at, Event::Start { node });
            }
            Fault::CrashInStep => self.kill_in_step(node),
            Fault::PowerCut => {
                for node in 0..count {
                    self.kill(node);
                    let at = self.draw_return();
                    self.plan(at, Event::Start { node });
                }
            }
            Fault::Pause => {
                self.pause(node);
                self.plan_in(long, Event::Resume { node });
            }
            Fault::Isolate => {
                for other in (0..count).filter(|other| *other != node) {
                    self.cut_for(node, other, long);
                    self.cut_for(other, node, long);
                }
            }
            Fault::OneWay => self.cut_for(node, other, long),
            Fault::Pair => {
                self.cut_for(node, other, long);
                self.cut_for(other, node, long);
            }
            Fault::Clog => {
                self.net.clog(node, other, short / 2);
                self.plan_in(long, Event::Unclog { from: node, to: other });
            }
            Fault::DiskStall => {
                // Now and then longer than a node may bear.
                let stall = if self.chance.chance(200_000) { long } else { short };
                self.stall(node, stall);
            }
            Fault::DiskError => {
                // A node whose sync failed stops; what waited may be lost.
                self.kill(node);
                let at = self.draw_return();
                self.plan(at, Event::Start { node });
            }
            Fault::ClockJump => {
                let ahead = i64::try_from(short).unwrap_or_default();
                let is_back = self.chance.chance(500_000);
                self.jump(node, if is_back { -ahead } else { ahead });
            }
            Fault::Planned => self.order_any(node, other, SealKind::Planned),
            Fault::Unplanned => self.order_any(node, other, SealKind::Unplanned),
            Fault::Forced => self.order_any(node, other, SealKind::Forced),
            Fault::RegisterOutage => self.silence_register(long),
            Fault::Roll => {
                let newest = self.chance.between(1, 2);
                self.kill(node);
                self.install(node, Code::up_to(u16::try_from(newest).expect("it is 1 or 2")));
                let at = self.draw_return();
                self.plan(at, Event::Start { node });
            }
            Fault::Upgrade => {
                let group = self.any_group();
                self.order_upgrade(node, vec![group], 2);
            }
            Fault::Members => self.change_members(),
            Fault::Terms => {
                let group = self.any_group();
                let class = self.chance.pick(&[None, Some(Class::Sync), Some(Class::Async)]);
                // No world is to lose copies in which they must not be missing.
                let usual = self.knobs().terms.on_quorum_loss;
                let on_quorum_loss =
                    self.chance.pick(&[None, Some(QuorumLoss::Block), Some(usual)]);
                self.order_terms(node, vec![group], class, on_quorum_loss);
            }
            Fault::Burn => self.burn(),
            Fault::Recall => {
                let group = self.any_group();
                self.recall(group);
            }
            Fault::DiskFull => {
                self.set_room(node, false);
                self.plan_in(long, Event::Room { node });
            }
            Fault::BitFlip => {
                // At rest bits flip unseen; half of the time a start comes upon them soon.
                if let Some(node) = self.flip_any()
                    && self.chance.chance(500_000)
                {
                    self.kill(node);
                    let at = self.draw_return();
                    self.plan(at, Event::Start { node });
                }
            }
        }
    }

    /// When a node that lost power comes back: mostly soon, at times before anyone has noticed.
    fn draw_return(&mut self) -> u64 {
        let away = self.chance.pick(&[5 * MILLI, 100 * MILLI, 800 * MILLI, 3 * SECOND, 7 * SECOND]);
        self.now() + self.chance.between(away / 2, away)
    }

    fn any_group(&mut self) -> GroupId {
        let group = self.chance.below(u64::from(self.knobs().groups));
        GroupId(u16::try_from(group).expect("groups are numbered in 16 bits"))
    }

    fn order_any(&mut self, at: usize, to: usize, kind: SealKind) {
        let group = self.any_group();
        let to = NodeId(u16::try_from(to + 1).expect("nodes are numbered in 16 bits"));
        self.order(at, vec![group], to, kind);
    }
}
