//! What becomes of payments: settled or rejected, once, by the first rule that applies.

use ledger::Balance;
use model::Model;
use payments_model::{
    Command, Message, PaymentKey, Payments, Reason, Refusal, Reply, Transaction, Verdict, limits,
};
use sha2::{Digest, Sha256};
use types::{Amount, Hash, Stamp};

use crate::{books, currency, eur, message, pay, run, transfer};

const SETTLED: Verdict = Verdict::Settled;

fn rejected(reason: Reason) -> Verdict {
    Verdict::Rejected(reason)
}

fn verdicts(reply: Reply) -> Vec<Verdict> {
    let Reply::Decided { verdicts, .. } = reply else {
        panic!("the message was not carried out: {reply:?}")
    };
    verdicts
}

fn balance(payments: &Payments, key: &str) -> u128 {
    match payments.account(eur(), key).unwrap().balance {
        Balance::Credit(amount) => amount.0,
        Balance::Debit(amount) => panic!("{key} owes {amount}"),
    }
}

/// A payment would be made that a rule forbids, or refused for a reason that is not the first.
#[test]
fn rules_apply_in_their_order() {
    use Reason::*;
    let base = transfer(2, "T2", "rich", "poor");
    let amount = |amount, transaction| Transaction { amount: Amount(amount), ..transaction };
    let beyond = limits::AMOUNT_MAX.0 + 1;
    #[rustfmt::skip]
    let cases = [
        (base, SETTLED),
        (amount(900, base), SETTLED),
        (amount(0, transfer(1, "T1", "nobody", "nobody")), rejected(DuplicateUetr)),
        (amount(0, transfer(2, "T1", "nobody", "nobody")), rejected(DuplicateTransaction)),
        (amount(0, transfer(2, "T2", "nobody", "nobody")), rejected(ZeroAmount)),
        (amount(beyond, transfer(2, "T2", "nobody", "nobody")), rejected(AmountTooLarge)),
        (amount(u128::MAX, base), rejected(AmountTooLarge)),
        (transfer(2, "T2", "nobody", "nobody"), rejected(DebtorUnknown)),
        (transfer(2, "T2", "fees", "nobody"), rejected(CreditorUnknown)),
        (transfer(2, "T2", "fees", "fees"), rejected(DebtorForbidden)),
        (transfer(2, "T2", "HOUSE:FUNDING", "rich"), rejected(DebtorForbidden)),
        (transfer(2, "T2", "shut", "fees"), rejected(CreditorForbidden)),
        (transfer(2, "T2", "rich", "HOUSE:FUNDING"), rejected(CreditorForbidden)),
        (transfer(2, "T2", "shut", "shut"), rejected(SameAccount)),
        (transfer(2, "T2", "shut", "held"), rejected(DebtorClosed)),
        (transfer(2, "T2", "held", "shut"), rejected(CreditorClosed)),
        (amount(501, transfer(2, "T2", "held", "rich")), rejected(DebtorBlocked)),
        (transfer(2, "T2", "poor", "held"), rejected(CreditorBlocked)),
        (transfer(2, "T2", "poor", "rich"), rejected(InsufficientFunds)),
        (amount(901, base), rejected(InsufficientFunds)),
    ];
    let mut before = books();
    let first = pay("M1", [transfer(1, "T1", "rich", "poor")]);
    assert_eq!(verdicts(run(&mut before, 2, &first)), [SETTLED]);
    for (transaction, expect) in cases {
        let mut payments = before.clone();
        if transaction.debtor == "poor" {
            let drain = pay("M2", [transfer(9, "T9", "poor", "rich")]);
            assert_eq!(verdicts(run(&mut payments, 3, &drain)), [SETTLED]);
        }
        let moved = payments.sums(eur()).unwrap().debits;
        let reply = run(&mut payments, 4, &pay("M3", [transaction]));
        assert_eq!(verdicts(reply), [expect], "{transaction:?}");
        let posted = payments.sums(eur()).unwrap().debits.checked_sub(moved).unwrap();
        let amount = if expect == SETTLED { transaction.amount } else { Amount::ZERO };
        assert_eq!(posted, amount, "{transaction:?}");
        payments.assert_books();
    }
}

