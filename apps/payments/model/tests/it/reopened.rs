//! Payments between groups of which force took one leg, accounted for when the channel is opened again.

use ledger::Balance;
use model::{End, Missed, Model, Outcome, Outward, Passed, Rebase, RebaseRefusal, Resolution};
use payments_model::{
    Command, End as Side, Payments, Refusal, Reopen, Reply, Route, Settle, Source, Way,
};
use types::{Amount, ChannelKey, GroupId, ModelVersion, Stamp};

use crate::{books, currency, eur, message, pay, run, transfer};

const VERSION: ModelVersion = Payments::REOPENS;
const HERE: GroupId = GroupId(3);
const THERE: GroupId = GroupId(7);
const CASE: u64 = 21;

/// Both groups after a payment of 100 from `rich` here to `poor` there was settled.
fn settled() -> (Payments, Payments) {
    let (mut here, mut there) = (books(), books());
    let mut outcome = Outcome::default();
    let routes = vec![Route::To(THERE)];
    let message = message("M1", [transfer(1, "T1", "rich", "poor")]);
    let pay = Command::PayAcross { message, routes, raw: b"<Document/>" };
    here.apply(VERSION, Stamp(10), &pay.encode().unwrap().body, &mut outcome);
    let Outward::Send { key, message, .. } = outcome.outward.remove(0) else { panic!() };
    there.receive(VERSION, Stamp(11), HERE, &message, &mut outcome);
    let resolution = Resolution::Applied(b"");
    here.resolve(VERSION, Stamp(12), THERE, key, resolution, &mut Outcome::default());
    (here, there)
}

/// What one side has done, as it tells the other.
fn passed(payments: &Payments, peer: GroupId, end: End) -> (Vec<ChannelKey>, Vec<Vec<u8>>) {
    let passed = payments.passed(peer, end);
    let detail = |one: &Passed| payments.passed_detail(peer, end, one.place);
    let details: Vec<_> = passed.iter().map(detail).collect();
    assert!(details.iter().all(|detail| !detail.is_empty() && detail.len() <= 192));
    (passed.iter().map(|one| one.key).collect(), details)
}

/// Orders a group to open its end under a case; `lost` is what the other side says. What it replies.
fn reopen(
    payments: &mut Payments,
    case: u64,
    end: (GroupId, End),
    lost: &(Vec<ChannelKey>, Vec<Vec<u8>>),
) -> Reply {
    let order = Reopen { case, by: "anna", reason: "after the failover", plan: b"a plan" };
    let body = Command::Reopen(order).encode().unwrap().body;
    assert_eq!(Command::decode(&body), Ok(Command::Reopen(order)));
    let mut outcome = Outcome::default();
    payments.apply(VERSION, Stamp(20), &body, &mut outcome);
    let [Outward::Rebase { plan, note }] = &outcome.outward[..] else { panic!("{outcome:?}") };
    assert_eq!(plan, b"a plan");
    let pairs = lost.0.iter().zip(&lost.1);
    let missed: Vec<_> = pairs.map(|(key, detail)| Missed { key: *key, detail }).collect();
    let rebase = if payments.may_rebase(end, &missed, note) {
        Rebase::Done(&missed)
    } else {
        Rebase::Refused(RebaseRefusal::Unaccountable)
    };
    let note = note.clone();
    payments.rebased(VERSION, Stamp(20), end, rebase, &note, &mut outcome);
    payments.assert_books();
    comes_back(payments);
    Reply::decode(&outcome.reply).unwrap()
}

/// A snapshot brings all of it.
fn comes_back(payments: &Payments) {
    let mut other = Payments::new([eur(), currency("USD")]);
    let mut saving = payments.save();
    while let Some(part) = payments.save_next(&mut saving, 300) {
        other.load(&part).unwrap();
    }
    other.loaded().unwrap();
    assert_eq!(other.digest(), payments.digest());
    assert_eq!(&other, payments);
}

fn clearing(payments: &Payments, side: Side) -> Balance {
    payments.clearings(eur()).find(|(of, _)| *of == side).unwrap().1
}

