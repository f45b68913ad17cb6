//! From bytes to a message, in one pass.
//!
//! The reader hands tokens to the validator, the validator hands legal values to [`gather`], and
//! when the document is over the rules look at what was gathered. What is wrong earlier in that
//! chain decides the refusal: bytes, then markup, then kind of document, then schema, then rules.

mod content;
mod gather;
mod header;

use crate::limits::Limits;
use crate::message::{CreditTransfer, Version};
use crate::refusal::{Instead, Refusal};
use crate::schema::validate::Validator;
use crate::schema::{NAMESPACE_STEM, Schema};
use crate::xml::error::quote;
use crate::xml::{Reader, Token};
use content::Content;
use gather::Gather;
use header::HeaderReader;
use types::Hash;

/// Reads one pacs.008, bare or inside of an envelope with a business application header.
///
/// Never panics and never takes more than a small multiple of `bytes` in memory, whatever they are.
///
/// # Errors
/// The first thing that makes it no message that we take; see [`Refusal`] for how each is answered.
pub fn read(bytes: &[u8]) -> Result<CreditTransfer, Refusal> {
    read_within(bytes, &Limits::DEFAULT)
}

/// [`read`] with limits of one's own.
///
/// # Errors
/// As [`read`].
pub fn read_within(bytes: &[u8], limits: &Limits) -> Result<CreditTransfer, Refusal> {
    let mut reader = Reader::new(bytes, limits)?;
    let mut header = HeaderReader::default();
    let mut instead = Instead::Nothing;
    let mut found: Option<(Gather, Hash)> = None;
    loop {
        let token = reader.next()?;
        match &token {
            Token::End => break,
            Token::Open if reader.name().local == "Document" => {
                let namespace = reader.name().namespace;
                let message = namespace.strip_prefix(NAMESPACE_STEM);
                match message.and_then(Version::of).zip(Schema::of(namespace)) {
                    _ if message.is_some() && (found.is_some() || instead != Instead::Nothing) => {
                        return Err(Refusal::NotPacs008(Instead::Several));
                    }
                    Some((version, schema)) => {
                        found = Some(document(&mut reader, schema, version)?);
                        // The document's own end is read: it is no event of the envelope.
                        continue;
                    }
                    None => {
                        if let Some(message) = message {
                            instead = Instead::Other(quote(message, 40));
                        }
                    }
                }
            }
            Token::Open | Token::Text(_) | Token::Close => {}
        }
        header.token(&reader, token);
    }
    let Some((gather, content)) = found else { return Err(Refusal::NotPacs008(instead)) };
    gather.finish(header.finish(), content)
}

/// Reads the document that was just announced, up to its end.
fn document<'a>(
    reader: &mut Reader<'a>,
    schema: &'static Schema,
    version: Version,
) -> Result<(Gather, Hash), Refusal> {
    let mut content = Content::new();
    let mut gather = Gather::new(version);
    let mut validator = Validator::new(schema);
    let mut token = Token::Open;
    loop {
        content.token(reader, &token);
        if let Err(departure) = validator.token(reader, token, &mut gather) {
            return Err(Refusal::Schema { original: gather.original().map(Box::new), departure });
        }
        if validator.is_done() {
            return Ok((gather, content.finish()));
        }
        token = reader.next()?;
    }
}