/// One instruction in two messages would be paid twice.
#[test]
fn a_uetr_is_paid_once() {
    let mut payments = books();
    let first = pay("M1", [transfer(1, "T1", "rich", "poor")]);
    let again = pay("M2", [transfer(1, "T2", "rich", "poor")]);
    let other = transfer(1, "T3", "rich", "poor");
    let elsewhere = Command::Pay {
        message: Message { sender: "CCCCITMM", ..message("M1", [other]) },
        raw: &[],
    };
    assert_eq!(verdicts(run(&mut payments, 2, &first)), [SETTLED]);
    assert_eq!(verdicts(run(&mut payments, 3, &again)), [rejected(Reason::DuplicateUetr)]);
    assert_eq!(verdicts(run(&mut payments, 4, &elsewhere)), [rejected(Reason::DuplicateUetr)]);
    assert_eq!(balance(&payments, "poor"), 100);

    let (recorded, index) = payments.payment([1; 16]).unwrap();
    assert_eq!((recorded.message.message_id, index), ("M1", 0));
    let loser = payments.message("AAAADEFFXXX", "M2").unwrap();
    assert_eq!(loser.verdicts, [rejected(Reason::DuplicateUetr)]);
    payments.assert_books();
}

/// A transaction id or a pair of ids would be taken twice, or one bank's ids block another's.
#[test]
fn transaction_ids_belong_to_their_sender() {
    let mut payments = books();
    let bare = Transaction { uetr: None, transaction_id: None, ..transfer(1, "", "rich", "poor") };
    let named = Transaction { transaction_id: Some("T1"), ..bare };
    let with_instruction = Transaction { instruction_id: Some("I1"), ..bare };
    let from = |sender, id, transaction| Command::Pay {
        message: Message { sender, ..message(id, [transaction]) },
        raw: &[],
    };
    let cases = [
        (
            pay("M1", [named, bare, with_instruction, bare]),
            vec![SETTLED, SETTLED, SETTLED, rejected(Reason::DuplicateInMessage)],
        ),
        (pay("M2", [bare]), vec![SETTLED]),
        (pay("M3", [named]), vec![rejected(Reason::DuplicateTransaction)]),
        (from("AAAADEFFXXX", "M4", named), vec![rejected(Reason::DuplicateTransaction)]),
        (from("AAAADEFF001", "M4", named), vec![SETTLED]),
        (from("CCCCITMM", "M1", named), vec![SETTLED]),
    ];
    for (command, expect) in cases {
        assert_eq!(verdicts(run(&mut payments, 2, &command)), expect);
    }
    assert_eq!(balance(&payments, "rich"), 1_000 - 600);
    payments.assert_books();
}

/// A rejected payment would be paid when it comes again under another message id, behind the back of
/// a sender who was told that it was rejected.
#[test]
fn a_rejected_uetr_stays_rejected() {
    let mut payments = books();
    let first = pay("M1", [transfer(1, "T1", "rich", "nobody")]);
    let again = pay("M2", [transfer(1, "T2", "rich", "poor")]);
    assert_eq!(verdicts(run(&mut payments, 2, &first)), [rejected(Reason::CreditorUnknown)]);
    assert_eq!(verdicts(run(&mut payments, 3, &again)), [rejected(Reason::DuplicateUetr)]);
    assert_eq!(balance(&payments, "rich"), 1_000);
}

/// A second message under a used id would replace the first, or be paid beside it.
#[test]
fn a_message_id_is_used_once() {
    let mut payments = books();
    let first = pay("M1", [transfer(1, "T1", "rich", "poor")]);
    assert_eq!(verdicts(run(&mut payments, 2, &first)), [SETTLED]);
    let before = payments.clone();
    let other = pay("M1", [transfer(2, "T2", "rich", "poor")]);
    for command in [&first, &other] {
        let reply = run(&mut payments, 3, command);
        assert_eq!(reply, Reply::Refused(Refusal::MessageIdUsed));
        assert_eq!(payments, before);
    }
}

/// In one message, a transaction could spend what an earlier one has spent, or not what it brought.
#[test]
fn transactions_of_a_message_follow_each_other() {
    let mut payments = books();
    let amount = |amount, transaction| Transaction { amount: Amount(amount), ..transaction };
    let command = pay(
        "M1",
        [
            transfer(1, "T1", "poor", "rich"),
            amount(1_000, transfer(2, "T2", "rich", "poor")),
            transfer(3, "T3", "rich", "poor"),
            transfer(4, "T4", "poor", "rich"),
            transfer(4, "T5", "poor", "rich"),
        ],
    );
    let reply = run(&mut payments, 2, &command);
    assert_eq!(reply.group_status(), Some("PART"));
    let poor = rejected(Reason::InsufficientFunds);
    assert_eq!(verdicts(reply), [poor, SETTLED, poor, SETTLED, rejected(Reason::DuplicateUetr)]);
    assert_eq!((balance(&payments, "rich"), balance(&payments, "poor")), (100, 900));

    let counts = payments.counts().get(&eur()).unwrap();
    assert_eq!((counts.settled, counts.settled_amount), (2, Amount(1_100)));
    let rejected: Vec<_> =
        counts.rejected.iter().map(|(reason, count)| (*reason, *count)).collect();
    assert_eq!(rejected, [(Reason::DuplicateUetr, 1), (Reason::InsufficientFunds, 2)]);
    payments.assert_books();
}

