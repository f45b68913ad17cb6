//! One id, one content: what counts as the same message sent again, and what as another.

use payments_message::message::Version;
use payments_message::read;
use types::Hash;

use crate::support::draft;

fn content(text: &str) -> Hash {
    read(text.as_bytes()).expect("a valid message").content
}

fn sample() -> String {
    String::from_utf8(draft(1).write(Version::V08)).expect("UTF-8")
}

/// If a release hashed the same message otherwise, a retry across the upgrade would be refused as
/// another message.
#[test]
fn a_content_is_what_it_ever_was() {
    let data = "<SplmtryData><Envlp><a xmlns='urn:b' c='&lt;'> d </a></Envlp></SplmtryData>";
    let text = sample().replace("</CdtTrfTxInf>", &format!("{data}</CdtTrfTxInf>"));
    assert_eq!(content(&text).to_string(), PINNED, "of the text:\n{text}");
}

const PINNED: &str = "2043d3118b022feb";

/// If writing a message another way made it another message, an honest retry would be refused.
#[test]
fn how_it_is_written_does_not_count() {
    let sent = sample();
    let first = content(&sent);
    let spaced = sent.replace("><", ">\n   <");
    assert_ne!(spaced, sent);
    assert_eq!(content(&spaced), first);
    let commented = sent.replace("<GrpHdr>", "<!-- again --><GrpHdr>");
    assert_eq!(content(&commented), first);
    let body = sent.split_once("<Document").expect("a document").1;
    let wrapped = format!("<Envelope><Document{body}</Envelope>");
    assert_eq!(content(&wrapped), first);
}

/// If the namespace did not count, one order sent in two versions would pass for one message, and an
/// element from elsewhere for one of the message's own.
#[test]
fn namespaces_count_and_prefixes_do_not() {
    let sent = sample();
    let first = content(&sent);
    let newer = sent.replace("pacs.008.001.08", "pacs.008.001.10");
    assert_ne!(content(&newer), first);
    let stem = "urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08";
    let again = sent.replace("<GrpHdr>", &format!("<GrpHdr xmlns='{stem}'>"));
    assert_eq!(content(&again), first);
    let extra = |name: &str| {
        let data = format!("<SplmtryData><Envlp>{name}</Envlp></SplmtryData></CdtTrfTxInf>");
        content(&sent.replace("</CdtTrfTxInf>", &data))
    };
    assert_ne!(extra("<a/>"), extra("<a xmlns='urn:b'/>"));
    assert_eq!(extra("<a xmlns='urn:b'/>"), extra("<c:a xmlns:c='urn:b'/>"));
}

/// If a changed word did not count, a second, different order would be answered with the first one's
/// outcome.
#[test]
fn every_value_counts() {
    let sent = sample();
    let first = content(&sent);
    let mut changed = 0;
    let mut from = 0;
    // The last character of every value in turn, where the message stays valid.
    while let Some(at) = sent[from..].find("</").map(|at| from + at) {
        from = at + 2;
        let last = sent[..at].chars().next_back().expect("text before a tag");
        if !last.is_ascii_alphanumeric() {
            continue;
        }
        let other = if last == '1' { '2' } else { '1' };
        let edited = format!("{}{other}{}", &sent[..at - last.len_utf8()], &sent[at..]);
        if let Ok(read) = read(edited.as_bytes()) {
            assert_ne!(read.content, first, "{edited}");
            changed += 1;
        }
    }
    assert!(changed >= 10, "only {changed} values could be changed");
}
