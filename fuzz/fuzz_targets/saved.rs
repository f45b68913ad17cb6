//! Parts of a saved state of the payments model, as they come from a disk or from another node.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::Model;
use payments_model::Payments;
use types::Currency;

fuzz_target!(|data: &[u8]| {
    let mut payments = Payments::new(Currency::from_code("EUR"));
    let mut rest = data;
    // The first two bytes of each part are its length.
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (part, after) = after.split_at(length);
        if payments.load(part).is_err() {
            return;
        }
        rest = after;
    }
    if payments.loaded().is_ok() {
        payments.assert_invariants();
        let mut saving = payments.save();
        let mut again = Payments::new(Currency::from_code("EUR"));
        while let Some(part) = payments.save_next(&mut saving, 1_000) {
            again.load(&part).expect("what was taken in can be saved and taken in again");
        }
        again.loaded().expect("all parts were given");
        assert_eq!(again.digest(), payments.digest(), "a state has one digest");
    }
});
