//! The ends of this group's channels: what other groups say goes into the chain, what the chain says goes
//! to other groups.
//!
//! Only a home takes parcels in and ships any, and it ships from applied state alone: what leaves is
//! committed and, but for force, in every later chain (I10). Whatever is judged here before it is in the
//! chain only spares the chain what would come to nothing; what counts is what the record comes to when it
//! is applied, which is the same at every replica.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;
use channel::{At, Channels, Judgement, Plan, Taken, Unrebased};
use model::{End, Missed, Model, Outcome, Outward, Rebase, RebaseRefusal, Receipt, Resolution};
use replication::Mutant;
use types::{ChannelKey, GroupId, ModelVersion, Now};
use wire::{Answer, Command, Parcel, ParcelBody, Record, RecordKind};

use super::{Group, Out, Role};
use crate::Event;
use crate::post::{Post, Way, bundles, way};

impl<M: Model> Group<M> {
    /// The ends of this group's channels after everything applied here.
    #[must_use]
    pub const fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Takes parcels of other groups in, if this node is the home.
    pub(crate) fn parcels(&mut self, parcels: Vec<Parcel>) {
        if !self.handles_parcels() {
            return;
        }
        for parcel in parcels {
            if parcel.to != self.id {
                continue;
            }
            match &parcel.body {
                ParcelBody::Answer(answer) => {
                    let answer = answer.clone();
                    self.take_answer(parcel, &answer);
                }
                ParcelBody::Message { .. } | ParcelBody::Cancel { .. } | ParcelBody::Restart => {
                    self.take_message(parcel);
                }
            }
        }
    }

    fn take_message(&mut self, parcel: Parcel) {
        match self.channels.judge(&parcel) {
            Judgement::Known
            | Judgement::Forgotten
            | Judgement::Together
            | Judgement::Frozen(_) => self.answer_parcel(&parcel),
            Judgement::Contradiction(_) => self.post.accuse(Way::Message, parcel),
            // What is a gap for the chain may be the next of what is on its way into it.
            Judgement::Next | Judgement::Gap => {
                let last = self.channels.inbox(parcel.from).map_or(0, channel::Inbox::last);
                let _taken = self.post.take(Way::Message, last, parcel);
            }
            Judgement::Absurd => {}
        }
    }

    fn take_answer(&mut self, parcel: Parcel, answer: &Answer) {
        let outbox = self.channels.outbox(parcel.from);
        let resolved = outbox.map_or(0, channel::Outbox::resolved);
        match answer {
            Answer::Applied(_) | Answer::Refused(_) | Answer::Cancelled => {
                let _taken = self.post.take(Way::Answer, resolved, parcel);
            }
            Answer::Frozen(_) | Answer::Forgotten | Answer::Restarted => {
                if outbox.is_some_and(|outbox| outbox.wants(&parcel, answer)) {
                    self.post.accuse(Way::Answer, parcel);
                }
            }
        }
    }

    /// Tells the group that sent `parcel` what this one knows of it, if this node is the home.
    fn answer_parcel(&mut self, parcel: &Parcel) {
        if self.handles_parcels()
            && let Some(reply) = self.channels.reply(parcel)
        {
            self.post.tell(reply);
        }
    }

    /// Appends the parcels that wait, in a record of their own. Its stamp is above those of the records that
    /// they come from, so that no cut of stamps shows a credit without its debit (N6).
    pub(super) fn append_parcels(&mut self, now: Now, out: &mut Vec<Out>) {
        if !self.post.is_waiting() || self.bar().is_some() {
            return;
        }
        let (parcels, newest) = self.post.batch(now, self.options.ahead_us_max);
        if parcels.is_empty() {
            return;
        }
        let commands: Vec<Command> = parcels.iter().map(Parcel::to_command).collect();
        self.append_above(now, RecordKind::Channel, &commands, newest, out);
    }

