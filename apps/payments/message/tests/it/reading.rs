//! What is read out of a message.

use payments_message::message::{Account, ChargeBearer, SettlementMethod, Version};
use payments_message::refusal::Instead;
use payments_message::{Refusal, read};
use types::Amount;

use crate::support::{changed, draft, shared};

/// Every field that the model books by must arrive as it was sent, in every version.
#[test]
fn a_written_draft_is_read_back() {
    for version in Version::ALL {
        let sent = draft(3);
        let read = read(&sent.write(version)).expect("a valid message");
        assert_eq!(read.version, version);
        assert_eq!(read.message_id, sent.message_id);
        assert_eq!(read.created, sent.created);
        assert_eq!(read.settlement_method, SettlementMethod::Clearing);
        assert_eq!(read.total, Amount(10_050 + 10_051 + 10_052));
        assert_eq!(read.header, None);
        assert_eq!(read.transactions.len(), 3);
        for (one, sent_one) in read.transactions.iter().zip(&sent.payments) {
            assert_eq!(one.id.instruction.as_ref(), Some(&sent_one.instruction_id));
            assert_eq!(one.id.end_to_end, sent_one.end_to_end_id);
            assert_eq!(one.id.transaction.as_ref(), Some(&sent_one.transaction_id));
            assert_eq!(one.id.uetr.as_ref(), Some(&sent_one.uetr));
            assert_eq!(one.amount, sent_one.amount);
            assert_eq!(one.debtor_name.as_ref(), Some(&sent_one.debtor));
            assert_eq!(one.creditor_name.as_ref(), Some(&sent_one.creditor));
            assert_eq!(one.debtor_account, Some(Account::Iban(sent_one.debtor_iban.clone())));
            assert_eq!(one.creditor_account, Some(Account::Iban(sent_one.creditor_iban.clone())));
            assert_eq!(one.debtor_agent.bic.as_ref(), Some(&sent.instructing));
            assert_eq!(one.creditor_agent.bic.as_ref(), Some(&sent.instructed));
            assert_eq!(one.charge_bearer, ChargeBearer::ServiceLevel);
            assert_eq!(one.purpose, sent_one.purpose);
            assert_eq!(one.remittance, std::slice::from_ref(&sent_one.remittance));
            // From the group.
            let agent = one.instructing_agent.as_ref().and_then(|agent| agent.bic.as_ref());
            assert_eq!(agent, Some(&sent.instructing));
            assert_eq!(
                one.settlement_date.map(|date| date.to_string()),
                Some(sent.settlement_date.clone())
            );
            assert_eq!(one.service_levels, ["SEPA"]);
            assert_eq!(one.category_purpose.as_deref(), Some("SUPP"));
        }
    }
}

/// A payment by account number, without names or ids, is as good as any other.
#[test]
fn optional_parts_may_be_absent() {
    let iban = "<Id><IBAN>DE89370400440532013000</IBAN></Id>";
    let text = changed(iban, "<Id><Othr><Id>12-345</Id></Othr></Id>");
    let message = read(text.as_bytes()).expect("a valid message");
    assert_eq!(message.transactions[0].debtor_account, Some(Account::Other("12-345".to_owned())));
    let text = changed(&format!("<DbtrAcct>{iban}</DbtrAcct>"), "");
    let message = read(text.as_bytes()).expect("a valid message");
    assert_eq!(message.transactions[0].debtor_account, None);
    let text = changed("<TxId>TX-0</TxId>", "");
    let message = read(text.as_bytes()).expect("a valid message");
    assert_eq!(message.transactions[0].id.transaction, None);
}