fn settle(
    payments: &mut Payments,
    way: Way,
    amount: u128,
    account: Option<&str>,
) -> Result<u128, Refusal> {
    let item = payments.case(eur(), CASE).next().unwrap().id;
    let (amount, by, reason) = (Amount(amount), "anna", "agreed");
    let order = Settle { currency: eur(), case: CASE, item, way, amount, by, reason, account };
    let encoded = Command::Settle(order).encode().unwrap();
    assert_eq!(Command::decode(&encoded.body), Ok(Command::Settle(order)));
    let mut outcome = Outcome::default();
    payments.apply(VERSION, Stamp(30), &encoded.body, &mut outcome);
    let reply = Reply::decode(&outcome.reply).unwrap();
    payments.assert_books();
    comes_back(payments);
    if let Reply::Refused(refusal) = reply {
        return Err(refusal);
    }
    let Reply::CaseSettled { item_left, .. } = reply else { panic!("{reply:?}") };
    Ok(item_left.0)
}

#[test]
fn a_debit_that_was_lost_is_owed_by_a_case_until_it_is_collected_or_borne() {
    // The payee has the money, and no ledger would say who has to pay it.
    let (_, there) = settled();
    let mut here = books();
    let lost = passed(&there, HERE, End::Receiver);
    assert_eq!(lost.0.len(), 1);
    let before = here.totals(eur());
    let refused = reopen(&mut here, 0, (THERE, End::Sender), &lost);
    assert_eq!(refused, Reply::Refused(Refusal::Unaccountable), "it needs a case");
    let noise = (lost.0.clone(), vec![b"noise".to_vec()]);
    let refused = reopen(&mut here, CASE, (THERE, End::Sender), &noise);
    assert_eq!(refused, Reply::Refused(Refusal::Unaccountable));
    assert_eq!(here.totals(eur()), before);

    assert_eq!(reopen(&mut here, CASE, (THERE, End::Sender), &lost), Reply::Reopened(1));
    assert_eq!(clearing(&here, Side::To(THERE)), Balance::Credit(Amount(100)));
    assert_eq!(clearing(&there, Side::From(HERE)), Balance::Debit(Amount(100)));
    let item = here.case(eur(), CASE).next().unwrap();
    assert_eq!((item.source, item.left()), (Source::Owed(THERE), Amount(100)));
    assert_eq!(&*here.accounted(item).unwrap().leg.creditor, "poor");
    // The next plan does not name it again, and it is not accounted for a second time.
    assert_eq!(passed(&here, THERE, End::Sender).0, lost.0);
    let again = reopen(&mut here, CASE, (THERE, End::Sender), &lost);
    assert_eq!(again, Reply::Refused(Refusal::Unaccountable));

    assert_eq!(settle(&mut here, Way::Pay, 1, None), Err(Refusal::CaseOverdrawn));
    assert_eq!(settle(&mut here, Way::Collect, 30, None), Err(Refusal::PaymentUnknown));
    assert_eq!(settle(&mut here, Way::Collect, 30, Some("fees")), Err(Refusal::AccountForbidden));
    assert_eq!(settle(&mut here, Way::Collect, 30, Some("rich")), Ok(70));
    assert_eq!(settle(&mut here, Way::WriteBack, 71, None), Err(Refusal::CaseOverdrawn));
    assert_eq!(settle(&mut here, Way::WriteBack, 70, Some("rich")), Err(Refusal::AccountForbidden));
    assert_eq!(settle(&mut here, Way::WriteBack, 70, None), Ok(0));
    let suspense: Vec<_> = here.suspended(eur()).collect();
    assert_eq!(suspense, [(CASE, Balance::Credit(Amount(0)))]);
    let rich = here.account(eur(), "rich").unwrap().balance;
    assert_eq!(rich, Balance::Credit(Amount(970)));
}

