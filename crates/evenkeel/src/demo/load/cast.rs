//! Who pays whom in a demo: the ledgers, their accounts, and which of them cannot pay.

use payments_message::sample::german_iban;
use types::{Amount, Currency};

use crate::demo::stage::placement;

/// The currencies of the generated load, with no, two and three decimals. Each has a ledger in each of
/// three regions.
const CURRENCIES: [&str; 3] = ["EUR", "BHD", "JPY"];

/// Accounts in each ledger that pay and are paid.
const ACCOUNTS: u64 = 20;

/// What each of them begins with, in minor units: more than a demo can spend.
const FUNDS: Amount = Amount(10_000_000_000);

/// What the poor account has.
const POOR: Amount = Amount(100);

/// How an account is to stand before the load begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Its currency.
    pub(crate) currency: Currency,
    /// Its key.
    pub(crate) key: String,
    /// Whose it is.
    pub(crate) name: String,
    /// What it begins with.
    pub(crate) funding: Amount,
    /// `customer`, `settlement` or `house`.
    pub(crate) kind: &'static str,
}

/// The accounts of one currency: a bank in each of its ledgers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    /// The currency.
    pub(crate) currency: Currency,
    /// The banks; all accounts at one are kept in one ledger.
    pub(crate) banks: Vec<Bank>,
}

/// The accounts at one bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bank {
    /// Those that pay and are paid.
    pub(crate) usual: Vec<String>,
    /// One that holds next to nothing.
    pub(crate) poor: String,
    /// One of the house, which takes no payments.
    pub(crate) house: String,
    /// One that does not exist.
    pub(crate) unknown: String,
}

/// All ledgers of the generated load.
pub(crate) fn all() -> Vec<Cast> {
    let currencies = CURRENCIES.iter().filter_map(|code| Currency::from_code(code));
    currencies.map(Cast::new).collect()
}

impl Cast {
    fn new(currency: Currency) -> Self {
        let bank = |ledger| {
            let mut codes =
                (1_000..10_000).map(|code| code * 10_000 + u32::from(currency.number()));
            codes.find(|code| placement().group(currency, &german_iban(*code, 1)) == ledger)
        };
        let banks = placement().ledgers(currency).filter_map(bank).map(Bank::new);
        Self { currency, banks: banks.collect() }
    }

    /// How its accounts are to stand.
    pub(crate) fn openings(&self) -> Vec<Opening> {
        let opening = |key: &String, funding, kind| Opening {
            currency: self.currency,
            key: key.clone(),
            name: format!("Account {}", key.get(12..).unwrap_or_default()),
            funding,
            kind,
        };
        let of = |bank: &Bank| {
            let usual = bank.usual.iter().map(|key| opening(key, FUNDS, "customer"));
            let poor = opening(&bank.poor, POOR, "customer");
            let house = opening(&bank.house, FUNDS, "house");
            usual.chain([poor, house]).collect::<Vec<_>>()
        };
        self.banks.iter().flat_map(of).collect()
    }
}

impl Bank {
    fn new(code: u32) -> Self {
        Self {
            usual: (1..=ACCOUNTS).map(|number| german_iban(code, number)).collect(),
            poor: german_iban(code, 1_001),
            house: german_iban(code, 1_002),
            unknown: german_iban(code, 9_999),
        }
    }
}
