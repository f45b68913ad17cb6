//! Amounts: from decimals to minor units.

use types::{Amount, Currency};

use crate::schema::value::Decimal;

/// Why a decimal is no amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    /// More decimals than minor units allow.
    #[error("the currency has {0} decimals")]
    Decimals(u8),
    /// Below zero, or beyond what can be held. The schemas allow neither for amounts.
    #[error("it is no amount")]
    Form,
}

/// The decimal in minor units. Zeros at the end do not count as decimals: `5.00` yen are 5 yen.
pub(crate) fn minor_units(number: Decimal<'_>, currency: Currency) -> Result<Amount, Wrong> {
    let exponent = currency.exponent();
    let missing = usize::from(exponent)
        .checked_sub(number.fraction.len())
        .ok_or(Wrong::Decimals(exponent))?;
    if number.negative {
        return Err(Wrong::Form);
    }
    let zeros = core::iter::repeat_n(b'0', missing);
    let digits = number.whole.bytes().chain(number.fraction.bytes()).chain(zeros);
    let mut units = 0_u128;
    for digit in digits {
        let digit = u128::from(digit.wrapping_sub(b'0'));
        units = units.checked_mul(10).and_then(|u| u.checked_add(digit)).ok_or(Wrong::Form)?;
    }
    Ok(Amount(units))
}

/// Minor units as a decimal with all the currency's decimals.
pub(crate) fn decimal(amount: Amount, currency: Currency) -> String {
    let exponent = usize::from(currency.exponent());
    let digits = format!("{:0>width$}", amount.0, width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests;
