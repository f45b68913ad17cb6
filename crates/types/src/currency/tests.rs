//! If the list is wrong, an amount is off by a power of ten.

use super::*;

#[test]
fn the_list_is_sorted_and_has_the_known_exponents() {
    assert!(ACTIVE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let exponent = |code| Currency::from_code(code).map(|currency| currency.exponent());
    assert_eq!(exponent("EUR"), Some(2));
    assert_eq!(exponent("JPY"), Some(0));
    assert_eq!(exponent("BHD"), Some(3));
    assert_eq!(exponent("CLF"), Some(4));
    assert_eq!(exponent("XAU"), None);
    assert_eq!(exponent("DEM"), None);
    assert_eq!(exponent("eur"), None);
    assert_eq!(Currency::from_number(978).map(|eur| eur.code() == "EUR"), Some(true));
}
