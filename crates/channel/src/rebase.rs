//! Opening a frozen channel again: what both ends agree on, and what people have to settle.
//!
//! Force has taken something back at one end or at both, so neither end's story is the whole one. [`Plan::new`] looks at
//! both at once and says from which number and hash they go on, what becomes of each message that waits, and which
//! messages one side did and the other knows nothing of. It decides and changes nothing; [`Channels::rebase`] then
//! does one end's half of it, in that group's own chain, and refuses if the end is not what was looked at. The halves
//! may come in either order, and either may be lost again by force: the next plan starts from what is there.
//!
//! Numbers go on above all that either end has seen and could have seen in flight, and the hash is one that no
//! message ever had. So nothing old that is still on its way is taken for something new.

mod codec;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use bytes::Bytes;
use types::{ChannelKey, GroupId, Hash, Stamp};
use wire::{Answer, Writer, chained, channel_hash, message_digest};

use crate::limits::{LOST_MAX, PENDING_MAX, REPLIES_BYTES_MAX};
use crate::{At, Channels, Inbox, Outbox, Pending};

/// What both ends of a channel are to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The group that sends.
    pub from: GroupId,
    /// The group that receives.
    pub to: GroupId,
    /// What tells this plan from any other for the same two ends: when it was made, say.
    pub nonce: u64,
    /// The stamp of the newest record that was looked at: what a half rests on is older than the half (N6).
    pub after: Stamp,
    /// [`Outbox::standing`] of the end that was looked at.
    pub sender: Hash,
    /// [`Inbox::standing`] likewise.
    pub receiver: Hash,
    /// The number of the next message is the one after this.
    pub number: u64,
    /// Messages that wait at the sender and have their end, with what they came to. Applied is what the receiver did,
    /// under this name and as this message says. An empty refusal is for one whose name stands for something else that
    /// was done. All others that wait are sent again.
    pub answered: Vec<(ChannelKey, Answer)>,
    /// Done at the receiver, and not known at the sender or given back there.
    pub lost_by_sender: Vec<Lost>,
    /// Done with at the sender, and not known at the receiver.
    pub lost_by_receiver: Vec<Lost>,
    /// Whether these are all. If not, the ends stay frozen, and the next plan says the rest.
    pub is_whole: bool,
}

/// A message that one side did and the other knows nothing of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The models' name for it.
    pub key: ChannelKey,
    /// What the side that did it says of it, for the model of the other.
    pub detail: Bytes,
}

/// What one side's model says went over a channel and was done there, in any order that is the same at both: what was
/// settled with the other group, however it came to be.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a function has no words")]
pub struct Side<'a> {
    /// The names.
    pub done: &'a [ChannelKey],
    /// What there is to say about the one of that index.
    pub detail: &'a dyn Fn(usize) -> Vec<u8>,
}

/// What the content of a message says, in the words in which the receiver's model tells of what it did.
pub type Says<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// Why there is nothing to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// Neither end is frozen.
    #[error("the channel is open")]
    Open,
    /// Both ends have gone on from the same number; the sender has not heard of the receiver yet.
    #[error("both ends have it already, and the sender waits for the receiver's word")]
    Opening,
}

/// Why an end does not do its half of a plan. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrebased {
    /// The channel neither begins nor ends here.
    #[error("the channel is another group's")]
    Other,
    /// The end has done it before.
    #[error("this end has gone on from there already")]
    Done,
    /// The end is not what was looked at.
    #[error("this end has moved since it was looked at")]
    Moved,
    /// The record is not later than what was looked at.
    #[error("this group's time is behind what was looked at")]
    Early,
}

/// What an end's half of a plan came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebased {
    /// At the sender: messages that waited and have their end now, oldest first.
    pub answered: Vec<(Pending, Answer)>,
    /// What the other side did and this one did not.
    pub lost: Vec<Lost>,
}

/// From where an end went on when it was opened last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// The last number that is not used.
    pub number: u64,
    /// The channel's hash there.
    pub hash: Hash,
}

/// Why there is nothing to plan for these two ends, if so. Costs nothing.
#[must_use]
pub fn is_open(outbox: Option<&Outbox>, inbox: Option<&Inbox>) -> Option<NoPlan> {
    let frozen = [outbox.and_then(Outbox::frozen), inbox.and_then(Inbox::frozen)];
    let restarts = [outbox.and_then(Outbox::restart), inbox.and_then(Inbox::restart)];
    let is_together = frozen == [None, None] && restarts[0] == restarts[1];
    let is_opening = outbox.is_some_and(Outbox::is_opening);
    is_together.then_some(if is_opening { NoPlan::Opening } else { NoPlan::Open })
}

/// Since when a channel is half open, if it is: one end was opened again, and the other does not go on from there, or is
/// not known to. Nothing passes, though neither end need be frozen. Of an end that is not known, nothing is said.
#[must_use]
pub fn half_open(outbox: Option<&Outbox>, inbox: Option<&Inbox>) -> Option<Stamp> {
    let restarts = [outbox.and_then(Outbox::restart), inbox.and_then(Inbox::restart)];
    let is_apart = outbox.is_some() && inbox.is_some() && restarts[0] != restarts[1];
    let is_opening = outbox.is_some_and(Outbox::is_opening);
    let since = [outbox.and_then(Outbox::restarted), inbox.and_then(Inbox::restarted)];
    since.into_iter().flatten().max().filter(|_| is_apart || is_opening)
}

