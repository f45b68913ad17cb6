//! Real messages with the verdicts of libxml2.

use payments_message::verdict::verdicts;

use crate::support::{rich, shared};

/// If our verdict differs from the official schema's, we refuse what networks deliver or deliver
/// what they refuse.
#[test]
fn verdicts_agree_with_the_manifest() {
    let Some(folder) = shared("iso20022-samples") else { return };
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).expect("the manifest");
    let mut checked = 0;
    for line in manifest.lines().skip(1) {
        let mut columns = line.splitn(5, ',');
        let mut next = || columns.next().expect("five columns");
        let (file, message, expect) = (next(), next(), next());
        let ours = message.starts_with("pacs.008") || message.starts_with("pacs.002");
        if !ours {
            continue;
        }
        let bytes = std::fs::read(folder.join(file)).expect("a listed file");
        let found = verdicts(&bytes).expect("well-formed XML");
        let found = found.iter().find(|v| v.message == message).expect("a listed document");
        assert_eq!(found.departure.is_none(), expect == "valid", "{file}: {:?}", found.departure);
        checked += 1;
    }
    assert!(checked >= 25, "only {checked} documents in the manifest");
}

/// The samples that other tests change must be right to begin with.
#[test]
fn our_own_samples_are_valid() {
    for message in ["pacs.008.001.08", "pacs.008.001.10", "pacs.008.001.12", "pacs.008.001.13"] {
        let found = verdicts(rich(message).as_bytes()).expect("well-formed XML");
        let [verdict] = found.as_slice() else { panic!("one document in {message}") };
        assert_eq!((verdict.message, &verdict.departure), (message, &None));
    }
}
