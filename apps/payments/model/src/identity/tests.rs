//! Names that must meet, and names that must not.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;
use crate::Version;
use types::{Amount, Currency};

/// The ids of messages already sent would change with a release, and every one could be paid again.
#[test]
fn ids_are_as_they_ever_were() {
    let ids = [message_id("AAAADEFF", "MSG-1"), message_id("AAAADEFFXXX", "MSG-1")];
    assert_eq!(ids.map(|id| id.to_string()), [PINNED, PINNED]);
}

const PINNED: &str = "7c0088fc-ca61-e93a-45d9-46fb6aca2260";

/// Two banks would share an id, or one bank's retry would get another.
#[test]
fn ids_are_equal_only_for_one_sender_and_message() {
    let same = [("AAAADEFF", "M"), ("AAAADEFFXXX", "M")];
    let others = [
        ("AAAADEFF123", "M"),
        ("AAAADEFF", "m"),
        ("AAAADEF", "FM"),
        ("AAAADEFFM", ""),
        ("", "AAAADEFFM"),
        ("XXX", "M"),
        ("", "XXXM"),
    ];
    assert_eq!(message_id(same[0].0, same[0].1), message_id(same[1].0, same[1].1));
    let mut ids: Vec<_> = others.iter().chain(&same[..1]).map(|(a, b)| message_id(a, b)).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), others.len() + 1);
}

/// A system on the way that lays texts out anew would have a payment made twice.
#[test]
fn white_space_around_an_id_is_not_part_of_it() {
    let id = message_id("AAAADEFF", "MSG 1");
    for same in [" MSG 1", "MSG 1\n", "\r\n\t MSG 1 \t"] {
        assert_eq!(message_id("AAAADEFF", same), id, "{same:?}");
    }
    assert_ne!(message_id("AAAADEFF", "MSG  1"), id);
    let identities = |transaction_id, end_to_end_id| {
        let transaction = Transaction {
            uetr: None,
            amount: Amount(1),
            instruction_id: None,
            end_to_end_id,
            transaction_id,
            debtor: "a",
            creditor: "b",
            debtor_agent: None,
            creditor_agent: None,
        };
        let message = Message {
            currency: Currency::from_code("EUR").unwrap(),
            version: Version::V08,
            settlement_date: None,
            sender: "AAAADEFF",
            message_id: "M",
            transactions: [transaction].into(),
        };
        Identities::new(&message, &transaction).iter().collect::<Vec<_>>()
    };
    assert_eq!(identities(Some("T"), "E"), identities(Some("\n T "), "E"));
    assert_eq!(identities(None, "E"), identities(None, " E"));
    assert_eq!(identities(None, "E"), identities(Some(" NOTPROVIDED"), "E"));
    assert_eq!(identities(None, "E"), identities(Some("  "), "E"));
}

/// A transaction without strong names would escape, or one with them be taken for its neighbour.
#[test]
fn a_transaction_has_the_identities_it_bears() {
    let cases = [
        (true, Some("T"), [true, true, false]),
        (true, None, [true, false, false]),
        (false, Some("T"), [false, true, false]),
        (false, None, [false, false, true]),
        (true, Some("NOTPROVIDED"), [true, false, false]),
        (false, Some("NOTPROVIDED"), [false, false, true]),
    ];
    for (has_uetr, transaction_id, expect) in cases {
        let transaction = Transaction {
            uetr: has_uetr.then_some([1; 16]),
            amount: Amount(1),
            instruction_id: None,
            end_to_end_id: "NOTPROVIDED",
            transaction_id,
            debtor: "a",
            creditor: "b",
            debtor_agent: None,
            creditor_agent: None,
        };
        let message = Message {
            currency: Currency::from_code("EUR").unwrap(),
            version: Version::V08,
            settlement_date: None,
            sender: "AAAADEFF",
            message_id: "M",
            transactions: [transaction].into(),
        };
        let Identities { uetr, transaction, in_message } = Identities::new(&message, &transaction);
        assert_eq!([uetr, transaction, in_message].map(|identity| identity.is_some()), expect);
    }
}

/// A payment could not be asked for by the name under which it was sent.
#[test]
fn keys_are_read_in_both_forms() {
    let uetr = "00112233-4455-6677-8899-aabbccddeeff";
    let bytes = [
        0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    ];
    let message = |sender, message_id| Some(PaymentKey::Message { sender, message_id });
    let broken = format!("{uetr}0");
    let cases = [
        (uetr, Some(PaymentKey::Uetr(bytes))),
        ("00112233-4455-6677-8899-AABBCCDDEEFF", Some(PaymentKey::Uetr(bytes))),
        ("AAAADEFF/MSG/1", message("AAAADEFF", "MSG/1")),
        ("00112233-4455-6677-8899-aabbccddeef/", None),
        ("00112233-4455-6677-8899-aabbccddeefg", None),
        ("0011223304455-6677-8899-aabbccddeeff", None),
        ("00112233-4455-6677-8899-aabbccddé12", None),
        (&broken, None),
        ("/MSG", None),
        ("AAAADEFF/", None),
        ("AAAADEFF", None),
        ("", None),
    ];
    for (text, expect) in cases {
        assert_eq!(PaymentKey::parse(text), expect, "{text}");
    }
}
