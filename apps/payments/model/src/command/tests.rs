//! Every command has one encoding within the limits, and nothing else is a command.

use alloc::string::String;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::limits::TRANSACTIONS_MAX;
use crate::{Date, Transaction, Version};

fn eur() -> Currency {
    Currency::from_code("EUR").unwrap()
}

fn transaction() -> Transaction<'static> {
    Transaction {
        uetr: Some([7; 16]),
        amount: Amount(12_345),
        instruction_id: None,
        end_to_end_id: "E2E",
        transaction_id: Some("TX"),
        debtor: "DE1",
        creditor: "FR1",
        debtor_agent: Some("AAAADEFF"),
        creditor_agent: None,
    }
}

fn message() -> Message<'static> {
    Message {
        currency: eur(),
        version: Version::V10,
        settlement_date: Date::new(2026, 11, 20),
        sender: "AAAADEFF",
        message_id: "MSG",
        transactions: vec![transaction(), Transaction { uetr: None, ..transaction() }],
    }
}

fn all() -> [Command<'static>; 4] {
    let open = OpenAccount {
        currency: eur(),
        key: "DE1",
        name: Some("Ünal & Söhne"),
        kind: Kind::Customer,
        funding: Amount(100),
    };
    [
        Command::OpenAccount(open),
        Command::OpenAccount(OpenAccount { name: None, kind: Kind::House, ..open }),
        Command::SetAccountState(SetAccountState {
            currency: eur(),
            key: "DE1",
            state: State::Closed,
        }),
        Command::Pay { message: message(), raw: b"<Document/>" },
    ]
}

/// A command cut short on the way would be carried out as another.
#[test]
fn a_part_of_a_command_is_none() {
    for command in all() {
        let bytes = command.encode().unwrap().body;
        assert_eq!(command.body().as_ref(), Ok(&bytes), "with its digest or without");
        assert_eq!(Command::decode(&bytes), Ok(command));
        for length in 0..bytes.len() {
            assert!(Command::decode(bytes.get(..length).unwrap()).is_err());
        }
        let longer: Vec<_> = bytes.iter().copied().chain([0]).collect();
        assert!(Command::decode(&longer).is_err());
    }
}

/// Commands in the journal would be read differently by the next release.
#[test]
fn encodings_are_as_they_ever_were() {
    let set = SetAccountState { currency: eur(), key: "DE1", state: State::Blocked };
    let bytes = Command::SetAccountState(set).encode().unwrap().body;
    assert_eq!(bytes, [2, 0xd2, 0x03, 1, 3, b'D', b'E', b'1']);
    let hashes = all().map(|command| {
        let encoded = command.encode().unwrap();
        alloc::format!("{}", Hash(Sha256::digest(encoded.body).into()))
    });
    assert_eq!(hashes, PINNED);
}

const PINNED: [&str; 4] =
    ["792cb2b3061e6603", "2e7e55af95c7a889", "879391dc896dabfe", "d014775196937172"];

/// A retry whose document was written with other white space would be refused as different content,
/// or a changed amount pass as the same.
#[test]
fn the_digest_is_of_the_content_not_of_the_document() {
    let digest =
        |message: Message<'_>, raw: &[u8]| Command::Pay { message, raw }.encode().unwrap().digest;
    let first = digest(message(), b"<Document/>");
    assert_eq!(first, digest(message(), b"<Document />"));
    let mut other = message();
    other.transactions.first_mut().unwrap().amount = Amount(12_346);
    assert_ne!(first, digest(other, b"<Document/>"));
}

/// What one node accepts another would refuse, or a text of a gigabyte be journaled.
#[test]
fn both_sides_hold_the_limits() {
    let long = "x".repeat(141);
    let too_long = |command: Command<'_>| command.encode().unwrap_err();
    let with = |change: &dyn Fn(&mut Message<'_>)| {
        let mut message = message();
        change(&mut message);
        Command::Pay { message, raw: &[] }.encode().unwrap_err()
    };
    let error = |field, size, size_max| OutOfLimits { field, size, size_max };
    assert_eq!(with(&|message| message.sender = ""), error("sender", 0, 140));
    assert_eq!(with(&|message| message.transactions.clear()), error("transactions", 0, 1_000));
    assert_eq!(
        with(&|message| message.transactions = vec![transaction(); 1_001]),
        error("transactions", 1_001, 1_000)
    );
    let open = OpenAccount {
        currency: eur(),
        key: &long,
        name: Some(""),
        kind: Kind::Customer,
        funding: Amount::ZERO,
    };
    assert_eq!(too_long(Command::OpenAccount(open)), error("account key", 141, 140));
    let open = OpenAccount { key: "k", ..open };
    assert_eq!(too_long(Command::OpenAccount(open)), error("account name", 0, 560));
    let raw = vec![0; RAW_BYTES_MAX + 1];
    let pay = Command::Pay { message: message(), raw: &raw };
    assert_eq!(too_long(pay), error("raw document", RAW_BYTES_MAX + 1, RAW_BYTES_MAX));
    let longest = "y".repeat(140);
    let large = Transaction { end_to_end_id: &longest, debtor: &longest, ..transaction() };
    let full = Message { transactions: vec![large; TRANSACTIONS_MAX], ..message() };
    let command = Command::Pay { message: full, raw: raw.get(1..).unwrap() };
    let size_max = COMMAND_BYTES_MAX;
    assert!(
        matches!(too_long(command), OutOfLimits { field: "command", size_max: m, .. } if m == size_max)
    );
    assert!(Command::decode(&vec![3; COMMAND_BYTES_MAX + 1]).is_err());
}

prop_compose! {
    fn any_transaction()(
        uetr in any::<Option<[u8; 16]>>(),
        amount in any::<u128>(),
        texts in proptest::array::uniform5(".{1,35}"),
        agents in proptest::option::of("[A-Z]{8}"),
        has in any::<[bool; 2]>(),
    ) -> (Option<[u8; 16]>, u128, [String; 5], Option<String>, [bool; 2]) {
        (uetr, amount, texts, agents, has)
    }
}

proptest! {
    /// A message would be carried out otherwise than it was sent.
    #[test]
    fn messages_come_back_as_they_went(
        parts in proptest::collection::vec(any_transaction(), 1..5),
        sender in ".{1,35}",
        id in ".{1,35}",
        raw in any::<Vec<u8>>(),
    ) {
        let transactions = parts.iter().map(|(uetr, amount, texts, agent, has)| {
            let [instruction, end_to_end, transaction, debtor, creditor] = texts;
            Transaction {
                uetr: *uetr,
                amount: Amount(*amount),
                instruction_id: has[0].then_some(instruction),
                end_to_end_id: end_to_end,
                transaction_id: has[1].then_some(transaction),
                debtor,
                creditor,
                debtor_agent: agent.as_deref(),
                creditor_agent: None,
            }
        }).collect();
        let message = Message { sender: &sender, message_id: &id, transactions, ..message() };
        let command = Command::Pay { message, raw: &raw };
        let bytes = command.encode().unwrap().body;
        prop_assert_eq!(Command::decode(&bytes), Ok(command));
    }

    /// Bytes of an outsider would stop a node; or two encodings of one command would have two hashes.
    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(
        which in 0..4_usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = all().get(which).unwrap().encode().unwrap().body;
        for (index, value) in changes {
            *index.get_mut(&mut bytes) = value;
        }
        if let Ok(command) = Command::decode(&bytes) {
            prop_assert_eq!(command.encode().unwrap().body, bytes);
        }
    }
}
