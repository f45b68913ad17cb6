//! Files that attack XML parsers.

use payments_message::limits::Limits;
use payments_message::verdict::verdicts;
use payments_message::{Refusal, read};

use crate::support::shared;

/// A file of a few bytes must not take a node's memory, or files from its disk. None of these gets
/// as far as being understood; the two harmless ones are read as XML and found to be no payment.
#[test]
fn attack_files_are_refused() {
    let Some(folder) = shared("xml-attacks/defusedxml") else { return };
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name").to_owned();
        let refusal = read(&std::fs::read(&path).expect("a file")).expect_err(&name);
        // Style sheets and a schema are harmless to a reader that does nothing they ask for.
        let harmless =
            name.starts_with("simple") || name.starts_with("xalan") || name.ends_with(".xsd");
        match refusal {
            Refusal::NotPacs008(_) => assert!(harmless, "{name} was read"),
            Refusal::Attack(_) => assert!(!harmless, "{name} was not read"),
            other @ (Refusal::NotXml(_) | Refusal::Schema { .. } | Refusal::Rule(_)) => {
                panic!("{name}: {other:?}")
            }
        }
    }
}

/// Work grows with the size of a document and no faster: a document as large as allowed, of each of
/// the shapes that have slowed parsers down, is done with before a caller gives up.
#[test]
fn large_documents_of_bad_shapes_are_read_in_linear_time() {
    let size = Limits::DEFAULT.document_bytes_max - 64;
    let shapes = [
        format!("<a>{}</a>", "<b/>".repeat(size / 5)),
        format!("<a>{}</a>", "<!---->".repeat(size / 7)),
        format!("<a>{}</a>", "&amp;".repeat(size / 5)),
        format!("<a>{}</a>", "<![CDATA[x]]>".repeat(size / 13)),
        format!("<a>{}</a>", "]".repeat(size)),
        format!("<a>{}", "<a>".repeat(size / 3)),
        format!("<a {}/>", "b".repeat(size)),
        format!("<a {}/>", "b='' ".repeat(size / 5)),
        format!("<a><!--{}", "-".repeat(size)),
        format!("<a>{}", "<".repeat(size)),
        format!("<a>{}</a>", "<b xmlns='urn:x' xmlns:p='urn:y'/>".repeat(size / 35)),
        format!("<!DOCTYPE a [{}", "<!ENTITY a 'b'>".repeat(size / 15)),
    ];
    for shape in shapes {
        // No clock here: a quadratic reader needs minutes and hits the test runner's own limit.
        assert!(read(shape.as_bytes()).is_err());
        drop(verdicts(shape.as_bytes()));
    }
}

/// More than the limit is refused unseen, whatever it is.
#[test]
fn a_document_beyond_the_limit_is_an_attack() {
    let text = " ".repeat(Limits::DEFAULT.document_bytes_max + 1);
    assert!(matches!(read(text.as_bytes()), Err(Refusal::Attack(_))));
}