#[test]
fn a_credit_that_was_lost_is_held_by_a_case_until_the_payee_has_it() {
    // The payer has paid, and the money would be in no account.
    let (here, _) = settled();
    let mut there = books();
    let lost = passed(&here, THERE, End::Sender);
    assert_eq!(reopen(&mut there, CASE, (HERE, End::Receiver), &lost), Reply::Reopened(1));
    assert_eq!(clearing(&there, Side::From(HERE)), Balance::Debit(Amount(100)));
    let item = there.case(eur(), CASE).next().unwrap();
    assert_eq!((item.source, item.left()), (Source::Held(HERE), Amount(100)));
    assert_eq!(passed(&there, HERE, End::Receiver).0, lost.0);
    assert_eq!(settle(&mut there, Way::Return, 1, None), Err(Refusal::CaseOverdrawn));
    assert_eq!(settle(&mut there, Way::Pay, 100, None), Ok(0));
    assert_eq!(there.account(eur(), "poor").unwrap().balance, Balance::Credit(Amount(100)));
    // What was accounted for is told in full to one that loses it later.
    let again = passed(&there, HERE, End::Receiver);
    assert_eq!(again.1, lost.1);
}

#[test]
fn one_name_that_was_lost_towards_two_ledgers_is_accounted_for_towards_each() {
    // Force took the payment twice, its client having sent it again to another ledger in between: the second channel
    // could never be opened.
    const ELSEWHERE: GroupId = GroupId(9);
    let (paid, there) = settled();
    let (debits, credits) =
        (passed(&there, HERE, End::Receiver), passed(&paid, THERE, End::Sender));
    for (end, lost) in [(End::Sender, debits), (End::Receiver, credits)] {
        let mut payments = books();
        for (peer, count) in [(THERE, 1), (ELSEWHERE, 2)] {
            let done = reopen(&mut payments, CASE, (peer, end), &lost);
            assert_eq!(done, Reply::Reopened(1), "{end:?} of {peer:?}");
            assert_eq!(passed(&payments, peer, end).0, lost.0);
            assert_eq!(payments.case(eur(), CASE).count(), count);
            let again = reopen(&mut payments, CASE, (peer, end), &lost);
            assert_eq!(again, Reply::Refused(Refusal::Unaccountable), "once for each");
        }
        let accounted = payments.case(eur(), CASE).map(|item| payments.accounted(item).unwrap());
        let mut peers: Vec<_> = accounted.map(|one| one.peer).collect();
        peers.sort_unstable();
        assert_eq!(peers, [THERE, ELSEWHERE]);
    }
}

/// Sends the payment of [`settled`] again, under another message id.
fn send_again(payments: &mut Payments, amount: u128) -> Reply {
    let message = message("M2", [transfer(1, "T1", "rich", "poor")]);
    let mut again = message.clone();
    again.transactions[0].amount = Amount(amount);
    let pay =
        Command::PayAcross { message: again, routes: vec![Route::To(THERE)], raw: b"<Document/>" };
    run(payments, 40, &pay)
}

#[test]
fn a_payment_that_was_accounted_for_is_known_at_both_ends() {
    // Its sender has no answer and sends it again: the payee would have it twice, or the payer pay it twice.
    let (here_before, there) = settled();
    let mut here = books();
    let lost = passed(&there, HERE, End::Receiver);
    assert_eq!(reopen(&mut here, CASE, (THERE, End::Sender), &lost), Reply::Reopened(1));
    let Reply::Decided { verdicts, .. } = send_again(&mut here, 100) else { panic!() };
    assert_eq!(verdicts[0].reason().map(|reason| reason.code()), Some("AM05"));
    here.assert_books();

    let mut there = books();
    let lost = passed(&here_before, THERE, End::Sender);
    assert_eq!(reopen(&mut there, CASE, (HERE, End::Receiver), &lost), Reply::Reopened(1));
    let mut other = books();
    let mut outcome = Outcome::default();
    let message = message("M2", [transfer(1, "T1", "rich", "poor")]);
    let again = Command::PayAcross { message, routes: vec![Route::To(THERE)], raw: b"" };
    other.apply(VERSION, Stamp(10), &again.encode().unwrap().body, &mut outcome);
    let Outward::Send { message, .. } = outcome.outward.remove(0) else { panic!() };
    let receipt = there.receive(VERSION, Stamp(41), HERE, &message, &mut outcome);
    assert_eq!(receipt, model::Receipt::Refused);
    there.assert_books();
}

