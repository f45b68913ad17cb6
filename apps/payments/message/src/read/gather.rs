//! Picks the values of a message out of its elements.

use types::{Amount, Currency, Hash};

use crate::date::Date;
use crate::limits::QUOTED_CHARS_MAX;
use crate::message::{
    Account, Agent, ChargeBearer, CreditTransfer, Header, Original, PaymentId, SettlementMethod,
    Transaction, Version,
};
use crate::reason::Reason;
use crate::refusal::{Broken, Refusal};
use crate::rules::whole::{self, Money};
use crate::rules::{Finding, Findings, Rule, amount, leaf};
use crate::schema::Simple;
use crate::schema::validate::{Step, Visit, written};
use crate::schema::value::Decimal;
use crate::xml::error::quote;

/// What has been read of the group header.
#[derive(Default)]
struct Group {
    message_id: Option<String>,
    created: Option<String>,
    count: Option<String>,
    control_sum: Option<String>,
    total: Option<Money>,
    settlement: Option<String>,
    method: Option<SettlementMethod>,
    clearing_system: Option<String>,
    kind: Kind,
    instructing: Option<Agent>,
    instructed: Option<Agent>,
}

/// `PmtTpInf`, which stands in the group or in the transaction.
#[derive(Clone, Default)]
struct Kind {
    service_levels: Vec<String>,
    local_instrument: Option<String>,
    category_purpose: Option<String>,
}

/// What has been read of a transaction.
#[derive(Default)]
struct Draft {
    id: PaymentId,
    amount: Money,
    settlement: Option<String>,
    instructing: Option<Agent>,
    instructed: Option<Agent>,
    debtor_name: Option<String>,
    debtor_account: Option<Account>,
    debtor_agent: Agent,
    creditor_name: Option<String>,
    creditor_account: Option<Account>,
    creditor_agent: Agent,
    charge_bearer: Option<ChargeBearer>,
    kind: Kind,
    purpose: Option<String>,
    remittance: Vec<String>,
    references: Vec<String>,
}

/// Gathers one message.
pub(super) struct Gather {
    version: Version,
    group: Group,
    transactions: Vec<Draft>,
    findings: Findings,
}

impl Visit for Gather {
    fn open(&mut self, path: &[Step]) {
        if let [_, Step { name: "CdtTrfTxInf", .. }] = path {
            self.transactions.push(Draft::default());
        }
    }

    fn leaf(&mut self, path: &[Step], of: &Simple, text: &str, attribute: Option<&str>) {
        // The first step is the message element. Paths of interest are short.
        let mut names = [""; 6];
        for (name, step) in names.iter_mut().zip(path.iter().skip(1)) {
            *name = step.name;
        }
        let deep = path.len() > names.len() + 1;
        let transaction = match names.first() {
            Some(&"CdtTrfTxInf") => self.transactions.len().checked_sub(1),
            _ => None,
        };
        if let Some(finding) = leaf::check(path, of, text, transaction) {
            self.findings.push(finding);
        }
        let money = match attribute {
            Some(code) => self.money(path, text, code, transaction),
            None => None,
        };
        if deep {
            return;
        }
        let [first, rest @ ..] = &names;
        match (*first, self.transactions.last_mut()) {
            ("GrpHdr", _) => self.group.keep(rest, text, money),
            ("CdtTrfTxInf", Some(draft)) => draft.keep(rest, text, money),
            _ => {}
        }
    }
}

impl Gather {
    pub(super) fn new(version: Version) -> Self {
        let findings = Findings::default();
        Self { version, group: Group::default(), transactions: Vec::new(), findings }
    }

    /// What an answer can repeat by now.
    pub(super) fn original(&self) -> Option<Original> {
        Some(Original {
            version: self.version,
            message_id: self.group.message_id.clone()?,
            created: self.group.created.clone(),
            count: self.group.count.clone(),
            transactions: self.transactions.iter().map(|draft| draft.id.clone()).collect(),
        })
    }

