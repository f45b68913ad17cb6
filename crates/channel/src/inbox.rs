//! The receiver's end: what was consumed, and the answers that the sender may not have.

use alloc::collections::VecDeque;

use types::{GroupId, Hash, Stamp};
use wire::{Answer, Cause, Parcel, ParcelBody, Resolved, chained, message_digest};

use crate::limits::PENDING_MAX;
use crate::{At, Restart};

/// The receiver's end of one channel. A part of the receiving group's state.
///
/// Numbers up to [`Inbox::last`] are consumed, as messages or as cancels. The answers to those that the
/// sender may still ask for are kept, at most [`PENDING_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    pub(crate) last: u64,
    /// The channel's hash after the last number consumed.
    pub(crate) head: Hash,
    /// The answers to numbers up to this are forgotten: the sender has them, and the same.
    pub(crate) forgotten: Resolved,
    /// Those to the numbers from there to `last`.
    pub(crate) kept: VecDeque<Kept>,
    pub(crate) frozen: Option<Cause>,
    /// From where it went on when it was opened last.
    pub(crate) restart: Option<Restart>,
    /// The stamp of the record that opened it last; 0 before.
    pub(crate) restarted: Stamp,
    /// Nothing has come yet that follows from there.
    pub(crate) opening: bool,
}

/// An answer that the sender may not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The channel's hash after the message.
    pub(crate) hash: Hash,
    /// The record that consumed it.
    pub(crate) at: At,
    pub(crate) answer: Answer,
    /// The hash over all answers up to this. Follows from the rest.
    pub(crate) answers: Hash,
}

/// What a sender's parcel is to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The next number: to be consumed.
    Next,
    /// Consumed before; its answer is kept.
    Known,
    /// Consumed before, and the sender has said that it has the answer.
    Forgotten,
    /// Numbers before it are missing: nothing changes, and the sender will say it again.
    Gap,
    /// A contradiction: the channel has to be frozen.
    Contradiction(Cause),
    /// The channel is frozen.
    Frozen(Cause),
    /// The sender asks whether this end goes on from the same number as it does, and it does.
    Together,
    /// What no sender says; or nothing that counts while this end is being opened.
    Absurd,
}

impl Inbox {
    /// Nothing was consumed, on the channel of this hash.
    pub(crate) const fn new(head: Hash) -> Self {
        let forgotten = Resolved { number: 0, hash: Hash::ZERO };
        let (frozen, restart, restarted, opening) = (None, None, Stamp(0), false);
        let kept = VecDeque::new();
        Self { last: 0, head, forgotten, kept, frozen, restart, restarted, opening }
    }

    /// The last number consumed; 0 before the first.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// The channel's hash after the last number consumed.
    #[must_use]
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// Why nothing is consumed any more, if so.
    #[must_use]
    pub const fn frozen(&self) -> Option<Cause> {
        self.frozen
    }

    /// The stamp of the record that opened it last.
    #[must_use]
    pub fn restarted(&self) -> Option<Stamp> {
        self.restart.map(|_| self.restarted)
    }

    /// From where it went on when it was opened last.
    #[must_use]
    pub const fn restart(&self) -> Option<Restart> {
        self.restart
    }

    /// Whether it was opened again, and nothing has come since that the sender sent after that.
    #[must_use]
    pub const fn is_opening(&self) -> bool {
        self.opening
    }

    /// How many answers are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The answer that is kept for a number.
    #[must_use]
    pub fn answer(&self, number: u64) -> Option<&Answer> {
        self.kept_at(number).map(|kept| &kept.answer)
    }

    /// What a sender's parcel is here; an answer is none.
    #[must_use]
    pub fn judge(&self, parcel: &Parcel) -> Judgement {
        let judgement = self.judge_strictly(parcel);
        // The sender may not have done its half, or says again what it said before: that lies below where this
        // end goes on. What lies above was said to an end that had gone on from there and is no more.
        let is_contradiction = matches!(judgement, Judgement::Contradiction(_));
        let is_old_news = self.opening && parcel.number <= self.last && is_contradiction;
        if is_old_news { Judgement::Absurd } else { judgement }
    }

