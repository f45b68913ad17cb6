//! A snapshot's file, in pieces of whatever size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::SnapshotReader;

fuzz_target!(|data: &[u8]| {
    let Some((size, data)) = data.split_first() else { return };
    let read = |size: usize| {
        let (mut reader, mut parts) = (SnapshotReader::default(), Vec::new());
        for piece in data.chunks(size) {
            reader.feed(piece);
            loop {
                match reader.part() {
                    Ok(Some(part)) => parts.push(part),
                    Ok(None) => break,
                    Err(_) => return (parts, true),
                }
            }
        }
        (parts, false)
    };
    let (parts, is_refused) = read(usize::from(*size) + 1);
    assert_eq!(read(data.len().max(1)).0, parts, "pieces do not matter");
    let mut again = Vec::new();
    for part in &parts {
        part.encode(&mut again);
    }
    assert!(is_refused || data.starts_with(&again), "a part has one encoding");
});
