//! Comparing secrets without telling how much of a guess was right.

use core::hint::black_box;

/// Whether both are the same bytes. Takes the same time for all guesses of one length; the length
/// of the secret is not hidden.
pub(crate) fn same(given: &[u8], secret: &[u8]) -> bool {
    if given.len() != secret.len() {
        return false;
    }
    let differences = given.iter().zip(secret).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    black_box(differences) == 0
}

#[cfg(test)]
mod tests;