    fn judge_strictly(&self, parcel: &Parcel) -> Judgement {
        let (resolved, digest) = match &parcel.body {
            ParcelBody::Message { resolved, key, content } => {
                (*resolved, message_digest(*key, content))
            }
            ParcelBody::Cancel { resolved, digest } => (*resolved, *digest),
            ParcelBody::Answer(_) => return Judgement::Absurd,
            ParcelBody::Restart => return self.judge_restart(parcel),
        };
        if let Some(cause) = self.frozen {
            return Judgement::Frozen(cause);
        }
        let number = parcel.number;
        if resolved.number >= number || number - resolved.number > PENDING_MAX {
            return Judgement::Absurd;
        }
        if !self.gave(resolved) {
            return Judgement::Contradiction(Cause::ReceiverLost);
        }
        if number > self.last + 1 {
            return Judgement::Gap;
        }
        if number == self.last + 1 {
            let follows = chained(self.head, number, digest) == parcel.hash;
            return if follows { Judgement::Next } else { Judgement::Contradiction(Cause::Broken) };
        }
        match self.kept_at(number) {
            None => Judgement::Forgotten,
            Some(kept) if kept.hash == parcel.hash => Judgement::Known,
            Some(_) => Judgement::Contradiction(Cause::Contradicted),
        }
    }

    fn judge_restart(&self, parcel: &Parcel) -> Judgement {
        let theirs = Restart { number: parcel.number, hash: parcel.hash };
        match self.frozen {
            Some(cause) => Judgement::Frozen(cause),
            None if self.restart == Some(theirs) => Judgement::Together,
            None => Judgement::Absurd,
        }
    }

    /// Consumes the next number with this answer.
    ///
    /// # Panics
    /// If the parcel is not the next, or the answer larger than one may be.
    pub(crate) fn consume(&mut self, parcel: &Parcel, answer: Answer, at: At) {
        assert_eq!(self.judge(parcel), Judgement::Next, "only the next number is consumed");
        if let Answer::Applied(reply) | Answer::Refused(reply) = &answer {
            assert!(reply.len() <= wire::limits::ANSWER_BYTES_MAX, "answers are short");
        }
        self.last = parcel.number;
        self.head = parcel.hash;
        self.opening = false;
        self.keep(parcel.hash, at, answer);
    }

    pub(crate) fn keep(&mut self, hash: Hash, at: At, answer: Answer) {
        let number = self.forgotten.number + self.kept.len() as u64 + 1;
        let before = self.kept.back().map_or(self.forgotten.hash, |newest| newest.answers);
        let answers = wire::answered(before, number, &answer);
        self.kept.push_back(Kept { hash, at, answer, answers });
    }

    /// The sender has the answers to all numbers up to `number`, all of which were given here.
    pub(crate) fn forget(&mut self, number: u64) {
        while self.forgotten.number < number {
            let Some(kept) = self.kept.pop_front() else { return };
            self.forgotten = Resolved { number: self.forgotten.number + 1, hash: kept.answers };
        }
    }

    /// Whether the answers that a sender has are those that were given here. Of those that are forgotten the
    /// sender has said so before, and an old parcel may say it again.
    fn gave(&self, resolved: Resolved) -> bool {
        if resolved.number > self.last {
            return false;
        }
        match self.kept_at(resolved.number) {
            Some(kept) => kept.answers == resolved.hash,
            None => resolved.number < self.forgotten.number || resolved == self.forgotten,
        }
    }

    pub(crate) const fn freeze(&mut self, cause: Cause) {
        self.frozen = Some(cause);
    }

    /// What to tell the sender, who asked about `parcel`, if there is anything to say.
    #[must_use]
    pub fn reply(&self, [from, to]: [GroupId; 2], parcel: &Parcel) -> Option<Parcel> {
        let number = parcel.number;
        let (hash, at, answer) = match self.judge(parcel) {
            Judgement::Known => {
                let kept = self.kept_at(number)?;
                (kept.hash, kept.at, kept.answer.clone())
            }
            Judgement::Together => (parcel.hash, At::default(), Answer::Restarted),
            Judgement::Forgotten => (parcel.hash, At::default(), Answer::Forgotten),
            Judgement::Frozen(cause) => (parcel.hash, At::default(), Answer::Frozen(cause)),
            Judgement::Next | Judgement::Gap | Judgement::Contradiction(_) | Judgement::Absurd => {
                return None;
            }
        };
        let (stamp, source) = (at.stamp, at.seq);
        Some(Parcel { from, to, number, hash, stamp, source, body: ParcelBody::Answer(answer) })
    }

    pub(crate) fn kept_at(&self, number: u64) -> Option<&Kept> {
        let index = number.checked_sub(self.forgotten.number + 1)?;
        self.kept.get(usize::try_from(index).ok()?)
    }

    /// Asserts that every number consumed is kept or forgotten, and few are kept.
    ///
    /// # Panics
    /// If not.
    pub(crate) fn assert_invariants(&self) {
        let kept = self.kept.len() as u64;
        assert_eq!(
            self.forgotten.number + kept,
            self.last,
            "what is consumed is kept or forgotten"
        );
        assert!(kept <= PENDING_MAX, "few answers are kept");
        if let Some(newest) = self.kept.back() {
            assert_eq!(newest.hash, self.head, "the hash is that of the last number");
        }
    }
}