/// Networks wrap messages; what a wrapper says about its message must hold.
#[test]
fn envelopes_and_headers() {
    let bare = String::from_utf8(draft(1).write(Version::V08)).expect("UTF-8");
    let document = bare.split_once('\n').expect("a declaration").1;
    let wrapped = |definition: &str| {
        format!(
            "<e:Envelope xmlns:e='urn:e'><h:AppHdr xmlns:h='urn:iso:std:iso:20022:tech:xsd:head.001.001.02'>\
             <h:Fr><h:FIId><h:FinInstnId><h:BICFI>COBADEFF</h:BICFI></h:FinInstnId></h:FIId></h:Fr>\
             <h:To><h:FIId><h:FinInstnId><h:ClrSysMmbId><h:ClrSysId><h:Cd>USABA</h:Cd></h:ClrSysId>\
             <h:MmbId>021040078</h:MmbId></h:ClrSysMmbId></h:FinInstnId></h:FIId></h:To>\
             <h:BizMsgIdr>B-1</h:BizMsgIdr><h:MsgDefIdr>{definition}</h:MsgDefIdr></h:AppHdr>{document}</e:Envelope>"
        )
    };
    let message = read(wrapped("pacs.008.001.08").as_bytes()).expect("a valid message");
    let header = message.header.expect("a header");
    assert_eq!(header.business_message.as_deref(), Some("B-1"));
    assert_eq!(header.from.as_deref(), Some("COBADEFF"));
    assert_eq!(header.to.as_deref(), Some("021040078"));
    let refusal = read(wrapped("pacs.009.001.08").as_bytes());
    assert!(
        matches!(refusal, Err(Refusal::Rule(broken)) if broken.first().reason.code() == "FF01")
    );
    let twice = format!("<e>{document}{document}</e>");
    assert_eq!(read(twice.as_bytes()), Err(Refusal::NotPacs008(Instead::Several)));
    let other = document.replace("pacs.008.001.08", "pacs.008.001.09");
    let refusal = read(other.as_bytes());
    assert_eq!(refusal, Err(Refusal::NotPacs008(Instead::Other("pacs.008.001.09".into()))));
}

/// A cancellation that quotes the payment it cancels would otherwise make that payment.
#[test]
fn a_message_quoted_in_another_is_no_order() {
    let bare = String::from_utf8(draft(1).write(Version::V08)).expect("UTF-8");
    let quoted = bare.split_once('\n').expect("a declaration").1;
    let cancels = "urn:iso:std:iso:20022:tech:xsd:camt.056.001.08";
    for text in [
        format!("<Document xmlns='{cancels}'><Envlp>{quoted}</Envlp></Document>"),
        format!("<e><Document xmlns='{cancels}'/>{quoted}</e>"),
        format!("<e>{quoted}<Document xmlns='{cancels}'/></e>"),
    ] {
        let refusal = read(text.as_bytes());
        assert_eq!(refusal, Err(Refusal::NotPacs008(Instead::Several)), "{text}");
    }
    // A `Document` of nobody's is a wrapper like any other.
    assert!(read(format!("<Document>{quoted}</Document>").as_bytes()).is_ok());
}

/// A refusal that names no message cannot be answered: the sender waits for ever.
#[test]
fn a_departure_tells_what_was_read_before_it() {
    let text = changed("<ChrgBr>SLEV</ChrgBr>", "<ChrgBr>NONE</ChrgBr>");
    let Err(Refusal::Schema { original: Some(original), departure }) = read(text.as_bytes()) else {
        panic!("a departure expected")
    };
    assert_eq!(&*departure.path, "/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[1]/ChrgBr");
    assert_eq!(original.message_id, "MSG-1");
    assert_eq!(original.transactions[0].end_to_end, "E2E-0");
    let text = changed("<MsgId>MSG-1</MsgId>", "<MsgId></MsgId>");
    assert!(matches!(read(text.as_bytes()), Err(Refusal::Schema { original: None, .. })));
}

/// Every real message that is valid must be read or refused for a rule, never for its shape.
#[test]
fn real_messages_are_read() {
    let Some(folder) = shared("iso20022-samples") else { return };
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).expect("the manifest");
    let (mut taken, mut ruled) = (0, 0);
    for line in manifest.lines().filter(|line| line.contains(",pacs.008.001.08,valid,")) {
        let file = line.split(',').next().expect("a file");
        match read(&std::fs::read(folder.join(file)).expect("a listed file")) {
            Ok(_) => taken += 1,
            // The two largest hold placeholders where codes should be.
            Err(Refusal::Rule(broken)) => {
                assert!(broken.findings().iter().all(|f| f.text.contains("EXCd")), "{file}");
                ruled += 1;
            }
            Err(other) => panic!("{file}: {other}"),
        }
    }
    assert_eq!(ruled, 2);
    assert!(taken >= 8, "only {taken} messages taken");
}
