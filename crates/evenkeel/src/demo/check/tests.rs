//! What a demo must notice: each thing that could go wrong with money, made to go wrong.

use payments_message::message::{Original, PaymentId, Version};
use payments_message::status::{Outcome, Report, Scope, Status};
use types::Stamp;

use super::*;
use crate::demo::load::cast;
use crate::demo::load::script::Script;

const NOW: Stamp = Stamp(1_795_000_000_000_000);

/// A script's first settled payment, as its client saw it.
fn settled() -> (Vec<Opening>, Record) {
    let casts = cast::all();
    let openings = casts.iter().flat_map(cast::Cast::openings).collect();
    let mut script = Script::new(1, casts, 3);
    let sending = std::iter::repeat_with(|| script.next(NOW, |_| false))
        .find(|sending| sending.kind == Kind::Valid)
        .unwrap();
    let told = Told::Decided(answer(&sending.bytes, "1"));
    let record = Record {
        sending,
        due_us: NOW.0,
        told_us: NOW.0 + 1,
        told,
        attempts: 1,
        was_unknown: false,
        is_resolved_later: false,
    };
    (openings, record)
}

/// A pacs.002 that says that all of a message is settled.
fn answer(message: &[u8], id: &str) -> Bytes {
    let transfer = payments_message::read(message).unwrap();
    let count = transfer.transactions.len();
    let each =
        Outcome { status: Status::Settled, because: Vec::new(), accepted: None, settled_on: None };
    let report = Report {
        id: id.into(),
        created: "2026-11-20T08:00:00.000Z".into(),
        from: None,
        to: None,
        original: Original {
            version: Version::V08,
            message_id: transfer.message_id,
            created: None,
            count: Some(count.to_string()),
            transactions: vec![PaymentId::default(); count],
        },
        scope: Scope::Each(vec![each; count]),
    };
    report.write().unwrap().into()
}

/// The accounts that the payment moves money between, in the order debtor, creditor.
fn accounts_of(record: &Record) -> [(String, String); 2] {
    let transfer = payments_message::read(&record.sending.bytes).unwrap();
    let (debtor, creditor) = sides(&transfer.transactions[0]);
    let code = transfer.currency.code().to_owned();
    [(code.clone(), debtor.key), (code, creditor.key)]
}

#[test]
fn a_payment_made_twice_is_seen() {
    // Without this, the demo could report that nothing was paid twice because it looks at nothing.
    let (openings, record) = settled();
    let recomputed = Recomputed::new(&openings, std::slice::from_ref(&record));
    assert!(recomputed.settled > 0);
    let right = recomputed.accounts.clone();
    assert_eq!(recomputed.differences(&right), [""; 0]);

    let mut twice = right;
    let [debtor, creditor] = accounts_of(&record);
    let transfer = payments_message::read(&record.sending.bytes).unwrap();
    let amount = transfer.transactions[0].amount.0;
    twice.get_mut(&debtor).unwrap().debits += amount;
    twice.get_mut(&creditor).unwrap().credits += amount;
    let seen = recomputed.differences(&twice);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.iter().any(|line| line.starts_with(&format!("{} {}", debtor.0, debtor.1))));
}

#[test]
fn a_payment_that_is_not_there_is_seen() {
    // Without this, a region that had lost an acknowledged payment would pass for one that has it.
    let (openings, record) = settled();
    let without = Recomputed::new(&openings, &[]);
    let with = Recomputed::new(&openings, &[record]);
    assert!(with.differences(&without.accounts).len() >= 2);
}

#[test]
fn an_account_out_of_nowhere_is_seen() {
    // Without this, money could be moved between accounts that nobody had opened.
    let (openings, _) = settled();
    let recomputed = Recomputed::new(&openings, &[]);
    let mut found = recomputed.accounts.clone();
    found.insert(("EUR".to_owned(), "NOBODY".to_owned()), Sums::default());
    let seen = recomputed.differences(&found);
    assert!(matches!(&seen[..], [one] if one.contains("no such account")), "{seen:?}");
}

#[test]
fn a_payment_that_is_sent_twice_counts_once() {
    // Without this, every repeat that is answered as it should be would look like a lost payment.
    let (openings, record) = settled();
    let once = Recomputed::new(&openings, std::slice::from_ref(&record));
    let again = Recomputed::new(&openings, &[record.clone(), record]);
    assert_eq!(once.accounts, again.accounts);
    assert_eq!(again.contradictions, [""; 0]);
}

#[test]
fn two_answers_to_one_message_are_seen() {
    // Without this, a region that decided a message anew would be believed.
    let (openings, record) = settled();
    let other =
        Record { told: Told::Decided(answer(&record.sending.bytes, "2")), ..record.clone() };
    let name = record.sending.name.clone();
    let recomputed = Recomputed::new(&openings, &[record, other]);
    assert_eq!(recomputed.contradictions, [name]);
}
