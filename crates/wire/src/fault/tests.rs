//! Faults come back as they went, and nothing else passes for one.

use alloc::vec;

use super::*;

fn sample() -> Vec<Fault> {
    [(3, Some(3)), (5, Some(9)), (10, None)]
        .map(|(first, last)| Fault {
            first: Seq(first),
            last: last.map(Seq),
            before: Hash([u8::try_from(first).unwrap(); 32]),
        })
        .to_vec()
}

fn encoded(faults: &[Fault]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Writer::new(&mut bytes).faults(faults);
    bytes
}

#[test]
fn faults_come_back_and_a_prefix_of_them_does_not() {
    // A candidate that misreads a fault takes lost records for records that never were.
    let bytes = encoded(&sample());
    assert_eq!(Reader::new(&bytes).faults(), Ok(sample()));
    for end in 0..bytes.len() {
        assert!(Reader::new(&bytes[..end]).faults().is_err(), "cut at {end}");
    }
}

#[test]
fn ranges_that_overlap_or_run_backwards_are_refused() {
    // What follows decides by these ranges, and takes them to be in order.
    let fault = |first, last: Option<u64>| Fault {
        first: Seq(first),
        last: last.map(Seq),
        before: Hash::ZERO,
    };
    for wrong in [
        vec![fault(0, None)],
        vec![fault(4, Some(3))],
        vec![fault(4, Some(6)), fault(6, Some(8))],
        vec![fault(4, None), fault(6, Some(8))],
    ] {
        assert!(Reader::new(&encoded(&wrong)).faults().is_err(), "{wrong:?}");
    }
    assert!(fault(4, Some(6)).covers(Seq(6)) && !fault(4, Some(6)).covers(Seq(7)));
    assert!(fault(4, None).covers(Seq(700)) && !fault(4, None).covers(Seq(3)));
}
