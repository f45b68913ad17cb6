//! The answer: a payment status report (pacs.002) in the version that matches the question.
//!
//! A report speaks about the whole message, about each transaction, or both, and says nothing that
//! contradicts itself: with statuses per transaction the group's status follows from them.

use crate::date::Date;
use crate::message::{Original, PaymentId, Version};
use crate::reason::Reason;
use crate::schema::NAMESPACE_STEM;
use crate::schema::problem::Departure;
use crate::write::Writer;
use crate::{verdict, xml};

/// Most characters of one `AddtlInf`.
const ADDITIONAL_CHARS_MAX: usize = 105;
/// Most characters of an identification.
const ID_CHARS_MAX: usize = 35;

/// How far a payment has come (ExternalPaymentTransactionStatus1Code; all of these are group
/// statuses too).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// `RCVD`: received.
    Received,
    /// `ACTC`: syntax and semantics are right.
    TechnicallyAccepted,
    /// `ACCP`: the customer's profile allows it.
    ProfileAccepted,
    /// `ACSP`: settlement in process.
    SettlementInProcess,
    /// `ACSC`: settled.
    Settled,
    /// `PDNG`: held.
    Pending,
    /// `RJCT`: refused.
    Rejected,
}

impl Status {
    /// All of them, in the order a payment goes through them.
    pub const ALL: [Self; 7] = [
        Self::Received,
        Self::TechnicallyAccepted,
        Self::ProfileAccepted,
        Self::SettlementInProcess,
        Self::Settled,
        Self::Pending,
        Self::Rejected,
    ];

    /// Its four letters.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Received => "RCVD",
            Self::TechnicallyAccepted => "ACTC",
            Self::ProfileAccepted => "ACCP",
            Self::SettlementInProcess => "ACSP",
            Self::Settled => "ACSC",
            Self::Pending => "PDNG",
            Self::Rejected => "RJCT",
        }
    }
}

/// Why a status is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The reason.
    pub reason: Reason,
    /// In words; empty for none. Long texts are cut into several `AddtlInf`, the rest is dropped.
    pub text: String,
}

/// What became of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its status.
    pub status: Status,
    /// Why, most important first. A rejection has at least one.
    pub because: Vec<Because>,
    /// When it was accepted, an `xs:dateTime` such as [`crate::date::moment`] writes.
    pub accepted: Option<String>,
    /// The day it was settled on.
    pub settled_on: Option<Date>,
}

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The message as a whole; no transaction is named.
    Group {
        /// The status of all of it.
        status: Status,
        /// Why.
        because: Vec<Because>,
    },
    /// Each transaction, in the order of [`Original::transactions`].
    Each(Vec<Outcome>),
}

/// A status report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its own `MsgId`, 1 to 35 characters.
    pub id: String,
    /// Its `CreDtTm`, an `xs:dateTime` such as [`crate::date::moment`] writes.
    pub created: String,
    /// BIC of the sender of the report.
    pub from: Option<String>,
    /// BIC of its receiver.
    pub to: Option<String>,
    /// The message it answers.
    pub original: Original,
    /// What became of it.
    pub scope: Scope,
}

