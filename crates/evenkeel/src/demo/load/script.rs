//! What the demo's clients send: varied messages, right and wrong, all from one seed.
//!
//! Each message knows what it is ([`Kind`]) and so what its answer must be; a load that only checked
//! that there was an answer would not notice a node that settles everything.

use std::sync::Arc;

use bytes::Bytes;
use payments_message::date;
use payments_message::message::Version;
use payments_message::sample::{Draft, Payment, german_iban, uetr};
use types::{Amount, Currency, GroupId, Stamp};

use super::cast::{Bank, Cast};
use super::random::Random;
use crate::demo::stage::placement;

/// BICs of the banks that send, one per region, in turn.
const SENDERS: [&str; 3] = ["DEMOIE2D", "DEMODEFF", "DEMOUS33"];

/// Who receives.
const RECEIVER: &str = "DEMOGB2L";

/// Most payments in one message.
const PAYMENTS_MAX: u64 = 5;

/// What a message is, and so what it must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Right in all parts: settled.
    Valid,
    /// An element is missing that the schema demands.
    Schema,
    /// The debtor's IBAN has wrong check digits.
    CheckDigits,
    /// The amount has more decimals than its currency.
    Decimals,
    /// The control sum is not the sum.
    ControlSum,
    /// There is no such creditor account.
    UnknownCreditor,
    /// The debtor's account is the house's, from which no message may pay.
    Forbidden,
    /// The debtor's account does not hold the amount.
    Funds,
    /// A message sent before, byte for byte.
    Duplicate,
    /// A message id used before, with another amount.
    Conflict,
    /// A message from a file, as it is.
    File,
}

impl Kind {
    /// How it is called in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Schema => "schema violated",
            Self::CheckDigits => "wrong check digits",
            Self::Decimals => "too many decimals",
            Self::ControlSum => "wrong control sum",
            Self::UnknownCreditor => "unknown creditor account",
            Self::Forbidden => "forbidden debtor account",
            Self::Funds => "insufficient funds",
            Self::Duplicate => "exact duplicate",
            Self::Conflict => "same id, other amount",
            Self::File => "from a file",
        }
    }
}

/// One message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    /// Its number in the load, from 0.
    pub(crate) number: u64,
    /// What it is.
    pub(crate) kind: Kind,
    /// The number of the message that it repeats or contradicts.
    pub(crate) of: Option<u64>,
    /// In which region its client stands.
    pub(crate) region: usize,
    /// The currency of its payments; `None` if it is not known (files).
    pub(crate) currency: Option<Currency>,
    /// The group that carries it out; `None` if it is not known (files).
    pub(crate) ledger: Option<GroupId>,
    /// What the message is known by for good, whoever sends it again: `SENDER/MESSAGE-ID`. The path
    /// of a file that cannot be read as a message.
    pub(crate) name: String,
    /// The file it comes from.
    pub(crate) file: Option<String>,
    /// The document.
    pub(crate) bytes: Bytes,
}

/// A message that was sent, as a later one may repeat or contradict it.
#[derive(Clone, Debug)]
struct Written {
    number: u64,
    draft: Draft,
    version: Version,
    currency: Currency,
    sending: Arc<Sending>,
}

/// Writes the messages.
#[derive(Debug)]
pub(crate) struct Script {
    random: Random,
    seed: u64,
    casts: Vec<Cast>,
    regions: usize,
    next: u64,
    /// Valid messages of late, for duplicates and conflicts.
    written: Vec<Written>,
}

/// How many valid messages are remembered.
const REMEMBERED: usize = 512;

impl Script {
    /// A script over these ledgers for clients in so many regions.
    pub(crate) const fn new(seed: u64, casts: Vec<Cast>, regions: usize) -> Self {
        Self { random: Random::new(seed), seed, casts, regions, next: 0, written: Vec::new() }
    }

