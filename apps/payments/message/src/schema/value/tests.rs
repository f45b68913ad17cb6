//! If a value's form is misjudged, a wrong amount or time is taken, or a right one refused.

use super::check;
use crate::schema::Kind;

fn verdicts(kind: Kind, legal: &[&str], illegal: &[&str]) {
    for text in legal {
        assert_eq!(check(kind, text), Ok(()), "{text:?}");
    }
    for text in illegal {
        assert!(check(kind, text).is_err(), "{text:?}");
    }
}

/// A date that one side reads and the other refuses stops a payment half way. The verdicts are
/// those of libxml2 2.14.
#[test]
fn dates_and_times() {
    verdicts(
        Kind::DateTime,
        &[
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00Z",
            "2024-01-01T00:00:00.5+14:00",
            "2024-01-01T24:00:00.000Z",
            "2024-02-29T23:59:59.9999999999999",
            "-0004-02-29T00:00:00",
            "12024-01-01T00:00:00",
            "9223372036854775807-01-01T00:00:00",
            "2024-01-01T00:00:00Z \n",
        ],
        &[
            "",
            " ",
            "2024-01-01",
            "2024-01-01T00:00",
            "2024-01-01t00:00:00",
            " 2024-01-01T00:00:00",
            "2024-01-01T00:00:00 ",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00:00.5 ",
            "2024-01-01T00:00:00z",
            "2024-01-01T00:00:00+14:01",
            "2024-01-01T00:00:00+13:60",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01T24:00:01",
            "2024-01-01T24:00:00.1",
            "2024-01-01T23:60:00",
            "2024-01-01T23:59:60",
            "2024-01-01T23:59:59.99999999999999",
            "2023-02-29T00:00:00",
            "1900-02-29T00:00:00",
            "-0001-02-29T00:00:00",
            "0000-01-01T00:00:00",
            "012024-01-01T00:00:00",
            "9223372036854775808-01-01T00:00:00",
            "+2024-01-01T00:00:00",
            "2024-13-01T00:00:00",
            "2024-04-31T00:00:00",
            "２024-01-01T00:00:00",
            "2024-01-01T00:00:00Z x",
            "2024-é1-01T00:00:00",
        ],
    );
    verdicts(
        Kind::Date,
        &["2024-02-29", "2024-01-01Z", "2024-01-01-05:00", "-0001-01-01"],
        &["2024-1-1", "20240101", " 2024-01-01", "2024-01-01Z ", "2024-01-01T00:00:00", ""],
    );
    verdicts(
        Kind::Time,
        &["00:00:00", "24:00:00", "23:59:59.5Z", "00:00:00+14:00"],
        &["24:00:01", "00:00", "23:59:60", "00:00:00-14:01", "00:00:00Z "],
    );
    verdicts(
        Kind::Year,
        &["2024", "-0001", "12024", "2024Z", "2024+14:00"],
        &["0000", "024", "02024", "+2024", " 2024", "2024-", "2024-01"],
    );
}

/// An amount with too many digits is one that the next system cannot hold.
#[test]
fn decimals() {
    verdicts(
        Kind::Decimal { total: 18, fraction: 5, natural: true },
        &[
            "0",
            "-0",
            "+5",
            "5.",
            ".12345",
            " 1 ",
            "123456789012345678",
            "0123456789012345678",
            "1.1234500",
            "123456789012345678.00000",
            "0000000000000000000.00001",
        ],
        &[
            "",
            ".",
            "+",
            "-",
            "1e5",
            "1,0",
            "1 0",
            "--1",
            "NaN",
            "-0.00001",
            "1.123456",
            "0.000001",
            "1234567890123456789",
            "12345678901234.12345",
            "٣",
        ],
    );
    verdicts(
        Kind::Decimal { total: 18, fraction: 17, natural: false },
        &["-1", "0.12345678901234567", "1.12345678901234567"],
        &["0.000000000000000001", "12.12345678901234567"],
    );
}

/// A signature that decodes to other bytes proves nothing.
#[test]
fn base64_and_booleans() {
    verdicts(
        Kind::Base64 { min: 1, max: 4 },
        &["QQ==", "QUI=", "QUJD", "QUJDRA==", "Q U\nJ D", " QQ = = "],
        &[
            "", "  ", "Q", "QQ", "QQ=", "QR==", "QUJ=", "====", "QQ==QQ==", "QUJDREU=", "QUJD!",
            "Q-==",
        ],
    );
    verdicts(Kind::Boolean, &["true", "false", "1", "0", " true\n"], &["", "TRUE", "yes", "10"]);
}

/// Lengths count characters: a name in Greek is not twice as long as one in Latin.
#[test]
fn texts() {
    let kind = Kind::Text { min: 1, max: 4, pattern: &[], values: &[] };
    verdicts(kind, &["a", "éééé", "𐐀𐐀𐐀𐐀", "  ", "\n"], &["", "abcde", "ab  c"]);
    let kind = Kind::Text { min: 0, max: u32::MAX, pattern: &[], values: &["AB", "CD"] };
    verdicts(kind, &["AB", "CD"], &["", " AB", "AB ", "ab", "ABCD"]);
}
