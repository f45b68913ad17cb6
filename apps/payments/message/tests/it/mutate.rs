//! Bytes changed at random: reading must refuse, never panic.

use payments_message::message::Version;
use payments_message::read;
use payments_message::verdict::verdicts;

use crate::support::{Random, draft, rich};

/// One file from outside that panics the reader stops a region.
#[test]
fn changed_bytes_never_panic() {
    let small = Version::ALL.map(|version| draft(2).write(version));
    let large = Version::ALL.map(|version| rich(version.message()).into_bytes());
    let pieces: [&[u8]; 16] = [
        b"<",
        b">",
        b"&",
        b"\"",
        b"</",
        b"/>",
        b"<!--",
        b"<![CDATA[",
        b"]]>",
        b"&#0;",
        b"\xFF",
        b"\0",
        b" xmlns=''",
        b"99999999999999999999",
        b"-",
        b"<?x?>",
    ];
    let mut random = Random(20_022);
    let mut taken = 0;
    for _ in 0..12_000 {
        let seeds = if random.below(10) == 0 { &large } else { &small };
        let mut bytes = random.pick(seeds).clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(5) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => {
                    let end = (at + random.below(40)).min(bytes.len());
                    bytes.drain(at..end);
                }
                2 => {
                    let piece = *random.pick(&pieces);
                    bytes.splice(at..at, piece.iter().copied());
                }
                3 => bytes.truncate(at.max(1)),
                _ => {
                    let end = (at + random.below(200)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = random.below(bytes.len());
                    bytes.splice(to..to, copy);
                }
            }
            if bytes.is_empty() {
                bytes.push(b'<');
            }
        }
        drop(verdicts(&bytes));
        if let Ok(message) = read(&bytes) {
            // What was taken must be writable as an answer's original.
            assert_eq!(message.original().transactions.len(), message.transactions.len());
            taken += 1;
        }
    }
    assert!(taken > 0, "no change left a message whole: the test changes too much");
}
