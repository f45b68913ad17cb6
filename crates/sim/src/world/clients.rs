//! Clients: they ask, wait, ask again elsewhere with the same id, and now and then misbehave.

use group::Input;
use types::{GroupId, MessageId, RequestId, Stamp, Until};
use wire::{Command, Reply};

use super::{Event, GRACE_US, World};
use crate::app::{Content, Place};
use crate::knobs::{MILLI, SECOND};
use crate::net::Index;

/// A command to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The group.
    pub group: GroupId,
    /// The command.
    pub command: Command,
}

/// A request under way, or a hand-written one that was answered.
#[derive(Clone, Debug)]
pub struct Asked {
    ask: Ask,
    node: Index,
    life: u64,
    pauses: u64,
    /// Client and its turn; `None` for a hand-written request.
    client: Option<(usize, u64)>,
    reply: Option<Reply>,
}

/// One client.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    ask: Option<Ask>,
    tries: u32,
    turn: u64,
    request: Option<RequestId>,
    /// Commands whose outcome it knows, and may ask for again.
    done: Vec<Ask>,
    /// Commands it gave up without knowing their outcome.
    open: Vec<Ask>,
}

impl World {
    pub(super) fn begin_clients(&mut self) {
        for client in 0..self.knobs.clients {
            self.clients.push(Client::default());
            self.plan_turn(client, SECOND);
        }
    }

    /// Clients make no new commands from here on; they only find out what became of the old ones.
    pub const fn quiesce(&mut self) {
        self.is_busy = false;
    }

    /// Whether every client knows what became of everything it ever asked.
    #[must_use]
    pub fn knows_all(&self) -> bool {
        self.clients.iter().all(|client| client.ask.is_none() && client.open.is_empty())
    }

    /// A new command that moves `amount` in `group`.
    pub fn command(&mut self, group: GroupId, amount: u32, patience_us: u64) -> Ask {
        self.moves_made += 1;
        let number = self.moves_made;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        self.content(group, MessageId(id), amount, patience_us)
    }

    /// Content of its own under an id.
    pub fn content(&mut self, group: GroupId, id: MessageId, amount: u32, patience_us: u64) -> Ask {
        self.moves_made += 1;
        let number = self.moves_made;
        let place = Place { group, groups: self.knobs.groups };
        let content = self.knobs.app.content(&mut self.client_chance, place, number, amount);
        self.wrap(group, id, content, patience_us)
    }

    /// A move of `amount` from `group` to another; its number is returned too.
    pub fn across(&mut self, group: GroupId, to: GroupId, amount: u32) -> (Ask, u64) {
        let (id, number) = self.fresh_id();
        (self.wrap(group, id, Content::across(number, to, amount), 60 * SECOND), number)
    }

    /// The wish to have the move of that number from `group` to `to` back.
    pub fn cancel(&mut self, group: GroupId, to: GroupId, of: u64) -> Ask {
        let (id, number) = self.fresh_id();
        self.wrap(group, id, Content::cancel(number, of, to), 60 * SECOND)
    }

    /// What it would take to open the channel again, as a node has both groups; `None` if it is not frozen.
    #[must_use]
    pub fn reopening(&self, host: Index, from: GroupId, to: GroupId) -> Option<channel::Plan> {
        let node = self.node(host)?;
        group::reopening(node.group(from)?, node.group(to)?, self.now).ok()
    }

    /// The order to `group` to do its half of a plan.
    pub fn reopen(&mut self, group: GroupId, plan: &channel::Plan) -> Ask {
        let (id, number) = self.fresh_id();
        self.wrap(group, id, Content::reopen(number, plan.encode()), 60 * SECOND)
    }

