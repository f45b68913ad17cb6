//! Why a document is not XML that we read.

use core::fmt;

/// What is wrong with the bytes, with the byte offset where it showed. The reader stops at the
/// first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not UTF-8, or declared to be something else.
    #[error("the document is not UTF-8")]
    Encoding,
    /// A control character or another one that XML 1.0 leaves out.
    #[error("byte {at}: a character that XML does not allow")]
    Character {
        /// Byte offset.
        at: u64,
    },
    /// A limit of [`crate::limits::Limits`].
    #[error("byte {at}: more than the limit of {limit}")]
    Limit {
        /// Which.
        limit: Limit,
        /// Byte offset.
        at: u64,
    },
    /// A document type declaration, of any content.
    #[error("byte {at}: a document type declaration")]
    DocumentType {
        /// Byte offset.
        at: u64,
    },
    /// A reference to an entity other than the five of XML, or to no character.
    #[error("byte {at}: reference to unknown entity or character {name}")]
    Reference {
        /// What stood between `&` and `;`, shortened.
        name: Box<str>,
        /// Byte offset.
        at: u64,
    },
    /// Markup that is broken: unclosed, mismatched, or no markup at all.
    #[error("byte {at}: {message}")]
    Syntax {
        /// What the parser found.
        message: Box<str>,
        /// Byte offset.
        at: u64,
    },
    /// An XML declaration that is not first, not version 1.0, or malformed.
    #[error("byte {at}: a wrong XML declaration")]
    Declaration {
        /// Byte offset.
        at: u64,
    },
    /// A processing instruction with a reserved or illegal target.
    #[error("byte {at}: a wrong processing instruction")]
    Instruction {
        /// Byte offset.
        at: u64,
    },
    /// `--` inside a comment.
    #[error("byte {at}: a double hyphen in a comment")]
    Comment {
        /// Byte offset.
        at: u64,
    },
    /// `]]>` outside of a CDATA section.
    #[error("byte {at}: a CDATA end without a beginning")]
    CdataEndInText {
        /// Byte offset.
        at: u64,
    },
    /// Something that is no XML name.
    #[error("byte {at}: not a name")]
    Name {
        /// Byte offset.
        at: u64,
    },
    /// A prefix that is not declared, or a declaration that XML namespaces forbid.
    #[error("byte {at}: a prefix that is not or cannot be declared")]
    Prefix {
        /// Byte offset.
        at: u64,
    },
    /// An attribute that is not `name="value"`.
    #[error("byte {at}: a malformed attribute")]
    Attribute {
        /// Byte offset.
        at: u64,
    },
    /// The same attribute twice on one element.
    #[error("byte {at}: an attribute twice")]
    AttributeTwice {
        /// Byte offset.
        at: u64,
    },
    /// Text before or after the root element.
    #[error("byte {at}: text outside of the root element")]
    OutsideRoot {
        /// Byte offset.
        at: u64,
    },
    /// A second root element.
    #[error("byte {at}: a second root element")]
    SecondRoot {
        /// Byte offset.
        at: u64,
    },
    /// No element at all.
    #[error("no element in the document")]
    NoRoot,
    /// The document ends inside an element.
    #[error("the document ends inside an element")]
    Unclosed,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of the document.
    Document,
    /// Elements open at once.
    Depth,
    /// Elements in all.
    Elements,
    /// Attributes of one element.
    Attributes,
    /// Bytes of one tag.
    Tag,
    /// Bytes of one text.
    Text,
    /// Namespaces in scope.
    Namespaces,
    /// Comments and processing instructions.
    Asides,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document => "bytes of a document",
            Self::Depth => "nested elements",
            Self::Elements => "elements",
            Self::Attributes => "attributes",
            Self::Tag => "bytes of a tag",
            Self::Text => "bytes of a text",
            Self::Namespaces => "namespaces in scope",
            Self::Asides => "comments and processing instructions",
        })
    }
}

impl Error {
    pub(super) fn syntax(source: &quick_xml::Error, at: u64) -> Self {
        // The library's message quotes names out of the document; a name may be long.
        Self::Syntax { message: quote(&source.to_string(), 120), at }
    }

    pub(super) fn reference(name: &str, at: u64) -> Self {
        Self::Reference { name: quote(name, crate::limits::QUOTED_CHARS_MAX), at }
    }

    /// Whether the document asks for what only an attacker needs: a document type, an entity of its
    /// own, or more than a limit.
    #[must_use]
    pub const fn is_attack(&self) -> bool {
        matches!(self, Self::DocumentType { .. } | Self::Reference { .. } | Self::Limit { .. })
    }
}

/// The first `chars` characters.
pub(crate) fn quote(text: &str, chars: usize) -> Box<str> {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}
