//! Who pays whom: circles of a few accounts that pay only each other, so that each is a history of its
//! own, and hold so little that a payment's outcome tells what was paid before it.

use payments_message::message::Version;
use payments_message::sample::{Draft, Payment as One, german_iban, uetr};
use types::{Amount, Currency};

use crate::random::Random;

/// The currencies, which fall into different groups.
const CURRENCIES: [&str; 4] = ["EUR", "USD", "JPY", "BHD"];

/// Accounts of a circle.
pub(crate) const ACCOUNTS: usize = 4;

/// What each holds at first, in minor units.
pub(crate) const FUNDING: u64 = 1_000;

/// The most that is paid at once: two or three such payments empty an account.
const AMOUNT_MAX: u64 = 600;

/// The sender of all messages.
const SENDER: &str = "COBADEFF";

/// The receiver of all messages.
const RECEIVER: &str = "DEUTDEFF";

/// A circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Circle {
    /// The currency's code.
    pub(crate) currency: &'static str,
    /// The keys of its accounts.
    pub(crate) keys: Vec<String>,
}

/// A payment's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// `SENDER/MESSAGE-ID`.
    pub(crate) name: String,
    /// Place of the account that pays.
    pub(crate) debtor: usize,
    /// Place of the account that is paid.
    pub(crate) creditor: usize,
    /// How much, in minor units.
    pub(crate) amount: u64,
    /// The pacs.008.
    pub(crate) bytes: Vec<u8>,
}

impl Circle {
    /// The circle of that number.
    pub(crate) fn new(number: usize) -> Self {
        let currency = CURRENCIES.get(number % CURRENCIES.len()).copied().unwrap_or("EUR");
        let bank = 10_000_000 + u32::try_from(number).unwrap_or_default();
        let keys = (1..=ACCOUNTS as u64).map(|account| german_iban(bank, account)).collect();
        Self { currency, keys }
    }

    /// What every account holds at first, in units of the currency.
    pub(crate) fn funding(&self) -> String {
        let exponent = usize::from(self.iso().exponent());
        let digits = FUNDING.to_string();
        let (whole, part) = digits.split_at(digits.len() - exponent);
        if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
    }

    /// The payment of that number, between two accounts by chance, in a document that is longer by
    /// `padding` bytes than it need be.
    pub(crate) fn pay(
        &self,
        run: u64,
        number: u64,
        padding: usize,
        random: &mut Random,
    ) -> Message {
        let debtor = random.index(ACCOUNTS);
        let creditor = (debtor + 1 + random.index(ACCOUNTS - 1)) % ACCOUNTS;
        let amount = random.within(1, AMOUNT_MAX);
        let id = format!("C{:08X}-{number:08}", run & 0xFFFF_FFFF);
        let key = |place: usize| self.keys.get(place).cloned().unwrap_or_default();
        let one = One {
            instruction_id: format!("I{id}"),
            end_to_end_id: format!("E{id}"),
            transaction_id: format!("T{id}"),
            uetr: uetr(u128::from(run) << 64 | u128::from(number) << 4),
            amount: Amount(u128::from(amount)),
            currency: self.iso(),
            debtor: "Ada Payer".to_owned(),
            debtor_iban: key(debtor),
            creditor: "Ben Receiver".to_owned(),
            creditor_iban: key(creditor),
            purpose: None,
            remittance: String::new(),
        };
        let draft = Draft {
            message_id: id.clone(),
            created: "2026-11-20T08:00:00.000Z".to_owned(),
            settlement_date: "2026-11-20".to_owned(),
            instructing: SENDER.to_owned(),
            instructed: RECEIVER.to_owned(),
            payments: vec![one],
        };
        let (name, mut bytes) = (format!("{SENDER}/{id}"), draft.write(Version::V08));
        if padding > 0 {
            bytes.extend_from_slice(b"<!--");
            bytes.resize(bytes.len() + padding, b'.');
            bytes.extend_from_slice(b"-->");
        }
        Message { name, debtor, creditor, amount, bytes }
    }

    fn iso(&self) -> Currency {
        Currency::from_code(self.currency).expect("the list holds currencies")
    }
}
