//! The payments of the product: accounts are opened and funded, messages move money between them, also
//! between those of different groups.

use std::ops::RangeInclusive;

use bytes::Bytes;
use model::{LoadError, Missed, Model, Outcome, Passed, Rebase, Receipt, Resolution, Saving};
use payments_model::{
    Command, Kind, Message, OpenAccount, PaymentKey, Payments, Route, Transaction, Verdict,
    Version, message_id,
};
use types::{Amount, ChannelKey, Currency, GroupId, Hash, ModelVersion, Stamp};

use super::{Between, Content, End, Place, Sent};
use crate::Rng;

/// Accounts that are opened in a world.
const ACCOUNTS: u64 = 6;

/// What an account is opened with.
const FUNDING: u128 = 20_000;

/// The books of one group.
#[derive(Clone, Debug)]
pub struct Books(Payments);

impl Books {
    pub(super) fn new() -> Self {
        Self(Payments::new([currency()]))
    }

    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let totals = self.0.totals(currency())?;
        (totals.debits != totals.credits).then_some(("I8", "books do not balance"))
    }

    pub(super) fn between(&self) -> Between {
        let pending = self.0.pending().map(|(transfer, pending)| {
            (
                (pending.to, ChannelKey(transfer)),
                Sent { amount: pending.amount.0, end: End::Pending },
            )
        });
        let ended = self.0.ended().map(|ended| {
            let is_settled = ended.verdict == Verdict::Settled;
            let end = if is_settled { End::Settled } else { End::Reversed };
            ((ended.to, ChannelKey(ended.transfer)), Sent { amount: ended.amount.0, end })
        });
        let received = self
            .0
            .received()
            .map(|received| ((received.from, ChannelKey(received.transfer)), received.amount.0));
        Between { sent: pending.chain(ended).collect(), received: received.collect() }
    }

    pub(super) fn audit(&self) {
        self.0.assert_books();
    }
}

impl Model for Books {
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        self.0.versions()
    }

    fn apply(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        command: &[u8],
        outcome: &mut Outcome,
    ) {
        self.0.apply(version, stamp, command, outcome);
    }

    fn receive(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        from: GroupId,
        message: &[u8],
        outcome: &mut Outcome,
    ) -> Receipt {
        self.0.receive(version, stamp, from, message, outcome)
    }

    fn resolve(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        to: GroupId,
        key: ChannelKey,
        resolution: Resolution<'_>,
        outcome: &mut Outcome,
    ) {
        self.0.resolve(version, stamp, to, key, resolution, outcome);
    }

    fn passed(&self, peer: GroupId, end: model::End) -> Vec<Passed> {
        self.0.passed(peer, end)
    }

    fn passed_detail(&self, peer: GroupId, end: model::End, place: u64) -> Vec<u8> {
        self.0.passed_detail(peer, end, place)
    }

    fn message_detail(&self, message: &[u8]) -> Vec<u8> {
        self.0.message_detail(message)
    }

    fn may_rebase(&self, end: (GroupId, model::End), missed: &[Missed<'_>], note: &[u8]) -> bool {
        self.0.may_rebase(end, missed, note)
    }

    fn rebased(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        end: (GroupId, model::End),
        rebase: Rebase<'_>,
        note: &[u8],
        outcome: &mut Outcome,
    ) {
        self.0.rebased(version, stamp, end, rebase, note, outcome);
    }

    fn digest(&self) -> Hash {
        self.0.digest()
    }

    fn save(&self) -> Saving {
        self.0.save()
    }

    fn save_next(&self, saving: &mut Saving, bytes_max: usize) -> Option<Vec<u8>> {
        self.0.save_next(saving, bytes_max)
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        self.0.load(part)
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        self.0.loaded()
    }
}

/// One command in eight opens an account, perhaps one that is open already; the others pay, one in three of
/// them to an account of another group, if there is one; now and then one is wished back.
pub(super) fn content(rng: &mut Rng, place: Place, number: u64, amount: u32) -> Content {
    let (payer, payee) = (key(rng.below(ACCOUNTS)), key(rng.below(ACCOUNTS)));
    let id = format!("M{number}");
    let others = u64::from(place.groups) - 1;
    let across = others > 0 && rng.below(3) == 0;
    let wished_back = format!("M{}", number.saturating_sub(rng.below(20)));
    let command = if rng.below(8) == 0 {
        Command::OpenAccount(OpenAccount {
            currency: currency(),
            key: &payer,
            name: None,
            kind: Kind::Customer,
            funding: Amount(FUNDING),
        })
    } else if across && rng.below(8) == 0 {
        Command::Cancel(PaymentKey::Message { sender: "SIMBDEFF", message_id: &wished_back })
    } else {
        let transaction = Transaction {
            uetr: Some(message_id("SIMBDEFF", &id).0),
            amount: Amount(u128::from(amount) + 1),
            instruction_id: None,
            end_to_end_id: &id,
            transaction_id: Some(&id),
            debtor: &payer,
            creditor: &payee,
            debtor_agent: None,
            creditor_agent: None,
        };
        let message = Message {
            currency: currency(),
            version: Version::V08,
            settlement_date: None,
            sender: "SIMBDEFF",
            message_id: &id,
            transactions: vec![transaction],
        };
        if across {
            let step = 1 + u16::try_from(rng.below(others)).expect("groups have 16 bits");
            let to = GroupId((place.group.0 + step) % place.groups);
            Command::PayAcross { message, routes: vec![Route::To(to)], raw: b"" }
        } else {
            Command::Pay { message, raw: b"" }
        }
    };
    let encoded = command.encode().expect("small commands are within the limits");
    Content { body: Bytes::from(encoded.body), digest: encoded.digest }
}

fn key(account: u64) -> String {
    format!("ACCOUNT{account}")
}

fn currency() -> Currency {
    Currency::from_code("EUR").expect("the euro is a currency")
}
