//! Were a level read for another, a client would act on a state that it did not ask for.

use super::*;

const CLUSTER: ClusterMark = ClusterMark([0xab; 8]);
const TOKEN: &str = "t2.abababababababab.3.5.1042.9f86d081884c7d65";

fn reading(lines: &[(&'static str, &str)]) -> Result<Reading, Problem> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    Reading::of(CLUSTER, &headers, None)
}

#[test]
fn a_request_says_how_much_it_asks_for() {
    // Without a word about it, a session is a session and anybody else gets what there is.
    let level = |lines: &[(&'static str, &str)]| reading(lines).unwrap().level;
    assert_eq!(level(&[]), ReadLevel::Stale);
    assert_eq!(level(&[(SESSION, TOKEN)]), ReadLevel::Session);
    assert_eq!(level(&[(READ, "session")]), ReadLevel::Session);
    assert_eq!(level(&[(READ, "stale"), (SESSION, TOKEN)]), ReadLevel::Stale);
    assert_eq!(level(&[(READ, "linearizable")]), ReadLevel::Linearizable);
    assert_eq!(level(&[(READ, "provisional")]), ReadLevel::Provisional);
    let within_us = 2_500_000;
    assert_eq!(level(&[(READ, "bounded=2500ms")]), ReadLevel::Bounded { within_us });
}

#[test]
fn tokens_come_in_one_line_or_in_several() {
    // A client that keeps one for each ledger sends all of them, as its library likes.
    let other = "t2.abababababababab.4.1.1.0000000000000000";
    let both = format!("{TOKEN}, {other}");
    let one = reading(&[(SESSION, &both)]).unwrap();
    assert_eq!(one.tokens.len(), 2);
    assert_eq!(one, reading(&[(SESSION, TOKEN), (SESSION, other)]).unwrap());
    let all = vec![other; TOKENS_MAX].join(",");
    assert_eq!(reading(&[(SESSION, &all)]).unwrap().tokens.len(), TOKENS_MAX);
    assert!(reading(&[(SESSION, &format!("{all},{other}"))]).is_err());
}

#[test]
fn what_cannot_be_read_is_not_taken_for_less() {
    // A misspelt level that is answered as a stale read is a stale answer nobody asked for.
    for lines in [
        (READ, "linearisable"),
        (READ, "bounded"),
        (READ, "bounded=2"),
        (READ, "bounded=-2s"),
        (READ, ""),
        (SESSION, ""),
        (SESSION, "t2.abababababababab.3.5"),
        (SESSION, "t1.3.5.1042.9f86d081884c7d65"),
        (SESSION, "t2.abababababababab.3.5.1042.9f86d081884c7d65,"),
    ] {
        let problem = reading(&[lines]).unwrap_err();
        assert_eq!(problem.status(), 400, "{lines:?}");
    }
}

#[test]
fn of_two_levels_none_is_taken() {
    // A proxy that adds a level of its own must not turn a decision into a look at what is stale.
    for other in ["stale", "linearizable"] {
        let problem = reading(&[(READ, "linearizable"), (READ, other)]).unwrap_err();
        assert_eq!(problem.status(), 400, "{other}");
    }
}

#[test]
fn tokens_go_out_as_they_come_in() {
    // What a client sends back must be what it was given.
    let tokens = reading(&[(SESSION, TOKEN), (SESSION, TOKEN)]).unwrap().tokens;
    let mut headers = HeaderMap::new();
    tell_tokens(CLUSTER, &mut headers, &tokens);
    assert_eq!(Reading::of(CLUSTER, &headers, None).unwrap().tokens, tokens);
    tell_tokens(CLUSTER, &mut headers, &[]);
    assert_eq!(headers.len(), 1, "nothing seen is nothing said");
}

#[test]
fn a_token_of_another_cluster_is_told_from_one_that_was_lost() {
    // Groups, epochs and seqs are the same in any two clusters: a record that the other has told of would be
    // called lost here, and somebody would look after a payment that is where it should be.
    let other = "t2.0000000000000001.3.5.1042.9f86d081884c7d65";
    let problem = reading(&[(SESSION, TOKEN), (SESSION, other)]).unwrap_err();
    assert_eq!(problem.status(), 400);
    let text = format!("{problem:?}");
    assert!(text.contains("foreign-token") && text.contains(other), "{text}");
}
