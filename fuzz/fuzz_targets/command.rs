//! A command's bytes as the model meets them: applied or refused, books balanced either way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::{Model, Outcome};
use payments_model::Payments;
use types::{Currency, Stamp};

fuzz_target!(|data: &[u8]| {
    let mut payments = Payments::new(Currency::from_code("EUR"));
    let mut outcome = Outcome::default();
    let version = *payments.versions().end();
    payments.apply(version, Stamp(1), data, &mut outcome);
    payments.apply(version, Stamp(2), data, &mut outcome);
    payments.assert_books();
});
