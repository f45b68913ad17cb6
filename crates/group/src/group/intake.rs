//! Commands on their way in, and answers on their way out.

use alloc::vec::Vec;

use model::Model;
use types::{Hash, Instant, MessageId, Now, Until};
use wire::{Command, Doubt, Reply};

use super::{Group, Out, Role};
use crate::desk::{Asker, RETRY_AFTER_MS};

impl<M: Model> Group<M> {
    /// Takes a command of a client, or one that another node hands over.
    pub(crate) fn command(
        &mut self,
        now: Now,
        asker: Asker,
        command: Command,
        until: Until,
        deadline: Instant,
        out: &mut Vec<Out>,
    ) {
        // Whether its time has passed is not looked at here: only the chain can say for certain that
        // it was not done (a home that was replaced and does not know would be wrong).
        if let Some(answer) = self.answer_ahead(now, asker, command.id, command.digest, until) {
            return out.push(answer);
        }
        let reply = match self.answer(command.id, command.digest) {
            Some(reply) => reply,
            None => match (&self.role, asker) {
                // The others' commands are not kept for a home that is to come.
                (Role::Home(_), Asker::Remote { .. }) if self.bar().is_some() => self.not_home(),
                // One hop: a command that was handed over is not handed on.
                (Role::Member | Role::Candidate(_) | Role::Quarantined, Asker::Remote { .. }) => {
                    self.not_home()
                }
                (Role::Home(_), _) if self.is_disk_full => Self::no_room(),
                _ if self.desk.take(
                    asker,
                    command,
                    until,
                    deadline,
                    self.options.desk_bytes_max,
                ) =>
                {
                    return;
                }
                _ => Reply::Busy { retry_after_ms: RETRY_AFTER_MS },
            },
        };
        out.push(Out::Answer { to: asker, reply });
    }

    /// Takes the home's answer to a command that was handed over.
    pub(crate) fn answered(&mut self, now: Now, ticket: u64, reply: Reply, out: &mut Vec<Out>) {
        let retry_at = now.instant.after(self.options.resend_us / 4);
        let answers = self.desk.answered(ticket, reply, retry_at);
        out.extend(answers.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
    }

    /// Hands waiting commands to the home, when that is another node, and looks again later for as
    /// long as any are left.
    pub(super) fn hand_over(&mut self, now: Now, out: &mut Vec<Out>) {
        self.retry = None;
        if matches!(self.role, Role::Home(_)) {
            return;
        }
        if self.desk.has_forwarded() || self.desk.is_waiting() {
            self.retry = Some(now.instant.after(self.options.resend_us / 4));
        }
        if self.desk.has_forwarded() {
            let before = Instant(now.instant.0.saturating_sub(self.options.resend_us));
            self.desk.recall_older(before);
        }
        let (Some(home), _) = self.home() else { return };
        if home == self.options.me || !self.connected.contains(&home) || !self.desk.is_waiting() {
            return;
        }
        for (ticket, command, until) in self.desk.forward(home, now.instant) {
            out.push(Out::Forward { to: home, ticket, command, until });
        }
    }

    pub(super) fn not_home(&self) -> Reply {
        let (home, epoch) = self.home();
        Reply::NotHome { home: home.filter(|home| *home != self.options.me), epoch }
    }

    /// Whether everything this node may ever answer for `id` is known already.
    #[must_use]
    pub fn has_answer(&self, id: MessageId) -> bool {
        self.odd.is_none() && self.answers.has(id)
    }

    /// What a request with this id and content came to, as far as this node has applied; `None` too
    /// while its state differs from the others'.
    #[must_use]
    pub fn answer(&self, id: MessageId, digest: Hash) -> Option<Reply> {
        if self.odd.is_some() { None } else { self.answers.get(id, digest, self.seen()) }
    }

    /// Why an answer may be long in coming, for those who ask now.
    #[must_use]
    pub const fn doubt(&self) -> Doubt {
        match self.role {
            Role::Home(_) => Doubt::NoQuorum,
            Role::Candidate(_) => Doubt::Switching,
            Role::Member | Role::Quarantined => Doubt::HomeSilent,
        }
    }
}
