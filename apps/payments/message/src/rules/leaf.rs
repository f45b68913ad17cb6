//! Rules about one value: what its type means, and whose it is.

use super::{Finding, Rule, bic, checksum, country, iban};
use crate::reason::Reason;
use crate::schema::validate::{Step, written};
use crate::schema::{Meaning, Simple};

/// Whose value it is, as far as reasons tell sides apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Debtor,
    Creditor,
    Neither,
}

impl Side {
    /// `step` is the child of the transaction.
    fn of(step: &str) -> Self {
        match step {
            "Dbtr" | "UltmtDbtr" | "DbtrAcct" | "DbtrAgt" | "DbtrAgtAcct" => Self::Debtor,
            "Cdtr" | "UltmtCdtr" | "CdtrAcct" | "CdtrAgt" | "CdtrAgtAcct" => Self::Creditor,
            _ => Self::Neither,
        }
    }

    fn pick(self, debtor: Reason, creditor: Reason, neither: Reason) -> Reason {
        match self {
            Self::Debtor => debtor,
            Self::Creditor => creditor,
            Self::Neither => neither,
        }
    }
}

/// Checks a value that is legal in its type. `path` leads from the message element down.
pub(crate) fn check(
    path: &[Step],
    of: &Simple,
    text: &str,
    transaction: Option<usize>,
) -> Option<Finding> {
    let found = |rule, reason, what: String| {
        Some(Finding { rule, reason, transaction, path: written(path), text: what.into() })
    };
    let side = || match (transaction, path.get(2)) {
        (Some(_), Some(step)) => Side::of(step.name),
        _ => Side::Neither,
    };
    match of.meaning {
        // A settlement currency is checked with its amount.
        Meaning::Plain | Meaning::Currency => None,
        Meaning::Bic if bic::is_sound(text) => None,
        Meaning::Bic => {
            let reason = side().pick(Reason::RC06, Reason::RC07, Reason::RC05);
            found(Rule::Bic, reason, format!("BIC {text} has no country code in its place"))
        }
        Meaning::Iban => {
            let wrong = iban::check(text).err()?;
            let reason = side().pick(Reason::AC02, Reason::AC03, Reason::AC01);
            found(Rule::Iban, reason, format!("IBAN {text} is wrong: {wrong}"))
        }
        Meaning::Country if country::exists(text) => None,
        Meaning::Country => {
            let reason = side().pick(Reason::BE10, Reason::BE11, Reason::BE09);
            found(Rule::Country, reason, format!("{text} is not a country"))
        }
        Meaning::Lei if checksum::remainder([text]) == Some(1) => None,
        Meaning::Lei => {
            let agent = path.iter().any(|step| step.name == "FinInstnId" || step.name == "BrnchId");
            let reason = if agent {
                side().pick(Reason::RC03, Reason::RC04, Reason::RC02)
            } else {
                side().pick(Reason::BE16, Reason::BE17, Reason::BE15)
            };
            found(Rule::Lei, reason, format!("LEI {text} has wrong check digits"))
        }
        Meaning::Code(set) if set.has(text) => None,
        Meaning::Code(set) => {
            let (rule, reason) = code(set.name, side());
            found(rule, reason, format!("{text:?} is not in {}", set.name))
        }
    }
}

/// The rule and reason of a code set.
fn code(set: &str, side: Side) -> (Rule, Reason) {
    match set {
        "ExternalPurpose1Code" => (Rule::Purpose, Reason::FF07),
        "ExternalCategoryPurpose1Code" => (Rule::CategoryPurpose, Reason::FF06),
        "ExternalLocalInstrument1Code" => (Rule::LocalInstrument, Reason::FF05),
        "ExternalServiceLevel1Code" => (Rule::ServiceLevel, Reason::FF04),
        "ExternalClearingSystemIdentification1Code" | "ExternalCashClearingSystem1Code" => {
            (Rule::ClearingSystem, side.pick(Reason::RC09, Reason::RC10, Reason::RC08))
        }
        "ExternalAccountIdentification1Code" | "ExternalCashAccountType1Code" => {
            (Rule::AccountType, side.pick(Reason::AC13, Reason::AC14, Reason::AC12))
        }
        "ExternalProxyAccountType1Code" => (Rule::Proxy, Reason::BE23),
        "ExternalOrganisationIdentification1Code" | "ExternalPersonIdentification1Code" => {
            (Rule::Identification, side.pick(Reason::BE16, Reason::BE17, Reason::BE15))
        }
        "ExternalCreditorReferenceType1Code" => (Rule::CreditorReference, Reason::RR09),
        _ => (Rule::OtherCode, Reason::CH16),
    }
}
