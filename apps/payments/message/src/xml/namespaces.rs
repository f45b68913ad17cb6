//! Which prefix stands for which namespace, element by element (Namespaces in XML 1.0).

use std::borrow::Cow;

use super::attributes::Attribute;
use super::error::{Error, Limit};
use crate::limits::Limits;

/// The namespace that `xml` is always bound to.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace that `xmlns` is always bound to, and nothing else may be.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

struct Binding<'a> {
    prefix: &'a str,
    uri: Cow<'a, str>,
    /// Depth of the element that declares it.
    depth: usize,
}

/// The declarations in scope, outermost first.
pub(super) struct Namespaces<'a> {
    bindings: Vec<Binding<'a>>,
}

impl<'a> Namespaces<'a> {
    pub(super) fn new() -> Self {
        Self { bindings: vec![Binding { prefix: "xml", uri: Cow::Borrowed(XML), depth: 0 }] }
    }

    /// Takes the declarations out of `attributes` and brings them into scope at `depth`.
    pub(super) fn declare(
        &mut self,
        attributes: &mut Vec<Attribute<'a>>,
        depth: usize,
        at: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        for attribute in attributes.iter_mut() {
            let prefix = match (attribute.prefix, attribute.local) {
                ("", "xmlns") => "",
                ("xmlns", local) => local,
                _ => continue,
            };
            let uri = core::mem::take(&mut attribute.value);
            let about_xml = prefix == "xml" || uri == XML;
            let wrong = prefix == "xmlns"
                || uri == XMLNS
                || (about_xml && !(prefix == "xml" && uri == XML))
                || (uri.is_empty() && !prefix.is_empty());
            if wrong {
                return Err(Error::Prefix { at });
            }
            if self.bindings.len() >= limits.namespaces_max {
                return Err(Error::Limit { limit: Limit::Namespaces, at });
            }
            self.bindings.push(Binding { prefix, uri, depth });
        }
        attributes.retain(|a| a.prefix != "xmlns" && !(a.prefix.is_empty() && a.local == "xmlns"));
        Ok(())
    }

    /// Drops what the element at `depth` declared.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|binding| binding.depth >= depth) {
            self.bindings.pop();
        }
    }

    /// The innermost binding of `prefix`; `None` if there is none or it takes the default away.
    pub(super) fn find(&self, prefix: &str) -> Option<usize> {
        // Comparing empty texts costs a microcode assist where `memcmp` loads under a mask from an
        // address that is not mapped: measured at a fifth of all time.
        let same = |known: &str| {
            if prefix.is_empty() { known.is_empty() } else { known == prefix }
        };
        let index = self.bindings.iter().rposition(|binding| same(binding.prefix))?;
        (!self.uri(index).is_empty()).then_some(index)
    }

    /// The namespace of a binding.
    pub(super) fn uri(&self, index: usize) -> &str {
        self.bindings.get(index).map_or("", |binding| &binding.uri)
    }
}
