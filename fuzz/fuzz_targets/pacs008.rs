//! A payment message of a stranger.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let read = payments_message::read(data);
    let judged = payments_message::verdict::verdicts(data);
    // What is taken has passed its schema on the other way too.
    if read.is_ok() {
        assert!(judged.is_ok());
    }
});
