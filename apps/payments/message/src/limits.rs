//! How much of a document is looked at before it is refused, and why that much.
//!
//! A reader that takes what comes can be made to spend a node's memory with a few kilobytes. Every
//! loop over outside data in this crate ends at one of these.

/// Bounds for one document. All of them are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole document.
    pub document_bytes_max: usize,
    /// Elements open at once, the root included.
    pub depth_max: usize,
    /// Elements in the whole document.
    pub elements_max: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes_max: usize,
    /// Bytes of one start tag, from `<` to `>`.
    pub tag_bytes_max: usize,
    /// Bytes of the text directly inside one element, after references are resolved.
    pub text_bytes_max: usize,
    /// Namespace declarations in scope at once.
    pub namespaces_max: usize,
    /// Comments and processing instructions in the whole document.
    pub asides_max: usize,
}

impl Limits {
    /// What a payment message may be.
    ///
    /// - 1 MiB holds some 500 full payments; larger files are split by their senders' networks too.
    /// - The deepest path of the four schemas is 14 elements below `Document`; 64 leaves room for
    ///   envelopes and for supplementary data.
    /// - 1 MiB of real elements is about 40,000.
    /// - The schemas know one attribute; envelopes declare a handful of namespaces.
    /// - The longest text of the schemas is 10,240 bytes in base64, 13,656 characters, and may be
    ///   broken into lines.
    /// - Lookups of prefixes are linear in the declarations in scope, so these are few.
    pub const DEFAULT: Self = Self {
        document_bytes_max: 1 << 20,
        depth_max: 64,
        elements_max: 100_000,
        attributes_max: 32,
        tag_bytes_max: 8 << 10,
        text_bytes_max: 64 << 10,
        namespaces_max: 64,
        asides_max: 10_000,
    };
}

/// Characters of a text quoted in an error: enough to recognise it, too few to flood a log.
pub(crate) const QUOTED_CHARS_MAX: usize = 40;

/// Findings kept for one message; a file with more is wrong as a whole.
pub(crate) const FINDINGS_MAX: usize = 100;

const _: () = assert!(Limits::DEFAULT.text_bytes_max < Limits::DEFAULT.document_bytes_max);
const _: () = assert!(Limits::DEFAULT.tag_bytes_max < Limits::DEFAULT.text_bytes_max);
const _: () = assert!(Limits::DEFAULT.depth_max < Limits::DEFAULT.elements_max);
