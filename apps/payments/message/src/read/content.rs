//! What a document says, as one hash: equal for two texts of the same message, different as soon as
//! any name, attribute or value differs.
//!
//! Two sends of one message may differ in declaration, prefixes, comments, indentation and the order
//! of attributes; none of that is content. Everything else is, also what no later step looks at:
//! whoever changes a reference or a remittance text under an old message id has made another message.

use sha2::{Digest, Sha256};
use types::Hash;

use crate::schema::text::Gathered;
use crate::xml::{Reader, Token};

/// Takes the tokens of one document.
pub(super) struct Content<'a> {
    hash: Sha256,
    /// What goes into the hash next: feeding it name by name would cost more than hashing does.
    waiting: Vec<u8>,
    /// The namespace of the document, which nearly every element has.
    namespace: &'static str,
    /// Text since the last tag. It counts only if the element turns out to have no children.
    text: Gathered<'a>,
    is_leaf: bool,
}

impl<'a> Content<'a> {
    /// For a document of that namespace.
    pub(super) fn new(namespace: &'static str) -> Self {
        let mut content = Self {
            hash: Sha256::new(),
            waiting: Vec::with_capacity(2 * WAITING_BYTES_MAX),
            namespace,
            text: Gathered::default(),
            is_leaf: false,
        };
        content.run(namespace);
        content
    }

    /// Takes the next token.
    pub(super) fn token(&mut self, reader: &Reader<'a>, token: &Token<'a>) {
        match token {
            Token::Open => self.open(reader),
            Token::Text(text) => self.text.push(text.clone()),
            Token::Close => {
                let text = core::mem::take(&mut self.text);
                if self.is_leaf {
                    self.waiting.push(TEXT);
                    self.run(text.as_str());
                }
                self.is_leaf = false;
                self.waiting.push(CLOSE);
            }
            Token::End => {}
        }
        if self.waiting.len() >= WAITING_BYTES_MAX {
            self.hash.update(&self.waiting);
            self.waiting.clear();
        }
    }

    pub(super) fn finish(mut self) -> Hash {
        self.hash.update(&self.waiting);
        Hash(self.hash.finalize().into())
    }

    fn open(&mut self, reader: &Reader<'_>) {
        self.text = Gathered::default();
        self.is_leaf = true;
        let name = reader.name();
        if name.namespace == self.namespace {
            self.waiting.push(OPEN);
        } else {
            self.waiting.push(OPEN_FOREIGN);
            self.run(name.namespace);
        }
        self.run(name.local);
        let mut attributes: Vec<(&str, &str, &str)> = reader
            .attributes()
            .iter()
            .map(|one| (reader.namespace_of(one), one.local, &*one.value))
            .collect();
        attributes.sort_unstable();
        for (namespace, local, value) in attributes {
            self.waiting.push(ATTRIBUTE);
            self.run(namespace);
            self.run(local);
            self.run(value);
        }
    }

    /// A text with its length, so that no two sequences of texts run together alike.
    fn run(&mut self, text: &str) {
        // A document has fewer bytes than that.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.waiting.extend_from_slice(&length.to_le_bytes());
        self.waiting.extend_from_slice(text.as_bytes());
    }
}

/// Bytes that wait before they are hashed together.
const WAITING_BYTES_MAX: usize = 4 << 10;

const OPEN: u8 = 1;
const ATTRIBUTE: u8 = 2;
const TEXT: u8 = 3;
const CLOSE: u8 = 4;
/// An element of another namespace than the document's, which follows.
const OPEN_FOREIGN: u8 = 5;
