//! Unit tests.

use std::fs;

use types::Stamp;

use super::super::script;
use super::{Rounds, find};

#[test]
fn a_folder_is_sorted_into_what_is_sent_and_what_is_named() {
    // Without this, a demo could pass over the very files it was given, or send what nobody wrote.
    let dir = tempfile::tempdir().unwrap();
    let message = script::probe(Stamp(1_795_161_600_000_000));
    let broken = String::from_utf8(message.to_vec()).unwrap().replace("<ChrgBr>SLEV</ChrgBr>", "");
    fs::create_dir(dir.path().join("below")).unwrap();
    fs::write(dir.path().join("below/a.xml"), &message).unwrap();
    fs::write(dir.path().join("b.xml"), broken).unwrap();
    fs::write(
        dir.path().join("c.xml"),
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"/>",
    )
    .unwrap();
    fs::write(dir.path().join("d.txt"), "no XML").unwrap();
    let found = find(dir.path()).unwrap();
    let paths: Vec<_> = found.documents.iter().map(|one| one.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["b.xml", "below/a.xml"]);
    let skipped: Vec<_> = found.skipped.iter().map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(skipped, ["c.xml", "d.txt"]);
    assert!(found.skipped[0].1.contains("camt.053.001.08"), "{:?}", found.skipped[0]);
    assert_eq!(found.openings.len(), 2);

    let mut rounds = Rounds::new(found.documents, 3, 1);
    let sent: Vec<_> = (0..8).map(|_| rounds.next()).collect();
    assert_eq!(sent[1].bytes, message);
    assert_eq!((sent[2].of, sent[3].of), (Some(0), None), "what is wrong cannot be renamed");
    assert_ne!(sent[3].bytes, message);
    assert_eq!((sent[5].of, &sent[5].bytes), (Some(1), &message));
    assert_ne!(sent[7].bytes, sent[3].bytes);
    assert!(payments_message::read(&sent[7].bytes).is_ok());
}

#[test]
fn a_folder_without_payments_is_refused() {
    // Without this, a mistyped path would give a demo that sends nothing and passes.
    let dir = tempfile::tempdir().unwrap();
    assert!(find(dir.path()).is_err());
    assert!(find(&dir.path().join("missing")).is_err());
}
