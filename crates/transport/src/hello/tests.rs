//! If a hello is misread, nodes of two clusters or versions exchange records.

use super::*;

fn hello() -> Hello {
    Hello {
        version_min: 1,
        version_max: 1,
        cluster: ClusterName::new("prod").unwrap(),
        from: NodeId(1),
        to: NodeId(2),
        lane: Lane::Bulk,
        session: SessionId { boot: u64::MAX, number: 3 },
    }
}

#[test]
fn a_hello_comes_back_and_a_part_of_it_does_not() {
    // A truncated hello read as a shorter one would connect the wrong lane.
    let bytes = hello().encode();
    assert_eq!(Hello::decode(&bytes), Ok(hello()));
    for length in 0..bytes.len() {
        assert_eq!(Hello::decode(&bytes[..length]), Err(DecodeError::Truncated), "{length}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Hello::decode(&longer), Err(DecodeError::Trailing(1)));
    let stranger = [b"HTTP", &bytes[4..]].concat();
    assert!(Hello::decode(&stranger).is_err());
}

#[test]
fn a_newer_version_is_understood_as_far_as_both_speak() {
    // A rolling upgrade has nodes of two versions; a hello that only equals would split the cluster.
    let newer = Hello { version_max: 9, ..hello() };
    let longer = [newer.encode().as_slice(), &[1, 2, 3]].concat();
    assert_eq!(Hello::decode(&longer), Ok(newer.clone()));
    assert_eq!(newer.version(), Ok(1));
    let too_new = Hello { version_min: 2, ..newer };
    assert_eq!(too_new.version(), Err(Refusal::Version { min: 1, max: 1 }));
    let too_old = Hello { version_min: 0, version_max: 0, ..hello() };
    assert_eq!(too_old.version(), Err(Refusal::Version { min: 1, max: 1 }));
}

#[test]
fn every_answer_comes_back() {
    // An operator who reads "stranger" where "cluster" was meant looks in the wrong place.
    for answer in [
        Answer::Welcome { version: 7 },
        Answer::Refusal(Refusal::Version { min: 3, max: 5 }),
        Answer::Refusal(Refusal::Cluster),
        Answer::Refusal(Refusal::Claim),
        Answer::Refusal(Refusal::Called),
        Answer::Refusal(Refusal::Stranger),
        Answer::Refusal(Refusal::Direction),
        Answer::Refusal(Refusal::Stale),
        Answer::Refusal(Refusal::NoLogLane),
    ] {
        let bytes = answer.encode();
        assert_eq!(Answer::decode(&bytes), Ok(answer));
        for length in 0..bytes.len() {
            assert!(Answer::decode(&bytes[..length]).is_err());
        }
    }
}
