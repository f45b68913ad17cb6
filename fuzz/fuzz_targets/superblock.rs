//! A copy of the superblock.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for copy in 0..4 {
        let _read = wire::superblock::Superblock::decode(copy, data);
    }
});