impl Plan {
    /// What the two ends of the channel `from`, `to` are to do, given what their models say. An end that is absent has
    /// never sent, or never consumed.
    /// `says` tells of the content of a message that waits what the receiver's `detail` would tell of it, were it done.
    ///
    /// # Errors
    /// [`NoPlan`] if nothing is frozen; [`is_open`] says so at less cost.
    pub fn new(
        [from, to]: [GroupId; 2],
        (nonce, after): (u64, Stamp),
        (outbox, sent, says): (Option<&Outbox>, Side<'_>, Says<'_>),
        (inbox, taken): (Option<&Inbox>, Side<'_>),
    ) -> Result<Self, NoPlan> {
        if let Some(no_plan) = is_open(outbox, inbox) {
            return Err(no_plan);
        }
        let hash = channel_hash(from, to);
        let (no_outbox, no_inbox) = (Outbox::new(hash), Inbox::new(hash));
        let (outbox, inbox) = (outbox.unwrap_or(&no_outbox), inbox.unwrap_or(&no_inbox));
        // What both have done up to the first difference is the same for ever; what comes after is held against
        // each other as sets.
        let same = sent.done.iter().zip(taken.done).take_while(|(one, two)| one == two).count();
        let rest = |done: &[ChannelKey]| -> BTreeMap<ChannelKey, usize> {
            let rest = done.get(same..).unwrap_or_default().iter().copied();
            rest.zip(same..).collect()
        };
        let (here, there) = (rest(sent.done), rest(taken.done));
        // Whose name is in the sender's books already is not done a second time.
        let again = sent.done.iter().filter(|key| outbox.numbers.contains_key(*key));
        let again: BTreeSet<ChannelKey> = again.copied().collect();
        let (mut answered, mut settled, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
        for (number, pending) in outbox.pending() {
            // Of that very message: the hash is over all that was sent.
            let kept = inbox.kept_at(number).filter(|kept| kept.hash == pending.hash);
            let is_it =
                |index: &usize| kept.is_some() || (taken.detail)(*index) == says(&pending.content);
            let kept = kept.filter(|_| bytes < REPLIES_BYTES_MAX).map(|kept| kept.answer.clone());
            let done = there.get(&pending.key).map(is_it);
            let answer = match (done, kept) {
                // A name stands for one message: this one is another, or the same once more.
                _ if again.contains(&pending.key) => Answer::Refused(Bytes::new()),
                (Some(false), _) => Answer::Refused(Bytes::new()),
                (Some(true), Some(answer @ Answer::Applied(_))) => answer,
                (Some(true), _) => Answer::Applied(Bytes::new()),
                // Of a refusal that is not told here the sender hears when it sends again.
                (None, Some(answer @ (Answer::Refused(_) | Answer::Cancelled))) => answer,
                (None, _) => continue,
            };
            if let Answer::Applied(reply) | Answer::Refused(reply) = &answer {
                bytes += reply.len();
            }
            if matches!(answer, Answer::Applied(_)) {
                settled.insert(pending.key);
            }
            answered.push((pending.key, answer));
        }
        let is_known = |key: &ChannelKey| here.contains_key(key) || settled.contains(key);
        let by_sender = there.iter().filter(|(key, _)| !is_known(key));
        let by_receiver = here.iter().filter(|(key, _)| !there.contains_key(key));
        let lost = |key: &ChannelKey, index: usize, side: &Side<'_>| Lost {
            key: *key,
            detail: Bytes::from((side.detail)(index)),
        };
        let is_whole = [by_sender.clone().count(), by_receiver.clone().count()]
            .iter()
            .all(|count| *count <= LOST_MAX);
        Ok(Self {
            from,
            to,
            nonce,
            after,
            sender: outbox.standing(),
            receiver: inbox.standing(),
            number: outbox.last().max(inbox.last).saturating_add(PENDING_MAX),
            answered,
            lost_by_sender: by_sender
                .take(LOST_MAX)
                .map(|(key, index)| lost(key, *index, &taken))
                .collect(),
            lost_by_receiver: by_receiver
                .take(LOST_MAX)
                .map(|(key, index)| lost(key, *index, &sent))
                .collect(),
            is_whole,
        })
    }

    /// From where both ends go on.
    #[must_use]
    pub fn restart(&self) -> Restart {
        let mut bytes = b"rebase/1".to_vec();
        bytes.extend(self.encode());
        Restart { number: self.number, hash: wire::digest(&bytes) }
    }

    /// What people are shown of a plan: all that it does, without when it was made.
    #[must_use]
    pub fn gist(&self) -> Hash {
        let plan = Self { nonce: 0, after: Stamp(0), ..self.clone() };
        wire::digest(&plan.encode())
    }

    /// Whether there is money, or whatever the models deal in, that people have to settle.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.lost_by_sender.is_empty() && self.lost_by_receiver.is_empty()
    }

