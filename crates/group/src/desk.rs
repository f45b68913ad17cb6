//! Commands that this node has taken in and not yet answered.
//!
//! A command stays here, whatever happens to homes, until its outcome is known or everyone who
//! asked has stopped waiting. It may be appended here, handed to another home, or wait for one; as
//! the group deduplicates by id, each of these may be tried again.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use types::{Hash, Instant, MessageId, NodeId, RequestId, Until};
use wire::{Command, CommandRef, Doubt, Reply};

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asker {
    /// A request of this node's own driver.
    Local(RequestId),
    /// A command that another node handed over.
    Remote {
        /// The node.
        node: NodeId,
        /// Its ticket.
        ticket: u64,
    },
}

/// An answer on its way out.
pub(crate) type Answer = (Asker, Reply);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits to be appended or handed over, not before this instant.
    Queued { not_before: Instant },
    /// In a record of this home's chain.
    Appended,
    /// Handed to that node.
    Forwarded { to: NodeId, ticket: u64, at: Instant },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    command: Command,
    state: State,
    /// Whether it was ever appended or handed over, so that it may have been done.
    left: bool,
    askers: Vec<Waiting>,
}

/// One request that waits for a command's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting {
    asker: Asker,
    /// Digest of the content that it brought.
    digest: Hash,
    deadline: Instant,
    /// For what its answer waits.
    until: Until,
}

/// The commands of one group at one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desk {
    held: BTreeMap<MessageId, Held>,
    /// Ids in state `Queued`, oldest first; ids that have left the state are skipped.
    queue: VecDeque<MessageId>,
    /// Ids in `queue` beyond which it is worth looking for those that have left.
    queue_max: usize,
    tickets: BTreeMap<u64, MessageId>,
    deadlines: BTreeSet<(Instant, MessageId)>,
    bytes: usize,
    tickets_issued: u64,
}

impl Desk {
    /// Takes a command in. `false` if it was refused because more than `bytes_max` wait already, or too
    /// many for this very command.
    pub(crate) fn take(
        &mut self,
        asker: Asker,
        command: Command,
        until: Until,
        deadline: Instant,
        bytes_max: usize,
    ) -> bool {
        let id = command.id;
        let waiting = Waiting { asker, digest: command.digest, deadline, until };
        if let Some(held) = self.held.get_mut(&id) {
            if held.askers.iter().any(|known| known.asker == asker) {
                return true;
            }
            if held.askers.len() >= ASKERS_MAX {
                return false;
            }
            held.askers.push(waiting);
        } else {
            if self.bytes + command.encoded_bytes() > bytes_max {
                return false;
            }
            self.bytes += command.encoded_bytes();
            let state = State::Queued { not_before: Instant(0) };
            let askers = alloc::vec![waiting];
            self.held.insert(id, Held { command, state, left: false, askers });
            self.enqueue(id);
        }
        self.deadlines.insert((deadline, id));
        true
    }