    /// The next message. `is_settled` says whether the message of that number was settled already:
    /// only such a one can be contradicted, or the contradiction might come first.
    pub(crate) fn next(&mut self, now: Stamp, is_settled: impl Fn(u64) -> bool) -> Arc<Sending> {
        let number = self.next;
        self.next += 1;
        let kind = match self.random.below(100) {
            0..76 => Kind::Valid,
            76..78 => Kind::Schema,
            78..80 => Kind::CheckDigits,
            80..82 => Kind::Decimals,
            82..84 => Kind::ControlSum,
            84..86 => Kind::UnknownCreditor,
            86..88 => Kind::Forbidden,
            88..90 => Kind::Funds,
            90..97 => Kind::Duplicate,
            _ => Kind::Conflict,
        };
        let region = usize::try_from(self.random.below(self.regions as u64)).unwrap_or_default();
        match kind {
            Kind::Duplicate => {
                if let Some(written) = self.random.pick(&self.written) {
                    let of = Some(written.number);
                    let earlier = Sending::clone(&written.sending);
                    return Arc::new(Sending { number, kind, of, region, ..earlier });
                }
                self.compose(number, Kind::Valid, region, now)
            }
            Kind::Conflict => {
                let written = self.random.pick(&self.written).cloned();
                match written.filter(|written| is_settled(written.number)) {
                    Some(written) => Arc::new(contradict(number, region, written)),
                    None => self.compose(number, Kind::Valid, region, now),
                }
            }
            Kind::Valid
            | Kind::Schema
            | Kind::CheckDigits
            | Kind::Decimals
            | Kind::ControlSum
            | Kind::UnknownCreditor
            | Kind::Forbidden
            | Kind::Funds
            | Kind::File => self.compose(number, kind, region, now),
        }
    }

    fn compose(&mut self, number: u64, kind: Kind, region: usize, now: Stamp) -> Arc<Sending> {
        let turn = self.random.below(self.casts.len() as u64);
        let cast = usize::try_from(turn).ok().and_then(|turn| self.casts.get(turn));
        let cast = cast.expect("a script has ledgers").clone();
        let count = match self.random.below(10) {
            0 => 2 + self.random.below(PAYMENTS_MAX - 1),
            _ => 1,
        };
        let id = format!("EK{:08X}-{number:08}", self.seed & 0xFFFF_FFFF);
        // A bank's message debits its own customers; a third of them pay customers of another one.
        let own = self.random.below(cast.banks.len() as u64);
        let bank = bank(&cast, own).clone();
        let mut payments: Vec<Payment> =
            (0..count).map(|index| self.payment(&cast, own, &id, index)).collect();
        if let Some(first) = payments.first_mut() {
            match kind {
                Kind::UnknownCreditor => {
                    let step = self.random.below(cast.banks.len() as u64);
                    first.creditor_iban = self::bank(&cast, own + step).unknown.clone();
                }
                Kind::Forbidden => first.debtor_iban = bank.house.clone(),
                Kind::Funds => {
                    first.debtor_iban = bank.poor.clone();
                    first.amount = Amount(first.amount.0 + 1_000_000);
                }
                Kind::CheckDigits => first.debtor_iban = misprinted(&first.debtor_iban),
                Kind::Valid
                | Kind::Schema
                | Kind::Decimals
                | Kind::ControlSum
                | Kind::Duplicate
                | Kind::Conflict
                | Kind::File => {}
            }
        }
        let created = date::moment(now);
        let sender = SENDERS.get(region % SENDERS.len()).copied().unwrap_or(RECEIVER);
        let draft = Draft {
            message_id: id,
            settlement_date: created.get(..10).unwrap_or_default().to_owned(),
            created,
            instructing: sender.to_owned(),
            instructed: RECEIVER.to_owned(),
            payments,
        };
        let version = self.random.pick(&Version::ALL).copied().unwrap_or(Version::V08);
        let sending = Arc::new(Sending {
            number,
            kind,
            of: None,
            region,
            currency: Some(cast.currency),
            ledger: bank.usual.first().map(|key| placement().group(cast.currency, key)),
            name: format!("{}/{}", draft.instructing, draft.message_id),
            file: None,
            bytes: spoil(kind, draft.write(version)),
        });
        if kind == Kind::Valid {
            let currency = cast.currency;
            let written = Written { number, draft, version, currency, sending: sending.clone() };
            if self.written.len() < REMEMBERED {
                self.written.push(written);
            } else {
                let place = usize::try_from(number).unwrap_or_default() % REMEMBERED;
                if let Some(slot) = self.written.get_mut(place) {
                    *slot = written;
                }
            }
        }
        sending
    }