/// A message in a currency without a book would vanish, and its UETR be free for another.
#[test]
fn a_currency_without_a_book_is_rejected_and_recorded() {
    let mut payments = books();
    let yen = Message { currency: currency("JPY"), ..message("M1", [transfer(1, "T1", "a", "b")]) };
    let reply = run(&mut payments, 2, &Command::Pay { message: yen.clone(), raw: &[] });
    assert_eq!(verdicts(reply), [rejected(Reason::CurrencyNotCarried)]);
    assert_eq!(payments.message("AAAADEFF", "M1").unwrap().message, yen);
    let euro = pay("M2", [transfer(1, "T2", "rich", "poor")]);
    assert_eq!(verdicts(run(&mut payments, 3, &euro)), [rejected(Reason::DuplicateUetr)]);
    payments.assert_books();
}

/// A pacs.002 could not be written again for who asks a year later.
#[test]
fn a_record_holds_what_an_answer_needs() {
    let mut payments = books();
    let transactions = [transfer(1, "T1", "rich", "poor"), transfer(2, "T2", "rich", "nobody")];
    run(&mut payments, 77, &pay("M1", transactions));
    run(&mut payments, 78, &pay("M2", [transfer(3, "T3", "rich", "poor")]));

    let recorded = payments.message("AAAADEFF", "M1").unwrap();
    assert_eq!(recorded.stamp, Stamp(77));
    assert_eq!(recorded.raw_sha256, Hash(Sha256::digest(b"<Document/>").into()));
    assert_eq!(recorded.message, message("M1", transactions));
    assert_eq!(recorded.verdicts, [SETTLED, rejected(Reason::CreditorUnknown)]);

    let (same, index) = payments.payment([2; 16]).unwrap();
    assert_eq!((&same, index), (&recorded, 1));
    assert!(payments.payment([9; 16]).is_none());
    assert!(payments.message("AAAADEFF", "M9").is_none());
    let newest: Vec<_> = payments.messages().rev().map(|each| each.message.message_id).collect();
    assert_eq!(newest, ["M2", "M1"]);
    assert_eq!(payments.message_count(), 2);

    let Some(PaymentKey::Message { sender, message_id }) = PaymentKey::parse("AAAADEFF/M2") else {
        panic!("a key of sender and message id")
    };
    assert!(payments.message(sender, message_id).is_some());
}

/// Two regions with different histories would believe that they are equal.
#[test]
fn every_difference_shows_in_the_digest() {
    let transaction = transfer(1, "T1", "rich", "poor");
    let variants = [
        pay("M1", [transaction]),
        pay("M2", [transaction]),
        pay("M1", [Transaction { amount: Amount(101), ..transaction }]),
        pay("M1", [Transaction { creditor: "nobody", ..transaction }]),
        pay("M1", [Transaction { creditor: "no one", ..transaction }]),
        Command::Pay { message: message("M1", [transaction]), raw: b"<Document />" },
    ];
    let mut digests = vec![books().digest(), Payments::new([eur()]).digest()];
    for (stamp, command) in [(2, &variants[0]), (3, &variants[0])]
        .into_iter()
        .chain(variants.iter().skip(1).map(|command| (2, command)))
    {
        let mut payments = books();
        run(&mut payments, stamp, command);
        digests.push(payments.digest());
    }
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

/// A new release would disagree with the old one about the same journal, in the middle of an upgrade.
#[test]
fn the_digest_of_a_history_is_as_it_ever_was() {
    let mut payments = books();
    let transactions = [transfer(1, "T1", "rich", "poor"), transfer(2, "T2", "rich", "nobody")];
    run(&mut payments, 2, &pay("M1", transactions));
    assert_eq!(payments.digest().to_string(), "fb3fc9e4ea209636");
}