    /// Whether anything waits to be appended.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Takes up to a record's worth of waiting commands, which are appended from now on.
    pub(crate) fn batch(&mut self, count_max: usize, bytes_max: usize) -> Vec<Command> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < count_max && bytes < bytes_max {
            let Some(id) = self.queue.pop_front() else { break };
            let Some(held) = self.held.get_mut(&id) else { continue };
            if !matches!(held.state, State::Queued { .. }) {
                continue;
            }
            held.state = State::Appended;
            held.left = true;
            bytes += held.command.encoded_bytes();
            batch.push(held.command.clone());
        }
        batch
    }

    /// Hands everything that may be handed over to the home `to`: tickets with their commands, and for
    /// what the answer is to wait: for the commit if anyone wants that.
    pub(crate) fn forward(&mut self, to: NodeId, now: Instant) -> Vec<(u64, Command, Until)> {
        let mut forwards = Vec::new();
        for id in core::mem::take(&mut self.queue) {
            let Some(held) = self.held.get_mut(&id) else { continue };
            let State::Queued { not_before } = held.state else { continue };
            let ours = held.askers.iter().any(|one| matches!(one.asker, Asker::Local(_)));
            if not_before > now || !ours {
                self.queue.push_back(id);
                continue;
            }
            self.tickets_issued += 1;
            let ticket = self.tickets_issued;
            held.state = State::Forwarded { to, ticket, at: now };
            held.left = true;
            self.tickets.insert(ticket, id);
            let until = held.askers.iter().map(|one| one.until).max().unwrap_or_default();
            forwards.push((ticket, held.command.clone(), until));
        }
        forwards
    }

    /// What was handed to a node that is `gone` is to be asked for again.
    pub(crate) fn recall(&mut self, gone: impl Fn(NodeId) -> bool) {
        let is_gone = |id: &MessageId| match self.held.get(id).map(|held| held.state) {
            Some(State::Forwarded { to, .. }) => gone(to),
            Some(State::Queued { .. } | State::Appended) | None => true,
        };
        let void: Vec<u64> =
            self.tickets.iter().filter(|(_, id)| is_gone(id)).map(|(ticket, _)| *ticket).collect();
        for ticket in void {
            self.requeue_ticket(ticket, Instant(0));
        }
    }

    /// What was handed over before `before` and not answered is to be asked for again. Asked at every
    /// step, so it looks at the oldest tickets only: later numbers were handed out later.
    pub(crate) fn recall_older(&mut self, before: Instant) {
        while let Some((ticket, id)) = self.tickets.first_key_value() {
            let held = self.held.get(id).map(|held| held.state);
            if matches!(held, Some(State::Forwarded { at, .. }) if at >= before) {
                return;
            }
            let ticket = *ticket;
            self.requeue_ticket(ticket, Instant(0));
        }
    }

    /// Nothing that waits to be tried again waits any longer: there is a new home to try.
    pub(crate) fn hurry(&mut self) {
        for id in &self.queue {
            if let Some(Held { state: State::Queued { not_before }, .. }) = self.held.get_mut(id) {
                *not_before = Instant(0);
            }
        }
    }

    /// Whether any command is with another node.
    pub(crate) fn has_forwarded(&self) -> bool {
        !self.tickets.is_empty()
    }

    /// Takes the answer to a ticket. Only an outcome ends the matter; anything else is tried again
    /// at `retry_at`, until the askers stop waiting.
    pub(crate) fn answered(&mut self, ticket: u64, reply: Reply, retry_at: Instant) -> Vec<Answer> {
        match reply {
            Reply::Done { .. } | Reply::Conflict { .. } | Reply::Expired => {
                let Some(id) = self.tickets.get(&ticket).copied() else { return Vec::new() };
                self.end(id, |digest, own| {
                    let done = matches!(reply, Reply::Done { .. });
                    if digest == own {
                        reply.clone()
                    } else if done {
                        Reply::Conflict { first: own }
                    } else {
                        // The home judged other content under this id: ask for this one again.
                        Reply::Busy { retry_after_ms: RETRY_AFTER_MS }
                    }
                })
            }
            Reply::Provisional { .. } => {
                let Some(id) = self.tickets.get(&ticket).copied() else { return Vec::new() };
                let Some(own) = self.held.get(&id).map(|held| held.command.digest) else {
                    return Vec::new();
                };
                let answers = self.end_early(id, own, &reply);
                if self.held.get(&id).is_some_and(|held| held.askers.is_empty()) {
                    self.forget(id);
                } else {
                    // Somebody who waits for the commit has come since it was handed over.
                    self.requeue_ticket(ticket, retry_at);
                }
                answers
            }
            Reply::NotHome { .. } | Reply::Busy { .. } | Reply::Unknown(_) => {
                self.requeue_ticket(ticket, retry_at);
                Vec::new()
            }
        }
    }

    /// Gives back everything that was never appended or handed over, with `reply`.
    pub(crate) fn refuse(&mut self, reply: &Reply) -> Vec<Answer> {
        let unused = self.held.iter().filter(|(_, held)| !held.left).map(|(id, _)| *id);
        let mut answers = Vec::new();
        for id in unused.collect::<Vec<_>>() {
            let askers = self.held.get_mut(&id).map(|held| core::mem::take(&mut held.askers));
            let askers = askers.into_iter().flatten();
            answers.extend(askers.map(|waiting| (waiting.asker, reply.clone())));
            self.forget(id);
        }
        answers
    }

    /// The home is elsewhere now: what was appended here and not applied must be asked for there.
    /// Commands of other nodes are given back to them.
    pub(crate) fn demote(&mut self, not_home: &Reply) -> Vec<Answer> {
        let mut answers = Vec::new();
        let mut empty = Vec::new();
        for (id, held) in &mut self.held {
            let left = held.left;
            held.askers.retain(|one| match one.asker {
                Asker::Local(_) => true,
                Asker::Remote { .. } => {
                    let doubt = Reply::Unknown(Doubt::Switching);
                    answers.push((one.asker, if left { doubt } else { not_home.clone() }));
                    false
                }
            });
            if held.askers.is_empty() {
                empty.push(*id);
            } else if held.state == State::Appended {
                held.state = State::Queued { not_before: Instant(0) };
                self.queue.push_back(*id);
            }
        }
        for id in empty {
            self.forget(id);
        }
        answers
    }

    /// The id has an outcome: everyone who asked is told by `reply`, which is given the digest of
    /// the asker's content and of the content held here.
    pub(crate) fn end(
        &mut self,
        id: MessageId,
        reply: impl Fn(Hash, Hash) -> Reply,
    ) -> Vec<Answer> {
        let Some(held) = self.forget(id) else { return Vec::new() };
        let own = held.command.digest;
        held.askers.iter().map(|one| (one.asker, reply(one.digest, own))).collect()
    }

    /// The id has an outcome that is not committed: those are told who asked for this content and wait
    /// for no more. The command stays until its commit.
    pub(crate) fn end_early(&mut self, id: MessageId, digest: Hash, reply: &Reply) -> Vec<Answer> {
        let Some(held) = self.held.get_mut(&id) else { return Vec::new() };
        let is_told = |one: &Waiting| one.until == Until::Class && one.digest == digest;
        let (told, rest): (Vec<_>, Vec<_>) = held.askers.drain(..).partition(is_told);
        held.askers = rest;
        for one in &told {
            if !held.askers.iter().any(|other| other.deadline == one.deadline) {
                self.deadlines.remove(&(one.deadline, id));
            }
        }
        told.into_iter().map(|one| (one.asker, reply.clone())).collect()
    }

    /// Tells everyone who waits for what `answer` knows the outcome of: the state came from elsewhere.
    pub(crate) fn end_answered(
        &mut self,
        answer: impl Fn(MessageId, Hash) -> Option<Reply>,
    ) -> Vec<Answer> {
        let is_known = |(id, held): (&MessageId, &Held)| {
            answer(*id, held.command.digest).is_some().then_some(*id)
        };
        let known: Vec<MessageId> = self.held.iter().filter_map(is_known).collect();
        let mut answers = Vec::new();
        for id in known {
            let Some(held) = self.forget(id) else { continue };
            let askers = held.askers.iter();
            answers.extend(askers.filter_map(|one| Some((one.asker, answer(id, one.digest)?))));
        }
        answers
    }

    /// A command of the chain came too late and was not done. If it is the one held here, everyone
    /// who asked for it is told; who asked for other content under its id may ask again. Another one,
    /// of other content or with more time, is still on its way.
    pub(crate) fn end_expired(&mut self, command: &CommandRef<'_>) -> Vec<Answer> {
        let held = self.held.get(&command.id).map(|held| &held.command);
        let is_held = held.is_some_and(|held| {
            held.digest == command.digest && held.not_after == command.not_after
        });
        if !is_held {
            return Vec::new();
        }
        self.end(command.id, |digest, own| {
            if digest == own {
                Reply::Expired
            } else {
                Reply::Busy { retry_after_ms: RETRY_AFTER_MS }
            }
        })
    }

    /// Tells everyone whose time is up what can be said.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some((deadline, id)) = self.deadlines.first().copied() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_first();
            let Some(held) = self.held.get_mut(&id) else { continue };
            let reply = match held.state {
                // It never left this node, so it was certainly not done.
                State::Queued { .. } if !held.left => {
                    Reply::Busy { retry_after_ms: RETRY_AFTER_MS }
                }
                State::Queued { .. } => Reply::Unknown(Doubt::Switching),
                State::Appended => Reply::Unknown(Doubt::NoQuorum),
                State::Forwarded { .. } => Reply::Unknown(Doubt::HomeSilent),
            };
            held.askers.retain(|one| {
                if one.deadline > now {
                    return true;
                }
                answers.push((one.asker, reply.clone()));
                false
            });
            if held.askers.is_empty() && held.state != State::Appended {
                self.forget(id);
            }
        }
        answers
    }

    /// When the next asker stops waiting.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Digest of the content held under an id.
    pub(crate) fn digest(&self, id: MessageId) -> Option<Hash> {
        self.held.get(&id).map(|held| held.command.digest)
    }

    /// Commands held.
    pub(crate) fn count(&self) -> usize {
        self.held.len()
    }

    fn requeue_ticket(&mut self, ticket: u64, not_before: Instant) {
        let Some(id) = self.tickets.remove(&ticket) else { return };
        let Some(held) = self.held.get_mut(&id) else { return };
        if matches!(held.state, State::Forwarded { ticket: current, .. } if current == ticket) {
            held.state = State::Queued { not_before };
            self.enqueue(id);
        }
    }

    /// Puts an id at the end of the queue. While there is no home nobody takes ids from its front: those
    /// of commands that were given up and asked for again would pile up.
    fn enqueue(&mut self, id: MessageId) {
        self.queue.push_back(id);
        if self.queue.len() <= self.queue_max {
            return;
        }
        let mut seen = BTreeSet::new();
        let held = &self.held;
        self.queue.retain(|id| {
            let is_queued =
                held.get(id).is_some_and(|held| matches!(held.state, State::Queued { .. }));
            is_queued && seen.insert(*id)
        });
        self.queue_max = 2 * self.queue.len() + QUEUE_MIN;
    }

    fn forget(&mut self, id: MessageId) -> Option<Held> {
        let held = self.held.remove(&id)?;
        self.bytes -= held.command.encoded_bytes();
        for one in &held.askers {
            self.deadlines.remove(&(one.deadline, id));
        }
        if let State::Forwarded { ticket, .. } = held.state {
            self.tickets.remove(&ticket);
        }
        Some(held)
    }
}

/// Requests that may wait for one command: a client that asks again and again before it is told needs
/// few.
const ASKERS_MAX: usize = 64;

/// A queue shorter than this is not tidied.
const QUEUE_MIN: usize = 64;

/// What a client is told to wait when a node has too much on its desk.
pub(crate) const RETRY_AFTER_MS: u32 = 100;

#[cfg(test)]
mod tests;
