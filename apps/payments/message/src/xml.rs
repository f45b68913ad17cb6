//! A reader for XML that a stranger sent.
//!
//! `quick-xml` finds the markup; this module adds what it leaves to its caller and what a payment
//! message must not have. A document that comes through is UTF-8, well-formed and namespace-correct
//! XML 1.0 without a document type: no entity can be declared, so none can be expanded, fetched or
//! followed. Everything that grows with the input is bounded by [`Limits`]. Comments and processing
//! instructions are checked, counted and dropped.
//!
//! It does not build a tree: `Reader::next` hands out one token at a time, borrowed where it can
//! be. What names and texts mean is `schema`'s business.

mod attributes;
pub mod error;
mod names;
mod namespaces;
mod prolog;
mod reference;

use std::borrow::Cow;

use quick_xml::events::Event;

use crate::limits::Limits;
pub(crate) use attributes::Attribute;
use error::{Error, Limit};
use namespaces::Namespaces;
use prolog::Text;
pub(crate) use reference::is_char;

/// A piece of a document.
#[derive(Debug)]
pub(crate) enum Token<'a> {
    /// An element begins; its name is in [`Reader::name`], its attributes in
    /// [`Reader::attributes`], until the next call.
    Open,
    /// Text of the innermost open element. One text may come in several pieces.
    Text(Cow<'a, str>),
    /// The innermost open element ends.
    Close,
    /// The document is over and was well-formed.
    End,
}

/// An element's name, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<'r> {
    /// Empty for none.
    pub(crate) namespace: &'r str,
    /// Without its prefix.
    pub(crate) local: &'r str,
}

/// Reads one document from its bytes.
pub(crate) struct Reader<'a> {
    inner: quick_xml::Reader<&'a [u8]>,
    /// The whole document; tags are cut out of it so that they outlive their events.
    text: Text<'a>,
    limits: Limits,
    namespaces: Namespaces<'a>,
    attributes: Vec<Attribute<'a>>,
    local: &'a str,
    /// Where the current element's namespace is declared; `None` if it has none.
    namespace: Option<usize>,
    depth: usize,
    elements: usize,
    asides: usize,
    /// Bytes of text seen in a row since the last tag.
    text_bytes: usize,
    /// An `Empty` event opened an element: the next token closes it.
    closes: bool,
    rooted: bool,
    begun: bool,
}

