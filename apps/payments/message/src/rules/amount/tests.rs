//! If minor units are miscounted, an amount is off by a power of ten.

use types::{Amount, Currency};

use super::{Wrong, decimal, minor_units};
use crate::schema::value::Decimal;

/// An amount off by a power of ten is the worst thing a payment system can do quietly.
#[test]
fn decimals_become_minor_units() {
    for (text, code, expect) in [
        ("1", "EUR", Ok(100)),
        ("1.5", "EUR", Ok(150)),
        ("1.50000", "EUR", Ok(150)),
        ("+.05", "EUR", Ok(5)),
        ("0", "EUR", Ok(0)),
        ("-0.00", "EUR", Ok(0)),
        ("1.005", "EUR", Err(Wrong::Decimals(2))),
        ("5", "JPY", Ok(5)),
        ("5.00", "JPY", Ok(5)),
        ("5.5", "JPY", Err(Wrong::Decimals(0))),
        ("1.234", "BHD", Ok(1_234)),
        ("1.2345", "BHD", Err(Wrong::Decimals(3))),
        ("0.0001", "UYW", Ok(1)),
        ("999999999999999999", "UYW", Ok(9_999_999_999_999_999_990_000)),
        ("-1", "EUR", Err(Wrong::Form)),
    ] {
        let currency = Currency::from_code(code).expect("an active currency");
        let number = Decimal::read(text).expect("a decimal");
        assert_eq!(minor_units(number, currency), expect.map(Amount), "{text} {code}");
    }
}

/// What is written must be read again as the same amount.
#[test]
fn minor_units_become_decimals() {
    for (units, code, expect) in [
        (0, "EUR", "0.00"),
        (5, "EUR", "0.05"),
        (12_345, "EUR", "123.45"),
        (7, "JPY", "7"),
        (1, "BHD", "0.001"),
    ] {
        let currency = Currency::from_code(code).expect("an active currency");
        assert_eq!(decimal(Amount(units), currency), expect);
    }
}
