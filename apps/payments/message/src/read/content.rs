//! What a document says, as one hash: equal for two texts of the same message, different as soon as
//! any name, attribute or value differs.
//!
//! Two sends of one message may differ in declaration, prefixes, comments, indentation and the order
//! of attributes; none of that is content. Everything else is, also what no later step looks at:
//! whoever changes a reference or a remittance text under an old message id has made another message.

use sha2::{Digest, Sha256};
use types::Hash;

use crate::xml::{Reader, Token};

/// Takes the tokens of one document.
pub(super) struct Content {
    hash: Sha256,
    /// Text since the last tag. It counts only if the element turns out to have no children.
    text: String,
    is_leaf: bool,
}

impl Content {
    pub(super) fn new() -> Self {
        Self { hash: Sha256::new(), text: String::new(), is_leaf: false }
    }

    /// Takes the next token.
    pub(super) fn token(&mut self, reader: &Reader<'_>, token: &Token<'_>) {
        match token {
            Token::Open => {
                self.text.clear();
                self.is_leaf = true;
                self.hash.update([OPEN]);
                let name = reader.name();
                self.run(name.namespace);
                self.run(name.local);
                let mut attributes: Vec<(&str, &str, &str)> = reader
                    .attributes()
                    .iter()
                    .map(|one| (reader.namespace_of(one), one.local, &*one.value))
                    .collect();
                attributes.sort_unstable();
                for (namespace, local, value) in attributes {
                    self.hash.update([ATTRIBUTE]);
                    self.run(namespace);
                    self.run(local);
                    self.run(value);
                }
            }
            Token::Text(text) => self.text.push_str(text),
            Token::Close => {
                if self.is_leaf {
                    self.hash.update([TEXT]);
                    let text = core::mem::take(&mut self.text);
                    self.run(&text);
                }
                self.text.clear();
                self.is_leaf = false;
                self.hash.update([CLOSE]);
            }
            Token::End => {}
        }
    }

    pub(super) fn finish(self) -> Hash {
        Hash(self.hash.finalize().into())
    }

    /// A text with its length, so that no two sequences of texts run together alike.
    fn run(&mut self, text: &str) {
        self.hash.update((text.len() as u64).to_le_bytes());
        self.hash.update(text);
    }
}

const OPEN: u8 = 1;
const ATTRIBUTE: u8 = 2;
const TEXT: u8 = 3;
const CLOSE: u8 = 4;
