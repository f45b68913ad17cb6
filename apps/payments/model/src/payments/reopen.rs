//! Opening a channel again: what passed over it, and accounting for what was lost.

use alloc::vec::Vec;

use ledger::TransferId;
use model::{End, Missed, Passed, Rebase, RebaseRefusal};
use types::{Amount, ChannelKey, GroupId, Stamp};

use super::Payments;
use super::settle::item_of;
use crate::Verdict;
use crate::accounted::{Accounted, Leg, Note};
use crate::book::clearing;
use crate::cases::Item;
use crate::identity;
use crate::limits::AMOUNT_MAX;
use crate::reply::{Refusal, Reply};

/// Marks the place of what was accounted for; the others are numbers in rolls, of 32 bits.
const BY_HAND: u64 = 1 << 32;

impl Payments {
    /// Payments between ledgers of which this one lost its leg, as they were accounted for.
    pub fn all_accounted(&self) -> impl DoubleEndedIterator<Item = &Accounted> {
        self.transit.accounted.iter()
    }

    pub(super) fn passed_over(&self, peer: GroupId, end: End) -> Vec<Passed> {
        let passed = |(place, key): (u64, [u8; 16])| Passed { key: ChannelKey(key), place };
        let mut all: Vec<Passed> = match end {
            End::Sender => {
                let ended = (0_u64..).zip(self.transit.ended.iter());
                let settled =
                    |one: &crate::Ended| one.to == peer && one.verdict == Verdict::Settled;
                let settled = ended.filter(|(_, one)| settled(one));
                settled.map(|(place, one)| passed((place, one.transfer))).collect()
            }
            End::Receiver => {
                let received = (0_u64..).zip(self.transit.received.iter());
                let received = received.filter(|(_, one)| one.from == peer);
                received.map(|(place, one)| passed((place, one.transfer))).collect()
            }
        };
        let by_hand = (BY_HAND..).zip(self.transit.accounted.iter());
        let by_hand = by_hand.filter(|(_, one)| (one.peer, one.end) == (peer, end));
        all.extend(by_hand.map(|(place, one)| passed((place, one.transfer))));
        all
    }

    pub(super) fn passed_leg(&self, end: End, place: u64) -> Option<Leg> {
        if let Some(place) = place.checked_sub(BY_HAND) {
            return Some(self.transit.accounted.get(u32::try_from(place).ok()?)?.leg.clone());
        }
        let place = u32::try_from(place).ok()?;
        Some(match end {
            End::Sender => {
                let one = self.transit.ended.get(place)?;
                let (number, index) = self.archive.bearer(one.transfer)?;
                let recorded = self.archive.read(number, &self.transit)?;
                let creditor = recorded.message.transactions.get(index)?.creditor.into();
                Leg { currency: one.currency, amount: one.amount, creditor }
            }
            End::Receiver => {
                let one = self.transit.received.get(place)?;
                let creditor = one.creditor.clone();
                Leg { currency: one.currency, amount: one.amount, creditor }
            }
        })
    }

    /// Whether all of it can be accounted for, each for the first time towards that group. What stands in suspense already, because it was
    /// withdrawn, is written back first: it would stand there twice.
    pub(super) fn can_account(
        &self,
        (peer, end): (GroupId, End),
        missed: &[Missed<'_>],
        note: &[u8],
    ) -> bool {
        let Ok(note) = Note::decode(note) else { return false };
        let fits = |one: &Missed<'_>| {
            let is_new = self.cases.item(identity::accounted(one.key.0, peer, end)).is_none();
            let withdrawn = self.cases.item(one.key.0);
            let is_free = withdrawn.is_none_or(|item| item.left() == Amount::ZERO);
            is_new
                && is_free
                && Leg::decode(one.detail).is_ok_and(|leg| {
                    let book = self.books.get(&leg.currency);
                    let amount = leg.amount > Amount::ZERO && leg.amount <= AMOUNT_MAX;
                    // Two accounts may have to be opened.
                    amount
                        && book.is_some_and(|book| book.can_suspend(missed.len().saturating_add(2)))
                })
        };
        missed.is_empty() || (note.case > 0 && missed.iter().all(fits))
    }

    pub(super) fn account_for(
        &mut self,
        stamp: Stamp,
        (peer, end): (GroupId, End),
        rebase: Rebase<'_>,
        note: &[u8],
    ) -> Reply {
        let missed = match rebase {
            Rebase::Done(missed) => missed,
            Rebase::Refused(refusal) => return Reply::Refused(refused(refusal)),
        };
        let Note { case, by, reason } = Note::decode(note).expect("it was read before");
        let side = match end {
            End::Sender => clearing::End::To(peer),
            End::Receiver => clearing::End::From(peer),
        };
        let mut count = 0_u32;
        for Missed { key, detail } in missed {
            let leg = Leg::decode(detail).expect("it was read before");
            let book = self.books.get_mut(&leg.currency).expect("the book was there before");
            let (by, reason) = (by.into(), reason.into());
            let one = Accounted { transfer: key.0, peer, end, case, leg, stamp, by, reason };
            let (id, source) = item_of(&one);
            book.account_for(TransferId(id), case, one.leg.amount, side);
            let of = (one.leg.currency, case);
            self.cases.open(Item::new((id, source), of, one.leg.amount, stamp));
            self.transit.account_for(one, id);
            count = count.saturating_add(1);
        }
        Reply::Reopened(count)
    }
}

const fn refused(refusal: RebaseRefusal) -> Refusal {
    match refusal {
        RebaseRefusal::Unreadable => Refusal::PlanUnreadable,
        RebaseRefusal::Other => Refusal::ChannelElsewhere,
        RebaseRefusal::Done => Refusal::ReopenedBefore,
        RebaseRefusal::Moved => Refusal::ChannelMoved,
        RebaseRefusal::Early => Refusal::PlanAhead,
        RebaseRefusal::Unaccountable => Refusal::Unaccountable,
    }
}
