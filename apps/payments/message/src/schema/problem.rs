//! Where and how a document departs from its schema.

use core::fmt;

/// The first departure from the schema, in document order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct Departure {
    /// The element, from `Document` down: `/Document/FIToFICstmrCdtTrf/CdtTrfTxInf[2]/ChrgBr`.
    pub path: Box<str>,
    /// What is wrong there.
    pub problem: Problem,
}

/// What the schema expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// An element that may not stand here: unknown, out of order, or one too many.
    #[error("element {found} is not expected here{}", Expected(.expected))]
    Unexpected {
        /// Its name; with its namespace if that is not the schema's.
        found: Box<str>,
        /// Which could stand here. Empty: none.
        expected: Vec<&'static str>,
    },
    /// The element ends before all it must hold.
    #[error("something is missing{}", Expected(.expected))]
    Missing {
        /// Which could stand here.
        expected: Vec<&'static str>,
    },
    /// Text between elements.
    #[error("text is not allowed between elements, found {found:?}")]
    Text {
        /// The text, shortened.
        found: Box<str>,
    },
    /// A value that its type does not have.
    #[error("{found:?} is not a legal {type_name}: {reason}")]
    Value {
        /// The type in the schema.
        type_name: &'static str,
        /// The text, shortened.
        found: Box<str>,
        /// Which part of the type it breaks.
        reason: Reason,
    },
    /// An attribute that the element does not have.
    #[error("attribute {found} is not allowed")]
    Attribute {
        /// Its name.
        found: Box<str>,
    },
    /// An attribute that the element must have.
    #[error("attribute {expected} is missing")]
    AttributeMissing {
        /// Its name.
        expected: &'static str,
    },
    /// `xsi:nil` on an element that cannot be nil: no element of these schemas can.
    #[error("the element cannot be nil")]
    Nil,
    /// `xsi:type` with a type that is unknown or not the element's own.
    #[error("xsi:type {found:?} is not the type of this element")]
    TypeOverride {
        /// What stands there, shortened.
        found: Box<str>,
    },
}

/// Which part of a simple type a text breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Fewer characters or bytes than this.
    #[error("shorter than {0}")]
    Short(u32),
    /// More characters or bytes than this.
    #[error("longer than {0}")]
    Long(u32),
    /// Not of the form that the type's pattern describes.
    #[error("it has another form")]
    Pattern,
    /// None of the listed values.
    #[error("it is not one of the listed values")]
    Enumeration,
    /// Not a value of the built-in type: no number, no date, no such day.
    #[error("it is no value of this kind")]
    Form,
    /// More digits than this in all.
    #[error("more than {0} digits")]
    TotalDigits(u32),
    /// More digits after the point than this.
    #[error("more than {0} digits after the point")]
    FractionDigits(u32),
    /// Below zero.
    #[error("it is below zero")]
    Negative,
}

/// `, expected A, B`.
struct Expected<'a>(&'a [&'static str]);

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { ", expected " } else { " or " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}
