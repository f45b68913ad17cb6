//! What the disk itself can do: the limit that every figure beside it is read against.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hdrhistogram::Histogram;
use runtime::Clock;

/// Bytes of one write: what a small commit costs at least.
const BLOCK: usize = 4096;

/// Writes measured, after as many to make the blocks.
const WRITES: u64 = 1_000;

/// Latency in microseconds of overwriting 4 KiB in a written file and fdatasync, one at a time.
pub(crate) fn sync_latency(folder: &Path) -> io::Result<Histogram<u64>> {
    let path = folder.join("disk-latency");
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    let block = vec![0x5a_u8; BLOCK];
    for index in 0..WRITES {
        file.write_all_at(&block, index * BLOCK as u64)?;
    }
    file.sync_all()?;
    let (clock, mut latency) = (Clock::start(), super::histogram());
    for index in 0..WRITES {
        let start = clock.instant();
        file.write_all_at(&block, index * BLOCK as u64)?;
        file.sync_data()?;
        latency.saturating_record(clock.instant().since(start));
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(latency)
}