impl<'a> Reader<'a> {
    /// A reader over `bytes`.
    ///
    /// # Errors
    /// The document is too large, not UTF-8, or holds characters that XML does not have.
    pub(crate) fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let text = prolog::text(bytes, limits)?;
        let mut inner = quick_xml::Reader::from_str(text.text);
        let config = inner.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        config.allow_unmatched_ends = false;
        config.allow_dangling_amp = false;
        config.expand_empty_elements = false;
        Ok(Self {
            inner,
            text,
            limits: *limits,
            namespaces: Namespaces::new(),
            attributes: Vec::new(),
            local: "",
            namespace: None,
            depth: 0,
            elements: 0,
            asides: 0,
            text_bytes: 0,
            closes: false,
            rooted: false,
            begun: false,
        })
    }

    /// The next token.
    ///
    /// # Errors
    /// The document is not well-formed, or reaches a limit. The reader is of no use afterwards.
    pub(crate) fn next(&mut self) -> Result<Token<'a>, Error> {
        if self.closes {
            self.closes = false;
            return Ok(self.close());
        }
        loop {
            let before = self.inner.buffer_position();
            let event = self.inner.read_event().map_err(|source| Error::syntax(&source, before))?;
            let first = !self.begun;
            self.begun = true;
            match event {
                Event::Start(tag) => {
                    self.open(before, tag.len())?;
                    return Ok(Token::Open);
                }
                Event::Empty(tag) => {
                    self.open(before, tag.len())?;
                    self.closes = true;
                    return Ok(Token::Open);
                }
                Event::End(_) => return Ok(self.close()),
                Event::Text(text) => {
                    let text = text.into_inner();
                    if self.text.brackets && text.contains("]]>") {
                        return Err(Error::CdataEndInText { at: before });
                    }
                    if self.depth == 0 {
                        if text.bytes().all(is_space) {
                            continue;
                        }
                        return Err(Error::OutsideRoot { at: before });
                    }
                    return self.text(self.line_ends(text));
                }
                Event::CData(text) => {
                    if self.depth == 0 {
                        return Err(Error::OutsideRoot { at: before });
                    }
                    return self.text(self.line_ends(text.into_inner()));
                }
                Event::GeneralRef(name) => {
                    if self.depth == 0 {
                        return Err(Error::OutsideRoot { at: before });
                    }
                    let resolved =
                        reference::resolve(&name).ok_or_else(|| Error::reference(&name, before))?;
                    return self.text(Cow::Owned(resolved.to_string()));
                }
                Event::Comment(text) => {
                    // The library looks for a double hyphen between the marks only.
                    if text.ends_with('-') {
                        return Err(Error::Comment { at: before });
                    }
                    self.aside()?;
                }
                Event::PI(instruction) => {
                    let target = instruction.target();
                    if !names::is_ncname(target) || target.eq_ignore_ascii_case("xml") {
                        return Err(Error::Instruction { at: before });
                    }
                    self.aside()?;
                }
                Event::Decl(declaration) => {
                    if !first || before != 0 {
                        return Err(Error::Declaration { at: before });
                    }
                    prolog::declaration(&declaration, self.inner.get_ref())?;
                }
                Event::DocType(_) => return Err(Error::DocumentType { at: before }),
                Event::Eof => {
                    if self.depth > 0 {
                        return Err(Error::Unclosed);
                    }
                    if !self.rooted {
                        return Err(Error::NoRoot);
                    }
                    return Ok(Token::End);
                }
            }
        }
    }

    /// The name of the element that [`Token::Open`] announced.
    pub(crate) fn name(&self) -> Name<'_> {
        let namespace = self.namespace.map_or("", |index| self.namespaces.uri(index));
        Name { namespace, local: self.local }
    }

    /// A number for the declaration that gives the element its namespace, the same as long as the
    /// declaring element is open; `None` for no namespace.
    pub(crate) const fn declaration(&self) -> Option<usize> {
        self.namespace
    }

    /// Its attributes, namespace declarations left out.
    pub(crate) fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }

    /// The namespace of an attribute; empty for none.
    pub(crate) fn namespace_of(&self, attribute: &Attribute<'a>) -> &str {
        attribute.namespace.map_or("", |index| self.namespaces.uri(index))
    }

    /// Resolves a prefixed name in a value, as `xsi:type` has it; `None` for an undeclared prefix
    /// or something that is no name.
    pub(crate) fn resolve<'v>(&'v self, value: &'v str) -> Option<Name<'v>> {
        let (prefix, local) = names::split(value)?;
        let namespace = match self.namespaces.find(prefix) {
            Some(index) => self.namespaces.uri(index),
            None if prefix.is_empty() => "",
            None => return None,
        };
        Some(Name { namespace, local })
    }

    /// Opens the element whose tag begins at byte `at` and is `bytes` long without its brackets.
    fn open(&mut self, at: u64, bytes: usize) -> Result<(), Error> {
        if self.depth == 0 && self.rooted {
            return Err(Error::SecondRoot { at });
        }
        self.rooted = true;
        self.text_bytes = 0;
        self.depth += 1;
        self.elements += 1;
        if self.depth > self.limits.depth_max {
            return Err(Error::Limit { limit: Limit::Depth, at });
        }
        if self.elements > self.limits.elements_max {
            return Err(Error::Limit { limit: Limit::Elements, at });
        }
        if bytes > self.limits.tag_bytes_max {
            return Err(Error::Limit { limit: Limit::Tag, at });
        }
        let from = usize::try_from(at).unwrap_or(usize::MAX).saturating_add(1);
        let inside =
            self.text.text.get(from..from.saturating_add(bytes)).ok_or(Error::Name { at })?;
        let (name, rest) = attributes::halves(inside);
        let (prefix, local) = names::split(name).ok_or(Error::Name { at })?;
        self.local = local;
        attributes::read(rest, at, &self.limits, &mut self.attributes)?;
        if !self.attributes.is_empty() {
            self.namespaces.declare(&mut self.attributes, self.depth, at, &self.limits)?;
            for attribute in &mut self.attributes {
                if !attribute.prefix.is_empty() {
                    let found = self.namespaces.find(attribute.prefix);
                    attribute.namespace = Some(found.ok_or(Error::Prefix { at })?);
                }
            }
            self.refuse_same_attribute(at)?;
        }
        self.namespace = self.namespaces.find(prefix);
        if self.namespace.is_none() && !prefix.is_empty() {
            return Err(Error::Prefix { at });
        }
        Ok(())
    }

    /// Two prefixes may stand for one namespace: `a:x` and `b:x` are then the same attribute.
    fn refuse_same_attribute(&self, at: u64) -> Result<(), Error> {
        for (index, one) in self.attributes.iter().enumerate() {
            for other in self.attributes.iter().skip(index + 1) {
                if one.local == other.local && self.namespace_of(one) == self.namespace_of(other) {
                    return Err(Error::AttributeTwice { at });
                }
            }
        }
        Ok(())
    }

    fn close(&mut self) -> Token<'a> {
        self.namespaces.leave(self.depth);
        self.depth = self.depth.saturating_sub(1);
        self.text_bytes = 0;
        Token::Close
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<Token<'a>, Error> {
        self.text_bytes = self.text_bytes.saturating_add(text.len());
        if self.text_bytes > self.limits.text_bytes_max {
            let at = self.inner.buffer_position();
            return Err(Error::Limit { limit: Limit::Text, at });
        }
        Ok(Token::Text(text))
    }

    /// Line ends as XML sees them: one line feed each (XML 1.0, 2.11).
    fn line_ends(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.text.carriage_returns && text.contains('\r') {
            return Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
        }
        text
    }

    fn aside(&mut self) -> Result<(), Error> {
        self.asides += 1;
        if self.asides > self.limits.asides_max {
            let at = self.inner.buffer_position();
            return Err(Error::Limit { limit: Limit::Asides, at });
        }
        Ok(())
    }
}

/// XML's white space.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests;
