//! A chaos run whose failure nobody hears of, or that is called one although it could not run.

use super::{Ended, read, words};

#[test]
fn exit_codes_are_told_apart() {
    // Without it "skipped" would be a failure on every laptop, or a failure would be skipped.
    assert_eq!(read(Some(0)), Ended::Held);
    assert_eq!(read(Some(77)), Ended::NotPermitted);
    for code in [Some(1), Some(2), Some(3), Some(101), None] {
        assert_eq!(read(code), Ended::Failed, "{code:?}");
    }
}

#[test]
fn options_alone_mean_a_run() {
    // Without it `cargo xtask chaos --seed 7`, which a failed run tells people to type, does not work.
    assert_eq!(words(&["--seed", "7"]), ["run", "--seed", "7"]);
    assert_eq!(words(&[]), ["run"]);
    assert_eq!(words(&["plan", "--seed", "7"]), ["plan", "--seed", "7"]);
}
