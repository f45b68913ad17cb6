//! A record of a chain, from a peer or from disk.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = wire::Record::decode(Bytes::copy_from_slice(data)) {
        let count = usize::try_from(record.header().count).expect("32 bits");
        assert_eq!(record.commands().count(), count);
    }
});
