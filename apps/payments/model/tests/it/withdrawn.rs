//! Messages that were set aside and are never to be carried out.

use ledger::{Balance, State};
use model::Model;
use payments_model::{Command, PaymentKey, Payments, Reason, Refusal, Reply, Route, Verdict};
use types::{Amount, GroupId, Stamp};

use crate::{books, eur, message, open, pay, run, set, transfer};

fn withdraw<'a>(id: &'a str, number: u8, transaction_id: &'a str) -> Command<'a> {
    pay(id, [transfer(number, transaction_id, "rich", "poor")]).withdrawal(0).unwrap()
}

fn balance(payments: &Payments, key: &str) -> Amount {
    payments.account(eur(), key).unwrap().credits
}

const WITHDRAWN: Verdict = Verdict::Rejected(Reason::Withdrawn);

#[test]
fn a_withdrawn_message_moves_nothing_and_is_never_carried_out() {
    // A payment that was given up by hand would be made all the same when its sender asks again.
    let mut payments = books();
    let before = payments.totals(eur());
    let decided = run(&mut payments, 5, &withdraw("M1", 1, "T1"));
    assert_eq!(decided, Reply::Decided { stamp: Stamp(5), verdicts: vec![WITHDRAWN] });
    assert!(decided.is_withdrawal());
    assert_eq!((decided.group_status(), payments.totals(eur())), (Some("RJCT"), before));

    let late = run(&mut payments, 6, &pay("M1", [transfer(1, "T1", "rich", "poor")]));
    assert_eq!(late, Reply::Refused(Refusal::MessageIdUsed));
    let renamed = run(&mut payments, 7, &pay("M2", [transfer(1, "T1", "rich", "poor")]));
    let seen = Verdict::Rejected(Reason::DuplicateUetr);
    assert_eq!(renamed, Reply::Decided { stamp: Stamp(7), verdicts: vec![seen] });
    assert_eq!(balance(&payments, "poor"), Amount(0));
    payments.assert_books();
}

#[test]
fn a_message_that_was_carried_out_is_not_withdrawn() {
    // A decision about an old copy of a message would take back what its sender was told since.
    let mut payments = books();
    run(&mut payments, 5, &pay("M1", [transfer(1, "T1", "rich", "poor")]));
    let reply = run(&mut payments, 6, &withdraw("M1", 1, "T1"));
    assert_eq!(reply, Reply::Refused(Refusal::MessageIdUsed));
    assert!(!reply.is_withdrawal());
    // Nor is a payment that was made under another message id.
    run(&mut payments, 7, &withdraw("M2", 1, "T1"));
    assert_eq!(balance(&payments, "poor"), Amount(100));
    let (first, _) = payments.payment([1; 16]).unwrap();
    assert_eq!((first.message.message_id, &first.verdicts[..]), ("M1", &[Verdict::Settled][..]));
    payments.assert_books();
}

#[test]
fn who_asks_for_a_withdrawn_message_is_told_so() {
    // Its sender would be left with a doubt that nobody has any more.
    let mut payments = books();
    let suspended = pay("M9", [transfer(9, "T9", "rich", "poor")]).withdrawal(12).unwrap();
    run(&mut payments, 4, &suspended);
    run(&mut payments, 5, &withdraw("M1", 1, "T1"));
    let recorded = payments.message("AAAADEFF", "M1").unwrap();
    assert_eq!((recorded.stamp, &recorded.verdicts[..]), (Stamp(5), &[WITHDRAWN][..]));
    let codes: Vec<_> = WITHDRAWN.history(recorded.stamp, None);
    assert_eq!(codes.iter().map(|step| step.status.code()).collect::<Vec<_>>(), ["RJCT"]);
    let counts = &payments.counts()[&eur()];
    assert_eq!(counts.rejected[&Reason::Withdrawn], 2);
    // A snapshot brings it to regions that never saw the command.
    let mut saving = payments.save();
    let mut other = books();
    while let Some(part) = payments.save_next(&mut saving, 4_096) {
        other.load(&part).unwrap();
    }
    other.loaded().unwrap();
    assert_eq!(other.digest(), payments.digest());
    other.assert_books();
}

#[test]
fn what_is_withdrawn_under_a_case_stands_in_the_books_once() {
    // An amount that a client was told of would be in no account; or, with two runs that hold the same
    // payment, in two.
    let mut payments = books();
    let under = |case, id, number: u8, transaction| {
        let command = pay(id, [transfer(number, transaction, "rich", "poor")]);
        command.withdrawal(case).unwrap()
    };
    assert!(run(&mut payments, 5, &under(12, "M1", 1, "T1")).is_withdrawal());
    assert!(run(&mut payments, 6, &under(12, "M2", 2, "T2")).is_withdrawal());
    let again = run(&mut payments, 7, &under(13, "M1", 1, "T1"));
    assert_eq!(again, Reply::Refused(Refusal::MessageIdUsed));
    assert!(run(&mut payments, 8, &under(12, "M3", 2, "T3")).is_withdrawal(), "a known UETR");
    let suspended = payments.account(eur(), "HOUSE:SUSPENSE:12").unwrap();
    assert_eq!(suspended.balance, Balance::Credit(Amount(200)));
    assert_eq!(payments.account(eur(), "HOUSE:SUSPENSE:13"), None);
    let suspended: Vec<_> = payments.suspended(eur()).collect();
    assert_eq!(suspended, [(12, Balance::Credit(Amount(200)))]);
    assert_eq!(balance(&payments, "poor"), Amount(0));
    payments.assert_books();
    let reserved = run(&mut payments, 9, &open("HOUSE:SUSPENSE:14", 0));
    assert_eq!(reserved, Reply::Refused(Refusal::KeyReserved));
    let reserved = run(&mut payments, 9, &set("HOUSE:SUSPENSE:12", State::Blocked));
    assert_eq!(reserved, Reply::Refused(Refusal::KeyReserved));
}

#[test]
fn what_can_be_withdrawn_is_a_message() {
    // An account that somebody opens again would be refused for ever for a record that was lost.
    let key = PaymentKey::Message { sender: "AAAADEFF", message_id: "M1" };
    assert_eq!(Command::Cancel(key).withdrawal(3), None);
    let inner = message("M1", [transfer(1, "T1", "rich", "poor")]);
    let routes = vec![Route::To(GroupId(7))];
    let across = Command::PayAcross { message: inner, routes, raw: b"<Document/>" };
    let withdrawn = across.withdrawal(0).unwrap();
    assert_eq!(withdrawn, withdraw("M1", 1, "T1"));
    let encoded = withdrawn.encode().unwrap();
    assert_eq!(Command::decode(&encoded.body).unwrap(), withdrawn);
    for cut in 0..encoded.body.len() {
        assert!(Command::decode(&encoded.body[..cut]).is_err(), "cut at {cut}");
    }
}
