//! A group's blob in the superblock.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(meta) = wire::Meta::decode(data) {
        assert_eq!(meta.encode(), data, "a meta has one encoding");
    }
});
