//! The replicated log: the consensus library behind the few words the register needs of it.
//!
//! A register of one member needs no consensus and the library knows none of one; its log decides
//! what it appends, once it is on disk.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::messages::Message;
use omnipaxos::messages::ballot_leader_election::{BLEMessage, HeartbeatMsg};
use omnipaxos::messages::sequence_paxos::{PaxosMessage, PaxosMsg, Promise};
use omnipaxos::storage::NoSnapshot;
use omnipaxos::util::{LogEntry, LogSync};
use omnipaxos::{ClusterConfig, OmniPaxos, OmniPaxosConfig, ServerConfig};

use crate::frame::Body;
use crate::memory::{Image, Marks, Memory};
use crate::paxos::CONFIGURATION;
use crate::record::Record;
use crate::{Options, Proposal};

/// A member's number in the library: its place among the members, from 1.
pub(crate) type Pid = u64;

/// An entry of the log. Shared, because the library copies entries freely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry(pub(crate) Arc<Proposal>);

impl omnipaxos::storage::Entry for Entry {
    type Snapshot = NoSnapshot;
}

/// The log of one member.
pub(crate) struct Log {
    mode: Mode,
    /// What the records written so far say.
    recorded: Recorded,
    /// The promises counted so far, while this member campaigns.
    campaign: Campaign,
    /// Peers that were asked for a promise under this member's ballot and have not given it.
    asked: BTreeSet<Pid>,
    /// Heartbeats of a content leader under a lower ballot than this member has promised, since it
    /// last followed anybody.
    outbid: u32,
}

/// Such heartbeats after which the member campaigns. There is one in each election round, and an honest
/// change of leader is over in two.
const OUTBID_MAX: u32 = 3;

/// What the promises of one campaign add up to. A peer whose promise does not fit them lies.
///
/// The library takes the log of the highest promise and the highest decided index of any. In an
/// honest cluster every decided entry is in the highest log, whichever promises came first; a promise
/// that breaks this would have us decide entries that we do not hold.
#[derive(Clone, Copy, Debug, Default)]
struct Campaign {
    ballot: Ballot,
    /// Round and length of the highest log promised.
    best: (Ballot, usize),
    /// Where our log ends once we take that one.
    end: usize,
    /// The highest decided index promised.
    decided: usize,
}

