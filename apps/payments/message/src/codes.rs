//! ISO 20022 external code sets: lists that change between versions of the schemas.
//!
//! The schemas only bound the length of these codes; the lists are published beside them. A code
//! that is not in its list is legal XML and a broken rule. [`tables`] is written by the generator
//! in `examples/tables`.

#[rustfmt::skip]
pub(crate) mod tables;

/// One published list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodeSet {
    /// The name of the simple type that stands for it.
    pub(crate) name: &'static str,
    /// The codes, sorted.
    pub(crate) codes: &'static [&'static str],
}

impl CodeSet {
    /// Whether `code` is in the list.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.codes.binary_search(&code).is_ok()
    }
}