    /// An element with a currency: settlement amounts must be money, others only must not have
    /// more decimals than their currency, where that is in use.
    fn money(
        &mut self,
        path: &[Step],
        text: &str,
        code: &str,
        transaction: Option<usize>,
    ) -> Money {
        let settles =
            matches!(path, [_, _, Step { name: "IntrBkSttlmAmt" | "TtlIntrBkSttlmAmt", .. }]);
        let mut found = |rule, reason, what: String| {
            let path = written(path);
            self.findings.push(Finding { rule, reason, transaction, path, text: what.into() });
        };
        let Some(currency) = Currency::from_code(code) else {
            if settles {
                let what = format!("{code} is not a currency in use");
                found(Rule::CurrencyActive, Reason::AM11, what);
            }
            return None;
        };
        let short = quote(text, QUOTED_CHARS_MAX);
        let number = Decimal::read(text)?;
        match amount::minor_units(number, currency) {
            Err(wrong) => {
                found(Rule::Decimals, Reason::CH20, format!("{short} {code}: {wrong}"));
                None
            }
            Ok(Amount::ZERO) if settles => {
                found(Rule::NotZero, Reason::AM01, format!("{short} {code} moves nothing"));
                None
            }
            Ok(amount) => Some((amount, currency)),
        }
    }

    /// The message, or what is wrong with it. Called when the document was valid.
    pub(super) fn finish(
        mut self,
        header: Option<Header>,
        content: Hash,
    ) -> Result<CreditTransfer, Refusal> {
        let transactions = &self.transactions;
        let whole = whole::Whole {
            definition: header.as_ref().and_then(|header| header.definition.as_deref()),
            message: self.version.message(),
            count: self.group.count.as_deref().unwrap_or_default(),
            control_sum: self.group.control_sum.as_deref(),
            total: self.group.total,
            created: self.group.created.as_deref().unwrap_or_default(),
            settlement: self.group.settlement.as_deref(),
            transactions: transactions
                .iter()
                .map(|d| (d.amount, d.settlement.as_deref()))
                .collect(),
        };
        let sums = whole::check(&whole, &mut self.findings);
        let original = self.original();
        let findings = core::mem::take(&mut self.findings).ordered();
        // A valid document has what follows: the tables say so, a test holds them to it.
        let original = original.expect("the schema demands a message id");
        if let Some(broken) = Broken::new(original, findings) {
            return Err(Refusal::Rule(Box::new(broken)));
        }
        let sums = sums.expect("amounts without a sum are a finding");
        let Group { settlement, kind, instructing, instructed, .. } = &self.group;
        let group_date = settlement.as_deref().and_then(Date::read);
        let defaults = (group_date, kind, instructing, instructed);
        let drafts = self.transactions;
        let transactions = drafts.into_iter().map(|draft| draft.finish(defaults)).collect();
        Ok(CreditTransfer {
            version: self.version,
            header,
            message_id: self.group.message_id.unwrap_or_default(),
            created: self.group.created.unwrap_or_default(),
            settlement_method: self.group.method.expect("the schema demands a method"),
            clearing_system: self.group.clearing_system,
            currency: sums.currency,
            total: sums.total,
            transactions,
            content,
        })
    }
}

impl Group {
    fn keep(&mut self, names: &[&str], text: &str, money: Money) {
        let own = || Some(text.to_owned());
        match names {
            ["MsgId", ..] => self.message_id = own(),
            ["CreDtTm", ..] => self.created = own(),
            ["NbOfTxs", ..] => self.count = own(),
            ["CtrlSum", ..] => self.control_sum = own(),
            ["TtlIntrBkSttlmAmt", ..] => self.total = Some(money),
            ["IntrBkSttlmDt", ..] => self.settlement = own(),
            ["SttlmInf", "SttlmMtd", ..] => {
                self.method = match text {
                    "INDA" => Some(SettlementMethod::InstructedAgent),
                    "INGA" => Some(SettlementMethod::InstructingAgent),
                    "COVE" => Some(SettlementMethod::Cover),
                    _ => Some(SettlementMethod::Clearing),
                };
            }
            ["SttlmInf", "ClrSys", ..] => self.clearing_system = own(),
            ["PmtTpInf", rest @ ..] => self.kind.keep(rest, text),
            ["InstgAgt", rest @ ..] => self.instructing.get_or_insert_default().keep(rest, text),
            ["InstdAgt", rest @ ..] => self.instructed.get_or_insert_default().keep(rest, text),
            _ => {}
        }
    }
}

impl Kind {
    fn keep(&mut self, names: &[&str], text: &str) {
        match names {
            ["SvcLvl", ..] => self.service_levels.push(text.to_owned()),
            ["LclInstrm", ..] => self.local_instrument = Some(text.to_owned()),
            ["CtgyPurp", ..] => self.category_purpose = Some(text.to_owned()),
            _ => {}
        }
    }
}

