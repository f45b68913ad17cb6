//! If two versions read a credit differently, what one debited is not what the other credits.

use super::*;

fn samples() -> Vec<Vec<u8>> {
    let euro = Currency::from_code("EUR").expect("the euro is a currency");
    let some = |number: u8| Some([number; 16]);
    let identities = [
        Identities { uetr: some(1), transaction: some(2), in_message: None },
        Identities { uetr: None, transaction: some(2), in_message: None },
        Identities { uetr: None, transaction: None, in_message: some(3) },
    ];
    let credit = |identities| {
        Credit { currency: euro, amount: Amount(1_234), identities, creditor: "DE1" }.encode()
    };
    identities.into_iter().map(credit).collect()
}

#[test]
fn a_credit_arrives_as_it_was_sent_and_nothing_else_is_one() {
    // A credit that loses an identity on its way could be paid twice.
    for bytes in samples() {
        let read = Credit::decode(&bytes).expect("it was encoded");
        assert_eq!(read.encode(), bytes);
        for length in 0..bytes.len() {
            let cut = bytes.get(..length).unwrap_or_default();
            assert!(Credit::decode(cut).is_err(), "length {length}");
        }
        assert!(Credit::decode(&[&bytes[..], b"x"].concat()).is_err());
    }
    let first = samples().pop().unwrap_or_default();
    assert_eq!(first.get(..3), Some(&[1, 210, 3][..]), "version and number of the currency");
}

#[test]
fn whatever_a_refusal_says_it_has_a_reason() {
    // A reply of a later version must still give the payer its money back.
    assert_eq!(refusal(&[Reason::CreditorClosed as u8]), Reason::CreditorClosed);
    assert_eq!(refusal(&[]), Reason::DuplicateTransaction, "said by a plan");
    for reply in [&[0][..], &[254], &[1, 2]] {
        assert_eq!(refusal(reply), Reason::SettlementFailed);
    }
}
