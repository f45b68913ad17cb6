//! Patterns of the schemas: runs of characters out of a class.
//!
//! The dozen patterns in use are all of one shape: atoms in a row, each a class of ASCII characters
//! with a least and a most number of repetitions, sometimes with an optional last group (which
//! becomes a second alternative). The generator admits a variable atom only where the next one
//! shares no character with it, so taking as many as fit is the only way to match and there is
//! nothing to go back for. A pattern covers the whole text, as XML Schema says.

/// A class of characters, repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    /// Bit n is set if ASCII character n belongs to the class.
    pub(crate) class: u128,
    /// Least number of characters.
    pub(crate) min: u32,
    /// Most.
    pub(crate) max: u32,
}

impl Atom {
    fn holds(self, byte: u8) -> bool {
        byte < 128 && self.class >> byte & 1 == 1
    }
}

/// Whether one of the alternatives covers all of `text`.
pub(crate) fn matches(alternatives: &[&[Atom]], text: &str) -> bool {
    alternatives.iter().any(|atoms| covers(atoms, text.as_bytes()))
}

fn covers(atoms: &[Atom], text: &[u8]) -> bool {
    let mut rest = text;
    for atom in atoms {
        let max = usize::try_from(atom.max).unwrap_or(usize::MAX);
        let taken = rest.iter().take(max).take_while(|byte| atom.holds(**byte)).count();
        if taken < usize::try_from(atom.min).unwrap_or(usize::MAX) {
            return false;
        }
        rest = rest.get(taken..).unwrap_or(&[]);
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests;
