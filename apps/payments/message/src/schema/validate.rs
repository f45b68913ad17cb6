//! Holds a document against its schema, token by token.
//!
//! One pass, no tree, no going back: in these schemas a name says which particle it is. The
//! validator sees the tokens of one `Document` element; whoever wants the values passes a
//! [`Visit`], which is shown every value once it is known to be legal.

use std::borrow::Cow;

use super::problem::{Departure, Problem};
use super::text::Gathered;
use super::{Content, Element, Schema, Simple, Type, UNBOUNDED, key, value};
use crate::limits::QUOTED_CHARS_MAX;
use crate::xml::error::quote;
use crate::xml::{Reader, Token, is_space};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// Is shown what a valid document holds, in document order.
pub(crate) trait Visit {
    /// An element with a value ends. `path` leads from below `Document` to the element, `attribute`
    /// is the value of its attribute if its type has one.
    fn leaf(&mut self, path: &[Step], of: &Simple, text: &str, attribute: Option<&str>);
    /// An element that holds elements begins; `path` includes it.
    fn open(&mut self, path: &[Step]);
}

/// Sees nothing: for verdicts.
impl Visit for () {
    fn leaf(&mut self, _: &[Step], _: &Simple, _: &str, _: Option<&str>) {}
    fn open(&mut self, _: &[Step]) {}
}

/// One element of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Its name.
    pub(crate) name: &'static str,
    /// Which of its name inside its parent, from 1.
    pub(crate) nth: u32,
    /// Whether there may be several.
    repeats: bool,
}

/// An open element.
struct Frame<'a> {
    of: Holds,
    /// In a sequence, the next particle that may stand here; in a choice, the one chosen.
    at: usize,
    /// How many of that particle have come.
    count: u32,
    text: Gathered<'a>,
    attribute: Option<Cow<'a, str>>,
}

/// What an open element may hold.
enum Holds {
    Typed(&'static Type),
    /// Inside of a wildcard, with no declaration: anything.
    Anything,
    /// Inside of a wildcard, with `xsi:type` naming a built-in type.
    BuiltIn(&'static Simple),
}

/// Validates one `Document`.
pub(crate) struct Validator<'a> {
    schema: &'static Schema,
    frames: Vec<Frame<'a>>,
    /// Names of the open elements below `Document`.
    path: Vec<Step>,
    /// Where `Document`'s namespace is declared. That declaration outlives the document, so an
    /// element with the same one needs no comparison of names.
    home: Option<usize>,
}

impl<'a> Validator<'a> {
    /// A validator for a `Document` element whose [`Reader`] has just announced it.
    pub(crate) fn new(schema: &'static Schema) -> Self {
        Self { schema, frames: Vec::with_capacity(24), path: Vec::with_capacity(24), home: None }
    }

    /// Whether `Document` has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.frames.is_empty()
    }

    /// Takes the reader's latest token.
    ///
    /// # Errors
    /// The first departure from the schema; the validator is of no use afterwards.
    pub(crate) fn token(
        &mut self,
        reader: &Reader<'a>,
        token: Token<'a>,
        visit: &mut impl Visit,
    ) -> Result<(), Departure> {
        match token {
            Token::Open => self.open(reader, visit),
            Token::Text(piece) => self.text(piece),
            Token::Close => self.close(visit),
            Token::End => Ok(()),
        }
    }

    /// An element begins.
    pub(crate) fn open(
        &mut self,
        reader: &Reader<'a>,
        visit: &mut impl Visit,
    ) -> Result<(), Departure> {
        let name = reader.name();
        let declared = reader.declaration();
        let ours = declared == self.home || name.namespace == self.schema.namespace;
        let Some(parent) = self.frames.last_mut() else {
            self.home = declared;
            return self.enter(Holds::Typed(self.schema.document), reader);
        };
        let found = match &parent.of {
            Holds::Typed(Type { content: Content::Sequence(particles), .. }) if ours => {
                next_in_sequence(particles, parent, name.local)
            }
            Holds::Typed(Type { content: Content::Choice(particles), .. }) if ours => {
                next_in_choice(particles, parent, name.local)
            }
            Holds::Typed(Type { content: Content::Any, .. }) if parent.count == 0 => {
                parent.count = 1;
                return self.enter_any(reader);
            }
            Holds::Anything => return self.enter_any(reader),
            Holds::Typed(_) | Holds::BuiltIn(_) => None,
        };
        let nth = parent.count;
        let Some(element) = found else { return Err(self.unexpected(reader)) };
        self.path.push(Step { name: element.name, nth, repeats: element.max > 1 });
        self.enter(Holds::Typed(element.of), reader)?;
        if !matches!(element.of.content, Content::Simple(_) | Content::Attributed { .. }) {
            visit.open(&self.path);
        }
        Ok(())
    }

