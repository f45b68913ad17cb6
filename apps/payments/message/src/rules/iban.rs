//! International bank account numbers (ISO 13616).

use super::checksum::remainder;

/// What is wrong with an IBAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    /// No country of the registry.
    #[error("its country issues no IBANs")]
    Country,
    /// Another length than the country's.
    #[error("IBANs of its country have {0} characters")]
    Length(u8),
    /// Check digits that do not fit.
    #[error("its check digits are wrong")]
    CheckDigits,
}

/// Checks country, length and check digits. `iban` has the form that the schema demands: two
/// letters, two digits, letters and digits.
pub(crate) fn check(iban: &str) -> Result<(), Wrong> {
    let (head, account) = iban.split_at_checked(4).ok_or(Wrong::CheckDigits)?;
    let country = head.get(..2).unwrap_or_default();
    let index = LENGTHS.binary_search_by(|(known, _)| (*known).cmp(country));
    let (_, length) = index.ok().and_then(|index| LENGTHS.get(index)).ok_or(Wrong::Country)?;
    if iban.len() != usize::from(*length) {
        return Err(Wrong::Length(*length));
    }
    // 00, 01 and 99 pass the sum for other digits' accounts but are never issued (ISO 13616-1).
    let issued = !matches!(head.get(2..), Some("00" | "01" | "99"));
    if issued && remainder([account, head]) == Some(1) {
        return Ok(());
    }
    Err(Wrong::CheckDigits)
}

/// Whether a text has the form of an IBAN of a country that issues them, and is none: its length or its
/// check digits are wrong. No valid message can name it.
#[must_use]
pub fn is_misspelt_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_form = matches!(bytes, [a, b, c, d, ..]
        if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit());
    let is_account = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    has_form
        && (15..=34).contains(&bytes.len())
        && bytes.iter().all(is_account)
        && matches!(check(text), Err(Wrong::Length(_) | Wrong::CheckDigits))
}

/// Check digits for a country and an account number, for writing samples; `None` if a character is
/// neither digit nor upper-case letter.
pub(crate) fn check_digits(country: &str, account: &str) -> Option<u32> {
    remainder([account, country, "00"]).map(|rest| 98 - rest)
}

/// Countries of the IBAN registry and the lengths of their numbers, in order.
#[rustfmt::skip]
const LENGTHS: [(&str, u8); 89] = [
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22),
    ("BH", 22), ("BI", 27), ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24),
    ("DE", 22), ("DJ", 27), ("DK", 18), ("DO", 28), ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18),
    ("FK", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23), ("GL", 18), ("GR", 27),
    ("GT", 28), ("HN", 28), ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26),
    ("IT", 27), ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LC", 32), ("LI", 21), ("LT", 20),
    ("LU", 20), ("LV", 21), ("LY", 25), ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19), ("MN", 20),
    ("MR", 27), ("MT", 31), ("MU", 30), ("NI", 28), ("NL", 18), ("NO", 15), ("OM", 23), ("PK", 24),
    ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("RU", 33), ("SA", 24),
    ("SC", 31), ("SD", 18), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("SO", 23), ("ST", 25),
    ("SV", 28), ("TL", 23), ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20),
    ("YE", 30),
];

#[cfg(test)]
mod tests;
