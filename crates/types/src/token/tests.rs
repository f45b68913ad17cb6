//! Were a token read differently from what it was written as, a client would be shown less than it saw.

use alloc::string::ToString as _;

use super::*;
use crate::{ClusterId, Hash};

const TEXT: &str = "t2.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d65";

#[test]
fn a_token_has_one_text() {
    // A second spelling would let two tokens that mean the same be told apart, and be merged wrongly.
    let read = ClusterToken::parse(TEXT.as_bytes()).unwrap();
    assert_eq!(read.to_string(), TEXT);
    let ClusterToken { cluster, token } = read;
    assert_eq!(cluster, ClusterMark([0, 0xc0, 0xff, 0xee, 0, 0xc0, 0xff, 0xee]));
    assert_eq!((token.group, token.epoch, token.seq), (GroupId(3), Epoch(5), Seq(1042)));
    let (epoch, seq) = (Epoch(u64::MAX), Seq(u64::MAX));
    let widest = Token::new(GroupId(u16::MAX), Tail { epoch, seq, hash: Hash([255; 32]) });
    let widest = ClusterToken { cluster: ClusterId([255; 16]).mark(), token: widest };
    let text = widest.to_string();
    assert_eq!(text.len(), ClusterToken::BYTES_MAX);
    assert_eq!(ClusterToken::parse(text.as_bytes()), Ok(widest));
}

#[test]
fn whatever_a_stranger_sends_is_refused_with_its_reason() {
    // A header is bytes of anybody; a node that panics on it serves nobody.
    let number = |part| NotAToken::Number { part };
    let digits = |part| NotAToken::Digits { part };
    let cases: [(&[u8], NotAToken); 17] = [
        (b"", NotAToken::Version),
        (b"t1.3.5.1042.9f86d081884c7d65", NotAToken::Version),
        (b"t3.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d65", NotAToken::Version),
        (b"t2", NotAToken::Parts),
        (b"t2.3.5.1042.9f86d081884c7d65", NotAToken::Parts),
        (b"t2.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d65.", NotAToken::Parts),
        (b"t2.00C0ffee00c0ffee.3.5.1042.9f86d081884c7d65", digits("cluster")),
        (b"t2..3.5.1042.9f86d081884c7d65", digits("cluster")),
        (b"t2.00c0ffee00c0ffee.03.5.1042.9f86d081884c7d65", number("group")),
        (b"t2.00c0ffee00c0ffee.65536.5.1042.9f86d081884c7d65", number("group")),
        (b"t2.00c0ffee00c0ffee.3.+5.1042.9f86d081884c7d65", number("epoch")),
        (b"t2.00c0ffee00c0ffee.3.5..9f86d081884c7d65", number("seq")),
        (b"t2.00c0ffee00c0ffee.3.5.18446744073709551616.9f86d081884c7d65", number("seq")),
        (b"t2.00c0ffee00c0ffee.3.5.1042.9F86d081884c7d65", digits("head")),
        (b"t2.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d6", digits("head")),
        (b"t2.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d6500", digits("head")),
        (&[b'9'; 85], NotAToken::TooLong { bytes: 85 }),
    ];
    for (text, expected) in cases {
        assert_eq!(ClusterToken::parse(text), Err(expected), "{:?}", core::str::from_utf8(text));
    }
    for length in 0..TEXT.len() {
        assert!(ClusterToken::parse(&TEXT.as_bytes()[..length]).is_err(), "{length} bytes of it");
    }
}
