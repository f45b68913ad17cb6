//! pacs.008 messages to try things with: for the demo's load, benchmarks and tests.
//!
//! A draft is written as it stands, valid or not: a load generator needs wrong messages too.

use types::{Amount, Currency};

use crate::message::Version;
use crate::rules::{amount, iban};
use crate::schema::NAMESPACE_STEM;
use crate::write::Writer;

/// A message to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// `MsgId`.
    pub message_id: String,
    /// `CreDtTm`, such as [`crate::date::moment`] writes.
    pub created: String,
    /// `IntrBkSttlmDt` of each payment, `YYYY-MM-DD`.
    pub settlement_date: String,
    /// BIC of the instructing agent, which is the debtors' bank.
    pub instructing: String,
    /// BIC of the instructed agent, which is the creditors' bank.
    pub instructed: String,
    /// The payments.
    pub payments: Vec<Payment>,
}

/// One payment of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// `InstrId`.
    pub instruction_id: String,
    /// `EndToEndId`.
    pub end_to_end_id: String,
    /// `TxId`.
    pub transaction_id: String,
    /// `UETR`; see [`uetr`].
    pub uetr: String,
    /// `IntrBkSttlmAmt`.
    pub amount: Amount,
    /// Its currency.
    pub currency: Currency,
    /// `Dbtr/Nm`.
    pub debtor: String,
    /// `DbtrAcct/Id/IBAN`; see [`german_iban`].
    pub debtor_iban: String,
    /// `Cdtr/Nm`.
    pub creditor: String,
    /// `CdtrAcct/Id/IBAN`.
    pub creditor_iban: String,
    /// `Purp/Cd`.
    pub purpose: Option<String>,
    /// `RmtInf/Ustrd`.
    pub remittance: String,
}

impl Draft {
    /// The message in that version. Control sum and total are computed if all payments are in one
    /// currency, and left out otherwise.
    #[must_use]
    pub fn write(&self, version: Version) -> Vec<u8> {
        let mut writer = Writer::document(&format!("{NAMESPACE_STEM}{}", version.message()));
        writer.element("FIToFICstmrCdtTrf", |w| {
            w.element("GrpHdr", |w| self.group(w));
            for payment in &self.payments {
                w.element("CdtTrfTxInf", |w| self.payment(w, payment));
            }
        });
        writer.finish()
    }

    fn group(&self, w: &mut Writer) {
        w.text("MsgId", &self.message_id);
        w.text("CreDtTm", &self.created);
        w.text("NbOfTxs", &self.payments.len().to_string());
        if let Some((total, currency)) = self.total() {
            let total = amount::decimal(total, currency);
            w.text("CtrlSum", &total);
            w.amount("TtlIntrBkSttlmAmt", currency.code(), &total);
        }
        w.text("IntrBkSttlmDt", &self.settlement_date);
        w.element("SttlmInf", |w| w.text("SttlmMtd", "CLRG"));
        w.element("PmtTpInf", |w| {
            w.element("SvcLvl", |w| w.text("Cd", "SEPA"));
            w.element("CtgyPurp", |w| w.text("Cd", "SUPP"));
        });
        agent(w, "InstgAgt", &self.instructing);
        agent(w, "InstdAgt", &self.instructed);
    }

    fn payment(&self, w: &mut Writer, payment: &Payment) {
        w.element("PmtId", |w| {
            w.text("InstrId", &payment.instruction_id);
            w.text("EndToEndId", &payment.end_to_end_id);
            w.text("TxId", &payment.transaction_id);
            w.text("UETR", &payment.uetr);
        });
        let currency = payment.currency;
        let value = amount::decimal(payment.amount, currency);
        w.amount("IntrBkSttlmAmt", currency.code(), &value);
        w.text("ChrgBr", "SLEV");
        party(w, "Dbtr", &payment.debtor);
        account(w, "DbtrAcct", &payment.debtor_iban);
        agent(w, "DbtrAgt", &self.instructing);
        agent(w, "CdtrAgt", &self.instructed);
        party(w, "Cdtr", &payment.creditor);
        account(w, "CdtrAcct", &payment.creditor_iban);
        if let Some(purpose) = &payment.purpose {
            w.element("Purp", |w| w.text("Cd", purpose));
        }
        if !payment.remittance.is_empty() {
            w.element("RmtInf", |w| w.text("Ustrd", &payment.remittance));
        }
    }

    fn total(&self) -> Option<(Amount, Currency)> {
        let currency = self.payments.first()?.currency;
        let mut total = Amount::ZERO;
        for payment in &self.payments {
            if payment.currency != currency {
                return None;
            }
            total = total.checked_add(payment.amount)?;
        }
        Some((total, currency))
    }
}

fn agent(w: &mut Writer, name: &'static str, bic: &str) {
    w.element(name, |w| w.element("FinInstnId", |w| w.text("BICFI", bic)));
}

fn party(w: &mut Writer, name: &'static str, called: &str) {
    w.element(name, |w| w.text("Nm", called));
}

fn account(w: &mut Writer, name: &'static str, iban: &str) {
    w.element(name, |w| w.element("Id", |w| w.text("IBAN", iban)));
}

/// A German IBAN with right check digits for the bank code `bank` (its last 8 digits count) and the
/// account `number` (its last 10).
#[must_use]
pub fn german_iban(bank: u32, number: u64) -> String {
    let account = format!("{:08}{:010}", bank % 100_000_000, number % 10_000_000_000);
    let digits = iban::check_digits("DE", &account).expect("an account of digits");
    format!("DE{digits:02}{account}")
}

/// A UUID of version 4 made of 128 bits of the caller's choice; six of them give way to the marks
/// of version and variant.
#[must_use]
pub fn uetr(bits: u128) -> String {
    let marked = bits & !(0xF << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
    let hex = format!("{marked:032x}");
    let mut out = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(digit);
    }
    out
}