    /// Whether an end does its half of this: once, from where it was looked at, and later than that.
    fn may_be_done(&self, restart: Option<Restart>, stands: bool, at: At) -> Result<(), Unrebased> {
        if restart == Some(self.restart()) {
            Err(Unrebased::Done)
        } else if !stands {
            Err(Unrebased::Moved)
        } else if at.stamp <= self.after {
            Err(Unrebased::Early)
        } else {
            Ok(())
        }
    }
}

impl Channels {
    /// Does this group's half of a plan. Its end of the channel is open once the other end has done the other half: the
    /// sender ships nothing and takes nothing to send until it has heard so, the receiver takes only what follows
    /// from the plan.
    ///
    /// # Errors
    /// [`Unrebased`]; nothing has changed then.
    pub fn rebase(&mut self, plan: &Plan, at: At) -> Result<Rebased, Unrebased> {
        let hash = channel_hash(plan.from, plan.to);
        if plan.from == self.me {
            let mut outbox =
                self.outboxes.get(&plan.to).cloned().unwrap_or_else(|| Outbox::new(hash));
            let done = outbox.rebase(plan, at)?;
            self.outboxes.insert(plan.to, outbox);
            return Ok(done);
        }
        if plan.to == self.me {
            let mut inbox =
                self.inboxes.get(&plan.from).cloned().unwrap_or_else(|| Inbox::new(hash));
            let done = inbox.rebase(plan, at)?;
            self.inboxes.insert(plan.from, inbox);
            return Ok(done);
        }
        Err(Unrebased::Other)
    }
}

impl Outbox {
    /// Digest of where this end stands: what a plan is made for.
    #[must_use]
    pub fn standing(&self) -> Hash {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u64(self.resolved.number).hash(self.resolved.hash).u64(self.last()).hash(self.head);
        put(&mut writer, self.restart);
        wire::digest(&bytes)
    }

    fn rebase(&mut self, plan: &Plan, at: At) -> Result<Rebased, Unrebased> {
        let restart = plan.restart();
        let stands = self.standing() == plan.sender && plan.number > self.last();
        plan.may_be_done(self.restart, stands, at)?;
        let fates: BTreeMap<ChannelKey, &Answer> =
            plan.answered.iter().map(|(key, answer)| (*key, answer)).collect();
        let mut answered = Vec::new();
        let mut next = Self::new(restart.hash);
        next.resolved = wire::Resolved { number: restart.number, hash: restart.hash };
        for mut pending in core::mem::take(&mut self.pending) {
            if let Some(answer) = fates.get(&pending.key) {
                answered.push((pending, (*answer).clone()));
                continue;
            }
            let number = next.last() + 1;
            let digest = message_digest(pending.key, &pending.content);
            pending.hash = chained(next.head, number, digest);
            next.head = pending.hash;
            next.bytes += pending.content.len();
            next.numbers.insert(pending.key, number);
            if pending.cancelled.is_some() {
                next.cancelling.insert(number);
            }
            next.pending.push_back(pending);
        }
        next.restart = Some(restart);
        next.restarted = at.stamp;
        next.opening = plan.is_whole;
        next.frozen = self.frozen.or(Some(wire::Cause::SenderLost)).filter(|_| !plan.is_whole);
        *self = next;
        Ok(Rebased { answered, lost: plan.lost_by_sender.clone() })
    }
}

impl Inbox {
    /// As [`Outbox::standing`].
    #[must_use]
    pub fn standing(&self) -> Hash {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        // What was answered stands in the plan: by force it may have been answered otherwise.
        let answers = self.kept.back().map_or(self.forgotten.hash, |newest| newest.answers);
        writer.u64(self.last).hash(self.head);
        writer.u64(self.forgotten.number).hash(self.forgotten.hash).hash(answers);
        put(&mut writer, self.restart);
        wire::digest(&bytes)
    }

    fn rebase(&mut self, plan: &Plan, at: At) -> Result<Rebased, Unrebased> {
        let restart = plan.restart();
        let stands = self.standing() == plan.receiver && plan.number > self.last;
        plan.may_be_done(self.restart, stands, at)?;
        let Restart { number, hash } = restart;
        let frozen = self.frozen.or(Some(wire::Cause::ReceiverLost)).filter(|_| !plan.is_whole);
        *self = Self::new(hash);
        self.last = number;
        self.forgotten = wire::Resolved { number, hash };
        self.restart = Some(restart);
        self.restarted = at.stamp;
        self.opening = plan.is_whole;
        self.frozen = frozen;
        Ok(Rebased { answered: Vec::new(), lost: plan.lost_by_receiver.clone() })
    }
}

/// number u64 and hash 32, or nothing.
fn put(writer: &mut Writer<'_>, restart: Option<Restart>) {
    if let Some(Restart { number, hash }) = restart {
        writer.u64(number).hash(hash);
    }
}
