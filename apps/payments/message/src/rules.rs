//! Rules that a schema cannot state, each with the ISO reason it gives.
//!
//! All rules are checked; what they find is put in a fixed order: findings about the whole message
//! first, then transaction by transaction, and within each by the order of [`Rule`], then by place
//! in the document. The first finding is the reason of the refusal. That order is part of the
//! contract: a sender that repairs the first finding must not see an older one move in front.
//!
//! No clock is read here: whether a date is too late or too early for today is for the model.

pub(crate) mod amount;
pub(crate) mod bic;
pub(crate) mod checksum;
pub(crate) mod country;
pub(crate) mod iban;
pub(crate) mod leaf;
pub(crate) mod whole;

use core::fmt;

use crate::limits::FINDINGS_MAX;
use crate::reason::Reason;

/// The rules, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// The header's `MsgDefIdr` names the document that follows it. FF01.
    HeaderNamesDocument,
    /// `NbOfTxs` is the number of transactions. AM19.
    Count,
    /// Settlement is in an active currency with minor units. AM11.
    CurrencyActive,
    /// All transactions settle in one currency: a message is settled in one ledger. CURR.
    OneCurrency,
    /// No amount has more decimals than its currency. CH20.
    Decimals,
    /// No settlement amount is zero. AM01.
    NotZero,
    /// `CtrlSum` is the sum of the settlement amounts. AM10.
    ControlSum,
    /// `TtlIntrBkSttlmAmt` is the sum of the settlement amounts, in their currency. AM09.
    Total,
    /// IBANs have a registered country, its length, and right check digits. AC02 for the debtor,
    /// AC03 for the creditor, AC01 elsewhere.
    Iban,
    /// BICs have the country code of a country. RC06, RC07, RC05.
    Bic,
    /// Clearing systems are in their list. RC09, RC10, RC08.
    ClearingSystem,
    /// LEIs have right check digits. Of agents RC03, RC04, RC02; of parties BE16, BE17, BE15.
    Lei,
    /// Countries exist. BE10, BE11, BE09.
    Country,
    /// The settlement date lies within a year of the message's creation. DT01.
    SettlementDate,
    /// Service levels are in their list. FF04.
    ServiceLevel,
    /// Local instruments are in their list. FF05.
    LocalInstrument,
    /// Category purposes are in their list. FF06.
    CategoryPurpose,
    /// Purposes are in their list. FF07.
    Purpose,
    /// Account types and identification schemes are in their lists. AC13, AC14, AC12.
    AccountType,
    /// Account proxy types are in their list. BE23.
    Proxy,
    /// Kinds of identification of parties are in their lists. BE16, BE17, BE15.
    Identification,
    /// Kinds of creditor reference are in their list. RR09.
    CreditorReference,
    /// Codes of all other external sets are in their lists. CH16.
    OtherCode,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// The reason to answer with.
    pub reason: Reason,
    /// Index of the transaction concerned; `None` for the message as a whole.
    pub transaction: Option<usize>,
    /// The element, as in [`crate::schema::problem::Departure`].
    pub path: Box<str>,
    /// What is wrong, in a sentence without its full stop; quotes the message.
    pub text: Box<str>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.reason, self.path, self.text)
    }
}

/// Findings as they come.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one; past the limit it is dropped, the message is refused anyway.
    pub(crate) fn push(&mut self, finding: Finding) {
        if self.0.len() < FINDINGS_MAX {
            self.0.push(finding);
        }
    }

    /// In order of precedence.
    pub(crate) fn ordered(mut self) -> Vec<Finding> {
        // `None` sorts before every index, and the sort is stable.
        self.0.sort_by_key(|finding| (finding.transaction, finding.rule));
        self.0
    }
}
