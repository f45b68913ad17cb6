//! Payments whose creditor's account is kept by another group: settled or reversed, never both.

use ledger::{Balance, State};
use model::{Model, Outcome, Outward, Receipt, Resolution};
use payments_model::{
    Command, End, PaymentKey, Payments, Reason, Refusal, Reply, Route, Status, Transaction, Verdict,
};
use types::{Amount, GroupId, ModelVersion, Stamp};

use crate::{books, eur, message, open, pay, run, set, transfer};

const VERSION: ModelVersion = ModelVersion::FIRST;
const HERE: GroupId = GroupId(3);
const THERE: GroupId = GroupId(7);

/// Two groups with the same accounts, and what the first has sent to the second.
struct Pair {
    here: Payments,
    there: Payments,
    sent: Vec<Outward>,
    now: u64,
}

impl Pair {
    fn new() -> Self {
        Self { here: books(), there: books(), sent: Vec::new(), now: 10 }
    }

    fn run(&mut self, command: &Command<'_>) -> Reply {
        self.now += 1;
        let mut outcome = Outcome::default();
        let body = command.encode().unwrap().body;
        assert_eq!(&Command::decode(&body).unwrap(), command);
        self.here.apply(VERSION, Stamp(self.now), &body, &mut outcome);
        self.sent.extend(outcome.outward);
        self.check();
        Reply::decode(&outcome.reply).unwrap()
    }

    fn pay(&mut self, id: &str, transaction: Transaction<'_>) -> Verdict {
        let routes = vec![Route::To(THERE)];
        let message = message(id, [transaction]);
        let reply = self.run(&Command::PayAcross { message, routes, raw: b"<Document/>" });
        let Reply::Decided { verdicts, .. } = reply else { panic!("{reply:?}") };
        verdicts[0]
    }

    /// What the other group says to the oldest message.
    fn deliver(&mut self) {
        let Outward::Send { to, key, message } = self.sent.remove(0) else { panic!("a message") };
        assert_eq!(to, THERE);
        self.now += 1;
        let mut outcome = Outcome::default();
        let receipt = self.there.receive(VERSION, Stamp(self.now), HERE, &message, &mut outcome);
        self.check();
        self.now += 1;
        let reply = outcome.reply;
        let resolution = match receipt {
            Receipt::Applied => Resolution::Applied(&reply),
            Receipt::Refused => Resolution::Refused(&reply),
        };
        let stamp = Stamp(self.now);
        self.here.resolve(VERSION, stamp, THERE, key, resolution, &mut Outcome::default());
        self.check();
    }

    /// Both books are in order, and what stands between them is what is in flight.
    fn check(&self) {
        self.here.assert_books();
        self.there.assert_books();
    }

    /// What stands at the two ends of the pair.
    fn clearing(&self) -> (u128, u128) {
        let stands = |payments: &Payments, end| {
            let found = payments.clearings(eur()).find(|(of, _)| *of == end);
            match found.map(|(_, balance)| balance) {
                Some(Balance::Credit(amount) | Balance::Debit(amount)) => amount.0,
                None => 0,
            }
        };
        (stands(&self.here, End::To(THERE)), stands(&self.there, End::From(HERE)))
    }

    fn balances(&self, debtor: &str, creditor: &str) -> (u128, u128) {
        let balance = |payments: &Payments, key| match payments.account(eur(), key).unwrap().balance
        {
            Balance::Credit(amount) => amount.0,
            Balance::Debit(amount) => panic!("{key} owes {amount}"),
        };
        (balance(&self.here, debtor), balance(&self.there, creditor))
    }

    fn history(&self, uetr: u8) -> Vec<(Status, u64)> {
        let (recorded, index) = self.here.payment([uetr; 16]).unwrap();
        let ended = recorded.across[index].and_then(|across| across.ended);
        let steps = recorded.verdicts[index].history(recorded.stamp, ended);
        steps.into_iter().map(|step| (step.status, step.stamp.0)).collect()
    }
}

