//! If a decimal point moves, an account is funded with a hundred times its money.

use super::*;

#[track_caller]
fn check(text: &str, code: &str, minor: Option<u128>) {
    let currency = Currency::from_code(code).unwrap();
    assert_eq!(read(text, currency), minor.map(Amount), "{text} {code}");
}

#[test]
fn amounts_are_read() {
    check("12.34", "EUR", Some(1_234));
    check("12.3", "EUR", Some(1_230));
    check("12", "EUR", Some(1_200));
    check("0", "EUR", Some(0));
    check("12", "JPY", Some(12));
    check("1.234", "BHD", Some(1_234));
    for wrong in ["", ".", "12.", ".5", "-1", "+1", "1e3", "1,5", " 1", "12.345", "1.2.3"] {
        check(wrong, "EUR", None);
    }
    check("1.0", "JPY", None);
    check(&"9".repeat(40), "EUR", None);
}

#[test]
fn what_is_written_reads_as_itself() {
    for code in ["EUR", "JPY", "BHD", "UYW"] {
        let currency = Currency::from_code(code).unwrap();
        for minor in [0, 1, 9, 10, 99, 100, 12_345, 999_999_999_999_999_999] {
            let text = write(Amount(minor), currency);
            assert_eq!(read(&text, currency), Some(Amount(minor)), "{text} {code}");
        }
    }
    assert_eq!(write(Amount(5), Currency::from_code("EUR").unwrap()), "0.05");
    assert_eq!(write(Amount(5), Currency::from_code("JPY").unwrap()), "5");
}
