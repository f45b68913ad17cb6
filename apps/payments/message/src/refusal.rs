//! Why a file is not a payment message that we take.

use crate::message::Original;
use crate::rules::Finding;
use crate::schema::problem::Departure;
use crate::xml;

/// What [`crate::read`] says instead of a message. The kinds differ in how they can be answered:
/// the first two only over the channel the file came on, the others with a pacs.002.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not well-formed XML.
    #[error("not well-formed XML")]
    NotXml(#[source] xml::error::Error),
    /// XML that only an attacker writes: a document type, own entities, beyond the limits.
    #[error("refused as hostile XML")]
    Attack(#[source] xml::error::Error),
    /// XML without a pacs.008 of a version read here, or with more than that one document.
    #[error("no single pacs.008 of a known version; {0}")]
    NotPacs008(Instead),
    /// A pacs.008 that departs from its schema.
    #[error("not valid against the schema of its version")]
    Schema {
        /// What an answer can repeat; `None` if the departure came before the message id.
        original: Option<Box<Original>>,
        /// The first departure.
        #[source]
        departure: Departure,
    },
    /// A valid pacs.008 that breaks rules beyond the schema.
    #[error("breaks a rule: {}", .0.first())]
    Rule(Box<Broken>),
}

/// What was found in place of one pacs.008.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Instead {
    /// No element `Document` of ISO 20022.
    #[error("no ISO 20022 document found")]
    Nothing,
    /// A document of another message or version.
    #[error("found {0}")]
    Other(Box<str>),
    /// More than one ISO 20022 document in one file. Of two pacs.008, which would the answer be
    /// about? And one that another message quotes, a cancellation for instance, is no order to pay.
    #[error("found several")]
    Several,
}

/// A message and the rules it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What an answer repeats.
    pub original: Original,
    /// At least one, in order of precedence (see [`crate::rules`]).
    findings: Vec<Finding>,
}

impl Broken {
    /// `first` is what the answer gives as its reason.
    pub(crate) fn new(original: Original, findings: Vec<Finding>) -> Option<Self> {
        if findings.is_empty() {
            return None;
        }
        Some(Self { original, findings })
    }

    /// All findings, the first in precedence first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The finding that decides.
    #[must_use]
    pub fn first(&self) -> &Finding {
        // `new` takes no empty list.
        self.findings.first().expect("a broken message has a finding")
    }

    /// Whether a rule about the message as a whole is broken. Otherwise only some transactions
    /// are wrong; settling the others is for the caller to decide.
    #[must_use]
    pub fn concerns_group(&self) -> bool {
        self.findings.iter().any(|finding| finding.transaction.is_none())
    }
}

impl From<xml::error::Error> for Refusal {
    fn from(error: xml::error::Error) -> Self {
        if error.is_attack() { Self::Attack(error) } else { Self::NotXml(error) }
    }
}