    fn fresh_id(&mut self) -> (MessageId, u64) {
        self.moves_made += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.moves_made.to_be_bytes());
        (MessageId(id), self.moves_made)
    }

    fn wrap(&self, group: GroupId, id: MessageId, content: Content, patience_us: u64) -> Ask {
        // By the true time: a client's clock is no better and no worse than a node's.
        let wall = crate::clock::Clock { drift_ppm: 0, offset_us: 0 }.read(self.now).wall;
        let not_after = Stamp(wall.0 + patience_us);
        let Content { body, digest } = content;
        Ask { group, command: Command { id, digest, not_after, origin: None, body } }
    }

    /// Sends a command to a node, whose answer [`World::reply`] tells. It waits for the commit.
    pub fn ask(&mut self, node: Index, ask: &Ask, patience_us: u64) -> RequestId {
        self.send_command(node, ask.clone(), Until::Commit, patience_us, None)
    }

    /// The same; the answer may come as soon as the class allows.
    pub fn ask_early(&mut self, node: Index, ask: &Ask, patience_us: u64) -> RequestId {
        self.send_command(node, ask.clone(), Until::Class, patience_us, None)
    }

    /// The answer to a hand-written request, once it is there.
    #[must_use]
    pub fn reply(&self, request: RequestId) -> Option<&Reply> {
        self.requests.get(&request)?.reply.as_ref()
    }

    fn send_command(
        &mut self,
        node: Index,
        ask: Ask,
        until: Until,
        patience_us: u64,
        client: Option<(usize, u64)>,
    ) -> RequestId {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let host = &self.hosts[node];
        let deadline = host.clock.read(self.now + patience_us).instant;
        let (group, command) = (ask.group, ask.command.clone());
        let asked = Asked { ask, node, life: host.life, pauses: host.pauses, client, reply: None };
        self.requests.insert(request, asked);
        let now = self.now;
        self.trace.note(&[now, 20, node as u64, request.0], &[], || {
            format!("{now:>10} request {} to n{}: {group} {}", request.0, node + 1, command.id)
        });
        self.give(node, Input::Command { request, group, command, until, deadline });
        request
    }

    /// A node has answered.
    pub(super) fn answer(&mut self, index: Index, request: RequestId, reply: Reply) {
        let Some(group) = self.requests.get(&request).map(|asked| asked.ask.group) else { return };
        self.token_told(group, &reply);
        let Some(asked) = self.requests.get_mut(&request) else { return };
        let (group, command) = (asked.ask.group, &asked.ask.command);
        self.report.answered(&reply);
        let node = self.hosts[index].node.as_ref().filter(|_| !self.check.is_stale(index));
        if let Some(group) = node.and_then(|node| node.group(group)) {
            self.check.answered(group.id(), command, group.table(), &reply);
            self.check.told_early(group.id(), command, &reply);
        }
        let Some((index, turn)) = asked.client else {
            asked.reply = Some(reply);
            return;
        };
        let asked = self.requests.remove(&request).expect("it was looked up just now");
        let client = &mut self.clients[index];
        if client.turn != turn {
            return;
        }
        client.request = None;
        match reply {
            Reply::Done { .. }
            | Reply::Conflict { .. }
            | Reply::Expired
            | Reply::Provisional { .. } => {
                client.ask = None;
                // What is not committed may yet be lost: the client goes on, and asks again later.
                if !matches!(reply, Reply::Provisional { .. }) {
                    client.done.push(asked.ask);
                } else if client.open.len() < OPEN_MAX {
                    client.open.push(asked.ask);
                }
                let wait = self.client_chance.pick(&[MILLI, 20 * MILLI, 300 * MILLI]);
                self.plan_turn(index, wait);
            }
            Reply::NotHome { .. } | Reply::Busy { .. } | Reply::Unknown(_) => {
                self.plan_turn(index, 300 * MILLI);
            }
        }
    }

    fn plan_turn(&mut self, client: usize, wait: u64) {
        let wait = self.client_chance.between(wait / 2, wait);
        let turn = self.clients[client].turn;
        self.plan_in(wait, Event::Client { client, turn });
    }

    pub(super) fn client(&mut self, index: usize, turn: u64) {
        if self.clients[index].turn != turn {
            return;
        }
        self.clients[index].turn += 1;
        if let Some(request) = self.clients[index].request.take() {
            self.unanswered(request);
        }
        let Some(ask) = self.choose(index) else {
            return self.plan_turn(index, 500 * MILLI);
        };
        let node = self.client_chance.index(self.count());
        if self.hosts[node].node.is_none() {
            return self.plan_turn(index, 100 * MILLI);
        }
        let patience = self.client_chance.between(200 * MILLI, 3 * SECOND);
        let turn = self.clients[index].turn;
        // Asked again, or at the end, a client wants to be certain.
        let is_new = self.clients[index].tries <= 1 && self.is_busy;
        let percent = self.knobs.early_percent;
        let is_early = is_new && self.knobs.terms.class.answers_early();
        let is_early = is_early && self.client_chance.below(100) < percent;
        let until = if is_early { Until::Class } else { Until::Commit };
        let request = self.send_command(node, ask, until, patience, Some((index, turn)));
        self.clients[index].request = Some(request);
        self.plan_in(patience + GRACE_US, Event::Client { client: index, turn });
    }

    /// A node owes an answer at the deadline, unless it lost power or stood still meanwhile.
    fn unanswered(&mut self, request: RequestId) {
        let Some(asked) = self.requests.remove(&request) else { return };
        let host = &self.hosts[asked.node];
        if host.life == asked.life && host.pauses == asked.pauses && !host.is_paused {
            let detail = format!("n{} did not answer request {}", asked.node + 1, request.0);
            self.check.fail("silence", detail);
        }
    }

    /// What a client asks for next: the same again, or something new, or something odd.
    fn choose(&mut self, index: usize) -> Option<Ask> {
        let busy = self.is_busy;
        let client = &mut self.clients[index];
        client.tries += 1;
        if let Some(ask) = &client.ask {
            if client.tries < 6 || !busy || self.client_chance.chance(800_000) {
                return Some(ask.clone());
            }
            client.open.extend(client.ask.take());
        }
        client.tries = 0;
        if !busy {
            client.ask = client.open.pop();
            return client.ask.clone();
        }
        let odd = self.client_chance.below(100);
        let known = self.client_chance.index(client.done.len().max(1));
        let known = client.done.get(known).cloned();
        let ask = match (odd, known) {
            (0..5, Some(ask)) => ask,
            (5..9, Some(ask)) => self.content(ask.group, ask.command.id, 7, 10 * SECOND),
            (9..12, _) if !client.open.is_empty() => {
                let ask = client.open.first().cloned()?;
                self.content(ask.group, ask.command.id, 8, 10 * SECOND)
            }
            _ => {
                let group = self.client_chance.below(u64::from(self.knobs.groups));
                let group = GroupId(u16::try_from(group).unwrap_or_default());
                let amount = u32::try_from(self.client_chance.below(1_000)).unwrap_or_default();
                let patience = self.client_chance.pick(&[50 * MILLI, 5 * SECOND, 60 * SECOND]);
                self.command(group, amount, patience)
            }
        };
        self.clients[index].ask = Some(ask.clone());
        Some(ask)
    }
}

/// Commands told of before their commit that a client asks for again: at the end it asks for one after
/// the other.
const OPEN_MAX: usize = 16;