    /// A piece of text.
    fn text(&mut self, piece: Cow<'a, str>) -> Result<(), Departure> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        match &frame.of {
            Holds::Typed(Type { content, .. }) => match content {
                Content::Simple(_) | Content::Attributed { .. } => frame.text.push(piece),
                Content::Sequence(_) | Content::Choice(_) | Content::Any => {
                    if !piece.bytes().all(is_space) {
                        let found = quote(piece.trim(), QUOTED_CHARS_MAX);
                        return Err(self.departure(Problem::Text { found }));
                    }
                }
            },
            Holds::BuiltIn(_) => frame.text.push(piece),
            Holds::Anything => {}
        }
        Ok(())
    }

    /// The innermost element ends.
    fn close(&mut self, visit: &mut impl Visit) -> Result<(), Departure> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        match &frame.of {
            Holds::Typed(Type { name, content }) => match content {
                Content::Sequence(particles) => {
                    if let Some(expected) = missing_in_sequence(particles, frame) {
                        return Err(self.departure(Problem::Missing { expected }));
                    }
                }
                Content::Choice(particles) => {
                    if frame.count == 0 && !particles.iter().any(|p| p.min == 0) {
                        let expected = particles.iter().map(|p| p.name).collect();
                        return Err(self.departure(Problem::Missing { expected }));
                    }
                }
                Content::Any => {
                    if frame.count == 0 {
                        return Err(self.departure(Problem::Missing { expected: vec!["any"] }));
                    }
                }
                Content::Simple(simple) | Content::Attributed { value: simple, .. } => {
                    let text = frame.text.as_str();
                    if let Err(reason) = value::check(simple.kind, text) {
                        let found = quote(text, QUOTED_CHARS_MAX);
                        return Err(self.departure(Problem::Value {
                            type_name: name,
                            found,
                            reason,
                        }));
                    }
                    visit.leaf(&self.path, simple, text, frame.attribute.as_deref());
                }
            },
            Holds::BuiltIn(simple) => {
                let text = frame.text.as_str();
                if let Err(reason) = value::check(simple.kind, text) {
                    let found = quote(text, QUOTED_CHARS_MAX);
                    let type_name = "built-in type";
                    return Err(self.departure(Problem::Value { type_name, found, reason }));
                }
            }
            Holds::Anything => {}
        }
        self.frames.pop();
        self.path.pop();
        Ok(())
    }

    /// Enters an element of a known type.
    fn enter(&mut self, of: Holds, reader: &Reader<'a>) -> Result<(), Departure> {
        let mut attribute = None;
        if !reader.attributes().is_empty() {
            attribute = self.attributes(&of, reader)?;
        }
        if let Holds::Typed(Type { content: Content::Attributed { attribute: name, .. }, .. }) = &of
            && attribute.is_none()
        {
            return Err(self.departure(Problem::AttributeMissing { expected: name }));
        }
        self.frames.push(Frame { of, at: 0, count: 0, text: Gathered::default(), attribute });
        Ok(())
    }

    /// Checks the attributes of an element of a known type; returns the one its type has.
    fn attributes(
        &self,
        of: &Holds,
        reader: &Reader<'a>,
    ) -> Result<Option<Cow<'a, str>>, Departure> {
        let mut own = None;
        for attribute in reader.attributes() {
            let namespace = reader.namespace_of(attribute);
            match (namespace, attribute.local, of) {
                (XSI, "schemaLocation" | "noNamespaceSchemaLocation", _) => {}
                (XSI, "nil", _) => return Err(self.departure(Problem::Nil)),
                (XSI, "type", Holds::Typed(own_type)) => {
                    let named = reader.resolve(&attribute.value).is_some_and(|name| {
                        name.namespace == self.schema.namespace && name.local == own_type.name
                    });
                    if !named {
                        return Err(self.type_override(&attribute.value));
                    }
                }
                (XSI, "type", Holds::BuiltIn(_)) => {}
                (
                    "",
                    local,
                    Holds::Typed(Type {
                        content: Content::Attributed { attribute: name, of, .. },
                        ..
                    }),
                ) if local == *name => {
                    if let Content::Simple(simple) = &of.content
                        && let Err(reason) = value::check(simple.kind, &attribute.value)
                    {
                        let found = quote(&attribute.value, QUOTED_CHARS_MAX);
                        let type_name = of.name;
                        return Err(self.departure(Problem::Value { type_name, found, reason }));
                    }
                    own = Some(attribute.value.clone());
                }
                (_, local, _) => {
                    let found = quote(local, QUOTED_CHARS_MAX);
                    return Err(self.departure(Problem::Attribute { found }));
                }
            }
        }
        Ok(own)
    }

    /// Enters an element below a wildcard. Lax: what has a declaration or names a type is held
    /// against it, the rest is let through.
    fn enter_any(&mut self, reader: &Reader<'a>) -> Result<(), Departure> {
        self.path.push(Step { name: "*", nth: 1, repeats: false });
        let name = reader.name();
        if name.namespace == self.schema.namespace && name.local == "Document" {
            return self.enter(Holds::Typed(self.schema.document), reader);
        }
        let named =
            reader.attributes().iter().find(|a| a.local == "type" && reader.namespace_of(a) == XSI);
        let of = match named {
            None => Holds::Anything,
            Some(attribute) => match self.type_by_name(&attribute.value, reader) {
                None => return Err(self.type_override(&attribute.value)),
                Some(of) => of,
            },
        };
        if matches!(of, Holds::Anything) {
            let text = Gathered::default();
            self.frames.push(Frame { of, at: 0, count: 0, text, attribute: None });
            return Ok(());
        }
        self.enter(of, reader)
    }

    fn type_by_name(&self, value: &str, reader: &Reader<'a>) -> Option<Holds> {
        let name = reader.resolve(value)?;
        if name.namespace == self.schema.namespace {
            return self.schema.type_named(name.local).map(Holds::Typed);
        }
        if name.namespace != XSD {
            return None;
        }
        if name.local == "anyType" {
            return Some(Holds::Anything);
        }
        super::built_in(name.local).map(Holds::BuiltIn)
    }

    fn unexpected(&self, reader: &Reader<'a>) -> Departure {
        let name = reader.name();
        let full = if name.namespace == self.schema.namespace {
            Cow::Borrowed(name.local)
        } else {
            Cow::Owned(format!("{{{}}}{}", name.namespace, name.local))
        };
        let expected = self.frames.last().map(expected).unwrap_or_default();
        self.departure(Problem::Unexpected { found: quote(&full, 2 * QUOTED_CHARS_MAX), expected })
    }

    fn type_override(&self, found: &str) -> Departure {
        self.departure(Problem::TypeOverride { found: quote(found, QUOTED_CHARS_MAX) })
    }

    fn departure(&self, problem: Problem) -> Departure {
        Departure { path: written(&self.path), problem }
    }
}

