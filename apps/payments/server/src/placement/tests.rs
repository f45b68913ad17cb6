//! If the rule changes, accounts are looked for where they are not.

use super::*;

fn euro() -> Currency {
    Currency::from_code("EUR").unwrap()
}

#[test]
fn with_one_ledger_a_currency_has_one_group_whatever_the_account() {
    // Clusters that ran before there were several ledgers must find their accounts.
    let placement = Placement::new(8, 1);
    for key in ["DE89370400440532013000", "BIC:COBADEFFXXX", "anything", ""] {
        assert_eq!(placement.group(euro(), key), GroupId(978 % 8));
    }
    assert_eq!(placement.ledgers(euro()).collect::<Vec<_>>(), [GroupId(978 % 8)]);
}

#[test]
fn accounts_at_one_bank_are_kept_together_and_banks_are_spread() {
    // A bank whose message debits accounts of several ledgers would have most of it rejected.
    let placement = Placement::new(64, 3);
    let group = |key: &str| placement.group(euro(), key).0;
    assert_eq!(group("DE89370400440532013000"), group("DE02370400440000000001"));
    assert_eq!(group("BIC:COBADEFFXXX"), group("BIC:COBADEFF"));
    let banks = (1000..1100).map(|bank| format!("DE00{bank}00440532013000"));
    let mut counts = [0; 3];
    for key in banks {
        counts[usize::from(group(&key) - 978 % 64)] += 1;
    }
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
    // As it ever was.
    let kept = ["DE89370400440532013000", "GB29NWBK60161331926819", "BIC:COBADEFF", "till 7"];
    assert_eq!(kept.map(group), KEPT);
}

/// The groups of those keys.
const KEPT: [u16; 4] = [18, 18, 18, 19];

#[test]
fn a_message_is_carried_out_where_its_first_debtor_is() {
    // Two groups that each take a part of a message could both say that it is done.
    let placement = Placement::new(64, 3);
    let key = |ledger: u16| {
        let mut keys = (0..).map(|number| format!("till {number}"));
        keys.find(|key| placement.group(euro(), key).0 == 978 % 64 + ledger).unwrap()
    };
    let (a, b) = (key(0), key(1));
    let routes = |pairs: &[(&str, &str)]| placement.routes(euro(), pairs.iter().copied());
    let here = GroupId(978 % 64);
    assert_eq!(routes(&[(&a, &a)]), (here, vec![]));
    let there = GroupId(978 % 64 + 1);
    let all = [(&*a, &*a), (&a, &b), (&b, &a)];
    assert_eq!(routes(&all), (here, vec![Route::Here, Route::To(there), Route::Astray]));
}
