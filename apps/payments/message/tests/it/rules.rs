//! Each rule beyond the schema, with the reason it gives.

use payments_message::refusal::Broken;
use payments_message::rules::Rule;
use payments_message::{Refusal, read};

use crate::support::changed;

fn broken(text: &str) -> Box<Broken> {
    match read(text.as_bytes()) {
        Err(Refusal::Rule(broken)) => broken,
        other => panic!("a broken rule expected, not {other:?}"),
    }
}

/// The reason is what the sender's clerk, or machine, acts on: the wrong one costs a day.
#[test]
fn each_rule_gives_its_reason() {
    use Rule::*;
    let iban = "<DbtrAcct><Id><IBAN>DE89370400440532013000";
    let amount = "<IntrBkSttlmAmt Ccy=\"EUR\">100.50";
    let total = "<TtlIntrBkSttlmAmt Ccy=\"EUR\">201.01</TtlIntrBkSttlmAmt>";
    let creditor = "<CdtrAgt><FinInstnId><BICFI>INGDDEFF</BICFI>";
    let debtor = "<DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI>";
    let group = "<IntrBkSttlmDt>2026-11-20</IntrBkSttlmDt>";
    let name = "<Dbtr><Nm>Søn &amp; Datter &lt;A/S&gt;</Nm>";
    for (from, to, rule, reason, transaction) in [
        ("<NbOfTxs>2", "<NbOfTxs>3", Count, "AM19", None),
        ("<CtrlSum>201.01", "<CtrlSum>201.02", ControlSum, "AM10", None),
        ("<CtrlSum>201.01", "<CtrlSum>201.010001", ControlSum, "AM10", None),
        (total, "<TtlIntrBkSttlmAmt Ccy=\"EUR\">201.02</TtlIntrBkSttlmAmt>", Total, "AM09", None),
        (total, "<TtlIntrBkSttlmAmt Ccy=\"USD\">201.01</TtlIntrBkSttlmAmt>", Total, "AM09", None),
        (
            total,
            "<TtlIntrBkSttlmAmt Ccy=\"EUR\">201.011</TtlIntrBkSttlmAmt>",
            Decimals,
            "CH20",
            None,
        ),
        (amount, "<IntrBkSttlmAmt Ccy=\"DEM\">100.50", CurrencyActive, "AM11", Some(0)),
        (amount, "<IntrBkSttlmAmt Ccy=\"XAU\">100.50", CurrencyActive, "AM11", Some(0)),
        (amount, "<IntrBkSttlmAmt Ccy=\"JPY\">100.50", Decimals, "CH20", Some(0)),
        (amount, "<IntrBkSttlmAmt Ccy=\"EUR\">100.505", Decimals, "CH20", Some(0)),
        (amount, "<IntrBkSttlmAmt Ccy=\"EUR\">0.00", NotZero, "AM01", Some(0)),
        (amount, "<IntrBkSttlmAmt Ccy=\"USD\">100.50", OneCurrency, "CURR", None),
        (iban, "<DbtrAcct><Id><IBAN>DE88370400440532013000", Iban, "AC02", Some(0)),
        ("<CdtrAcct><Id><IBAN>DE", "<CdtrAcct><Id><IBAN>GB", Iban, "AC03", Some(0)),
        (creditor, "<CdtrAgt><FinInstnId><BICFI>INGDXXFF</BICFI>", Bic, "RC07", Some(0)),
        (debtor, "<DbtrAgt><FinInstnId><BICFI>COBAUKFF</BICFI>", Bic, "RC06", Some(0)),
        (
            "<InstgAgt><FinInstnId><BICFI>COBADE",
            "<InstgAgt><FinInstnId><BICFI>COBAZZ",
            Bic,
            "RC05",
            None,
        ),
        (
            debtor,
            "<DbtrAgt><FinInstnId><ClrSysMmbId><ClrSysId><Cd>XXXXX</Cd></ClrSysId><MmbId>1</MmbId></ClrSysMmbId>",
            ClearingSystem,
            "RC09",
            Some(0),
        ),
        (debtor, "<DbtrAgt><FinInstnId><LEI>529900T8BM49AURSDO56</LEI>", Lei, "RC03", Some(0)),
        (name, "<Dbtr><CtryOfRes>UK</CtryOfRes>", Country, "BE10", Some(0)),
        (group, "<IntrBkSttlmDt>2206-11-20</IntrBkSttlmDt>", SettlementDate, "DT01", None),
        (group, "<IntrBkSttlmDt>12026-11-20</IntrBkSttlmDt>", SettlementDate, "DT01", None),
        ("<Cd>SEPA</Cd>", "<Cd>SEPX</Cd>", ServiceLevel, "FF04", None),
        ("<CtgyPurp><Cd>SUPP", "<CtgyPurp><Cd>supp", CategoryPurpose, "FF06", None),
        ("<Purp><Cd>SUPP", "<Purp><Cd>XXXX", Purpose, "FF07", Some(0)),
    ] {
        let broken = broken(&changed(from, to));
        let first = broken.first();
        assert_eq!(
            (first.rule, first.reason.code(), first.transaction),
            (rule, reason, transaction),
            "{to}: {first}"
        );
        assert_eq!(broken.original.message_id, "MSG-1");
        assert_eq!(broken.original.transactions.len(), 2);
    }
}

/// When several rules are broken, the reason may not depend on the order of the file.
#[test]
fn precedence_is_group_then_transaction_then_rule() {
    let text = changed("<Purp><Cd>SUPP", "<Purp><Cd>XXXX")
        .replacen("<DbtrAcct><Id><IBAN>DE89", "<DbtrAcct><Id><IBAN>DE88", 1)
        .replacen("<CtrlSum>201.01", "<CtrlSum>1", 1)
        .replacen("<Cd>SEPA</Cd>", "<Cd>SEPX</Cd>", 1);
    let broken = broken(&text);
    let order: Vec<_> = broken.findings().iter().map(|f| (f.transaction, f.rule)).collect();
    assert_eq!(
        order,
        [
            (None, Rule::ControlSum),
            (None, Rule::ServiceLevel),
            (Some(0), Rule::Iban),
            (Some(0), Rule::Purpose)
        ]
    );
    assert!(broken.concerns_group());
}

/// Amounts that are written differently but are the same amount must not be refused.
#[test]
fn equal_amounts_are_equal_however_written() {
    for (from, to) in [
        ("<CtrlSum>201.01", "<CtrlSum> +0201.01000 "),
        ("Ccy=\"EUR\">100.50", "Ccy=\"EUR\">100.5"),
        ("Ccy=\"EUR\">100.50", "Ccy=\"EUR\">0100.50000"),
    ] {
        assert!(read(changed(from, to).as_bytes()).is_ok(), "{to}");
    }
}
