//! What the official schemas say about a file, document by document.

use crate::limits::Limits;
use crate::schema::Schema;
use crate::schema::problem::Departure;
use crate::schema::validate::Validator;
use crate::xml::error::Error;
use crate::xml::{Reader, Token};

/// The verdict on one `Document` in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The message, as in its namespace: `pacs.008.001.08`.
    pub message: &'static str,
    /// Its first departure from the schema; `None` if it is valid.
    pub departure: Option<Departure>,
}

/// Validates every `Document` of a schema that is carried here, wherever under the root it stands.
/// Documents of other messages, and what wraps them, only have to be well-formed.
///
/// # Errors
/// The file is not well-formed XML, or not of the kind that is read here.
pub fn verdicts(bytes: &[u8]) -> Result<Vec<Verdict>, Error> {
    verdicts_within(bytes, &Limits::DEFAULT)
}

/// The departure of a document that this crate has written itself, which may be longer than one
/// that is read: an answer repeats every transaction of the question.
pub(crate) fn departure(bytes: &[u8]) -> Result<Option<Departure>, Error> {
    let limits =
        Limits { document_bytes_max: usize::MAX, elements_max: usize::MAX, ..Limits::DEFAULT };
    let verdicts = verdicts_within(bytes, &limits)?;
    Ok(verdicts.into_iter().find_map(|verdict| verdict.departure))
}

fn verdicts_within(bytes: &[u8], limits: &Limits) -> Result<Vec<Verdict>, Error> {
    let mut reader = Reader::new(bytes, limits)?;
    let mut verdicts = Vec::new();
    loop {
        match reader.next()? {
            Token::End => return Ok(verdicts),
            Token::Open if reader.name().local == "Document" => {
                if let Some(schema) = Schema::of(reader.name().namespace) {
                    let departure = document(&mut reader, schema)?;
                    verdicts.push(Verdict { message: schema.message(), departure });
                }
            }
            Token::Open | Token::Close | Token::Text(_) => {}
        }
    }
}

/// Validates the `Document` that the reader has just announced and reads to its end either way:
/// what follows a departure must still be well-formed, and is no document of its own.
fn document(reader: &mut Reader<'_>, schema: &'static Schema) -> Result<Option<Departure>, Error> {
    let mut validator = Validator::new(schema);
    let mut departure = validator.open(reader, &mut ()).err();
    let mut depth = 1_usize;
    while depth > 0 {
        let token = reader.next()?;
        match token {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            Token::Text(_) => {}
            Token::End => return Err(Error::Unclosed),
        }
        if departure.is_none() {
            departure = validator.token(reader, token, &mut ()).err();
        }
    }
    Ok(departure)
}
