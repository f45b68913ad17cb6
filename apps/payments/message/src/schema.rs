//! What the official schemas say, as tables: types, their elements, their values.
//!
//! The schema texts themselves are not in the product. A generator (`examples/tables`) reads them
//! and writes `tables` in the vocabulary of this file; a test runs it again and compares. Types
//! that several versions share are there once. The schemas in question use a small part of XML
//! Schema: flat sequences and choices of named elements, one wildcard, amounts with a `Ccy`
//! attribute and restricted built-in types. The generator refuses anything else.
//!
//! `validate` holds a document against a table, `value` a text against a simple type.

pub(crate) mod pattern;
#[rustfmt::skip]
pub(crate) mod tables;
pub mod problem;
pub(crate) mod text;
pub(crate) mod validate;
pub(crate) mod value;

use crate::codes::CodeSet;
use pattern::Atom;

/// One version of one message.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The target namespace, `urn:iso:std:iso:20022:tech:xsd:` and the name.
    pub(crate) namespace: &'static str,
    /// The type of `Document`.
    pub(crate) document: &'static Type,
    /// All named types, in order of name; `xsi:type` may name them.
    pub(crate) types: &'static [&'static Type],
}

/// A named type.
#[derive(Debug)]
pub(crate) struct Type {
    /// Its name in the schema.
    pub(crate) name: &'static str,
    /// What an element of this type holds.
    pub(crate) content: Content,
}

/// What an element may hold.
#[derive(Debug)]
pub(crate) enum Content {
    /// These elements, in this order.
    Sequence(&'static [Element]),
    /// One of these elements.
    Choice(&'static [Element]),
    /// Exactly one element of any name.
    Any,
    /// A value.
    Simple(Simple),
    /// A value, with a required attribute of a type of its own.
    Attributed { value: Simple, attribute: &'static str, of: &'static Type },
}

/// An element as a particle of its parent. A name occurs once per parent.
#[derive(Debug)]
pub(crate) struct Element {
    /// Local name; the namespace is the schema's.
    pub(crate) name: &'static str,
    /// [`key`] of the name: most comparisons end here.
    pub(crate) key: u64,
    /// Its type.
    pub(crate) of: &'static Type,
    /// Least number of times in a row.
    pub(crate) min: u32,
    /// Most; [`UNBOUNDED`] for no limit.
    pub(crate) max: u32,
}

/// A number that tells most names apart. Equal names have equal keys, not the other way round.
pub(crate) const fn key(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut key = 0_u64;
    let mut index = 0;
    while index < bytes.len() {
        key = key.rotate_left(7) ^ bytes[index] as u64;
        index += 1;
    }
    key
}

/// For the tables.
const fn element(name: &'static str, of: &'static Type, min: u32, max: u32) -> Element {
    Element { name, key: key(name), of, min, max }
}

/// `maxOccurs="unbounded"`.
pub(crate) const UNBOUNDED: u32 = u32::MAX;

/// A simple type: which texts are legal, and what they mean beyond that.
#[derive(Debug)]
pub(crate) struct Simple {
    /// Which texts.
    pub(crate) kind: Kind,
    /// What a rule can say about them.
    pub(crate) meaning: Meaning,
}

/// The built-in types in use, with their facets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// `xs:string`: length in characters, alternatives of a pattern (none: any text), enumeration
    /// (none: any text).
    Text {
        min: u32,
        max: u32,
        pattern: &'static [&'static [Atom]],
        values: &'static [&'static str],
    },
    /// `xs:decimal`: digits after the point and in total; `natural` forbids values below zero.
    Decimal { total: u32, fraction: u32, natural: bool },
    /// `xs:boolean`.
    Boolean,
    /// `xs:date`.
    Date,
    /// `xs:dateTime`.
    DateTime,
    /// `xs:time`.
    Time,
    /// `xs:gYear`.
    Year,
    /// `xs:base64Binary`: length in decoded bytes.
    Base64 { min: u32, max: u32 },
}

/// What a legal text stands for, where more can be checked than its form.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meaning {
    /// Nothing more.
    Plain,
    /// A business identifier code.
    Bic,
    /// An international bank account number.
    Iban,
    /// An ISO 3166 country.
    Country,
    /// A currency in use.
    Currency,
    /// A legal entity identifier.
    Lei,
    /// A member of an external code set.
    Code(&'static CodeSet),
}

impl Schema {
    /// The schema of a namespace.
    pub(crate) fn of(namespace: &str) -> Option<&'static Self> {
        tables::SCHEMAS.iter().copied().find(|schema| schema.namespace == namespace)
    }

    /// The named type.
    pub(crate) fn type_named(&self, name: &str) -> Option<&'static Type> {
        let index = self.types.binary_search_by(|known| known.name.cmp(name)).ok()?;
        self.types.get(index).copied()
    }

    /// The message's own name, `pacs.008.001.08`.
    pub(crate) fn message(&self) -> &'static str {
        self.namespace.strip_prefix(NAMESPACE_STEM).unwrap_or(self.namespace)
    }
}

/// What every ISO 20022 message namespace begins with.
pub(crate) const NAMESPACE_STEM: &str = "urn:iso:std:iso:20022:tech:xsd:";

/// The built-in types that `xsi:type` may name inside supplementary data. libxml2 knows all of XML
/// Schema's; these are the ones that the payment schemas build on.
fn built_in(name: &str) -> Option<&'static Simple> {
    const TEXT: Kind = Kind::Text { min: 0, max: u32::MAX, pattern: &[], values: &[] };
    const DECIMAL: Kind = Kind::Decimal { total: u32::MAX, fraction: u32::MAX, natural: false };
    const BASE64: Kind = Kind::Base64 { min: 0, max: u32::MAX };
    static KINDS: [(&str, Simple); 8] = [
        ("string", Simple { kind: TEXT, meaning: Meaning::Plain }),
        ("decimal", Simple { kind: DECIMAL, meaning: Meaning::Plain }),
        ("boolean", Simple { kind: Kind::Boolean, meaning: Meaning::Plain }),
        ("date", Simple { kind: Kind::Date, meaning: Meaning::Plain }),
        ("dateTime", Simple { kind: Kind::DateTime, meaning: Meaning::Plain }),
        ("time", Simple { kind: Kind::Time, meaning: Meaning::Plain }),
        ("gYear", Simple { kind: Kind::Year, meaning: Meaning::Plain }),
        ("base64Binary", Simple { kind: BASE64, meaning: Meaning::Plain }),
    ];
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, simple)| simple)
}

#[cfg(test)]
mod tests;