enum Mode {
    /// Not a member: what is decided comes from those who are.
    Outside(Vec<Entry>),
    Alone(Vec<Entry>),
    Shared {
        paxos: Box<OmniPaxos<Entry, Memory>>,
        marks: Arc<Marks>,
        pid: Pid,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Recorded {
    promise: Ballot,
    round: Option<Ballot>,
    decided: usize,
    length: usize,
}

impl Log {
    /// Continues from what is on disk, as one of `members`; `pid` is `None` for one that is none of
    /// them. `options` were checked.
    pub(crate) fn recover(
        options: &Options,
        members: usize,
        pid: Option<Pid>,
        image: Image,
    ) -> Self {
        let recorded = Recorded {
            promise: image.promise.unwrap_or_default(),
            round: image.round,
            decided: image.decided,
            length: image.entries.len(),
        };
        let (campaign, asked, outbid) = (Campaign::default(), BTreeSet::new(), 0);
        let Some(pid) = pid else {
            return Self { mode: Mode::Outside(image.entries), recorded, campaign, asked, outbid };
        };
        if members == 1 {
            return Self { mode: Mode::Alone(image.entries), recorded, campaign, asked, outbid };
        }
        let marks = Arc::new(Marks::new(image.round));
        let count = Pid::try_from(members).expect("members are a handful");
        let config = OmniPaxosConfig {
            cluster_config: ClusterConfig {
                configuration_id: CONFIGURATION,
                nodes: (1..=count).collect(),
                flexible_quorum: None,
            },
            server_config: ServerConfig {
                pid,
                election_tick_timeout: options.election_ticks,
                resend_message_tick_timeout: options.resend_ticks,
                // Reserved at once; it grows if need be.
                buffer_size: 64,
                batch_size: 1,
                flush_batch_tick_timeout: 1,
                leader_priority: 0,
            },
        };
        let paxos = config
            .build(Memory::new(image, marks.clone()))
            .expect("checked options make a valid configuration");
        Self {
            mode: Mode::Shared { paxos: Box::new(paxos), marks, pid },
            recorded,
            campaign,
            asked,
            outbid,
        }
    }

    /// The ballot promised: the leader's, as far as this member knows.
    pub(crate) fn ballot(&self) -> Ballot {
        match &self.mode {
            Mode::Outside(_) | Mode::Alone(_) => Ballot::default(),
            Mode::Shared { paxos, .. } => paxos.get_promise(),
        }
    }

    /// The leader, once it and this member have agreed on the log.
    pub(crate) fn leader(&self) -> Option<Pid> {
        match &self.mode {
            Mode::Outside(_) => None,
            Mode::Alone(_) => Some(1),
            Mode::Shared { paxos, .. } => match paxos.get_current_leader() {
                Some((leader, true)) => Some(leader),
                Some((_, false)) | None => None,
            },
        }
    }

    /// Whether this member may append.
    pub(crate) fn leads(&self) -> bool {
        match &self.mode {
            Mode::Outside(_) => false,
            Mode::Alone(_) => true,
            Mode::Shared { pid, .. } => self.leader() == Some(*pid),
        }
    }

    /// Length of the log that will never change.
    pub(crate) fn decided(&self) -> usize {
        match &self.mode {
            Mode::Outside(entries) | Mode::Alone(entries) => entries.len(),
            Mode::Shared { paxos, .. } => paxos.get_decided_idx(),
        }
    }

    /// Length of the log.
    pub(crate) fn length(&self) -> usize {
        match &self.mode {
            Mode::Outside(entries) | Mode::Alone(entries) => entries.len(),
            Mode::Shared { paxos, .. } => paxos.get_accepted_idx(),
        }
    }

    /// Entries `from..to`, which must lie in the log.
    pub(crate) fn entries(&self, from: usize, to: usize) -> Vec<Entry> {
        let entries = match &self.mode {
            Mode::Outside(entries) | Mode::Alone(entries) => {
                entries.get(from..to).map(<[Entry]>::to_vec).unwrap_or_default()
            }
            Mode::Shared { .. } if from >= to => Vec::new(),
            Mode::Shared { paxos, .. } => paxos
                .read_entries(from..to)
                .unwrap_or_default()
                .into_iter()
                .filter_map(|entry| match entry {
                    LogEntry::Decided(entry) | LogEntry::Undecided(entry) => Some(entry),
                    LogEntry::Trimmed(_) | LogEntry::Snapshotted(_) | LogEntry::StopSign(..) => {
                        None
                    }
                })
                .collect(),
        };
        assert_eq!(entries.len(), to.saturating_sub(from), "the log holds what it says it holds");
        entries
    }

    /// The ballot under which the log was accepted, as numbers to compare; zeros if none was needed.
    pub(crate) fn round(&self) -> (u64, u64) {
        self.recorded.round.map_or((0, 0), |round| (round.n.into(), round.pid))
    }

    /// Appends as leader.
    pub(crate) fn append(&mut self, entry: Entry) {
        assert!(self.leads(), "only the leader appends");
        match &mut self.mode {
            Mode::Outside(_) => {}
            Mode::Alone(entries) => entries.push(entry),
            Mode::Shared { paxos, .. } => {
                paxos.append(entry).expect("the log ends only by a change of members");
            }
        }
    }

    /// Takes what the members have decided, at a node that is none of them.
    pub(crate) fn follow(&mut self, decided: Vec<Entry>) {
        assert!(self.is_outside(), "a member learns by consensus what was decided");
        if let Mode::Outside(entries) = &mut self.mode {
            entries.extend(decided);
        }
    }

    /// Whether this node is none of the members.
    pub(crate) const fn is_outside(&self) -> bool {
        matches!(self.mode, Mode::Outside(_))
    }

    /// One tick of the library's clock. `hears_majority` says whether enough members were heard lately
    /// to win an election.
    ///
    /// A member that restarts after it promised a ballot, and finds the others led under a lower one,
    /// can neither follow them nor get them to elect anew, as they are content; the library leaves it out
    /// for as long as that leader lasts. It does hear the leader, though, and that tells this case from a
    /// member that is cut off from the leader and must keep quiet. So who hears a content leader again
    /// and again and cannot follow takes the lead under a ballot that all can follow.
    pub(crate) fn tick(&mut self, hears_majority: bool) {
        if let Mode::Shared { paxos, .. } = &mut self.mode {
            paxos.tick();
            if matches!(paxos.get_current_leader(), Some((_, true))) {
                self.outbid = 0;
            }
            if self.outbid >= OUTBID_MAX && hears_majority {
                self.outbid = 0;
                paxos.try_become_leader();
            }
        }
    }

    /// Messages to or from the member were lost. Asks for a new start with it if it leads: the library
    /// repairs a loss only from the follower's side.
    pub(crate) fn resync(&mut self, peer: Pid) {
        if let Mode::Shared { paxos, .. } = &mut self.mode
            && paxos.get_promise().pid == peer
        {
            paxos.reconnected(peer);
        }
    }

    /// Hands a heartbeat to the library.
    pub(crate) fn beat(&mut self, from: Pid, msg: HeartbeatMsg) {
        if let HeartbeatMsg::Reply(reply) = &msg
            && (reply.ballot, reply.ballot.pid) == (reply.leader, from)
            && reply.happy
            && reply.leader < self.ballot()
            && self.leader().is_none()
        {
            self.outbid = self.outbid.saturating_add(1);
        }
        if let Mode::Shared { paxos, pid, .. } = &mut self.mode {
            paxos.handle_incoming(Message::BLE(BLEMessage { from, to: *pid, msg }));
        }
    }

    /// Hands a message to the library; `false` if no correct member can have sent it.
    pub(crate) fn receive(&mut self, from: Pid, msg: PaxosMsg<Entry>) -> bool {
        if !self.admits(from, &msg) {
            return false;
        }
        if let PaxosMsg::Promise(promise) = &msg
            && promise.n == self.ballot()
        {
            // The library's clock sends a promise again that has not been answered, however short the
            // time was. To a leader that did answer, the copy is a request to begin anew: what it has
            // sent meanwhile is void then, the follower finds a gap and asks to begin anew, and where
            // the round trip is as long as the clock's period that goes on for ever.
            if !self.asked.remove(&from) {
                return true;
            }
            if !self.leads() {
                let Some(campaign) = self.count(promise) else { return false };
                self.campaign = campaign;
            }
        }
        if let Mode::Shared { paxos, pid, .. } = &mut self.mode {
            paxos.handle_incoming(Message::SequencePaxos(PaxosMessage { from, to: *pid, msg }));
        }
        true
    }

    /// What the library takes on trust and would assert on or overwrite decided entries with.
    fn admits(&self, from: Pid, msg: &PaxosMsg<Entry>) -> bool {
        let Mode::Shared { pid, .. } = &self.mode else { return false };
        let decided = self.decided();
        let length = self.length();
        let continues = |sync: &LogSync<Entry>, known: usize| {
            sync.sync_idx >= decided
                && sync.sync_idx <= length
                && known <= sync.sync_idx + sync.suffix.len()
        };
        match msg {
            PaxosMsg::PrepareReq(_) => true,
            PaxosMsg::NotAccepted(_) => true,
            PaxosMsg::Prepare(prepare) => prepare.n.pid == from,
            PaxosMsg::Promise(promise) => {
                promise.n.pid == *pid
                    && promise.decided_idx <= promise.accepted_idx
                    && match &promise.log_sync {
                        Some(sync) if promise.n == self.ballot() && !self.leads() => {
                            continues(sync, promise.decided_idx)
                                && sync.sync_idx + sync.suffix.len() == promise.accepted_idx
                        }
                        Some(_) | None => true,
                    }
            }
            PaxosMsg::AcceptSync(accept) => {
                accept.n.pid == from
                    && (accept.n != self.ballot()
                        || continues(&accept.log_sync, accept.decided_idx))
            }
            PaxosMsg::AcceptDecide(accept) => accept.n.pid == from,
            PaxosMsg::Decide(decide) => decide.n.pid == from,
            PaxosMsg::Accepted(accepted) => {
                accepted.n.pid == *pid
                    && (accepted.n != self.ballot() || accepted.accepted_idx <= length)
            }
            PaxosMsg::ProposalForward(_)
            | PaxosMsg::Compaction(_)
            | PaxosMsg::AcceptStopSign(_)
            | PaxosMsg::ForwardStopSign(_) => false,
        }
    }

    /// The campaign with this promise counted; `None` if they do not fit together.
    fn count(&self, promise: &Promise<Entry>) -> Option<Campaign> {
        let length = self.length();
        let mut campaign = if self.campaign.ballot == promise.n {
            self.campaign
        } else {
            let best = (self.recorded.round.unwrap_or_default(), length);
            Campaign { ballot: promise.n, best, end: length, decided: self.decided() }
        };
        let rank = (promise.n_accepted, promise.accepted_idx);
        if rank > campaign.best {
            campaign.best = rank;
            campaign.end = match &promise.log_sync {
                Some(sync) => sync.sync_idx + sync.suffix.len(),
                None => length,
            };
        }
        campaign.decided = campaign.decided.max(promise.decided_idx);
        (campaign.decided <= campaign.end).then_some(campaign)
    }

    /// What the library wants sent, in order.
    pub(crate) fn take_outgoing(&mut self) -> Vec<(Pid, Body)> {
        let Mode::Shared { paxos, .. } = &mut self.mode else { return Vec::new() };
        let mut messages = Vec::new();
        paxos.take_outgoing_messages(&mut messages);
        messages
            .into_iter()
            .map(|message| match message {
                Message::SequencePaxos(PaxosMessage { to, msg, .. }) => {
                    if matches!(msg, PaxosMsg::Prepare(_)) {
                        self.asked.insert(to);
                    }
                    (to, Body::Paxos(msg))
                }
                Message::BLE(BLEMessage { to, msg, .. }) => (to, Body::Heartbeat(msg)),
            })
            .collect()
    }

    /// All that is on disk or on its way there, as if nothing had been written before.
    pub(crate) fn whole(&self) -> Record {
        let Recorded { promise, round, decided, length } = self.recorded;
        Record {
            boot: None,
            turn: None,
            promise: (promise != Ballot::default()).then_some(promise),
            round,
            decided: Some(decided),
            tail: Some((0, self.entries(0, length))),
            is_whole: true,
        }
    }

    /// What changed since the last call and must be on disk before anything else leaves.
    pub(crate) fn take_record(&mut self) -> Record {
        let (round, kept) = match &self.mode {
            Mode::Outside(entries) | Mode::Alone(entries) => {
                let length = self.recorded.length;
                (None, (entries.len() > length).then_some(length))
            }
            Mode::Shared { marks, .. } => (marks.round(), marks.take_kept()),
        };
        let now = Recorded {
            promise: self.ballot(),
            round,
            decided: self.decided(),
            length: self.length(),
        };
        let before = core::mem::replace(&mut self.recorded, now);
        assert!(now.promise >= before.promise, "a promise is never taken back");
        assert!(now.decided >= before.decided, "what is decided stays decided");
        assert!(now.decided <= now.length, "only what is in the log is decided");
        let tail = kept.map(|kept| {
            assert!(kept >= before.decided, "decided entries are never cut");
            (kept, self.entries(kept, now.length))
        });
        assert!(tail.is_some() || now.length == before.length, "a longer log was marked");
        Record {
            boot: None,
            turn: None,
            promise: (now.promise != before.promise).then_some(now.promise),
            round: if now.round == before.round { None } else { now.round },
            decided: (now.decided != before.decided).then_some(now.decided),
            tail,
            is_whole: false,
        }
    }
}

/// The library's state has no printable form; where the log stands is what a reader wants to see.
impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("ballot", &self.ballot())
            .field("leader", &self.leader())
            .field("decided", &self.decided())
            .field("length", &self.length())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
