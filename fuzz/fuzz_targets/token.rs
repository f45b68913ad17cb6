//! A session token as a stranger sends it: refused, or read into what has this one text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use types::ClusterToken;

fuzz_target!(|data: &[u8]| {
    if let Ok(token) = ClusterToken::parse(data) {
        assert_eq!(token.to_string().as_bytes(), data, "a token has one text");
    }
});
