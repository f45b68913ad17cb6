//! If commit and seal sets can miss each other, a failover loses what a client was told is safe.

use alloc::vec::Vec;

use types::{ConfigId, Member, MemberRole, Place, RegionId, ZoneId};

use super::*;

fn config(n: u16, w: usize) -> Config {
    Config::new(ConfigId(1), (0..n).map(NodeId).collect(), w).unwrap()
}

/// Every subset of `0..n` as node ids.
fn subsets(n: u16) -> impl Iterator<Item = Vec<NodeId>> {
    (0_u32..1 << n).map(move |bits| (0..n).filter(|i| bits >> i & 1 == 1).map(NodeId).collect())
}

#[test]
fn every_seal_set_meets_every_write_set() {
    for n in 1..=6 {
        for w in 1..=usize::from(n) {
            let config = config(n, w);
            let home = NodeId(0);
            for seal in subsets(n) {
                let met = subsets(n)
                    .filter(|write| write.contains(&home) && write.len() >= w)
                    .all(|write| write.iter().any(|node| seal.contains(node)));
                let is = sealed(&config, Some(home), seal.iter().copied(), Mutant::None);
                assert_eq!(is, met, "n={n} w={w} seal={seal:?}");
            }
        }
    }
}

const ALL_ROLES: [MemberRole; 3] = [MemberRole::Full, MemberRole::Witness, MemberRole::Learner];

/// A configuration with what a test needs to judge it by itself: members are bits, node 0 is home.
struct Topology {
    config: Config,
    regions: Vec<u16>,
    counted: u32,
}

impl Topology {
    /// `None` if there can be no such configuration.
    fn new(regions: &[u16], roles: &[MemberRole], w: usize, d: usize) -> Option<Self> {
        let members = regions.iter().zip(roles).zip(0_u16..);
        let members = members.map(|((region, role), node)| Member {
            node: NodeId(node),
            role: *role,
            place: Place { region: RegionId(*region), zone: ZoneId(node) },
        });
        let config = Config::placed(ConfigId(1), members.collect(), w, d).ok()?;
        let counts = |(bit, role): (usize, &MemberRole)| {
            if *role == MemberRole::Learner { 0 } else { 1 << bit }
        };
        let counted = roles.iter().enumerate().map(counts).sum();
        Some(Self { config, regions: regions.to_vec(), counted })
    }

    /// Every set that a home may take for a commit, by the words of PROTOCOL 7.4 alone.
    fn write_sets(&self) -> Vec<u32> {
        let all = 0_u32..1 << self.regions.len();
        let legal = |set: &u32| {
            let set = set & self.counted;
            let mut regions: Vec<u16> =
                nodes(set).map(|n| self.regions[usize::from(n.0)]).collect();
            regions.sort_unstable();
            regions.dedup();
            set & 1 == 1
                && set.count_ones() as usize >= self.config.copies()
                && regions.len() >= self.config.spread()
        };
        all.filter(legal).collect()
    }

    /// Every set whose promises the code takes for a seal.
    fn seal_sets(&self) -> Vec<u32> {
        let home = Some(NodeId(0));
        let is_seal = |set: &u32| sealed(&self.config, home, nodes(*set), Mutant::None);
        (0_u32..1 << self.regions.len()).filter(is_seal).collect()
    }
}

fn nodes(set: u32) -> impl Iterator<Item = NodeId> {
    (0_u16..32).filter(move |bit| set >> bit & 1 == 1).map(NodeId)
}

/// Every way in which `n` nodes can lie in regions: set partitions, as region numbers.
fn layouts(n: usize) -> Vec<Vec<u16>> {
    let mut all = Vec::from([Vec::new()]);
    for _ in 0..n {
        let longer = all.iter().flat_map(|layout: &Vec<u16>| {
            let fresh = layout.iter().max().map_or(0, |max| max + 1);
            (0..=fresh).map(move |region| [&layout[..], &[region]].concat())
        });
        all = longer.collect();
    }
    all
}

/// Every configuration of `n` nodes in every layout with these roles.
fn topologies(n: usize, roles: &[MemberRole]) -> Vec<Topology> {
    let sizes = || (1..=n).flat_map(|w| (1..=w).map(move |d| (w, d)));
    let of = |layout: &Vec<u16>| {
        sizes().filter_map(|(w, d)| Topology::new(layout, roles, w, d)).collect::<Vec<_>>()
    };
    layouts(n).iter().flat_map(of).collect()
}

/// Every combination of roles for `n` nodes of which the first is full.
fn roles(n: usize) -> Vec<Vec<MemberRole>> {
    let mut all = Vec::from([Vec::from([MemberRole::Full])]);
    for _ in 1..n {
        let longer = all.iter().flat_map(|roles: &Vec<MemberRole>| {
            ALL_ROLES.iter().map(move |role| [&roles[..], &[*role]].concat())
        });
        all = longer.collect();
    }
    all
}

fn check_seals(topology: &Topology) {
    let writes = topology.write_sets();
    assert!(!writes.is_empty(), "a commit is possible: {:?}", topology.config);
    for seal in 0_u32..1 << topology.regions.len() {
        let met = writes.iter().all(|write| write & seal & topology.counted != 0);
        let is = sealed(&topology.config, Some(NodeId(0)), nodes(seal), Mutant::None);
        assert_eq!(is, met, "{:?} seal={seal:b}", topology.config);
    }
}

#[test]
fn every_seal_set_meets_every_write_set_wherever_the_nodes_stand() {
    // With copies in too few regions, or promises that miss a region, the loss of one takes commits
    // with it. All layouts of up to six nodes over regions, all w, all spreads.
    let mut seen = 0;
    for n in 1..=6 {
        let all_full = alloc::vec![MemberRole::Full; n];
        for topology in topologies(n, &all_full) {
            check_seals(&topology);
            seen += 1;
        }
    }
    assert!(seen > 2_000, "{seen} topologies");
}

