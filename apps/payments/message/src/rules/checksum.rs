//! ISO 7064 mod 97-10, the check of IBAN and LEI.

/// The remainder of `text` read as a number, letters standing for 10 to 35; `None` if a character
/// is neither a digit nor an upper-case letter. A right check gives 1.
pub(crate) fn remainder<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Option<u32> {
    let mut rest = 0;
    for byte in pieces.into_iter().flat_map(str::bytes) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A') + 10,
            _ => return None,
        } % 97;
    }
    Some(rest)
}