/// A path as errors and findings show it.
pub(crate) fn written(path: &[Step]) -> Box<str> {
    let mut out = "/Document".to_owned();
    for step in path {
        out.push('/');
        out.push_str(step.name);
        if step.repeats {
            out.push_str(&format!("[{}]", step.nth));
        }
    }
    out.into()
}

/// The particle that `name` is, if it may come now. Moves the frame on to it.
fn next_in_sequence(
    particles: &'static [Element],
    frame: &mut Frame<'_>,
    name: &str,
) -> Option<&'static Element> {
    let key = key(name);
    for (index, particle) in particles.iter().enumerate().skip(frame.at) {
        let count = if index == frame.at { frame.count } else { 0 };
        if particle.key == key && particle.name == name {
            if count >= particle.max && particle.max != UNBOUNDED {
                return None;
            }
            frame.at = index;
            frame.count = count.saturating_add(1);
            return Some(particle);
        }
        if count < particle.min {
            return None;
        }
    }
    None
}

fn next_in_choice(
    particles: &'static [Element],
    frame: &mut Frame<'_>,
    name: &str,
) -> Option<&'static Element> {
    if frame.count == 0 {
        frame.at = particles.iter().position(|particle| particle.name == name)?;
    }
    let particle = particles.get(frame.at).filter(|particle| particle.name == name)?;
    if frame.count >= particle.max {
        return None;
    }
    frame.count = frame.count.saturating_add(1);
    Some(particle)
}

fn missing_in_sequence(
    particles: &'static [Element],
    frame: &Frame<'_>,
) -> Option<Vec<&'static str>> {
    let mut rest = particles.iter().enumerate().skip(frame.at);
    rest.any(|(index, particle)| {
        let count = if index == frame.at { frame.count } else { 0 };
        count < particle.min
    })
    .then(|| expected(frame))
}

/// Which elements could come next.
fn expected(frame: &Frame<'_>) -> Vec<&'static str> {
    let Holds::Typed(of) = &frame.of else { return Vec::new() };
    match &of.content {
        Content::Sequence(particles) => {
            let mut out = Vec::new();
            for (index, particle) in particles.iter().enumerate().skip(frame.at) {
                let count = if index == frame.at { frame.count } else { 0 };
                if count < particle.max {
                    out.push(particle.name);
                }
                if count < particle.min {
                    break;
                }
            }
            out
        }
        Content::Choice(particles) if frame.count == 0 => {
            particles.iter().map(|particle| particle.name).collect()
        }
        Content::Any if frame.count == 0 => vec!["any"],
        Content::Choice(_) | Content::Any | Content::Simple(_) | Content::Attributed { .. } => {
            Vec::new()
        }
    }
}
