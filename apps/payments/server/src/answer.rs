//! Writing the pacs.002 that answers a message.
//!
//! An answer to what the ledger decided is written from the stored message and its verdicts alone,
//! never from the request or a clock. So a repeat, a later query, and another region give the same
//! bytes.

use payments_message::date::{Date, moment};
use payments_message::message::{Original, PaymentId, Version};
use payments_message::reason::Reason;
use payments_message::status::{Because, NotAReport, Outcome, Report, Scope, Status};
use payments_message::{Refusal, refusal::Broken};
use payments_model as model;
use types::{MessageId, Stamp};

use crate::found::Decision;
use crate::limits::FINDINGS_MAX;

/// What an answer needs of a message that the ledger decided. An answer that is not the last, because
/// something is pending, has an id of its own.
pub(crate) fn decided(
    message: &model::Message<'_>,
    decision: &Decision,
) -> Result<Vec<u8>, NotAReport> {
    let at = moment(decision.stamp);
    let ids = message.transactions.iter().map(|one| PaymentId {
        instruction: one.instruction_id.map(str::to_owned),
        end_to_end: one.end_to_end_id.to_owned(),
        transaction: one.transaction_id.map(str::to_owned),
        uetr: one.uetr.map(|uetr| MessageId(uetr).to_string()),
    });
    let original = Original {
        version: version(message.version),
        message_id: message.message_id.to_owned(),
        // When the sender made it is not part of what decides, so it is not kept with the outcome.
        created: None,
        count: Some(message.transactions.len().to_string()),
        transactions: ids.collect(),
    };
    let pairs = decision.verdicts.iter().zip(&decision.ended);
    let outcomes = pairs.map(|(verdict, ended)| match verdict {
        model::Verdict::Settled => Outcome {
            status: Status::Settled,
            because: Vec::new(),
            accepted: Some(at.clone()),
            settled_on: date(&moment(ended.unwrap_or(decision.stamp))),
        },
        model::Verdict::Pending => Outcome {
            status: Status::SettlementInProcess,
            because: Vec::new(),
            accepted: Some(at.clone()),
            settled_on: None,
        },
        model::Verdict::Rejected(why) => Outcome {
            status: Status::Rejected,
            because: vec![because(why.code(), why.text())],
            accepted: None,
            settled_on: None,
        },
    });
    let scope = Scope::Each(outcomes.collect());
    let id = if decision.is_open() { interim(message.id()) } else { message.id() };
    let report = Report {
        id: report_id(id),
        to: bic(message.sender).map(str::to_owned),
        from: None,
        original,
        scope,
        created: moment(decision.latest),
    };
    // Every id in it comes from a message that was valid, and every reason is one of ours: the tests
    // hold all of them against the schemas, so that no answer has to be.
    report.write_known()
}

/// The answer to a message that breaks its schema or a rule; `None` if too little of it could be
/// read to answer in kind. `number` tells answers apart: a hash of the request.
pub(crate) fn refused(
    refusal: &Refusal,
    number: MessageId,
    now: Stamp,
) -> Option<Result<Vec<u8>, NotAReport>> {
    let (original, because) = match refusal {
        Refusal::Schema { original, departure } => {
            let original = original.as_deref()?.clone();
            (original, vec![because("FF01", &departure.to_string())])
        }
        Refusal::Rule(broken) => (broken.original.clone(), findings(broken)),
        Refusal::NotXml(_) | Refusal::Attack(_) | Refusal::NotPacs008(_) => return None,
    };
    Some(rejection(original, because, number, now))
}

/// The answer to a valid message of which a part is beyond what the ledger takes.
pub(crate) fn beyond_limits(
    original: Original,
    limit: &model::OutOfLimits,
    number: MessageId,
    now: Stamp,
) -> Result<Vec<u8>, NotAReport> {
    rejection(original, vec![because("NARR", &limit.to_string())], number, now)
}

fn rejection(
    original: Original,
    because: Vec<Because>,
    number: MessageId,
    now: Stamp,
) -> Result<Vec<u8>, NotAReport> {
    let scope = Scope::Group { status: Status::Rejected, because };
    let (id, created) = (report_id(number), moment(now));
    Report { id, created, from: None, to: None, original, scope }.write()
}

fn findings(broken: &Broken) -> Vec<Because> {
    let findings = broken.findings().iter().take(FINDINGS_MAX);
    let each = findings.map(|finding| Because {
        reason: finding.reason,
        text: format!("{}: {}", finding.path, finding.text),
    });
    each.collect()
}

/// A reason of the ledger in the words of the message. A code that the published list did not have
/// would be told in words.
fn because(code: &str, text: &str) -> Because {
    match Reason::from_code(code) {
        Some(reason) => Because { reason, text: text.to_owned() },
        None => Because { reason: Reason::NARR, text: format!("{code}: {text}") },
    }
}

/// The number of an answer that is not the last.
fn interim(id: MessageId) -> MessageId {
    let digest = wire::digest(&[&b"interim"[..], &id.0].concat());
    MessageId::of(digest)
}

/// 32 hexadecimal digits; an id of a report has at most 35 characters.
fn report_id(number: MessageId) -> String {
    number.to_string().replace('-', "")
}

/// A sender that is a BIC; other names have a colon in them, see `translate.rs`.
fn bic(sender: &str) -> Option<&str> {
    let is_bic = matches!(sender.len(), 8 | 11)
        && sender.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_bic.then_some(sender)
}

/// The day of a moment as `moment` writes it.
fn date(moment: &str) -> Option<Date> {
    let mut parts = moment.split('T').next()?.splitn(3, '-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Some(Date { year, month, day })
}

const fn version(version: model::Version) -> Version {
    match version {
        model::Version::V08 => Version::V08,
        model::Version::V10 => Version::V10,
        model::Version::V12 => Version::V12,
        model::Version::V13 => Version::V13,
    }
}

#[cfg(test)]
mod tests;
