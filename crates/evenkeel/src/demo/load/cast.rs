//! Who pays whom in a demo: the ledgers, their accounts, and which of them cannot pay.

use payments_message::sample::german_iban;
use types::{Amount, Currency};

/// The currencies of the generated load: two ledgers for each of three regions, with no, two and
/// three decimals.
const CURRENCIES: [&str; 6] = ["EUR", "GBP", "USD", "BHD", "CHF", "JPY"];

/// Accounts in each ledger that pay and are paid.
const ACCOUNTS: u64 = 40;

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

/// The accounts of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    /// The currency.
    pub(crate) currency: Currency,
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
        let bank = 10_000_000 + u32::from(currency.number());
        Self {
            currency,
            usual: (1..=ACCOUNTS).map(|number| german_iban(bank, number)).collect(),
            poor: german_iban(bank, 1_001),
            house: german_iban(bank, 1_002),
            unknown: german_iban(bank, 9_999),
        }
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
        let usual = self.usual.iter().map(|key| opening(key, FUNDS, "customer"));
        let special = [opening(&self.poor, POOR, "customer"), opening(&self.house, FUNDS, "house")];
        usual.chain(special).collect()
    }
}