    /// Applies a parcel of this group's chain. What the trail takes in of it.
    pub(super) fn apply_parcel(
        &mut self,
        record: &Record,
        body: &[u8],
        out: &mut Vec<Out>,
    ) -> Bytes {
        // Only a home makes such records, from what it has read itself.
        let Ok(parcel) = Parcel::from_body(&record.bytes().slice_ref(body)) else {
            return Bytes::new();
        };
        let version = self.version_of(record.header());
        let at = At { stamp: record.header().stamp, seq: record.header().seq };
        let was_opening = self.channels.question(parcel.from).is_some();
        let (said, froze) = receive(&mut self.model, &mut self.channels, version, &parcel, at);
        if was_opening && self.channels.question(parcel.from).is_none() {
            self.post.rest(parcel.from);
            out.push(Out::Note(Event::Reopened { group: self.id, peer: parcel.from }));
        }
        if let Some((peer, cause)) = froze {
            let sends = way(&parcel) == Way::Answer;
            out.push(Out::Note(Event::Frozen { group: self.id, peer, sends, cause }));
        }
        if way(&parcel) == Way::Message {
            self.answer_parcel(&parcel);
        }
        said
    }

    /// Ships what is committed and not answered, and tells other groups what became of theirs.
    pub(super) fn proceed_with_channels(&mut self, now: Now, out: &mut Vec<Out>) {
        if !self.handles_parcels() {
            return;
        }
        if self.applied == self.chain.tail().seq {
            self.post.is_applied();
        }
        let channels = if self.options.mutant == Mutant::PostAtW1 {
            // What would be applied if it were committed.
            let mut ahead = self.clone();
            ahead.known = ahead.durable;
            ahead.apply_at_hand(usize::MAX, &mut Vec::new());
            &ahead.channels.clone()
        } else {
            &self.channels
        };
        for (to, outbox) in channels.outboxes() {
            if let Some(question) = channels.question(to) {
                if self.post.asks(now.instant, self.options.resend_us, to, outbox.resolved()) {
                    out.push(Out::Post { to, parcels: alloc::vec![question] });
                }
                continue;
            }
            if outbox.last() == outbox.resolved() || outbox.frozen().is_some() {
                self.post.rest(to);
                continue;
            }
            let due = self.post.due(now.instant, self.options.resend_us, to, outbox);
            let parcels = due.iter().filter_map(|number| channels.parcel(to, *number));
            for (to, parcels) in bundles(to, parcels.collect()) {
                out.push(Out::Post { to, parcels });
            }
        }
        for (to, parcels) in self.post.flush() {
            out.push(Out::Post { to, parcels });
        }
    }

    /// Another group has another home: what was shipped to the former one may be lost. Whether anything was.
    pub(crate) fn rewind_channel(&mut self, now: Now, to: GroupId) -> bool {
        self.post.rewind_to(to, now.instant)
    }

    /// Whether this node speaks for the group to others: it is the home, and its state is what it should
    /// be.
    fn handles_parcels(&self) -> bool {
        matches!(self.role, Role::Home(_)) && self.bar().is_none()
    }

    /// This node's role has changed, or its state is built again: what was on its way in and out is found again in the channels' ends.
    pub(super) fn drop_post(&mut self) {
        self.post = Post::default();
    }
}

/// What a parcel does to a model and the ends of its channels: what the trail takes in of it, and the
/// channel that it froze, if it did.
pub(super) fn receive<M: Model>(
    model: &mut M,
    channels: &mut Channels,
    version: ModelVersion,
    parcel: &Parcel,
    at: At,
) -> (Bytes, Option<(GroupId, wire::Cause)>) {
    let mut outcome = Outcome::default();
    let (mut said, mut froze) = (Bytes::new(), None);
    match channels.take(parcel, at) {
        Taken::Message { from, content } => {
            let receipt = model.receive(version, at.stamp, from, &content, &mut outcome);
            said = Bytes::from(core::mem::take(&mut outcome.reply));
            let answer = match receipt {
                Receipt::Applied => Answer::Applied(said.clone()),
                Receipt::Refused => Answer::Refused(said.clone()),
            };
            channels.consume(parcel, answer, at);
        }
        Taken::Resolved { by, pending, answer } => {
            resolve(model, version, at, by, pending.key, &answer, &mut outcome);
        }
        Taken::Froze { peer, cause } => froze = Some((peer, cause)),
        Taken::Cancelled | Taken::Opened { .. } | Taken::Ignored => {}
    }
    // Nobody is told a reply to this.
    dispatch(model, channels, version, at, outcome);
    (said, froze)
}

