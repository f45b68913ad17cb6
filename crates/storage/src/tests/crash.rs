//! Many lives of one node under random power cuts and kills.

use super::*;

/// What a test knows of a node's records: those it was told are written, and those it asked for.
#[derive(Default)]
struct Known {
    told: Vec<Vec<u8>>,
    asked: Vec<Vec<u8>>,
    blob_told: u64,
    blob_asked: u64,
}

/// Runs one life; ends by a power cut at a random moment.
fn live(disk: &FaultyDisk, known: &mut Known, random: &mut Random) {
    let mut node = start(disk);
    disk.cut_power_in(random.next() % 120 + 1);
    let mut waiting: VecDeque<Request> = VecDeque::new();
    'life: loop {
        for _ in 0..=random.below(8) {
            node.next += 1;
            if random.one_in(6) {
                known.blob_asked += 1;
                waiting.push_back(blob(node.next, 1, &known.blob_asked.to_le_bytes()));
            } else {
                let size = if random.one_in(10) { 3900 } else { random.below(700) };
                let mut bytes = random.next().to_le_bytes().to_vec();
                bytes.resize(8 + size, u8::try_from(node.next % 251).expect("small"));
                known.asked.push(bytes.clone());
                waiting.push_back(append(node.next, &bytes));
            }
        }
        let mut sent: VecDeque<(WriteId, Result<Vec<u8>, u64>)> = VecDeque::new();
        while !waiting.is_empty() || !sent.is_empty() {
            let before: Vec<Request> = waiting.iter().cloned().collect();
            let refused = node.handle.submit(&mut waiting);
            sent.extend(before.iter().take(before.len() - waiting.len()).map(remember));
            if refused == Err(Refused::Stopped) {
                // The failure is on its way.
                while !matches!(node.completion(), Completion::Failed(_)) {
                    tell(known, sent.pop_front());
                }
                break 'life;
            }
            if sent.is_empty() {
                match node.completions.recv().expect("storage still runs").pop() {
                    Some(Completion::Failed(_)) => break 'life,
                    _ => continue,
                }
            }
            match node.completion() {
                Completion::Written { id, .. } => {
                    let first = sent.pop_front();
                    assert_eq!(first.as_ref().map(|(id, _)| *id), Some(id), "in order");
                    tell(known, first);
                }
                Completion::Failed(_) => break 'life,
                other => panic!("{other:?}"),
            }
        }
    }
}

fn remember(request: &Request) -> (WriteId, Result<Vec<u8>, u64>) {
    match request {
        Request::Append { id, bytes, .. } => (*id, Ok(bytes.to_vec())),
        Request::Superblock { id, blob, .. } => {
            (*id, Err(u64::from_le_bytes(blob[..].try_into().expect("eight bytes"))))
        }
        _ => panic!("nothing else is asked for here"),
    }
}

fn tell(known: &mut Known, done: Option<(WriteId, Result<Vec<u8>, u64>)>) {
    match done.expect("only what was sent is written").1 {
        Ok(bytes) => known.told.push(bytes),
        Err(version) => known.blob_told = version,
    }
}

/// Without it the next combination of crash, tear and restart that loses an acknowledged record
/// would be found by a customer.
#[test]
fn whatever_was_reported_written_is_found() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut disk = FaultyDisk::default();
        drop(open(&disk).expect("made"));
        let mut known = Known::default();
        for life in 0..6 {
            live(&disk, &mut known, &mut random);
            disk = if random.one_in(4) {
                disk.after_kill()
            } else {
                disk.after_power_cut(&mut random)
            };
            // A start-up may crash too.
            if random.one_in(2) {
                disk.cut_power_in(random.next() % 10 + 1);
                drop(replay_all(&disk));
                disk = disk.after_power_cut(&mut random);
            }
            let context = format!("seed {seed}, life {life}");
            let opened = open(&disk).unwrap_or_else(|error| panic!("{context}: {error}"));
            let version = opened
                .blobs()
                .get(&GroupId(1))
                .map_or(0, |blob| u64::from_le_bytes(blob[..].try_into().expect("eight bytes")));
            assert!(version >= known.blob_told && version <= known.blob_asked, "{context}");
            drop(opened);
            known.blob_told = version;
            // The disk tears at any byte: what lacks its last few passes for damaged, and stays.
            let (_, records, _) = replay_all(&disk).expect("a crash damages nothing");
            let found: Vec<_> = records.into_iter().map(|(.., bytes)| bytes).collect();
            // All that was told, in order, and nothing that was never asked for. What was found
            // now counts as told: it must stay.
            let mut asked = known.asked.iter();
            for bytes in &found {
                assert!(asked.any(|one| one == bytes), "{context}: unknown or out of order");
            }
            let mut rest = found.iter();
            for bytes in &known.told {
                assert!(rest.any(|one| one == bytes), "{context}: lost or out of order");
            }
            known.told.clone_from(&found);
            known.asked = found;
        }
    }
}

/// Without it the disk of these tests would be too kind to find anything: a disk that confirms
/// writes and drops them must be noticed at the next start.
#[test]
fn a_disk_that_lies_is_found_out() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    node.record(b"kept");
    disk.lose_writes_to("00000000000000000000.seg");
    node.record(b"confirmed and dropped");
    node.write(|id| blob(id, 1, b"mark")).expect("the superblock is honest");
    drop(node);
    let (.., damage) =
        replay_all(&disk.after_power_cut(&mut Random(1))).expect("the rest is there");
    assert_eq!(damage.len(), 1, "bytes are missing");
}