#[test]
fn a_payment_is_told_from_another_of_its_name_by_all_that_it_says() {
    // Were only names compared, 30 of the payer would be settled by 10 that the payee has.
    let (_, there) = settled();
    let said = &passed(&there, HERE, End::Receiver).1[0];
    for (amount, payee, is_same) in [(100, "poor", true), (30, "poor", false), (100, "held", false)]
    {
        let mut here = books();
        let mut message = message("M2", [transfer(1, "T1", "rich", payee)]);
        message.transactions[0].amount = Amount(amount);
        let pay = Command::PayAcross { message, routes: vec![Route::To(THERE)], raw: b"" };
        let mut outcome = Outcome::default();
        here.apply(VERSION, Stamp(10), &pay.encode().unwrap().body, &mut outcome);
        let Outward::Send { key, message, .. } = outcome.outward.remove(0) else { panic!() };
        assert_eq!(&here.message_detail(&message) == said, is_same);
        // What a plan says of the other one: its payer has it back, as of any payment whose name is taken.
        here.resolve(VERSION, Stamp(12), THERE, key, Resolution::Refused(b""), &mut outcome);
        let ended = here.ended().next().unwrap();
        assert_eq!(ended.verdict.reason().map(|reason| reason.code()), Some("AM05"));
        assert_eq!(here.account(eur(), "rich").unwrap().balance, Balance::Credit(Amount(1_000)));
        here.assert_books();
    }
}

#[test]
fn no_payment_stands_in_suspense_twice() {
    // It was withdrawn out of the lost record and is owed over the channel: two cases would settle one payment.
    let (_, there) = settled();
    let lost = passed(&there, HERE, End::Receiver);
    let withdrawal = pay("M1", [transfer(1, "T1", "rich", "poor")]).withdrawal(12).unwrap();
    let withdraw = |payments: &mut Payments| {
        let mut outcome = Outcome::default();
        let body = withdrawal.encode().unwrap().body;
        payments.apply(VERSION, Stamp(15), &body, &mut outcome);
        assert!(Reply::decode(&outcome.reply).unwrap().is_withdrawal());
        payments.assert_books();
    };
    let mut here = books();
    withdraw(&mut here);
    let item = here.case(eur(), 12).next().unwrap().clone();
    let refused = reopen(&mut here, CASE, (THERE, End::Sender), &lost);
    assert_eq!(refused, Reply::Refused(Refusal::Unaccountable), "not before it is written back");
    let (amount, by, reason) = (Amount(100), "anna", "the channel has it");
    let back = Settle {
        currency: eur(),
        case: 12,
        item: item.id,
        way: Way::WriteBack,
        amount,
        by,
        reason,
        account: None,
    };
    run(&mut here, 16, &Command::Settle(back));
    assert_eq!(reopen(&mut here, CASE, (THERE, End::Sender), &lost), Reply::Reopened(1));
    // The other way round, the withdrawal posts nothing.
    let mut here = books();
    assert_eq!(reopen(&mut here, CASE, (THERE, End::Sender), &lost), Reply::Reopened(1));
    withdraw(&mut here);
    assert_eq!(here.case(eur(), 12).count(), 0);
}

#[test]
fn before_their_model_version_orders_of_reopening_are_none_that_is_known() {
    // A node of older code in the same group would come to another state than this one.
    let order = Reopen { case: CASE, by: "anna", reason: "too early", plan: b"a plan" };
    let settle = Settle {
        currency: eur(),
        case: CASE,
        item: [1; 16],
        way: Way::Collect,
        amount: Amount(1),
        by: "anna",
        reason: "too early",
        account: Some("rich"),
    };
    for command in [Command::Reopen(order), Command::Settle(settle)] {
        let mut payments = books();
        let before = payments.clone();
        let mut outcome = Outcome::default();
        let body = command.encode().unwrap().body;
        payments.apply(ModelVersion::FIRST, Stamp(20), &body, &mut outcome);
        assert_eq!(Reply::decode(&outcome.reply), Ok(Reply::Refused(Refusal::Malformed)));
        assert_eq!((outcome.outward.len(), &payments), (0, &before));
    }
}
