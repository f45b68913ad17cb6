//! If a wrong configuration is taken, three nodes run three different clusters.

use super::*;

const GOOD: &str = "
node: 1
data: data
credentials: {folder: tls}
listen: {peers: '127.0.0.1:0', http: '127.0.0.1:0'}
nodes:
  - {id: 1, region: eu-west-1, peers: 'a:1', http: 'http://a'}
  - {id: 2, region: eu-central-1, peers: 'b:1', http: 'http://b'}
  - {id: 3, region: us-east-1, peers: 'c:1', http: 'http://c'}
";

const FIFTH: &str = "  - {id: 5, region: y, peers: 'e:1', http: 'http://e'}\n";

#[test]
fn defaults_are_those_of_the_protocol() {
    let config = parse(GOOD).unwrap();
    assert_eq!((config.groups, config.copies), (64, 2));
    assert_eq!(config.failover.detect.micros(), 10_000_000);
    assert_eq!(config.failover.residence.micros(), 600_000_000);
    assert_eq!(config.answer_within.micros(), 5_000_000);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let refuse = |change: &str, word: &str| {
        let error = parse(&format!("{GOOD}{change}")).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error} {}", source.unwrap_or_default());
        assert!(text.contains(word), "{change}: {text}");
    };
    refuse("copies: 4\n", "copies");
    refuse("groups: 0\n", "groups");
    refuse("groups: 4097\n", "groups");
    refuse("answer_within: 0s\n", "answer_within");
    refuse("failover: {disk: 0s}\n", "failover.disk");
    refuse("failover: {skew: 0s}\n", "failover.skew");
    refuse("failover: {pulse: 1us}\n", "failover.pulse");
    refuse("failover: {detect: 2s, resend: 1500ms, pulse: 100ms}\n", "resends");
    refuse("colour: red\n", "colour");
    refuse("failover: {detect: 1s, pulse: 1s}\n", "failover.detect");
    refuse("failover: {detect: 10}\n", "unit");
    refuse("spread: 0\n", "spread");
    refuse("spread: 3\n", "spread");
    refuse("copies: 3\nspread: 4\n", "spread");
    refuse("  - {id: 4, region: x, role: chief, peers: 'd:1', http: 'http://d'}\n", "role");
    let roles = |role: &str| {
        let lines = GOOD.lines().map(|line| line.replace("{id", &format!("{{role: {role}, id")));
        lines.map(|line| line + "\n").collect::<String>()
    };
    let refused = parse(&roles("witness")).unwrap_err().to_string();
    assert!(refused.contains("nodes.role"), "{refused}");
    let two_more = |fourth: &str| format!("  - {{id: 4, {fourth}}}\n{FIFTH}");
    let more = |fourth: &str, word: &str| refuse(&two_more(fourth), word);
    more("region: '', peers: 'd:1', http: 'http://d'", "region");
    more("region: x, peers: 'd', http: 'http://d'", "nodes.peers");
    more("region: x, peers: 'd:0', http: 'http://d'", "nodes.peers");
    more("region: x, peers: 'a:1', http: 'http://d'", "same address");
    more("region: x, peers: 'd:1', http: 'd:80'", "nodes.http");
    assert!(
        parse(&format!("{GOOD}{}", two_more("region: x, peers: '[::1]:1', http: 'http://d'")))
            .is_ok()
    );
}

#[test]
fn roles_and_zones_are_read_and_their_defaults_are_what_was_before() {
    // A file written before there were any must mean the same cluster.
    let config = parse(GOOD).unwrap();
    assert_eq!((config.spread, config.role()), (1, NodeRole::Full));
    assert!(config.nodes.iter().all(|node| node.zone.is_empty()));
    let six = GOOD.to_owned()
        + "  - {id: 4, region: eu-west-1, zone: b, peers: 'd:1', http: 'http://d'}\n"
        + "  - {id: 5, region: us-east-1, zone: b, peers: 'e:1', http: 'http://e'}\n"
        + "  - {id: 6, region: x, role: witness, peers: 'f:1', http: 'http://f'}\n"
        + "copies: 3\nspread: 2\n";
    let config = parse(&six).unwrap();
    assert_eq!((config.spread, config.nodes[3].zone.as_str()), (2, "b"));
    assert_eq!(config.nodes[5].role, NodeRole::Witness);
}

