//! Our verdicts against another validator's, on messages changed at random.
//!
//! The other validator reads the official schemas themselves. Where it is known to part from libxml2,
//! our judge of record, nothing is tried here:
//! - it has year 0000 and the years before it (XML Schema 1.1, not 1.0);
//! - it strips white space around dates, and around texts that have an enumeration;
//! - it refuses a decimal that ends with its point;
//! - it counts lengths in bytes, so that all texts are made ASCII;
//! - it checks no value of an attribute, and takes any attribute on elements of simple types.
//!
//! Those are in the unit tests of the values, with libxml2's verdicts.

use std::collections::BTreeMap;

use payments_message::verdict::verdicts;
use quick_xml::Reader;
use quick_xml::events::Event;
use uppsala::XsdValidator;

use crate::support::{Random, rich, shared};

/// An element of a message being changed.
#[derive(Clone, Debug, Default)]
struct Node {
    name: String,
    attributes: BTreeMap<String, String>,
    text: String,
    children: Vec<Self>,
}

impl Node {
    fn parse(text: &str) -> Self {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().expect("a well-formed sample") {
                Event::Start(tag) => {
                    let mut node = Self { name: tag.name().as_ref().to_owned(), ..Self::default() };
                    for attribute in tag.attributes().flatten() {
                        let key = attribute.key.as_ref().to_owned();
                        node.attributes.insert(key, attribute.value.into_owned());
                    }
                    open.push(node);
                }
                Event::Empty(tag) => {
                    let name = tag.name().as_ref().to_owned();
                    let attributes = tag.attributes().flatten();
                    let attributes = attributes
                        .map(|a| (a.key.as_ref().to_owned(), a.value.into_owned()))
                        .collect();
                    let node = Self { name, attributes, ..Self::default() };
                    open.last_mut().expect("a root").children.push(node);
                }
                Event::End(_) => {
                    let node = open.pop().expect("an open element");
                    open.last_mut().expect("a root").children.push(node);
                }
                // Texts stay escaped; what stands between elements is dropped.
                Event::Text(text) if !text.trim().is_empty() => {
                    open.last_mut().expect("a root").text += &text;
                }
                Event::GeneralRef(name) => {
                    open.last_mut().expect("a root").text += &format!("&{};", &*name);
                }
                Event::Eof => return open.remove(0).children.remove(0),
                Event::Text(_) | Event::Comment(_) | Event::Decl(_) => {}
                Event::CData(_) | Event::PI(_) | Event::DocType(_) => panic!("a plain sample"),
            }
        }
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (key, value) in &self.attributes {
            out.push_str(&format!(" {key}=\"{value}\""));
        }
        out.push('>');
        out.push_str(&self.text);
        for child in &self.children {
            child.write(out);
        }
        out.push_str(&format!("</{}>", self.name));
    }

    fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    /// The `index`th element in document order.
    fn nth(&mut self, index: &mut usize) -> Option<&mut Self> {
        if *index == 0 {
            return Some(self);
        }
        *index -= 1;
        self.children.iter_mut().find_map(|child| child.nth(index))
    }
}

const TEXTS: [&str; 55] = [
    "",
    "0",
    "-1",
    ".5",
    "-0",
    "1.123456",
    "123456789012345678",
    "1234567890123456789",
    "12345678901234.12345",
    "+5",
    "1e3",
    "2024-02-29",
    "2023-02-29",
    "2024-01-01T00:00:00",
    "2024-01-01T24:00:00",
    "2024-01-01T24:00:01",
    "2024-01-01T00:00:00+14:00",
    "2024-01-01T00:00:00+14:01",
    "12024-01-01",
    "24:00:00",
    "23:59:60",
    "2024",
    "true",
    "TRUE",
    "USD",
    "usd",
    "AAAA",
    "AAAAA",
    "AAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "DEUTDEFF",
    "DEUTDEFFXXX",
    "DEUTDEFFXX",
    "GB82WEST12345698765432",
    "GB8",
    "GB821",
    "1a7c4f32-5c1d-4e9b-8f2a-9b1c2d3e4f50",
    "1a7c4f32-5c1d-5e9b-8f2a-9b1c2d3e4f50",
    "+49-123",
    "+49-",
    "+4999-1",
    "+1-(2)+3-4",
    "SHAR",
    "INDA",
    "123456789012345",
    "1234567890123456",
    "12",
    "QUJD",
    "a\r\nb",
    "0.000001",
    "99999999999.9999999999",
    "&#65;&amp;",
];

fn change(root: &mut Node, random: &mut Random) {
    let mut index = random.below(root.count());
    let (mut other, mut source) = (random.below(root.count()), random.below(root.count()));
    let other = root.nth(&mut other).map(|node| node.name.clone()).unwrap_or_default();
    let copy = root.nth(&mut source).cloned().unwrap_or_default();
    let Some(node) = root.nth(&mut index) else { return };
    let size = node.children.len();
    match random.below(14) {
        0..4 if size == 0 => (*random.pick(&TEXTS)).clone_into(&mut node.text),
        4 if size > 0 => drop(node.children.remove(random.below(size))),
        5 if size > 0 => {
            let at = random.below(size);
            node.children.insert(at, node.children[at].clone());
        }
        6 if size > 1 => node.children.swap(random.below(size), random.below(size)),
        7 if node.name != "Document" => node.name = other,
        8 => node.name.push('x'),
        9 | 10 => drop(node.attributes.remove("Ccy")),
        11 if size > 0 => drop(node.attributes.insert("Ccy".to_owned(), "EUR".to_owned())),
        12 if copy.count() < 40 => node.children.insert(random.below(size + 1), copy),
        13 => node.text.push(*random.pick(&['x', '0', '-'])),
        _ => {}
    }
}

/// Where two validators disagree about a message, one of them settles what the other sends back.
#[test]
fn verdicts_agree_with_another_validator() {
    let Some(folder) = shared("iso20022-xsd") else { return };
    let mut random = Random(8);
    let (mut valid, mut invalid) = (0, 0);
    for message in ["pacs.008.001.08", "pacs.008.001.10", "pacs.008.001.12", "pacs.008.001.13"] {
        let schema =
            std::fs::read_to_string(folder.join(format!("{message}.xsd"))).expect("a schema");
        let schema = uppsala::parse(&schema).expect("a schema document");
        let validator = XsdValidator::from_schema(&schema).expect("a schema");
        let ascii = rich(message).replace(|letter: char| !letter.is_ascii(), "o");
        let sample = Node::parse(&ascii);
        for _ in 0..600 {
            let mut root = sample.clone();
            for _ in 0..=random.below(2) {
                change(&mut root, &mut random);
            }
            let mut text = String::new();
            root.write(&mut text);
            let Ok(document) = uppsala::parse(&text) else {
                assert!(verdicts(text.as_bytes()).is_err(), "not well-formed: {text}");
                continue;
            };
            let errors = validator.validate(&document);
            let ours = verdicts(text.as_bytes()).expect("well-formed XML");
            let ours = ours.first().map(|verdict| verdict.departure.as_ref());
            let agrees = match ours {
                Some(departure) => departure.is_none() == errors.is_empty(),
                // The root was renamed: no document is left, which the schema refuses.
                None => !errors.is_empty(),
            };
            assert!(agrees, "ours: {ours:?}\ntheirs: {errors:?}\n{text}");
            if errors.is_empty() { valid += 1 } else { invalid += 1 }
        }
    }
    assert!(valid > 300 && invalid > 300, "{valid} valid, {invalid} invalid: too one-sided");
}
