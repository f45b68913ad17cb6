//! If a seq is taken to be readable that is not, a home opens without it; if the other way round, a
//! group waits for nothing.

use alloc::vec::Vec;

use types::Epoch;

use super::*;

fn held(tail: u64, faults: &[(u64, Option<u64>)]) -> Held {
    let faults = faults.iter().map(|(first, last)| Fault {
        first: Seq(*first),
        last: last.map(Seq),
        before: Hash::ZERO,
    });
    let tail = Tail { epoch: Epoch(1), seq: Seq(tail), hash: Hash::ZERO };
    Held { tail, faults: faults.collect() }
}

#[test]
fn the_first_seq_that_nobody_can_read_is_found_as_by_looking_at_each() {
    // Looking at the ends of ranges only must be as good as looking at every seq.
    let shapes: [&[(u64, Option<u64>)]; 6] = [
        &[],
        &[(2, Some(3))],
        &[(1, Some(1)), (4, Some(6))],
        &[(3, Some(8))],
        &[(5, Some(5)), (7, None)],
        &[(1, Some(8))],
    ];
    for tails in [[8, 8, 8], [8, 4, 2], [0, 6, 8], [3, 3, 0]] {
        for one in shapes {
            for two in shapes {
                for three in shapes {
                    let members: Vec<Held> = tails
                        .iter()
                        .zip([one, two, three])
                        .map(|(tail, faults)| held(*tail, faults))
                        .collect();
                    let last = tails.iter().max().copied().unwrap();
                    let slow = (1..=last)
                        .map(Seq)
                        .find(|seq| !members.iter().any(|member| member.reads(*seq)));
                    assert_eq!(first_unreadable(members.iter()), slow, "{members:?}");
                }
            }
        }
    }
}
