//! Were a token read differently from what it was written as, a client would be shown less than it saw.

use alloc::string::ToString as _;

use super::*;
use crate::Hash;

const TEXT: &str = "t1.3.5.1042.9f86d081884c7d65";

#[test]
fn a_token_has_one_text() {
    // A second spelling would let two tokens that mean the same be told apart, and be merged wrongly.
    let token = Token::parse(TEXT.as_bytes()).unwrap();
    assert_eq!(token.to_string(), TEXT);
    assert_eq!((token.group, token.epoch, token.seq), (GroupId(3), Epoch(5), Seq(1042)));
    let (epoch, seq) = (Epoch(u64::MAX), Seq(u64::MAX));
    let widest = Token::new(GroupId(u16::MAX), Tail { epoch, seq, hash: Hash([255; 32]) });
    let text = widest.to_string();
    assert_eq!(text.len(), Token::BYTES_MAX);
    assert_eq!(Token::parse(text.as_bytes()), Ok(widest));
}

#[test]
fn whatever_a_stranger_sends_is_refused_with_its_reason() {
    // A header is bytes of anybody; a node that panics on it serves nobody.
    let cases: [(&[u8], NotAToken); 14] = [
        (b"", NotAToken::Version),
        (b"t2.3.5.1042.9f86d081884c7d65", NotAToken::Version),
        (b"t1", NotAToken::Parts),
        (b"t1.3.5.1042", NotAToken::Parts),
        (b"t1.3.5.1042.9f86d081884c7d65.", NotAToken::Parts),
        (b"t1.03.5.1042.9f86d081884c7d65", NotAToken::Number { part: "group" }),
        (b"t1.65536.5.1042.9f86d081884c7d65", NotAToken::Number { part: "group" }),
        (b"t1.3.+5.1042.9f86d081884c7d65", NotAToken::Number { part: "epoch" }),
        (b"t1.3.5..9f86d081884c7d65", NotAToken::Number { part: "seq" }),
        (b"t1.3.5.18446744073709551616.9f86d081884c7d6", NotAToken::Number { part: "seq" }),
        (b"t1.3.5.1042.9F86d081884c7d65", NotAToken::Head),
        (b"t1.3.5.1042.9f86d081884c7d6", NotAToken::Head),
        (b"t1.3.5.1042.9f86d081884c7d6500", NotAToken::Head),
        (&[b'9'; 68], NotAToken::TooLong { bytes: 68 }),
    ];
    for (text, expected) in cases {
        assert_eq!(Token::parse(text), Err(expected), "{:?}", core::str::from_utf8(text));
    }
    for length in 0..TEXT.len() {
        assert!(Token::parse(&TEXT.as_bytes()[..length]).is_err(), "{length} bytes of it");
    }
}
