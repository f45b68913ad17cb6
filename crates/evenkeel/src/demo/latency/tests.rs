//! Unit tests.

use super::Latencies;

#[test]
fn a_matrix_is_read_and_averaged() {
    // Without this, the demo could run with delays that nobody asked for and report them as such.
    let read = Latencies::parse("from\\to,a,b\na,1,20\nb,30,2\n").unwrap();
    assert_eq!(read.round_trip_us("a", "b").unwrap(), 25_000);
    assert_eq!(read.round_trip_us("b", "a").unwrap(), 25_000);
    assert!(read.round_trip_us("a", "c").unwrap_err().to_string().contains("known regions: a, b"));
    for wrong in ["", "x,a\n", "x,a\na,fast\n", "x,a\na,-1\n", "x,a\na,NaN\n"] {
        assert!(Latencies::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_built_in_pairs_are_those_of_the_matrix() {
    // Without this, a demo without files would show other distances than the published ones.
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/latency/aws-21x21-rtt-ms.csv");
    let Ok(read) = Latencies::read(path.as_ref()) else {
        println!("skipped: {path} is not there");
        return;
    };
    let built_in = Latencies::built_in();
    for ((a, b), us) in &built_in.0 {
        assert_eq!(read.round_trip_us(a, b).unwrap(), *us, "{a} {b}");
    }
}
