//! Rules between parts of a message: counts, sums, one currency, dates.

use types::{Amount, Currency};

use super::{Finding, Findings, Rule, amount};
use crate::date::Date;
use crate::limits::QUOTED_CHARS_MAX;
use crate::reason::Reason;
use crate::schema::value::Decimal;
use crate::xml::error::quote;

/// Most days between creation and settlement, either way.
const DAYS_MAX: u64 = 366;

const GROUP: &str = "/Document/FIToFICstmrCdtTrf/GrpHdr";
const TRANSACTION: &str = "/Document/FIToFICstmrCdtTrf/CdtTrfTxInf";

/// An amount of a currency; `None` where a rule about it alone is broken.
pub(crate) type Money = Option<(Amount, Currency)>;

/// What the rules look at, as read.
pub(crate) struct Whole<'m> {
    /// `MsgDefIdr` of the header, if there is one.
    pub(crate) definition: Option<&'m str>,
    /// The message of the document's namespace.
    pub(crate) message: &'m str,
    /// `NbOfTxs`.
    pub(crate) count: &'m str,
    /// `CtrlSum`.
    pub(crate) control_sum: Option<&'m str>,
    /// `TtlIntrBkSttlmAmt`: `None` if absent, `Some(None)` if wrong in itself.
    pub(crate) total: Option<Money>,
    /// `CreDtTm`.
    pub(crate) created: &'m str,
    /// `IntrBkSttlmDt` of the group.
    pub(crate) settlement: Option<&'m str>,
    /// `IntrBkSttlmAmt` and `IntrBkSttlmDt` of each transaction.
    pub(crate) transactions: Vec<(Money, Option<&'m str>)>,
}

/// What the rules establish.
pub(crate) struct Sums {
    pub(crate) currency: Currency,
    pub(crate) total: Amount,
}

/// Checks all rules; `None` if the amounts have no common sum, which is then among the findings.
pub(crate) fn check(whole: &Whole<'_>, findings: &mut Findings) -> Option<Sums> {
    if let Some(definition) = whole.definition
        && definition != whole.message
    {
        let definition = quote(definition, QUOTED_CHARS_MAX);
        let text = format!("MsgDefIdr {definition:?} before a {}", whole.message);
        group(findings, Rule::HeaderNamesDocument, Reason::FF01, "/AppHdr/MsgDefIdr", text);
    }
    // The schema bounds the digits to 15, so that this always parses.
    if whole.count.parse() != Ok(whole.transactions.len()) {
        let text = format!("NbOfTxs is {}, found {}", whole.count, whole.transactions.len());
        group(findings, Rule::Count, Reason::AM19, &format!("{GROUP}/NbOfTxs"), text);
    }
    dates(whole, findings);
    let sums = sums(whole, findings)?;
    if let Some(text) = whole.control_sum {
        let told = Decimal::read(text).and_then(|sum| amount::minor_units(sum, sums.currency).ok());
        if told != Some(sums.total) {
            let sum = amount::decimal(sums.total, sums.currency);
            let text = quote(text, QUOTED_CHARS_MAX);
            let text = format!("CtrlSum is {text}, the amounts add up to {sum}");
            group(findings, Rule::ControlSum, Reason::AM10, &format!("{GROUP}/CtrlSum"), text);
        }
    }
    if let Some(Some((told, currency))) = whole.total
        && (told, currency) != (sums.total, sums.currency)
    {
        let sum = amount::decimal(sums.total, sums.currency);
        let told = amount::decimal(told, currency);
        let text = format!(
            "TtlIntrBkSttlmAmt is {told} {currency}, the amounts add up to {sum} {}",
            sums.currency
        );
        group(findings, Rule::Total, Reason::AM09, &format!("{GROUP}/TtlIntrBkSttlmAmt"), text);
    }
    Some(sums)
}

/// The one currency and the sum of the transactions.
fn sums(whole: &Whole<'_>, findings: &mut Findings) -> Option<Sums> {
    let known = whole.transactions.iter().filter_map(|(amount, _)| *amount);
    let (_, currency) = known.clone().next()?;
    if let Some((_, other)) = known.clone().find(|(_, other)| *other != currency) {
        let text = format!("amounts in {currency} and in {other}; one message settles in one");
        let path = format!("{TRANSACTION}/IntrBkSttlmAmt");
        group(findings, Rule::OneCurrency, Reason::CURR, &path, text);
        return None;
    }
    if known.clone().count() != whole.transactions.len() {
        return None;
    }
    let total = known.map(|(amount, _)| amount).try_fold(Amount::ZERO, Amount::checked_add);
    if total.is_none() {
        // Some 10^16 transactions would be needed; a sum that wraps must not be the answer to that.
        let text = "the amounts add up to more than can be held".to_owned();
        group(findings, Rule::Total, Reason::AM12, TRANSACTION, text);
    }
    Some(Sums { currency, total: total? })
}

fn dates(whole: &Whole<'_>, findings: &mut Findings) {
    let far = |text: &str| {
        let (Some(settled), Some(created)) = (Date::read(text), Date::read(whole.created)) else {
            return true;
        };
        settled.days().abs_diff(created.days()) > DAYS_MAX
    };
    // A legal moment may have any number of decimals.
    let created = quote(whole.created, QUOTED_CHARS_MAX);
    let text = |date| format!("settlement on {date} in a message created {created}");
    if let Some(date) = whole.settlement.filter(|date| far(date)) {
        let path = format!("{GROUP}/IntrBkSttlmDt");
        group(findings, Rule::SettlementDate, Reason::DT01, &path, text(date));
    }
    for (index, (_, date)) in whole.transactions.iter().enumerate() {
        if let Some(date) = date.filter(|date| far(date)) {
            findings.push(Finding {
                rule: Rule::SettlementDate,
                reason: Reason::DT01,
                transaction: Some(index),
                path: format!("{TRANSACTION}[{}]/IntrBkSttlmDt", index + 1).into(),
                text: text(date).into(),
            });
        }
    }
}

fn group(findings: &mut Findings, rule: Rule, reason: Reason, path: &str, text: String) {
    findings.push(Finding {
        rule,
        reason,
        transaction: None,
        path: path.into(),
        text: text.into(),
    });
}
