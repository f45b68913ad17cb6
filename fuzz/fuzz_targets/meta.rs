//! A group's blob in the superblock.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(meta) = wire::Meta::decode(data) {
        let again = meta.encode();
        assert_eq!(wire::Meta::decode(&again), Ok(meta), "what was read can be written");
        // One of an earlier version is written as one of the newest.
        if again.first() == data.first() {
            assert_eq!(again, data, "a meta has one encoding");
        }
    }
});