#[test]
fn witnesses_count_and_learners_do_not_in_any_layout() {
    // A commit on a learner, or a seal by one, is a commit or a seal by nobody.
    for n in 1..=4 {
        for roles in roles(n) {
            topologies(n, &roles).iter().for_each(check_seals);
        }
    }
}

/// Every way in which `n` nodes can hold none, one or two records.
fn seqs(n: usize) -> Vec<Vec<Seq>> {
    let mut all = Vec::from([Vec::new()]);
    for _ in 0..n {
        let longer = all
            .iter()
            .flat_map(|seqs: &Vec<Seq>| (0..3).map(move |seq| [&seqs[..], &[Seq(seq)]].concat()));
        all = longer.collect();
    }
    all
}

#[test]
fn a_home_commits_exactly_what_a_write_set_holds() {
    for n in 1..=4 {
        for roles in roles(n) {
            for topology in topologies(n, &roles) {
                let writes = topology.write_sets();
                for seqs in seqs(n) {
                    let holders = |at: Seq| {
                        let held = seqs.iter().enumerate().filter(|(_, seq)| **seq >= at);
                        held.map(|(bit, _)| 1 << bit).sum::<u32>()
                    };
                    let expect = (1..3).rev().map(Seq).find(|at| writes.contains(&holders(*at)));
                    let acked = (0..).map(NodeId).zip(seqs.iter().copied()).skip(1);
                    let is = committed(&topology.config, NodeId(0), seqs[0], acked);
                    assert_eq!(is, expect.unwrap_or_default(), "{:?}", topology.config);
                }
            }
        }
    }
}

#[test]
fn what_a_configuration_committed_every_seal_of_the_next_one_finds() {
    // I19: a change of members, copies or regions must not open a seal set that misses what was
    // committed before it. Every change between configurations of up to four nodes: an entry is on a
    // write set of the old one; a candidate hears a seal set, and brings what it finds to a set that
    // the code lets it rest on; the next candidate hears a seal set of the new one.
    let mut all = Vec::new();
    for n in 1..=4 {
        for roles in roles(n).iter().filter(|roles| !roles.contains(&MemberRole::Learner)) {
            all.extend(topologies(n, roles));
        }
    }
    let meets = |a: &[u32], b: &[u32]| a.iter().all(|a| b.iter().all(|b| a & b != 0));
    let mut sets = Vec::new();
    for topology in &all {
        let rest = |set: &u32| carried(&topology.config, NodeId(0), |node| set >> node.0 & 1 == 1);
        let carried: Vec<u32> = (0_u32..1 << topology.regions.len()).filter(rest).collect();
        assert!(!carried.is_empty(), "a takeover can end");
        sets.push((topology.write_sets(), topology.seal_sets(), carried));
    }
    // What the old and the new one do meets only in the copies, so that all pairs are covered by each.
    for (writes, seals, carried) in &sets {
        assert!(meets(seals, writes), "the first candidate finds the entry");
        assert!(meets(seals, carried), "the next candidate finds the copies of the first");
    }
}

#[test]
fn the_rows_of_the_quorum_table_hold() {
    // PROTOCOL 7.4: operators choose by this table.
    let row = |regions: &[u16], w, d, needs: u32, sets_of_fewer| {
        let all_full = alloc::vec![MemberRole::Full; regions.len()];
        let topology = Topology::new(regions, &all_full, w, d).unwrap();
        let without_home = topology.seal_sets().into_iter().filter(|set| set & 1 == 0);
        let (enough, fewer): (Vec<u32>, Vec<u32>) =
            without_home.partition(|set| set.count_ones() >= needs);
        let all = (0_u32..1 << regions.len()).filter(|set| set & 1 == 0);
        let large = all.filter(|set| set.count_ones() >= needs).count();
        assert_eq!(
            (enough.len(), fewer.len()),
            (large, sets_of_fewer),
            "{regions:?}, w {w}, d {d}"
        );
    };
    row(&[0, 1, 2], 2, 1, 2, 0);
    row(&[0, 1, 2], 3, 1, 1, 0);
    row(&[0, 1], 2, 1, 1, 0);
    row(&[0, 1, 2, 3, 4], 3, 1, 3, 0);
    // Three regions of two nodes: any four; four of five others, or any region's loss from six.
    row(&[0, 0, 1, 1, 2, 2], 3, 2, 4, 0);
    // Two regions of three nodes: the other region alone is enough, so it is sealed without any home
    // of this one.
    row(&[0, 0, 0, 1, 1, 1], 3, 2, 4, 1);
}

#[test]
fn a_commit_needs_home_and_w_minus_one_others() {
    let check = |w, durable, acked: &[(u16, u64)], expect| {
        let acked = acked.iter().map(|(node, seq)| (NodeId(*node), Seq(*seq)));
        assert_eq!(committed(&config(3, w), NodeId(0), Seq(durable), acked), Seq(expect));
    };
    check(2, 9, &[(1, 7), (2, 5)], 7);
    check(2, 6, &[(1, 7), (2, 5)], 6);
    check(3, 9, &[(1, 7), (2, 5)], 5);
    check(1, 9, &[], 9);
    check(2, 9, &[], 0);
    check(2, 9, &[(0, 9), (7, 9)], 0);
}

#[test]
fn the_mutant_seals_with_one_too_few() {
    let one = [NodeId(1)];
    let home = Some(NodeId(0));
    assert!(!sealed(&config(3, 2), home, one.iter().copied(), Mutant::None));
    assert!(sealed(&config(3, 2), home, one.iter().copied(), Mutant::SealTooFew));
}
