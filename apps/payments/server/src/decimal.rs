//! Amounts as people and JSON have them: `1234.50`, with the currency's number of decimals.

use types::{Amount, Currency};

/// The amount with exactly as many decimals as the currency has.
pub(crate) fn write(amount: Amount, currency: Currency) -> String {
    let exponent = usize::from(currency.exponent());
    let digits = format!("{:0>width$}", amount.0, width = exponent + 1);
    let (whole, part) = digits.split_at(digits.len() - exponent);
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

/// Reads digits with at most as many decimals as the currency has; no sign, no exponent. `None` for
/// anything else, and past 2^128.
pub(crate) fn read(text: &str, currency: Currency) -> Option<Amount> {
    let exponent = usize::from(currency.exponent());
    let (whole, part) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > exponent {
        return None;
    }
    let minor = format!("{whole}{part:0<exponent$}");
    minor.parse().ok().map(Amount)
}

#[cfg(test)]
mod tests;