impl Agent {
    fn keep(&mut self, names: &[&str], text: &str) {
        let own = || Some(text.to_owned());
        match names {
            ["FinInstnId", "BICFI", ..] => self.bic = own(),
            ["FinInstnId", "ClrSysMmbId", "MmbId", ..] => self.member = own(),
            ["FinInstnId", "ClrSysMmbId", ..] => self.clearing_system = own(),
            ["FinInstnId", "LEI", ..] => self.lei = own(),
            ["FinInstnId", "Nm", ..] => self.name = own(),
            _ => {}
        }
    }
}

fn account(names: &[&str], text: &str) -> Option<Account> {
    match names {
        ["Id", "IBAN", ..] => Some(Account::Iban(text.to_owned())),
        ["Id", "Othr", "Id", ..] => Some(Account::Other(text.to_owned())),
        _ => None,
    }
}

impl Draft {
    fn keep(&mut self, names: &[&str], text: &str, money: Money) {
        let own = || Some(text.to_owned());
        match names {
            ["PmtId", "InstrId", ..] => self.id.instruction = own(),
            ["PmtId", "EndToEndId", ..] => text.clone_into(&mut self.id.end_to_end),
            ["PmtId", "TxId", ..] => self.id.transaction = own(),
            ["PmtId", "UETR", ..] => self.id.uetr = own(),
            ["IntrBkSttlmAmt", ..] => self.amount = money,
            ["IntrBkSttlmDt", ..] => self.settlement = own(),
            ["ChrgBr", ..] => {
                self.charge_bearer = match text {
                    "DEBT" => Some(ChargeBearer::Debtor),
                    "CRED" => Some(ChargeBearer::Creditor),
                    "SHAR" => Some(ChargeBearer::Shared),
                    _ => Some(ChargeBearer::ServiceLevel),
                };
            }
            ["InstgAgt", rest @ ..] => self.instructing.get_or_insert_default().keep(rest, text),
            ["InstdAgt", rest @ ..] => self.instructed.get_or_insert_default().keep(rest, text),
            ["Dbtr", "Nm", ..] => self.debtor_name = own(),
            ["DbtrAcct", rest @ ..] => {
                self.debtor_account = account(rest, text).or(self.debtor_account.take());
            }
            ["DbtrAgt", rest @ ..] => self.debtor_agent.keep(rest, text),
            ["CdtrAgt", rest @ ..] => self.creditor_agent.keep(rest, text),
            ["Cdtr", "Nm", ..] => self.creditor_name = own(),
            ["CdtrAcct", rest @ ..] => {
                self.creditor_account = account(rest, text).or(self.creditor_account.take());
            }
            ["PmtTpInf", rest @ ..] => self.kind.keep(rest, text),
            ["Purp", ..] => self.purpose = own(),
            ["RmtInf", "Ustrd", ..] => self.remittance.push(text.to_owned()),
            ["RmtInf", "Strd", "CdtrRefInf", "Ref", ..] => self.references.push(text.to_owned()),
            _ => {}
        }
    }

    /// With the group's values where the transaction has none of its own.
    fn finish(
        self,
        (date, kind, instructing, instructed): (
            Option<Date>,
            &Kind,
            &Option<Agent>,
            &Option<Agent>,
        ),
    ) -> Transaction {
        let Kind { service_levels, local_instrument, category_purpose } = self.kind;
        let service_levels =
            if service_levels.is_empty() { kind.service_levels.clone() } else { service_levels };
        Transaction {
            id: self.id,
            amount: self.amount.map(|(amount, _)| amount).unwrap_or_default(),
            settlement_date: self.settlement.as_deref().and_then(Date::read).or(date),
            instructing_agent: self.instructing.or_else(|| instructing.clone()),
            instructed_agent: self.instructed.or_else(|| instructed.clone()),
            debtor_name: self.debtor_name,
            debtor_account: self.debtor_account,
            debtor_agent: self.debtor_agent,
            creditor_name: self.creditor_name,
            creditor_account: self.creditor_account,
            creditor_agent: self.creditor_agent,
            charge_bearer: self.charge_bearer.expect("the schema demands a charge bearer"),
            service_levels,
            local_instrument: local_instrument.or_else(|| kind.local_instrument.clone()),
            category_purpose: category_purpose.or_else(|| kind.category_purpose.clone()),
            purpose: self.purpose,
            remittance: self.remittance,
            references: self.references,
        }
    }
}
