//! Payments between this group and others: those whose second leg is not answered, how those ended that
//! were, and the credits that came from elsewhere.
//!
//! A payment whose creditor's account is kept by another group is debited here to a clearing account, and
//! credited there from that one's mirror. Until the other group has answered, it is *pending*; then it is
//! settled, or reversed for a reason. What is pending here is exactly what the channels of the group wait
//! for, and the balance of a clearing account is what is pending and what was settled over it.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use ledger::{Digested, Index, Roll};
use sha2::{Digest, Sha256};
use types::{Amount, Currency, GroupId, Hash, Stamp};
use wire::{DecodeError, Reader, Writer};

use crate::accounted::Accounted;
use crate::identity::Identities;
use crate::message::currency;
use crate::{Reason, Verdict};

/// A payment that was debited here and not answered there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The group that keeps the creditor's account.
    pub to: GroupId,
    /// When it was debited.
    pub stamp: Stamp,
    /// The currency of both books.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// When it was wished back, if it was.
    pub cancelled: Option<Stamp>,
    /// The message that it came in, by number.
    pub(crate) record: u32,
    /// Its place in it.
    pub(crate) index: u16,
}

/// How a payment ended that was pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its transfer in this group's ledger.
    pub transfer: [u8; 16],
    /// The group that answered.
    pub to: GroupId,
    /// When it ended.
    pub stamp: Stamp,
    /// The currency of both books.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// Settled, or rejected and reversed.
    pub verdict: Verdict,
}

/// A credit that another group's debit paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The transfer, which bears the same id in both ledgers.
    pub transfer: [u8; 16],
    /// The group that debited.
    pub from: GroupId,
    /// When it was credited.
    pub stamp: Stamp,
    /// The currency of both books.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// Who has it.
    pub creditor: Box<str>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transit {
    pub(crate) pending: BTreeMap<[u8; 16], Pending>,
    pub(crate) ended: Roll<Ended>,
    /// From a transfer to its number in `ended`.
    ended_index: Index,
    pub(crate) received: Roll<Received>,
    /// The identities of payments that came from elsewhere, whatever became of them, in order.
    pub(crate) claims: Roll<Claim>,
    /// From an identity to its number in `claims`.
    claims_index: Index,
    /// Payments that one side lost by force, as they were accounted for here, in order.
    pub(crate) accounted: Roll<Accounted>,
    /// From the item in suspense to its number in `accounted`.
    accounted_index: Index,
}

/// An identity that a payment of another group has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim(pub(crate) [u8; 16]);

impl Transit {
    /// Whether nothing ever went to or came from another group.
    pub(crate) fn is_unused(&self) -> bool {
        let is_unused = self.pending.is_empty() && self.ended.is_empty() && self.claims.is_empty();
        is_unused && self.accounted.is_empty()
    }

    /// The first identity that a payment from elsewhere has taken, as a reason.
    pub(crate) fn duplicate(&self, identities: Identities) -> Option<Reason> {
        let taken = |identity: Option<[u8; 16]>, reason| {
            identity.and_then(|identity| self.claims_index.get(&identity)).map(|_| reason)
        };
        taken(identities.uetr, Reason::DuplicateUetr)
            .or_else(|| taken(identities.transaction, Reason::DuplicateTransaction))
            .or_else(|| taken(identities.in_message, Reason::DuplicateInMessage))
    }

    /// Takes the identities of a payment from elsewhere, those of them that are free.
    pub(crate) fn claim(&mut self, identities: Identities) {
        for identity in identities.iter() {
            // Like every list here: the ledger is full long before this one.
            let Ok(number) = u32::try_from(self.claims.len()) else { return };
            if self.claims_index.insert(identity, number) {
                let pushed = self.claims.push(Claim(identity));
                assert_eq!(pushed, Some(number), "the number was free");
            }
        }
    }

    /// Ends a pending payment; `None` if it is not pending.
    pub(crate) fn end(
        &mut self,
        transfer: [u8; 16],
        stamp: Stamp,
        verdict: Verdict,
    ) -> Option<Pending> {
        let pending = self.pending.remove(&transfer)?;
        let Pending { to, currency, amount, .. } = pending;
        let ended = Ended { transfer, to, stamp, currency, amount, verdict };
        let is_new = self.restore_ended(ended);
        assert!(is_new, "a payment ends once, and the ledger is full before this list");
        Some(pending)
    }

    /// Keeps what was accounted for under its item, and takes the payment's name: sent again, it would be carried out a
    /// second time.
    pub(crate) fn account_for(&mut self, one: Accounted, item: [u8; 16]) {
        let name = Identities { uetr: Some(one.transfer), transaction: None, in_message: None };
        self.claim(name);
        assert!(
            self.restore_accounted(one, item),
            "it is new, and the ledger is full before this list"
        );
    }

    /// Keeps what was accounted for as it was saved; `false` if it cannot be.
    pub(crate) fn restore_accounted(&mut self, one: Accounted, item: [u8; 16]) -> bool {
        let Ok(number) = u32::try_from(self.accounted.len()) else { return false };
        self.accounted_index.insert(item, number) && self.accounted.push(one) == Some(number)
    }

    /// What was accounted for under that item.
    pub(crate) fn accounted_as(&self, item: [u8; 16]) -> Option<&Accounted> {
        self.accounted.get(self.accounted_index.get(&item)?)
    }

