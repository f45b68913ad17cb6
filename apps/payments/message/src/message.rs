//! A pacs.008 as the rest of the system sees it.
//!
//! A [`CreditTransfer`] that exists is valid against its schema and keeps every rule of
//! [`crate::rules`]. Texts are as the sender wrote them.

use types::{Amount, Currency, Hash};

use crate::date::Date;

/// The versions of pacs.008 that are read, each answered in the pacs.002 of the same release.
///
/// Releases pair up by the year of their schemas: .08 and pacs.002.001.10 are of 2019, .10 and .12
/// of 2021, .12 and .14 of 2024, .13 and .15 of 2025.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// pacs.008.001.08, which most networks run today.
    V08,
    /// pacs.008.001.10.
    V10,
    /// pacs.008.001.12.
    V12,
    /// pacs.008.001.13.
    V13,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V08, Self::V10, Self::V12, Self::V13];

    /// `pacs.008.001.08` and so on.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::V08 => "pacs.008.001.08",
            Self::V10 => "pacs.008.001.10",
            Self::V12 => "pacs.008.001.12",
            Self::V13 => "pacs.008.001.13",
        }
    }

    /// The status report that answers it.
    #[must_use]
    pub const fn answer(self) -> &'static str {
        match self {
            Self::V08 => "pacs.002.001.10",
            Self::V10 => "pacs.002.001.12",
            Self::V12 => "pacs.002.001.14",
            Self::V13 => "pacs.002.001.15",
        }
    }

    /// The version of that name.
    #[must_use]
    pub fn of(message: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.message() == message)
    }
}

/// A customer credit transfer between financial institutions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditTransfer {
    /// Its version.
    pub version: Version,
    /// The business application header it came with, if any.
    pub header: Option<Header>,
    /// `MsgId`.
    pub message_id: String,
    /// `CreDtTm`, an `xs:dateTime`.
    pub created: String,
    /// `SttlmInf/SttlmMtd`.
    pub settlement_method: SettlementMethod,
    /// `SttlmInf/ClrSys`: an external code or a proprietary name.
    pub clearing_system: Option<String>,
    /// The one currency of all transactions.
    pub currency: Currency,
    /// The sum of all transactions. `CtrlSum` and `TtlIntrBkSttlmAmt`, where present, equal it.
    pub total: Amount,
    /// The transactions, at least one.
    pub transactions: Vec<Transaction>,
    /// What the document says, as one hash: the same for the same message written another way.
    pub content: Hash,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// `PmtId`.
    pub id: PaymentId,
    /// `IntrBkSttlmAmt`, more than zero.
    pub amount: Amount,
    /// `IntrBkSttlmDt`, of the transaction or else of the group.
    pub settlement_date: Option<Date>,
    /// `InstgAgt`, of the transaction or else of the group.
    pub instructing_agent: Option<Agent>,
    /// `InstdAgt`, of the transaction or else of the group.
    pub instructed_agent: Option<Agent>,
    /// `Dbtr/Nm`.
    pub debtor_name: Option<String>,
    /// `DbtrAcct/Id`.
    pub debtor_account: Option<Account>,
    /// `DbtrAgt`.
    pub debtor_agent: Agent,
    /// `Cdtr/Nm`.
    pub creditor_name: Option<String>,
    /// `CdtrAcct/Id`.
    pub creditor_account: Option<Account>,
    /// `CdtrAgt`.
    pub creditor_agent: Agent,
    /// `ChrgBr`.
    pub charge_bearer: ChargeBearer,
    /// `PmtTpInf/SvcLvl`, codes and proprietary names, of the transaction or else of the group.
    pub service_levels: Vec<String>,
    /// `PmtTpInf/LclInstrm`, code or proprietary name, likewise.
    pub local_instrument: Option<String>,
    /// `PmtTpInf/CtgyPurp`, code or proprietary name, likewise.
    pub category_purpose: Option<String>,
    /// `Purp`, code or proprietary name.
    pub purpose: Option<String>,
    /// `RmtInf/Ustrd`, each line.
    pub remittance: Vec<String>,
    /// `RmtInf/Strd/CdtrRefInf/Ref`, each reference.
    pub references: Vec<String>,
}

/// The names of a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentId {
    /// `InstrId`: given by the instructing agent, point to point.
    pub instruction: Option<String>,
    /// `EndToEndId`: given by the debtor's side, never changes on the way.
    pub end_to_end: String,
    /// `TxId`: given by the first instructing agent, never changes on the way.
    pub transaction: Option<String>,
    /// `UETR`: a UUID version 4 in lower case, unique in the world.
    pub uetr: Option<String>,
}

/// A financial institution: whatever identifies it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// `BICFI`, 8 or 11 characters.
    pub bic: Option<String>,
    /// `ClrSysMmbId/MmbId`.
    pub member: Option<String>,
    /// `ClrSysMmbId/ClrSysId`: an external code or a proprietary name.
    pub clearing_system: Option<String>,
    /// `LEI`.
    pub lei: Option<String>,
    /// `Nm`.
    pub name: Option<String>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// An international bank account number, check digits right.
    Iban(String),
    /// `Othr/Id`: any other number.
    Other(String),
}

impl Account {
    /// The number.
    #[must_use]
    pub fn number(&self) -> &str {
        match self {
            Self::Iban(number) | Self::Other(number) => number,
        }
    }
}

/// Who pays the charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeBearer {
    /// `DEBT`.
    Debtor,
    /// `CRED`.
    Creditor,
    /// `SHAR`.
    Shared,
    /// `SLEV`: as the service level says.
    ServiceLevel,
}

/// How the agents settle between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementMethod {
    /// `INDA`: over an account at the instructed agent.
    InstructedAgent,
    /// `INGA`: over an account at the instructing agent.
    InstructingAgent,
    /// `COVE`: by a cover payment.
    Cover,
    /// `CLRG`: over a clearing system.
    Clearing,
}

/// A business application header (head.001), as far as it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// `BizMsgIdr`.
    pub business_message: Option<String>,
    /// `MsgDefIdr`.
    pub definition: Option<String>,
    /// `Fr/FIId/FinInstnId`: BIC, or else the clearing member.
    pub from: Option<String>,
    /// `To/FIId/FinInstnId`: BIC, or else the clearing member.
    pub to: Option<String>,
}

/// What an answer repeats of a message, whether the message was fit to be booked or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The version it was sent in.
    pub version: Version,
    /// `MsgId`.
    pub message_id: String,
    /// `CreDtTm`, if it was legal.
    pub created: Option<String>,
    /// `NbOfTxs`, if it was legal: digits as sent, or the bare number once the message was taken.
    pub count: Option<String>,
    /// The transactions that were read, in order.
    pub transactions: Vec<PaymentId>,
}

impl CreditTransfer {
    /// What an answer repeats of it.
    #[must_use]
    pub fn original(&self) -> Original {
        Original {
            version: self.version,
            message_id: self.message_id.clone(),
            created: Some(self.created.clone()),
            count: Some(self.transactions.len().to_string()),
            transactions: self.transactions.iter().map(|one| one.id.clone()).collect(),
        }
    }
}
