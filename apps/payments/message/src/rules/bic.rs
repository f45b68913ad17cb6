//! Business identifier codes (ISO 9362).

use super::country;

/// Whether the country part is a country. The schema has checked the form: four letters or digits,
/// two letters, two more, and maybe three.
pub(crate) fn is_sound(bic: &str) -> bool {
    bic.get(4..6).is_some_and(country::exists)
}
