//! The checker against histories whose verdicts others have published, and against small ones of its
//! own.

mod etcd;
mod kv;
mod money;

use std::path::PathBuf;

/// Steps for one history of others'. The hardest of them takes a fraction.
const STEPS_MAX: u64 = 20_000_000;

/// Published data beside the workspace, if it is there.
#[expect(clippy::print_stdout, reason = "a test that checks nothing must say so")]
fn shared(folder: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = root.join(folder);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}
