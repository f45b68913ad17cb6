//! If two versions of a node read a configuration differently, they count other copies for a commit.

use alloc::vec;

use super::*;

fn member(node: u16, role: MemberRole, region: u16, zone: u16) -> Member {
    let place = Place { region: RegionId(region), zone: ZoneId(zone) };
    Member { node: NodeId(node), role, place }
}

/// Two zones of one region, another region, a witness, and a learner.
fn sample() -> Config {
    let members = vec![
        member(1, MemberRole::Full, 0, 0),
        member(2, MemberRole::Full, 0, 1),
        member(7, MemberRole::Full, 1, 0),
        member(4, MemberRole::Witness, 2, 0),
        member(5, MemberRole::Learner, 1, 3),
    ];
    Config::placed(ConfigId(9), members, 3, 2).unwrap()
}

fn bytes(config: &Config) -> Vec<u8> {
    let mut bytes = Vec::new();
    Writer::new(&mut bytes).config(config);
    bytes
}

fn read(bytes: &[u8]) -> Result<Config, DecodeError> {
    let mut reader = Reader::new(bytes);
    let config = reader.config()?;
    reader.end()?;
    Ok(config)
}

#[test]
fn released_bytes_stay_readable() {
    let golden = include_bytes!("../../golden/v1/config-placed.bin");
    assert_eq!(bytes(&sample()), golden);
    assert_eq!(read(golden), Ok(sample()));
}

#[test]
fn a_configuration_without_roles_and_places_is_written_as_before_there_were_any() {
    let config = Config::new(ConfigId(9), vec![NodeId(3), NodeId(1)], 2).unwrap();
    let before = [9, 0, 0, 0, 2, 0, 2, 0, 0, 0, 3, 0, 1, 0];
    assert_eq!(bytes(&config), before);
    assert_eq!(read(&before), Ok(config));
}

#[test]
fn cut_or_changed_bytes_are_refused_or_read_as_another_value() {
    let whole = bytes(&sample());
    for length in 0..whole.len() {
        assert_eq!(read(&whole[..length]), Err(DecodeError::Truncated), "length {length}");
    }
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(read(&flipped), Ok(sample()), "bit {bit}");
    }
}

#[test]
fn a_plain_configuration_has_no_second_encoding() {
    // Audit chains and fingerprints hash these bytes: two encodings of one value would part members.
    let mut long = vec![1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1];
    long.extend([3, 0, 1, 0, 0, 0, 0]);
    assert!(matches!(read(&long), Err(DecodeError::Invalid { .. })));
    // In another zone it says more than the short form can.
    long[16] = 1;
    assert!(read(&long).is_ok());
}

#[test]
fn hostile_counts_layouts_and_roles_are_refused() {
    let head = [1, 0, 0, 0, 1, 0];
    for word in [33_u32, 0xffff, 1 << 17, u32::MAX, 0] {
        let hostile = [&head[..], &word.to_le_bytes(), &[0; 64]].concat();
        assert!(matches!(read(&hostile), Err(DecodeError::Invalid { .. })), "{word:x}");
    }
    for role in [0, 4, 255] {
        let mut hostile = bytes(&sample());
        hostile[13] = role;
        let field = "role of a member";
        assert_eq!(read(&hostile), Err(DecodeError::Invalid { field, value: role.into() }));
    }
}