    /// Keeps an end as it was saved; `false` if it cannot be.
    pub(crate) fn restore_ended(&mut self, ended: Ended) -> bool {
        let Ok(number) = u32::try_from(self.ended.len()) else { return false };
        !self.pending.contains_key(&ended.transfer)
            && self.ended_index.insert(ended.transfer, number)
            && self.ended.push(ended) == Some(number)
    }

    /// Keeps a claim as it was saved; `false` if it cannot be.
    pub(crate) fn restore_claim(&mut self, claim: Claim) -> bool {
        let Ok(number) = u32::try_from(self.claims.len()) else { return false };
        self.claims_index.insert(claim.0, number) && self.claims.push(claim) == Some(number)
    }

    /// How the payment of that transfer ended.
    pub(crate) fn ended(&self, transfer: [u8; 16]) -> Option<&Ended> {
        self.ended.get(self.ended_index.get(&transfer)?)
    }

    /// SHA-256 over all of it. Grows with what is pending, not with what was.
    pub(crate) fn digest(&self) -> Hash {
        let mut hasher = Sha256::new_with_prefix(b"transit/1");
        for (transfer, pending) in &self.pending {
            hasher.update(transfer);
            let mut bytes = alloc::vec::Vec::new();
            pending.encode(&mut Writer::new(&mut bytes));
            hasher.update(bytes);
        }
        for digest in [self.ended.digest(), self.received.digest(), self.claims.digest()] {
            hasher.update(digest.0);
        }
        // A state in which nothing was ever lost has the digest that it always had.
        if !self.accounted.is_empty() {
            hasher.update(self.accounted.digest().0);
        }
        Hash(hasher.finalize().into())
    }

    /// Asserts that no list has changed and every index leads where it should.
    pub(crate) fn assert_complete(&self) {
        self.ended.assert_unchanged();
        self.received.assert_unchanged();
        self.claims.assert_unchanged();
        self.accounted.assert_unchanged();
        for (number, ended) in (0_u32..).zip(self.ended.iter()) {
            assert_eq!(self.ended_index.get(&ended.transfer), Some(number), "ends are found");
            assert!(!self.pending.contains_key(&ended.transfer), "what has ended does not wait");
        }
        for (number, claim) in (0_u32..).zip(self.claims.iter()) {
            assert_eq!(self.claims_index.get(&claim.0), Some(number), "claims are found");
        }
    }
}

impl Pending {
    /// group u16, stamp u64, currency u16, amount u128, cancel stamp u64 (0 for none), record u32, index u16.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        let cancelled = self.cancelled.map_or(0, |stamp| stamp.0);
        writer.u16(self.to.0).u64(self.stamp.0).u16(self.currency.number()).u128(self.amount.0);
        writer.u64(cancelled).u32(self.record).u16(self.index);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (to, stamp) = (GroupId(reader.u16()?), Stamp(reader.u64()?));
        let (currency, amount) = (currency(reader)?, Amount(reader.u128()?));
        let cancelled = Some(Stamp(reader.u64()?)).filter(|stamp| stamp.0 > 0);
        let (record, index) = (reader.u32()?, reader.u16()?);
        Ok(Self { to, stamp, currency, amount, cancelled, record, index })
    }
}

impl Ended {
    /// transfer 16, group u16, stamp u64, currency u16, amount u128, verdict u8.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.raw(&self.transfer).u16(self.to.0).u64(self.stamp.0);
        writer.u16(self.currency.number()).u128(self.amount.0).u8(self.verdict.number());
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            transfer: reader.array()?,
            to: GroupId(reader.u16()?),
            stamp: Stamp(reader.u64()?),
            currency: currency(reader)?,
            amount: Amount(reader.u128()?),
            verdict: Verdict::from_number(reader.u8()?)?,
        })
    }
}

impl Received {
    /// transfer 16, group u16, stamp u64, currency u16, amount u128, creditor run.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.raw(&self.transfer).u16(self.from.0).u64(self.stamp.0);
        writer.u16(self.currency.number()).u128(self.amount.0).run(self.creditor.as_bytes());
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (transfer, from) = (reader.array()?, GroupId(reader.u16()?));
        let (stamp, currency) = (Stamp(reader.u64()?), currency(reader)?);
        let amount = Amount(reader.u128()?);
        let creditor = reader.run("creditor account", crate::limits::TEXT_BYTES_MAX)?;
        let creditor = crate::text::utf8("creditor account", creditor)?.into();
        Ok(Self { transfer, from, stamp, currency, amount, creditor })
    }
}

/// As they are saved.
impl Digested for Ended {
    fn feed(&self, hasher: &mut Sha256) {
        let mut bytes = alloc::vec::Vec::new();
        self.encode(&mut Writer::new(&mut bytes));
        hasher.update(bytes);
    }
}

/// As they are saved.
impl Digested for Received {
    fn feed(&self, hasher: &mut Sha256) {
        let mut bytes = alloc::vec::Vec::new();
        self.encode(&mut Writer::new(&mut bytes));
        hasher.update(bytes);
    }
}

impl Digested for Claim {
    fn feed(&self, hasher: &mut Sha256) {
        hasher.update(self.0);
    }
}
