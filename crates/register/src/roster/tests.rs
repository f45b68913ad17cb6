//! Who may come and go, and what groups and the register make of it.

use alloc::string::String;
use alloc::vec::Vec;

use types::{Config, ConfigId, GroupId, Hash, MemberRole, NodeId, Place, RegionId, Terms, ZoneId};

use super::{Contact, Gone, Membership, MembershipChange, Newcomer, Roster, RosterRefusal, Words};
use crate::FOUNDER_IDS_END;

fn nodes(ids: &[u16]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

fn config(ids: &[u16], copies: usize) -> Config {
    Config::new(ConfigId(1), nodes(ids), copies).unwrap()
}

fn newcomer(node: u16, replaces: Option<u16>) -> Membership {
    Membership::Admit(Newcomer {
        node: NodeId(node),
        role: Some(MemberRole::Full),
        place: replaces.map_or(Place { region: RegionId(node), zone: ZoneId(0) }, placed),
        contact: Contact { region: String::from("paris"), ..Contact::default() },
        replaces: replaces.map(NodeId),
    })
}

/// Where a newcomer must stand: [`Config::new`] puts the first three nodes into regions 0 to 2, and those
/// that are replaced later in these tests have the place of the third.
fn placed(old: u16) -> Place {
    Place { region: RegionId(if old > 3 { 2 } else { old - 1 }), zone: ZoneId(0) }
}

fn take(roster: &mut Roster, step: Membership) -> Result<u64, RosterRefusal> {
    take_with(roster, step, &config(&[1, 2, 3], 2))
}

fn take_with(roster: &mut Roster, step: Membership, group: &Config) -> Result<u64, RosterRefusal> {
    let change = MembershipChange { expected_version: roster.version(), step };
    let words = Words { actor: "who", reason: "why", at: NodeId(2), origin: Hash::ZERO };
    roster.take(&change, words, [(GroupId(0), group)].into_iter())
}

fn founded(ids: &[u16]) -> Roster {
    Roster::new(&nodes(ids))
}

#[test]
fn an_id_is_never_used_twice() {
    // A blank disk under an id that has promised something would count as if it had kept it (I14).
    let mut roster = founded(&[1, 2, 3]);
    take(&mut roster, newcomer(5, Some(3))).unwrap();
    for used in [3, 4, 5] {
        let (node, highest) = (NodeId(used), NodeId(5));
        assert_eq!(
            take(&mut roster, newcomer(used, None)),
            Err(RosterRefusal::IdUsed { node, highest })
        );
    }
    assert_eq!(
        take(&mut roster, newcomer(6, Some(3))),
        Err(RosterRefusal::IsGone { node: NodeId(3) })
    );
    take(&mut roster, newcomer(6, Some(5))).unwrap();
    assert_eq!(roster.gone(NodeId(5)), Some(Gone::Replaced { by: NodeId(6) }));
    let wanted = roster.target(&config(&[1, 2, 3], 2)).unwrap();
    assert_eq!(wanted.members(), nodes(&[1, 2, 6]), "the last in the line has the place");
}

#[test]
fn an_id_far_above_is_refused() {
    // With the last id of all taken, no node could ever be replaced again; replacing it by itself, every
    // node went round in a ring for ever, and again at each start.
    let mut roster = founded(&[1, 2, 3]);
    let last = newcomer(u16::MAX, Some(3));
    let (node, highest) = (NodeId(u16::MAX), NodeId(3));
    assert_eq!(take(&mut roster, last), Err(RosterRefusal::IdUsed { node, highest }));
    let mut roster = founded(&[1, 2, u16::MAX]);
    let itself = newcomer(u16::MAX, Some(u16::MAX));
    assert!(matches!(take(&mut roster, itself), Err(RosterRefusal::IdUsed { .. })));
}

#[test]
fn a_newcomer_has_the_place_of_whom_it_replaces_in_each_group() {
    // A group of other nodes must not be moved; role, region, copies and terms must not change.
    let mut roster = founded(&[1, 2, 3, 4, 5]);
    take(&mut roster, newcomer(6, Some(3))).unwrap();
    let base = config(&[1, 3, 5], 2).with_terms(Terms::default());
    let wanted = roster.target(&base).unwrap();
    assert_eq!(wanted.members(), nodes(&[1, 6, 5]));
    assert_eq!(
        wanted.member(NodeId(6)).map(|one| one.place),
        base.member(NodeId(3)).map(|one| one.place)
    );
    assert_eq!((wanted.copies(), wanted.spread()), (base.copies(), base.spread()));
    assert_eq!(roster.target(&config(&[1, 2, 4], 2)), None);
    assert_eq!(roster.target(&wanted), None, "it has come to where it should");
}

#[test]
fn nobody_goes_without_whom_copies_or_votes_cannot_be_had() {
    // A register of two stops with either; a group short of members never commits again.
    let mut three = founded(&[1, 2, 3]);
    let go = |node| Membership::Dismiss { node: NodeId(node) };
    assert_eq!(take(&mut three, go(3)), Err(RosterRefusal::Votes { count: 2 }));
    let mut four = founded(&[1, 2, 3, 4]);
    let all = config(&[1, 2, 3, 4], 4);
    assert_eq!(take_with(&mut four, go(4), &all), Err(RosterRefusal::Copies { group: GroupId(0) }));
    assert_eq!(take_with(&mut four, go(9), &all), Err(RosterRefusal::Unknown { node: NodeId(9) }));
    let some = config(&[1, 2, 3, 4], 2);
    take_with(&mut four, go(4), &some).unwrap();
    assert_eq!(four.target(&some).unwrap().members(), nodes(&[1, 2, 3]));
    assert_eq!(take_with(&mut four, go(3), &some), Err(RosterRefusal::Votes { count: 2 }));
    let mut one = founded(&[1]);
    assert_eq!(take(&mut one, newcomer(2, None)), Err(RosterRefusal::Votes { count: 2 }));
}

#[test]
fn a_vote_moves_when_the_newcomer_is_there() {
    // With a newcomer's vote counted before it runs, one more loss stops the register.
    let mut roster = founded(&[1, 2, 3]);
    take(&mut roster, newcomer(4, Some(3))).unwrap();
    assert_eq!(roster.voters(|_| false, |_| true, |_| false), None);
    assert_eq!(
        roster.voters(|_| true, |_| true, |_| false),
        None,
        "the old one works, and hands over first"
    );
    let voters = roster.voters(|node| node == NodeId(4), |_| true, |_| false).unwrap();
    assert_eq!(voters, nodes(&[1, 2, 4]));
    assert!(!roster.is_retired(NodeId(3), |_| false), "it votes yet");
    take(&mut roster, Membership::Turn { members: voters }).unwrap();
    assert_eq!((roster.generation(), roster.members()), (2, &nodes(&[1, 2, 4])[..]));
    assert!(roster.is_retired(NodeId(3), |_| false));
    assert!(!roster.is_retired(NodeId(3), |node| node == NodeId(3)), "a group counts on it");

    take(&mut roster, newcomer(5, None)).unwrap();
    let voters = roster.voters(|_| true, |_| true, |_| false).unwrap();
    assert_eq!(voters, nodes(&[1, 2, 4, 5]));
    take(&mut roster, Membership::Turn { members: voters }).unwrap();
    take(&mut roster, Membership::Dismiss { node: NodeId(2) }).unwrap();
    assert_eq!(roster.voters(|_| true, |_| true, |_| false), None, "a group needs it yet");
    assert_eq!(roster.voters(|_| true, |_| false, |_| false), Some(nodes(&[1, 4, 5])));
}

#[test]
fn who_leads_keeps_its_place_while_nobody_else_who_counts_is_to_stay() {
    // All full members renewed in one night: none could hand over to another, and none of the new ones count.
    let mut roster = founded(&[1, 2, 3]);
    let base = config(&[1, 2], 2);
    take(&mut roster, newcomer(4, Some(1))).unwrap();
    take(&mut roster, newcomer(5, Some(2))).unwrap();
    let to = |roster: &Roster, base: &Config, leader| {
        let target = roster.target_under(base, NodeId(leader));
        target.map(|target| target.members().to_vec())
    };
    assert_eq!(roster.target(&base).unwrap().members(), nodes(&[4, 5]));
    assert_eq!(to(&roster, &base, 1), Some(nodes(&[1, 5])));
    assert_eq!(to(&roster, &base, 2), Some(nodes(&[4, 2])));
    // Whoever does not count, or stays anyway, changes nothing.
    assert_eq!(to(&roster, &base, 3), Some(nodes(&[4, 5])));
    assert_eq!(to(&roster, &config(&[1, 5], 2), 5), Some(nodes(&[4, 5])));
    assert_eq!(to(&roster, &config(&[1, 5], 2), 1), None, "it hands over");
    // One that came as one more and is replaced has one place as well.
    let mut roster = founded(&[1, 2, 3]);
    take(&mut roster, newcomer(4, None)).unwrap();
    let Membership::Admit(mut last) = newcomer(5, None) else { panic!("it is one") };
    last.replaces = Some(NodeId(4));
    last.place = Place { region: RegionId(4), zone: ZoneId(0) };
    take(&mut roster, Membership::Admit(last)).unwrap();
    assert_eq!(to(&roster, &config(&[1, 4], 2), 4), None);
    assert_eq!(to(&roster, &config(&[1, 4], 2), 1), Some(nodes(&[1, 5])));
}

#[test]
fn who_is_to_go_has_its_vote_again_while_its_say_is_needed() {
    // Away for a moment it lost its vote, and nobody else can see to it that a newcomer comes to count.
    let mut roster = founded(&[1, 2, 3]);
    take(&mut roster, newcomer(4, Some(1))).unwrap();
    let voters = roster.voters(|node| node != NodeId(1), |_| true, |_| true).unwrap();
    assert_eq!(voters, nodes(&[2, 3, 4]));
    take(&mut roster, Membership::Turn { members: voters }).unwrap();
    assert_eq!(roster.voters(|_| true, |_| true, |_| false), None);
    assert_eq!(roster.voters(|node| node != NodeId(1), |_| true, |_| true), None, "not while away");
    let voters = roster.voters(|_| true, |_| true, |node| node == NodeId(1)).unwrap();
    assert_eq!(voters, nodes(&[1, 2, 3, 4]));
    take(&mut roster, Membership::Turn { members: voters }).unwrap();
    assert_eq!(roster.voters(|_| true, |_| false, |_| false), Some(nodes(&[2, 3, 4])));
}

/// One in the place of another of the first day, which stood in the region of its number.
fn standing(node: u16, replaces: u16) -> Membership {
    let Membership::Admit(mut one) = newcomer(node, Some(replaces)) else { panic!("it is one") };
    one.place = placed(replaces);
    Membership::Admit(one)
}

fn force(members: &[u16], given_up: &[u16]) -> Membership {
    Membership::Force { members: nodes(members), given_up: nodes(given_up) }
}

#[test]
fn what_was_begun_by_force_stays_on_record() {
    // In ten years somebody asks why a payment is missing.
    let mut roster = founded(&[1, 2, 3]);
    assert_eq!(
        take(&mut roster, force(&[7], &[1, 2, 3])),
        Err(RosterRefusal::Unknown { node: NodeId(7) })
    );
    assert_eq!(
        take(&mut roster, force(&[3], &[1])),
        Err(RosterRefusal::NotNamed { node: NodeId(2) })
    );
    take(&mut roster, force(&[3], &[1, 2])).unwrap();
    assert_eq!(roster.gone(NodeId(1)), Some(Gone::Lost));
    assert_eq!(roster.target(&config(&[1, 2, 3], 2)), None, "their places are kept");
    let back = Membership::Turn { members: nodes(&[1, 2, 3]) };
    assert_eq!(take(&mut roster, back), Err(RosterRefusal::IsGone { node: NodeId(1) }));
    let new = roster.next_id().0;
    take(&mut roster, standing(new, 1)).unwrap();
    assert_eq!(
        roster.voters(|_| true, |_| true, |_| false),
        None,
        "of two neither could do without the other"
    );
    take(&mut roster, standing(new + 1, 2)).unwrap();
    let voters = roster.voters(|_| true, |_| true, |_| false).unwrap();
    assert_eq!(voters, nodes(&[3, new, new + 1]));
    take(&mut roster, Membership::Turn { members: voters }).unwrap();
    let forced: Vec<_> = roster.generations().iter().map(|one| (one.number, one.forced)).collect();
    assert_eq!(forced, [(2, true), (3, false)]);
    assert_eq!(roster.generations()[0].reason, "why");
}

#[test]
fn who_was_given_up_stays_so_when_another_has_its_place() {
    // Its disk may hold promises and copies that are in no history: counted again, they would let a home
    // acknowledge what no survivor has.
    let mut roster = founded(&[1, 2, 3]);
    take(&mut roster, force(&[3], &[1, 2])).unwrap();
    let new = roster.next_id().0;
    take(&mut roster, standing(new, 1)).unwrap();
    take(&mut roster, standing(new + 1, 2)).unwrap();
    let voters = roster.voters(|_| true, |_| true, |_| false).unwrap();
    take(&mut roster, Membership::Turn { members: voters }).unwrap();
    assert_eq!(roster.gone(NodeId(1)), Some(Gone::Replaced { by: NodeId(new) }));
    assert!(roster.was_given_up(NodeId(1)) && roster.was_given_up(NodeId(2)));
    assert!(!roster.was_given_up(NodeId(3)) && !roster.was_given_up(NodeId(new)));
    let back = Membership::Turn { members: nodes(&[1, 3, new + 1]) };
    assert_eq!(take(&mut roster, back), Err(RosterRefusal::IsGone { node: NodeId(1) }));
}

#[test]
fn a_newcomer_stands_where_the_old_one_stood_and_where_nobody_else_does() {
    // Copies that are counted in two regions would lie in one; and every node would end its sessions to
    // whoever has the address already.
    let mut roster = founded(&[1, 2, 3]);
    let elsewhere = Membership::Admit(Newcomer {
        node: NodeId(4),
        role: Some(MemberRole::Full),
        place: Place { region: RegionId(77), zone: ZoneId(0) },
        contact: Contact::default(),
        replaces: Some(NodeId(3)),
    });
    assert_eq!(take(&mut roster, elsewhere), Err(RosterRefusal::Place { node: NodeId(3) }));
    let at = |node: u16, replaces: Option<u16>, peers: &str| {
        let Membership::Admit(one) = newcomer(node, replaces) else { panic!("it is one") };
        let contact = Contact { peers: String::from(peers), ..one.contact.clone() };
        Membership::Admit(Newcomer { contact, ..one })
    };
    take(&mut roster, at(4, Some(3), "10.0.0.3:1")).unwrap();
    let taken = Err(RosterRefusal::Address { node: NodeId(4) });
    assert_eq!(take(&mut roster, at(5, None, "10.0.0.3:1")), taken);
    assert_eq!(take(&mut roster, at(5, Some(2), "10.0.0.3:1")), taken);
    take(&mut roster, at(5, Some(4), "10.0.0.3:1")).unwrap();
}

#[test]
fn ids_that_the_lost_may_have_given_out_are_never_given_again() {
    // The lost part may have admitted a node that no survivor knows: it would come back under the id of
    // another, and each would vouch for what the other holds.
    let mut roster = founded(&[1, 2, 3]);
    let step = Membership::Force { members: nodes(&[2]), given_up: nodes(&[1, 3]) };
    take(&mut roster, step).unwrap();
    let first = roster.next_id();
    assert_eq!(first, NodeId(FOUNDER_IDS_END + 128), "the second of the nodes, the first time");
    for used in [4, first.0 - 1, first.0 + 17] {
        let refused = take(&mut roster, newcomer(used, Some(3)));
        assert!(matches!(refused, Err(RosterRefusal::IdUsed { .. })), "{used}: {refused:?}");
    }
    let mut last = 3;
    for node in first.0..first.0 + 128 {
        take(&mut roster, standing(node, last)).unwrap();
        last = node;
    }
    let (node, end) = (roster.next_id(), u32::from(first.0) + 128);
    let refused = take(&mut roster, standing(node.0, last));
    assert_eq!(refused, Err(RosterRefusal::Ids { node, end }));
}