/// Why a report cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAReport {
    /// The report's id has no or too many characters.
    #[error("a report's id has 1 to 35 characters, not {0}")]
    Id(usize),
    /// Another number of outcomes than of transactions.
    #[error("{outcomes} outcomes for {transactions} transactions")]
    Outcomes {
        /// Outcomes given.
        outcomes: usize,
        /// Transactions of the original.
        transactions: usize,
    },
    /// A rejection without a reason.
    #[error("a rejection without a reason")]
    Unexplained,
    /// Written, the report would not be valid: a date, a BIC or an id has a wrong form.
    #[error("the report would not be valid")]
    Invalid(#[from] Departure),
    /// Written, the report would not even be read: a field is beyond every limit.
    #[error("the report would not be XML that is read")]
    Unreadable(#[from] xml::error::Error),
}

impl Report {
    /// The report as a document, valid against the schema of its version: what is written is
    /// validated before it is given out.
    ///
    /// # Errors
    /// A field breaks what its comment says.
    pub fn write(&self) -> Result<Vec<u8>, NotAReport> {
        let bytes = self.write_known()?;
        match verdict::departure(&bytes)? {
            None => Ok(bytes),
            Some(departure) => Err(departure.into()),
        }
    }

    /// The report as a document whose fields are known to be legal: ids and BICs out of a message
    /// that was valid, moments of [`crate::date::moment`]. Four fifths of [`Self::write`] are the
    /// validation that this leaves out; and once a payment is settled, its sender is better served
    /// with an answer in doubtful form than with none.
    ///
    /// # Errors
    /// As [`Self::write`], but neither [`NotAReport::Invalid`] nor [`NotAReport::Unreadable`].
    pub fn write_known(&self) -> Result<Vec<u8>, NotAReport> {
        let length = self.id.chars().count();
        if !(1..=ID_CHARS_MAX).contains(&length) {
            return Err(NotAReport::Id(length));
        }
        let explained = match &self.scope {
            Scope::Group { status, because } => *status != Status::Rejected || !because.is_empty(),
            Scope::Each(outcomes) => {
                let transactions = self.original.transactions.len();
                if outcomes.len() != transactions {
                    return Err(NotAReport::Outcomes { outcomes: outcomes.len(), transactions });
                }
                outcomes.iter().all(|o| o.status != Status::Rejected || !o.because.is_empty())
            }
        };
        if !explained {
            return Err(NotAReport::Unexplained);
        }
        let namespace = format!("{NAMESPACE_STEM}{}", self.original.version.answer());
        let mut writer = Writer::document(&namespace);
        writer.element("FIToFIPmtStsRpt", |w| {
            w.element("GrpHdr", |w| {
                w.text("MsgId", &self.id);
                w.text("CreDtTm", &self.created);
                agent(w, "InstgAgt", self.from.as_deref());
                agent(w, "InstdAgt", self.to.as_deref());
            });
            w.element("OrgnlGrpInfAndSts", |w| self.group(w));
            if let Scope::Each(outcomes) = &self.scope {
                for (id, outcome) in self.original.transactions.iter().zip(outcomes) {
                    w.element("TxInfAndSts", |w| transaction(w, id, outcome));
                }
            }
        });
        Ok(writer.finish())
    }

    /// The version of the message that is answered.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.original.version
    }

    fn group(&self, w: &mut Writer) {
        w.text("OrgnlMsgId", &self.original.message_id);
        w.text("OrgnlMsgNmId", self.original.version.message());
        w.maybe("OrgnlCreDtTm", self.original.created.as_deref());
        w.maybe("OrgnlNbOfTxs", self.original.count.as_deref());
        match &self.scope {
            Scope::Group { status, because } => {
                w.text("GrpSts", status.code());
                reasons(w, because);
            }
            Scope::Each(outcomes) => {
                if let Some(status) = common(outcomes) {
                    w.text("GrpSts", status);
                }
            }
        }
    }
}

/// The group's status: that of all transactions, or `PART` if some are rejected and some are not.
/// Accepted to different degrees, the transactions speak for themselves.
fn common(outcomes: &[Outcome]) -> Option<&'static str> {
    let first = outcomes.first()?.status;
    if outcomes.iter().all(|outcome| outcome.status == first) {
        return Some(first.code());
    }
    outcomes.iter().any(|outcome| outcome.status == Status::Rejected).then_some("PART")
}

fn transaction(w: &mut Writer, id: &PaymentId, outcome: &Outcome) {
    w.maybe("OrgnlInstrId", id.instruction.as_deref());
    // A transaction may be reported that was never read to its end: an empty id is none.
    w.maybe("OrgnlEndToEndId", Some(id.end_to_end.as_str()).filter(|text| !text.is_empty()));
    w.maybe("OrgnlTxId", id.transaction.as_deref());
    w.maybe("OrgnlUETR", id.uetr.as_deref());
    w.text("TxSts", outcome.status.code());
    reasons(w, &outcome.because);
    w.maybe("AccptncDtTm", outcome.accepted.as_deref());
    if let Some(date) = outcome.settled_on {
        w.element("FctvIntrBkSttlmDt", |w| w.text("Dt", &date.to_string()));
    }
}

fn agent(w: &mut Writer, name: &'static str, bic: Option<&str>) {
    if let Some(bic) = bic {
        w.element(name, |w| w.element("FinInstnId", |w| w.text("BICFI", bic)));
    }
}

fn reasons(w: &mut Writer, because: &[Because]) {
    for one in because {
        w.element("StsRsnInf", |w| {
            w.element("Rsn", |w| w.text("Cd", one.reason.code()));
            let mut rest = one.text.trim();
            for _ in 0..2 {
                let end =
                    rest.char_indices().nth(ADDITIONAL_CHARS_MAX).map_or(rest.len(), |(at, _)| at);
                let (line, after) = rest.split_at(end);
                if !line.is_empty() {
                    w.text("AddtlInf", line);
                }
                rest = after;
            }
        });
    }
}
