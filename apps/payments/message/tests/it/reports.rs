//! Status reports: valid in every version, and saying what happened.

use payments_message::date::moment;
use payments_message::message::Version;
use payments_message::read;
use payments_message::reason::Reason;
use payments_message::status::{Because, NotAReport, Outcome, Report, Scope, Status};
use payments_message::verdict::verdicts;
use types::Stamp;

use crate::support::{draft, shared};

fn because(code: &str, text: &str) -> Vec<Because> {
    let reason = Reason::from_code(code).expect("a published reason");
    vec![Because { reason, text: text.to_owned() }]
}

fn outcome(status: Status) -> Outcome {
    let because = if status == Status::Rejected {
        because("AM04", "no <funds> & no limit")
    } else {
        Vec::new()
    };
    Outcome {
        status,
        because,
        accepted: Some(moment(Stamp(1_795_161_600_000_000))),
        settled_on: None,
    }
}

fn report(version: Version, scope: Scope) -> Report {
    let message = read(&draft(2).write(version)).expect("a valid message");
    Report {
        id: "RPT-1".to_owned(),
        created: moment(Stamp(1_795_161_600_000_000)),
        from: Some("INGDDEFF".to_owned()),
        to: Some("COBADEFFXXX".to_owned()),
        original: message.original(),
        scope,
    }
}

/// An answer that its receiver's schema refuses is no answer.
#[test]
fn reports_are_valid_in_every_version() {
    // ASCII: the second validator counts bytes where the schema counts characters.
    let long = "x".repeat(500);
    for version in Version::ALL {
        let mut scopes = vec![
            Scope::Group { status: Status::Rejected, because: because("FF01", &long) },
            Scope::Each(vec![outcome(Status::Settled), outcome(Status::Rejected)]),
        ];
        scopes.extend(Status::ALL.map(|status| Scope::Each(vec![outcome(status); 2])));
        for scope in scopes {
            let written = report(version, scope).write().expect("a report");
            let found = verdicts(&written).expect("well-formed XML");
            let [verdict] = found.as_slice() else { panic!("one document") };
            assert_eq!((verdict.message, &verdict.departure), (version.answer(), &None));
            second_opinion(version.answer(), &written);
        }
    }
}

fn second_opinion(message: &str, written: &[u8]) {
    let Some(folder) = shared("iso20022-xsd") else { return };
    let schema = std::fs::read_to_string(folder.join(format!("{message}.xsd"))).expect("a schema");
    let schema = uppsala::parse(&schema).expect("a schema document");
    let validator = uppsala::XsdValidator::from_schema(&schema).expect("a schema");
    let text = std::str::from_utf8(written).expect("UTF-8");
    let errors = validator.validate(&uppsala::parse(text).expect("well-formed XML"));
    assert!(errors.is_empty(), "{errors:?}");
}

/// What is repeated must be found again by the sender, and nothing may be escaped twice.
#[test]
fn reports_say_what_happened() {
    let scope = Scope::Each(vec![outcome(Status::Settled), outcome(Status::Rejected)]);
    let written = report(Version::V08, scope).write().expect("a report");
    let text = String::from_utf8(written).expect("UTF-8");
    for part in [
        "xmlns=\"urn:iso:std:iso:20022:tech:xsd:pacs.002.001.10\"",
        "<OrgnlMsgId>MSG-1</OrgnlMsgId><OrgnlMsgNmId>pacs.008.001.08</OrgnlMsgNmId>",
        "<OrgnlNbOfTxs>2</OrgnlNbOfTxs><GrpSts>PART</GrpSts>",
        "<OrgnlEndToEndId>E2E-0</OrgnlEndToEndId>",
        "<TxSts>ACSC</TxSts><AccptncDtTm>2026-11-20T08:00:00.000Z</AccptncDtTm>",
        "<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AM04</Cd></Rsn><AddtlInf>no &lt;funds&gt; &amp; no limit</AddtlInf>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    // Accepted to different degrees: no one group status is true.
    let scope = Scope::Each(vec![outcome(Status::Settled), outcome(Status::Pending)]);
    let written = report(Version::V08, scope).write().expect("a report");
    assert!(!String::from_utf8_lossy(&written).contains("GrpSts"));
}

/// Limits count characters: a reason in Greek is cut where one in Latin is.
#[test]
fn long_reasons_are_cut_between_characters() {
    let because = because("NARR", &"λ".repeat(500));
    let scope = Scope::Group { status: Status::Rejected, because };
    let written = report(Version::V13, scope).write().expect("a report");
    let text = String::from_utf8(written).expect("UTF-8");
    let line = format!("<AddtlInf>{}</AddtlInf>", "λ".repeat(105));
    assert!(text.contains(&format!("{line}{line}</StsRsnInf>")), "{text}");
}

/// What cannot be said rightly is not said.
#[test]
fn wrong_reports_are_not_written() {
    let settled = || Scope::Each(vec![outcome(Status::Settled); 2]);
    let mut wrong = report(Version::V08, settled());
    wrong.id = "x".repeat(36);
    assert_eq!(wrong.write(), Err(NotAReport::Id(36)));
    let mut wrong = report(Version::V08, settled());
    wrong.created = "today".to_owned();
    assert!(matches!(wrong.write(), Err(NotAReport::Invalid(_))));
    let wrong = report(Version::V08, Scope::Each(Vec::new()));
    assert_eq!(wrong.write(), Err(NotAReport::Outcomes { outcomes: 0, transactions: 2 }));
    let unexplained = Outcome { because: Vec::new(), ..outcome(Status::Rejected) };
    let wrong = report(Version::V08, Scope::Each(vec![unexplained; 2]));
    assert_eq!(wrong.write(), Err(NotAReport::Unexplained));
}
