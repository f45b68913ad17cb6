//! If check digits are not checked, money goes to a mistyped account.

use super::{LENGTHS, Wrong, check, check_digits, is_misspelt_iban};

/// A wrong digit that passes sends money to a stranger.
#[test]
fn check_digits_and_lengths() {
    for (iban, expect) in [
        ("GB82WEST12345698765432", Ok(())),
        ("DE89370400440532013000", Ok(())),
        ("FR1420041010050500013M02606", Ok(())),
        ("NO9386011117947", Ok(())),
        ("MT84MALT011000012345MTLCAST001S", Ok(())),
        ("DE89370400440532013001", Err(Wrong::CheckDigits)),
        ("DE98370400440532013000", Err(Wrong::CheckDigits)),
        ("GB82west12345698765432", Err(Wrong::CheckDigits)),
        ("DE8937040044053201300", Err(Wrong::Length(22))),
        ("US89370400440532013000", Err(Wrong::Country)),
    ] {
        assert_eq!(check(iban), expect, "{iban}");
    }
}

/// An account would be opened that no message can name; or one with a number of another kind would not.
#[test]
fn a_misspelt_iban_is_told_from_other_numbers() {
    for (text, is_misspelt) in [
        ("DE89370400440532013000", false),
        ("DE89370400440532013001", true),
        ("DE8937040044053201300", true),
        ("US89370400440532013000", false),
        ("DE89", false),
        ("BIC:COBADEFFXXX", false),
        ("89370400440532013000", false),
        ("DE89 3704 0044 0532 0130 00", false),
        ("", false),
    ] {
        assert_eq!(is_misspelt_iban(text), is_misspelt, "{text}");
    }
}

/// The table is searched by halves: out of order it loses countries.
#[test]
fn the_table_is_in_order() {
    assert!(LENGTHS.is_sorted());
    assert!(LENGTHS.iter().all(|(country, _)| super::super::country::exists(country)));
}

/// Sample messages carry numbers made here; with wrong check digits the demo would reject itself.
#[test]
fn made_numbers_pass() {
    for account in ["370400440532013000", "000000000000000001", "999999999999999999"] {
        let digits = check_digits("DE", account).expect("digits only");
        assert_eq!(check(&format!("DE{digits:02}{account}")), Ok(()));
    }
}
