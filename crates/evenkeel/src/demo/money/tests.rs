//! Unit tests.

use types::{Amount, Currency};

use super::{amount, decimal};

#[test]
fn amounts_survive_the_way_there_and_back() {
    // Without this, balances in yen or dinar would be compared wrongly by a factor of 100 or 1,000.
    for (code, minor, text) in [
        ("EUR", 0, "0.00"),
        ("EUR", 7, "0.07"),
        ("EUR", 123_456, "1234.56"),
        ("JPY", 0, "0"),
        ("JPY", 1_200, "1200"),
        ("BHD", 1_234, "1.234"),
    ] {
        let currency = Currency::from_code(code).unwrap();
        assert_eq!(decimal(Amount(minor), currency), text);
        assert_eq!(amount(text, currency), Some(Amount(minor)));
    }
    let euro = Currency::from_code("EUR").unwrap();
    for wrong in ["", "1", "1.0", "-1.00", "1.000", ".0x"] {
        assert_eq!(amount(wrong, euro), None, "{wrong}");
    }
}
