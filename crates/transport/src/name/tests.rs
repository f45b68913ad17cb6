//! If a name is misread, one node passes for another.

use super::*;

#[test]
fn a_name_has_one_spelling() {
    // Two spellings of one node would let a certificate pass a check by text and fail one by number.
    let prod = ClusterName::new("prod-1").unwrap();
    let name = prod.node_name(NodeId(3));
    assert_eq!(name, "node-3.prod-1.evenkeel");
    assert_eq!(ClusterName::from_node_name(&name), Some((prod, NodeId(3))));
    for other in [
        "node-03.prod-1.evenkeel",
        "node-+3.prod-1.evenkeel",
        "node-65536.prod-1.evenkeel",
        "node-3.prod-1.evenkeel.",
        "node-3.PROD.evenkeel",
        "node-3.a.b.evenkeel",
        "node-.prod.evenkeel",
        "node-3..evenkeel",
        "node-3.evenkeel",
    ] {
        assert_eq!(ClusterName::from_node_name(other), None, "{other}");
    }
    for bad in ["", "-a", "a-", "a.b", "A", "a_b", &"a".repeat(41)] {
        assert_eq!(ClusterName::new(bad), Err(NotAClusterName), "{bad}");
    }
}
