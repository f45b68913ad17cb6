//! If a country is missing, its banks cannot pay.

use super::exists;

/// A country missing from the list stops every payment to it.
#[test]
fn the_list_is_complete() {
    let letters = b'A'..=b'Z';
    let codes = letters.clone().flat_map(|a| letters.clone().map(move |b| [a, b]));
    let assigned = codes.filter(|code| std::str::from_utf8(code).is_ok_and(exists)).count();
    // ISO 3166-1 has 249 assigned codes; Kosovo is ours.
    assert_eq!(assigned, 249 + 1);
    for code in ["DE", "GB", "US", "XK", "ZW", "AX", "SS"] {
        assert!(exists(code), "{code}");
    }
    for code in ["UK", "EU", "XX", "AA", "de", "D", "", "DEU"] {
        assert!(!exists(code), "{code}");
    }
}