/// Numbers what a model sends, and opens what it wants opened again. What cannot be done ends at once, in the same
/// step. Returns the reply.
pub(super) fn dispatch<M: Model>(
    model: &mut M,
    channels: &mut Channels,
    version: ModelVersion,
    at: At,
    outcome: Outcome,
) -> Vec<u8> {
    let mut reply = outcome.reply;
    let mut outward = VecDeque::from(outcome.outward);
    while let Some(one) = outward.pop_front() {
        match one {
            Outward::Send { to, key, message } => {
                if channels.send(to, key, message.into(), at).is_err() {
                    let mut outcome = Outcome::default();
                    model.resolve(version, at.stamp, to, key, Resolution::Unsent, &mut outcome);
                    outward.extend(outcome.outward);
                }
            }
            Outward::Cancel { to, key } => {
                // What has ended meanwhile cannot be cancelled any more, and its end stands.
                let _waits = channels.cancel(to, key, at);
            }
            Outward::Rebase { plan, note } => {
                let mut outcome = Outcome { reply, ..Outcome::default() };
                rebase(model, channels, (version, at), plan.into(), &note, &mut outcome);
                reply = outcome.reply;
                outward.extend(outcome.outward);
            }
        }
    }
    reply
}

/// Has one end of a channel go on from where a plan says, and the model account for what that leaves.
fn rebase<M: Model>(
    model: &mut M,
    channels: &mut Channels,
    (version, at): (ModelVersion, At),
    plan: Bytes,
    note: &[u8],
    outcome: &mut Outcome,
) {
    let Ok(plan) = Plan::decode(&plan) else {
        let (me, refused) = (channels.me(), Rebase::Refused(RebaseRefusal::Unreadable));
        model.rebased(version, at.stamp, (me, End::Sender), refused, note, outcome);
        return;
    };
    let is_sender = plan.from == channels.me();
    let end = if is_sender { (plan.to, End::Sender) } else { (plan.from, End::Receiver) };
    let lost = if is_sender { &plan.lost_by_sender } else { &plan.lost_by_receiver };
    let missed = lost.iter().map(|lost| Missed { key: lost.key, detail: &lost.detail });
    let missed: Vec<Missed<'_>> = missed.collect();
    if !model.may_rebase(end, &missed, note) {
        let refused = Rebase::Refused(RebaseRefusal::Unaccountable);
        model.rebased(version, at.stamp, end, refused, note, outcome);
        return;
    }
    let done = match channels.rebase(&plan, at) {
        Ok(done) => done,
        Err(refusal) => {
            let refusal = match refusal {
                Unrebased::Other => RebaseRefusal::Other,
                Unrebased::Done => RebaseRefusal::Done,
                Unrebased::Moved => RebaseRefusal::Moved,
                Unrebased::Early => RebaseRefusal::Early,
            };
            model.rebased(version, at.stamp, end, Rebase::Refused(refusal), note, outcome);
            return;
        }
    };
    for (pending, answer) in &done.answered {
        resolve(model, version, at, end.0, pending.key, answer, outcome);
    }
    model.rebased(version, at.stamp, end, Rebase::Done(&missed), note, outcome);
}

/// Tells a model how one of its messages ended.
fn resolve<M: Model>(
    model: &mut M,
    version: ModelVersion,
    at: At,
    by: GroupId,
    key: ChannelKey,
    answer: &Answer,
    outcome: &mut Outcome,
) {
    let resolution = match answer {
        Answer::Applied(reply) => Resolution::Applied(reply),
        Answer::Refused(reply) => Resolution::Refused(reply),
        Answer::Cancelled | Answer::Frozen(_) | Answer::Forgotten | Answer::Restarted => {
            Resolution::Cancelled
        }
    };
    model.resolve(version, at.stamp, by, key, resolution, outcome);
}