#[test]
fn a_payment_between_groups_is_pending_until_the_other_group_has_it() {
    // A payment called settled before it is credited is a lie; one whose debit is not seen can be spent twice.
    let mut pair = Pair::new();
    assert_eq!(pair.pay("M1", transfer(1, "T1", "rich", "poor")), Verdict::Pending);
    assert_eq!(pair.balances("rich", "poor"), (900, 0));
    assert_eq!(pair.clearing(), (100, 0));
    assert_eq!(pair.here.counts()[&eur()].pending_amount, Amount(100));
    let before = pair.here.digest();
    use Status::{InSettlement, ProfileAccepted, Settled, TechnicallyAccepted};
    let passed = [(TechnicallyAccepted, 11), (ProfileAccepted, 11), (InSettlement, 11)];
    assert_eq!(pair.history(1), passed);
    pair.deliver();
    assert_eq!(pair.history(1), [&passed[..], &[(Settled, 13)]].concat());
    assert_eq!(pair.balances("rich", "poor"), (900, 100));
    assert_eq!(pair.clearing(), (100, 100), "nothing is in flight");
    assert_ne!(pair.here.digest(), before);
    let counts = &pair.here.counts()[&eur()];
    assert_eq!((counts.settled, counts.pending, counts.pending_amount), (1, 0, Amount::ZERO));
    assert_eq!(pair.there.counts()[&eur()].received_amount, Amount(100));
}

#[test]
fn what_the_other_group_refuses_is_given_back_with_its_reason() {
    // Money that is refused there and kept here is lost to both.
    use Reason::*;
    let cases = [
        ("nobody", CreditorUnknown),
        ("fees", CreditorForbidden),
        ("HOUSE:CLEARING:FROM:00003", CreditorUnknown),
        ("shut", CreditorClosed),
        ("held", CreditorBlocked),
    ];
    for (creditor, reason) in cases {
        let mut pair = Pair::new();
        assert_eq!(pair.pay("M1", transfer(1, "T1", "rich", creditor)), Verdict::Pending);
        pair.deliver();
        let (recorded, index) = pair.here.payment([1; 16]).unwrap();
        assert_eq!(recorded.verdicts[index], Verdict::Rejected(reason));
        assert_eq!(pair.history(1).last(), Some(&(Status::Rejected, 13)));
        assert_eq!(pair.balances("rich", "poor"), (1_000, 0), "{creditor}");
        assert_eq!(pair.clearing(), (0, 0));
        assert_eq!(pair.here.counts()[&eur()].rejected[&reason], 1);
    }
}

#[test]
fn what_this_group_refuses_never_leaves_it() {
    // The debtor's rules are this group's: asking the other one would only take time.
    use Reason::*;
    let cases = [
        ("nobody", DebtorUnknown),
        ("fees", DebtorForbidden),
        ("shut", DebtorClosed),
        ("held", DebtorBlocked),
        ("poor", InsufficientFunds),
    ];
    for (debtor, reason) in cases {
        let mut pair = Pair::new();
        let verdict = pair.pay("M1", transfer(1, "T1", debtor, "rich"));
        assert_eq!(verdict, Verdict::Rejected(reason));
        assert!(pair.sent.is_empty());
    }
    let mut pair = Pair::new();
    let message =
        message("M1", [transfer(1, "T1", "rich", "poor"), transfer(2, "T2", "held", "poor")]);
    let routes = vec![Route::Here, Route::Astray];
    let reply = pair.run(&Command::PayAcross { message, routes, raw: b"" });
    let Reply::Decided { verdicts, .. } = &reply else { panic!("{reply:?}") };
    assert_eq!(verdicts[..], [Verdict::Settled, Verdict::Rejected(DebtorElsewhere)]);
    assert_eq!(reply.group_status(), Some("PART"));
}

#[test]
fn a_payer_that_was_blocked_meanwhile_has_it_back_and_cannot_be_closed_before() {
    // A block must not swallow what is being given back; a closed account could never pay it out again.
    let mut pair = Pair::new();
    let all = Transaction { amount: Amount(1_000), ..transfer(1, "T1", "rich", "shut") };
    pair.pay("M1", all);
    let closed = pair.run(&set("rich", State::Closed));
    assert_eq!(closed, Reply::Refused(Refusal::PaymentsPending));
    assert_eq!(pair.run(&set("rich", State::Blocked)), Reply::StateSet);
    pair.deliver();
    assert_eq!(pair.balances("rich", "poor"), (1_000, 0));
}

