//! If the tables are not a schema's, messages pass or fail that must not.

use super::tables::SCHEMAS;
use super::{Content, Element, Kind, Schema, Simple, Type};
use crate::message::Version;

fn particles(of: &Type) -> &'static [Element] {
    match &of.content {
        Content::Sequence(particles) | Content::Choice(particles) => particles,
        Content::Any | Content::Simple(_) | Content::Attributed { .. } => &[],
    }
}

fn child(of: &Type, name: &str) -> &'static Element {
    particles(of).iter().find(|particle| particle.name == name).expect(name)
}

/// Reading takes for granted what the schema demands; a version that does not would panic on a
/// valid message.
#[test]
fn what_reading_relies_on_is_mandatory() {
    for version in Version::ALL {
        let schema = Schema::of(&format!("urn:iso:std:iso:20022:tech:xsd:{}", version.message()));
        let document = schema.expect("a schema for each version").document;
        let message = child(document, "FIToFICstmrCdtTrf");
        let group = child(message.of, "GrpHdr");
        let transaction = child(message.of, "CdtTrfTxInf");
        let id = child(transaction.of, "PmtId");
        let settlement = child(group.of, "SttlmInf");
        let demanded = [
            message,
            group,
            transaction,
            id,
            settlement,
            child(group.of, "MsgId"),
            child(group.of, "CreDtTm"),
            child(group.of, "NbOfTxs"),
            child(settlement.of, "SttlmMtd"),
            child(id.of, "EndToEndId"),
            child(transaction.of, "IntrBkSttlmAmt"),
            child(transaction.of, "ChrgBr"),
            child(transaction.of, "DbtrAgt"),
            child(transaction.of, "CdtrAgt"),
        ];
        for element in demanded {
            assert_eq!(element.min, 1, "{} in {}", element.name, version.message());
        }
        assert!(
            Schema::of(&format!("urn:iso:std:iso:20022:tech:xsd:{}", version.answer())).is_some()
        );
    }
}

/// Tables are searched by halves and compared by key: out of order they refuse what is right.
#[test]
fn tables_are_in_order() {
    for schema in SCHEMAS {
        assert!(schema.types.is_sorted_by_key(|of| of.name), "{}", schema.namespace);
        for of in schema.types {
            if let Content::Simple(Simple { kind: Kind::Text { values, .. }, .. }) = &of.content {
                assert!(values.is_sorted(), "{}", of.name);
            }
            for particle in particles(of) {
                assert!(particle.min <= particle.max && particle.max > 0, "{}", particle.name);
                assert_eq!(particle.key, super::key(particle.name));
            }
        }
    }
}