    fn payment(&mut self, cast: &Cast, own: u64, id: &str, index: u64) -> Payment {
        let payers = bank(cast, own).usual.len() as u64;
        let payer = self.random.below(payers);
        let step = 1 + self.random.below(payers - 1);
        let other = match self.random.below(3) {
            0 => 1 + self.random.below(cast.banks.len() as u64 - 1),
            _ => 0,
        };
        let account = |of: u64, index: u64| {
            let usual = &bank(cast, of).usual;
            let index = usize::try_from(index).unwrap_or_default() % usual.len();
            usual.get(index).cloned().unwrap_or_default()
        };
        let purposes = [None, Some("SALA"), Some("SUPP"), Some("GDDS")];
        let purpose = self.random.pick(&purposes).copied().flatten();
        Payment {
            instruction_id: format!("I{id}-{index}"),
            end_to_end_id: format!("E{id}-{index}"),
            transaction_id: format!("T{id}-{index}"),
            uetr: uetr(u128::from(self.random.bits()) << 64 | u128::from(self.random.bits())),
            amount: Amount(u128::from(1 + self.random.below(250_000))),
            currency: cast.currency,
            debtor: "Ada Payer".to_owned(),
            debtor_iban: account(own, payer),
            creditor: "Ben Receiver".to_owned(),
            creditor_iban: account(own + other, payer + step),
            purpose: purpose.map(str::to_owned),
            remittance: format!("Invoice {}", self.random.below(1_000_000)),
        }
    }
}

/// One of the banks, counted on from the first again.
fn bank(cast: &Cast, number: u64) -> &Bank {
    let index = usize::try_from(number).unwrap_or_default() % cast.banks.len();
    cast.banks.get(index).expect("a currency has banks")
}

/// A valid message between accounts that do not exist: it moves no money whenever it is carried out.
pub(crate) fn probe(now: Stamp) -> Bytes {
    let created = date::moment(now);
    let payment = Payment {
        instruction_id: "PROBE".to_owned(),
        end_to_end_id: "PROBE".to_owned(),
        transaction_id: format!("PROBE{}", now.0),
        uetr: uetr(u128::from(now.0)),
        amount: Amount(1),
        currency: Currency::from_code("EUR").expect("the euro is a currency"),
        debtor: "Nobody".to_owned(),
        debtor_iban: german_iban(0, 1),
        creditor: "Nobody Else".to_owned(),
        creditor_iban: german_iban(0, 2),
        purpose: None,
        remittance: String::new(),
    };
    let draft = Draft {
        message_id: format!("PROBE{}", now.0),
        settlement_date: created.get(..10).unwrap_or_default().to_owned(),
        created,
        instructing: RECEIVER.to_owned(),
        instructed: RECEIVER.to_owned(),
        payments: vec![payment],
    };
    draft.write(Version::V08).into()
}

/// The same id, another amount.
fn contradict(number: u64, region: usize, written: Written) -> Sending {
    let Written { number: of, mut draft, version, currency, sending } = written;
    if let Some(first) = draft.payments.first_mut() {
        first.amount = Amount(first.amount.0 + 1);
    }
    Sending {
        number,
        kind: Kind::Conflict,
        of: Some(of),
        region,
        currency: Some(currency),
        ledger: sending.ledger,
        name: sending.name.clone(),
        file: None,
        bytes: draft.write(version).into(),
    }
}

/// The IBAN with another last digit, which its check digits do not fit.
fn misprinted(iban: &str) -> String {
    let (rest, last) = iban.split_at(iban.len().saturating_sub(1));
    let digit = last.parse::<u8>().unwrap_or_default();
    format!("{rest}{}", (digit + 1) % 10)
}

/// Breaks what only the document can show to be broken.
fn spoil(kind: Kind, document: Vec<u8>) -> Bytes {
    let text = String::from_utf8(document).expect("documents are written in UTF-8");
    let spoilt = match kind {
        Kind::Schema => text.replacen("<ChrgBr>SLEV</ChrgBr>", "", 1),
        Kind::Decimals => text.replacen("</IntrBkSttlmAmt>", decimals(&text), 1),
        Kind::ControlSum => text.replacen("<CtrlSum>", "<CtrlSum>9", 1),
        Kind::Valid
        | Kind::CheckDigits
        | Kind::UnknownCreditor
        | Kind::Forbidden
        | Kind::Funds
        | Kind::Duplicate
        | Kind::Conflict
        | Kind::File => text,
    };
    spoilt.into()
}

/// What to put behind the first amount so that it has four decimals, more than any currency here.
fn decimals(text: &str) -> &'static str {
    let amount = text.split("</IntrBkSttlmAmt>").next().unwrap_or_default();
    let amount = amount.rsplit('>').next().unwrap_or_default();
    match amount.split_once('.').map_or(0, |(_, decimals)| decimals.len()) {
        0 => ".0001</IntrBkSttlmAmt>",
        2 => "01</IntrBkSttlmAmt>",
        _ => "1</IntrBkSttlmAmt>",
    }
}

#[cfg(test)]
mod tests;