#[test]
fn records_go_where_a_witness_is_only_if_the_full_nodes_have_copies_enough() {
    // Refused for all, two regions and a witness would start slower every day; allowed for all, a witness
    // that is one of the copies wanted would delete what only a full node has besides.
    let witness = GOOD.replace("{id: 3", "{role: witness, id: 3");
    assert_ne!(witness, GOOD);
    let trims = |more: &str| parse(&format!("{witness}snapshots: {{keep: snapshots}}\n{more}"));
    assert!(trims("").is_ok());
    for more in ["copies: 3\n", "journals: [{groups: [1], nodes: [1, 3], copies: 2}]\n"] {
        let refused = trims(more).unwrap_err().to_string();
        assert!(refused.contains("without its witness"), "{more} {refused}");
        assert!(parse(&format!("{witness}{more}")).is_ok(), "{more}");
    }
}

/// Without it a node alone could not leave its port to the system.
#[test]
fn its_own_address_is_never_dialed() {
    assert!(parse(&GOOD.replace("'a:1'", "'127.0.0.1:0'")).is_ok());
}

/// Without it a slip of the finger in a time stops the node by an overflow and names no line.
#[test]
fn a_time_beyond_all_use_is_refused() {
    for span in ["detect", "residence", "pulse", "election", "resend", "skew", "disk"] {
        let text = format!("{GOOD}failover: {{{span}: 18446744073709551615us}}\n");
        let error = parse(&text).unwrap_err();
        assert!(error.to_string().contains("longer than a year"), "{span}: {error}");
    }
}

/// Without it a slip of the finger in a class is found out when a region is lost.
#[test]
fn journals_that_cannot_be_are_refused_by_name() {
    let refuse = |journals: &str, word: &str| {
        let error = parse(&format!("{GOOD}journals:\n  - {{{journals}}}\n")).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error} {}", source.unwrap_or_default());
        assert!(text.contains(word), "{journals}: {text}");
    };
    refuse("groups: []", "names no group");
    refuse("groups: [64]", "there is not");
    refuse("groups: [1, 1]", "a group twice");
    refuse("groups: [1], nodes: [1, 9]", "not one of nodes");
    refuse("groups: [1], nodes: [1, 1]", "a node twice");
    refuse("groups: [1], nodes: []", "no node");
    refuse("groups: [1], nodes: [1], copies: 2", "journals.copies");
    refuse("groups: [1], class: local", "journals.region");
    refuse("groups: [1], class: local, region: nowhere", "no node");
    refuse("groups: [1], class: async, region: eu-west-1", "journals.region");
    refuse("groups: [1], class: local, region: eu-west-1, nodes: [1]", "journals.nodes");
    refuse("groups: [1], class: local, region: eu-west-1, on_quorum_loss: degrade", "one copy");
    refuse("groups: [1], class: asynchronous", "asynchronous");
    refuse("groups: [1], colour: red", "colour");
}

/// If a group's first configuration is not what the file says, its class is a line of text.
#[test]
fn the_first_configuration_of_a_group_is_as_its_journal_says() {
    let text = format!(
        "{GOOD}journals:\n  - {{groups: [3], class: async, on_quorum_loss: degrade}}\n  \
         - {{groups: [4], class: local, region: eu-central-1}}\n  \
         - {{groups: [5], nodes: [3, 1]}}\n"
    );
    let first = options::first_configs(&parse(&text).unwrap());
    let of = |group: u16| {
        let (_, config) = &first[usize::from(group)];
        let members: Vec<u16> = config.members().iter().map(|node| node.0).collect();
        (members, config.copies(), config.terms().class, config.terms().on_quorum_loss)
    };
    use types::{Class, QuorumLoss};
    assert_eq!(of(0), (vec![1, 2, 3], 2, Class::Sync, QuorumLoss::Block));
    assert_eq!(of(3), (vec![1, 2, 3], 2, Class::Async, QuorumLoss::Degrade));
    assert_eq!(of(4), (vec![2], 1, Class::Local, QuorumLoss::Block));
    assert_eq!(of(5), (vec![3, 1], 2, Class::Sync, QuorumLoss::Block));
}