#[test]
fn a_cancel_asks_and_the_other_groups_word_decides() {
    // A cancel that gives back at once pays twice when the credit was on its way.
    let mut pair = Pair::new();
    pair.pay("M1", transfer(1, "T1", "rich", "poor"));
    let uetr = Command::Cancel(PaymentKey::Uetr([1; 16]));
    let named = Command::Cancel(PaymentKey::Message { sender: "AAAADEFF", message_id: "M1" });
    assert_eq!(pair.run(&uetr), Reply::Cancelling(1));
    assert_eq!(pair.run(&named), Reply::Cancelling(1));
    assert_eq!(pair.balances("rich", "poor"), (900, 0), "nothing has come back yet");
    let (recorded, _) = pair.here.payment([1; 16]).unwrap();
    assert_eq!(recorded.across[0].and_then(|across| across.cancelled), Some(Stamp(12)));
    let Outward::Send { key, .. } = pair.sent[0] else { panic!("a message") };
    assert_eq!(pair.sent[1], Outward::Cancel { to: THERE, key });
    pair.here.resolve(
        VERSION,
        Stamp(20),
        THERE,
        key,
        Resolution::Cancelled,
        &mut Outcome::default(),
    );
    pair.check();
    assert_eq!(pair.balances("rich", "poor"), (1_000, 0));
    let (recorded, _) = pair.here.payment([1; 16]).unwrap();
    assert_eq!(recorded.verdicts, [Verdict::Rejected(Reason::Cancelled)]);
    assert_eq!(pair.run(&uetr), Reply::Refused(Refusal::NothingPending));
    let unknown = Command::Cancel(PaymentKey::Uetr([9; 16]));
    assert_eq!(pair.run(&unknown), Reply::Refused(Refusal::PaymentUnknown));
}

#[test]
fn what_could_not_be_sent_is_given_back_in_the_same_step() {
    // A frozen channel would otherwise hold every further payment for ever.
    let mut pair = Pair::new();
    pair.pay("M1", transfer(1, "T1", "rich", "poor"));
    let Outward::Send { key, .. } = pair.sent.remove(0) else { panic!("a message") };
    pair.here.resolve(VERSION, Stamp(11), THERE, key, Resolution::Unsent, &mut Outcome::default());
    pair.check();
    assert_eq!(pair.balances("rich", "poor"), (1_000, 0));
    assert_eq!(pair.history(1).last(), Some(&(Status::Rejected, 11)));
}

#[test]
fn a_payment_has_one_outcome_in_both_groups_together() {
    // The same UETR carried out by two ledgers is a payment made twice.
    let mut pair = Pair::new();
    run(&mut pair.there, 1, &pay("X1", [transfer(1, "T1", "rich", "poor")]));
    pair.pay("M1", transfer(1, "T9", "rich", "poor"));
    pair.deliver();
    let (recorded, _) = pair.here.payment([1; 16]).unwrap();
    assert_eq!(recorded.verdicts, [Verdict::Rejected(Reason::DuplicateUetr)]);
    pair.pay("M2", transfer(2, "T2", "rich", "poor"));
    pair.deliver();
    let again = run(&mut pair.there, 30, &pay("X2", [transfer(2, "T8", "rich", "poor")]));
    let Reply::Decided { verdicts, .. } = again else { panic!("{again:?}") };
    assert_eq!(verdicts, [Verdict::Rejected(Reason::DuplicateUetr)]);
    pair.check();
}

#[test]
fn nobody_opens_or_changes_a_clearing_account() {
    // An account that passes for the house's between two groups could be filled by a payment.
    let mut pair = Pair::new();
    pair.pay("M1", transfer(1, "T1", "rich", "poor"));
    for key in ["HOUSE:CLEARING:TO:00007", "HOUSE:CLEARING:FROM:00009"] {
        assert_eq!(pair.run(&open(key, 0)), Reply::Refused(Refusal::KeyReserved));
        let blocked = pair.run(&set(key, State::Blocked));
        assert_eq!(blocked, Reply::Refused(Refusal::KeyReserved));
    }
    let stolen = pair.pay("M2", transfer(2, "T2", "HOUSE:CLEARING:TO:00007", "rich"));
    assert_eq!(stolen, Verdict::Rejected(Reason::DebtorForbidden));
}

#[test]
fn bytes_of_another_group_that_make_no_sense_are_refused() {
    // A later version's message must give the payer its money back, not stop the payee's region.
    let mut payments = books();
    for bytes in [&b""[..], b"\x02", b"\x01\xff\xff", &[0xff; 100]] {
        let mut outcome = Outcome::default();
        let receipt = payments.receive(VERSION, Stamp(9), HERE, bytes, &mut outcome);
        assert_eq!(receipt, Receipt::Refused);
        assert_eq!(outcome.reply, [Reason::SettlementFailed as u8]);
    }
    payments.assert_books();
}
