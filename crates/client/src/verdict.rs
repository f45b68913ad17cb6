//! What one try says about the message: known, certainly not done, or perhaps done.

use hyper::Uri;
use hyper::header::{CONTENT_TYPE, HeaderMap, LOCATION};

use crate::endpoint::{Answer, Failed};
use crate::{Problem, Trouble};

/// What a try came to.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// An answer in kind.
    Final { answer: Answer, repeated: bool },
    /// An answer in kind that is not committed.
    Provisional { answer: Answer, repeated: bool },
    /// It is carried out, and another ledger has still to say what becomes of it.
    Pending(Trouble),
    /// No node will take this message as it is, and this try did nothing.
    Refused(Problem),
    /// This node cannot answer; nothing was done by this try.
    NotDone(Trouble),
    /// Another node is to be asked; nothing was done by this try.
    Elsewhere(Uri, Trouble),
    /// This try may have been carried out.
    MayBeDone(Trouble),
}

/// Problems that every node has with a message, however often it is sent.
const FOR_GOOD: [&str; 9] = [
    "bad-header",
    "conflict",
    EXPIRED,
    "hostile-xml",
    "invalid",
    "not-pacs008",
    "not-xml",
    "not-xml-type",
    "too-large",
];

/// The problem with a message that came too late. Each try has a time of its own, so this says
/// nothing of the tries before.
pub(crate) const EXPIRED: &str = "expired";

/// Reads the table of statuses that `POST /v1/payments` documents. What no node sends, a proxy may;
/// its words are not taken for a node's.
pub(crate) fn of(tried: Result<Answer, Failed>) -> Verdict {
    let answer = match tried {
        Ok(answer) => answer,
        Err(Failed { why, sent: false }) => return Verdict::NotDone(why),
        Err(Failed { why, sent: true }) => return Verdict::MayBeDone(why),
    };
    let is_problem = has_type(&answer.headers, "application/problem+json");
    let is_report = has_type(&answer.headers, "application/xml");
    let status = answer.status;
    let says =
        |name: &str| answer.headers.get(name).is_some_and(|value| value.as_bytes() == b"true");
    let (repeated, provisional) = (says("evenkeel-repeated"), says("evenkeel-provisional"));
    if is_report && matches!(status, 200 | 422) && !provisional {
        return Verdict::Final { answer, repeated };
    }
    if is_report && status == 202 {
        return if provisional {
            Verdict::Provisional { answer, repeated }
        } else {
            Verdict::Pending(Trouble::InSettlement)
        };
    }
    let problem = Problem::read(status, &answer.body);
    match status {
        307 | 308 => match location(&answer.headers) {
            Some(location) => Verdict::Elsewhere(location, Trouble::Problem(Box::new(problem))),
            None => Verdict::NotDone(Trouble::Problem(Box::new(problem))),
        },
        400..=499 if is_problem && FOR_GOOD.contains(&problem.kind.as_str()) => {
            Verdict::Refused(problem)
        }
        // A request that was broken off, too slow, or at the wrong door. Above 451 stands what some
        // proxies make up for requests that they have handed on.
        400..=451 => Verdict::NotDone(Trouble::Problem(Box::new(problem))),
        503 if is_problem => Verdict::NotDone(Trouble::Problem(Box::new(problem))),
        _ => Verdict::MayBeDone(Trouble::Problem(Box::new(problem))),
    }
}

fn has_type(headers: &HeaderMap, kind: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(kind))
}

fn location(headers: &HeaderMap) -> Option<Uri> {
    headers.get(LOCATION)?.to_str().ok()?.parse().ok()
}
