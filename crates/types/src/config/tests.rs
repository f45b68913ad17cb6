//! A configuration that exists but can commit nothing would stop a group for good.

use alloc::vec;

use super::*;

fn member(node: u16, role: MemberRole, region: u16, zone: u16) -> Member {
    let place = Place { region: RegionId(region), zone: ZoneId(zone) };
    Member { node: NodeId(node), role, place }
}

fn full(node: u16, region: u16) -> Member {
    member(node, MemberRole::Full, region, 0)
}

#[test]
fn what_could_never_commit_is_no_configuration() {
    // It would be found out by the first client.
    let check = |members: Vec<Member>, copies, spread, expect| {
        let config = Config::placed(ConfigId(1), members, copies, spread);
        assert_eq!(config.map(|_| ()), Err(expect));
    };
    let witness = member(3, MemberRole::Witness, 3, 0);
    let learner = member(4, MemberRole::Learner, 4, 0);
    check(vec![], 1, 1, NotAConfig::Empty);
    check(vec![full(1, 1), full(1, 2)], 1, 1, NotAConfig::Twice(NodeId(1)));
    check(vec![full(1, 1)], 0, 1, NotAConfig::Copies { copies: 0, members: 1 });
    check(vec![full(1, 1), learner], 2, 1, NotAConfig::Copies { copies: 2, members: 1 });
    check(vec![witness, learner], 1, 1, NotAConfig::NoFull);
    let far = |spread, regions| NotAConfig::Spread { spread, regions };
    check(vec![full(1, 1), full(2, 1), learner], 2, 2, far(2, 1));
    check(vec![full(1, 1), full(2, 2)], 1, 2, far(2, 2));
    check(vec![full(1, 1), full(2, 2)], 2, 0, far(0, 2));
}

#[test]
fn roles_say_who_counts_who_leads_and_who_runs_the_model() {
    // A learner that counted would make a commit of a copy that may go; a witness that led would have
    // no state to answer from.
    let witness = member(3, MemberRole::Witness, 3, 0);
    let learner = member(4, MemberRole::Learner, 4, 0);
    let members = vec![full(1, 1), full(2, 1), witness, learner];
    let config = Config::placed(ConfigId(1), members, 2, 2).unwrap();
    let ids = |nodes: &mut dyn Iterator<Item = NodeId>| nodes.map(|n| n.0).collect::<Vec<_>>();
    assert_eq!(ids(&mut config.counted()), [1, 2, 3]);
    assert_eq!(ids(&mut config.leaders()), [1, 2]);
    assert_eq!(config.extent(|_| true), (3, 2));
    assert_eq!(config.extent(|node| node.0 != 3), (2, 1));
    assert!(config.has(NodeId(4)) && !config.counts(NodeId(4)) && !config.has(NodeId(5)));
    assert!(!config.is_plain());
    let nodes = vec![NodeId(7), NodeId(3)];
    assert!(Config::new(ConfigId(1), nodes, 2).unwrap().is_plain());
}

#[test]
fn what_is_left_keeps_places_and_asks_for_what_can_be_had() {
    // A smaller configuration that forgot the regions would commit within one of two that are left.
    let witness = member(5, MemberRole::Witness, 3, 0);
    let members = vec![full(1, 1), full(2, 1), full(3, 2), full(4, 2), witness];
    let config = Config::placed(ConfigId(1), members, 3, 2).unwrap();
    let left = config.reduced(ConfigId(2), |node| node.0 != 1).unwrap();
    assert_eq!((left.id(), left.copies(), left.spread()), (ConfigId(2), 3, 2));
    assert_eq!(left.member(NodeId(4)), config.member(NodeId(4)));
    let one_region = config.reduced(ConfigId(2), |node| node.0 < 3).unwrap();
    assert_eq!((one_region.copies(), one_region.spread()), (2, 1));
    assert_eq!(config.reduced(ConfigId(2), |node| node.0 == 5), None);
}
