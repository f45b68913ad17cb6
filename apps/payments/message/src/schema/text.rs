//! Text that arrives in pieces.

use std::borrow::Cow;

/// The text of one element. Nearly always one piece straight out of the document, which is then
/// not copied.
#[derive(Debug, Default)]
pub(crate) struct Gathered<'a>(Option<Cow<'a, str>>);

impl<'a> Gathered<'a> {
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: Cow<'a, str>) {
        match &mut self.0 {
            None => self.0 = Some(piece),
            Some(text) => text.to_mut().push_str(&piece),
        }
    }

    /// What has come so far.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }
}
