//! What a client was told about a message, and what it had to be told.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::script::{Kind, Sending};

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The ledger decided; this is its pacs.002. An acknowledgement: it must hold for ever.
    Decided(Bytes),
    /// It was refused before any ledger was asked, and will always be.
    Refused {
        /// HTTP status.
        status: u16,
        /// What the answer says: ISO reasons, or the kind of problem.
        reasons: Vec<String>,
    },
    /// It was certainly not done, and nobody could be found who would.
    NotDone {
        /// What the last attempt came to.
        why: String,
    },
    /// Nobody could say whether it was done.
    Unknown {
        /// What the last attempt came to.
        why: String,
    },
}

/// One message with all that became of it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The message.
    pub(crate) sending: Arc<Sending>,
    /// When it was due, microseconds since 1970. Latencies count from here: a client that was held
    /// up by the one before it has waited too.
    pub(crate) due_us: u64,
    /// When the client was told.
    pub(crate) told_us: u64,
    /// What it was told in the end.
    pub(crate) told: Told,
    /// How often it was sent.
    pub(crate) attempts: u32,
    /// Whether an attempt before the last may have been carried out, so that the client did not know
    /// for a while and asked again.
    pub(crate) was_unknown: bool,
    /// Whether the client gave up without knowing, and was told only when it asked once more after
    /// the load.
    pub(crate) is_resolved_later: bool,
}

/// One transaction of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// `ACSC`, `RJCT` and so on.
    pub(crate) status: String,
    /// The first ISO reason; empty for none.
    pub(crate) reason: String,
}

impl Told {
    /// The verdicts of a decision, in the order of the message's transactions.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let Self::Decided(report) = self else { return Vec::new() };
        let text = String::from_utf8_lossy(report);
        let parts = text.split("<TxInfAndSts>").skip(1);
        let verdict = |part: &str| Verdict {
            status: element(part, "TxSts").unwrap_or_default().to_owned(),
            reason: element(part, "Cd").unwrap_or_default().to_owned(),
        };
        parts.map(verdict).collect()
    }

    /// Whether the client need not ask again.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::Decided(_) | Self::Refused { .. })
    }

    /// Whether all of its transactions were settled.
    pub(crate) fn is_settled(&self) -> bool {
        let verdicts = self.verdicts();
        !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.status == "ACSC")
    }

    /// A line for reports and logs.
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::Decided(_) => {
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                for Verdict { status, reason } in self.verdicts() {
                    let key = if reason.is_empty() { status } else { format!("{status} {reason}") };
                    *counts.entry(key).or_default() += 1;
                }
                let counts = counts.into_iter().map(|(key, count)| match count {
                    1 => key,
                    _ => format!("{count} × {key}"),
                });
                counts.collect::<Vec<_>>().join(", ")
            }
            Self::Refused { status, reasons } => format!("{status} {}", reasons.join(" ")),
            Self::NotDone { why } => format!("not done: {why}"),
            Self::Unknown { why } => format!("unknown: {why}"),
        }
    }
}

/// The ISO reasons of a pacs.002 about a whole message.
pub(crate) fn group_reasons(report: &str) -> Vec<String> {
    report.split("<Rsn>").skip(1).filter_map(|part| element(part, "Cd")).map(Into::into).collect()
}

/// The text of the first element of that name. Answers are written without prefixes and attributes
/// on these elements, and their texts hold no references.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inside, _)| inside)
}

impl Record {
    /// Whether the client was told what a message of its kind has to be told. What a duplicate has
    /// to be told depends on the message it repeats and is looked at elsewhere.
    pub(crate) fn is_as_due(&self) -> bool {
        let first = self.told.verdicts().into_iter().next();
        let first_is = |reason: &str| {
            let mut rest = self.told.verdicts().into_iter().skip(1);
            first.as_ref().is_some_and(|v| v.status == "RJCT" && v.reason == reason)
                && rest.all(|verdict| verdict.status == "ACSC")
        };
        let is_refused = |wanted: u16, code: &str| match &self.told {
            Told::Refused { status, reasons } => {
                *status == wanted && reasons.iter().any(|reason| reason == code)
            }
            Told::Decided(_) | Told::NotDone { .. } | Told::Unknown { .. } => false,
        };
        match self.sending.kind {
            Kind::Valid => self.told.is_settled(),
            Kind::Schema => is_refused(422, "FF01"),
            Kind::CheckDigits => is_refused(422, "AC02"),
            Kind::Decimals => is_refused(422, "CH20"),
            Kind::ControlSum => is_refused(422, "AM10"),
            Kind::UnknownCreditor => first_is("AC03"),
            Kind::Forbidden => first_is("AG01"),
            Kind::Funds => first_is("AM04"),
            Kind::Conflict => is_refused(409, "conflict"),
            Kind::Duplicate | Kind::File => self.told.is_final(),
        }
    }
}

#[cfg(test)]
mod tests;
