//! A client that is told by a witness that an account does not exist would open it twice.

use super::*;

fn site() -> Site {
    let text = "node: 3\ndata: data\ncredentials: {folder: tls}\n\
                listen: {peers: '127.0.0.1:0', http: '127.0.0.1:0'}\nnodes:\n\
                - {id: 1, region: dublin, zone: b, peers: 'a:1', http: 'http://a/'}\n\
                - {id: 2, region: frankfurt, peers: 'b:1', http: 'http://b'}\n\
                - {id: 3, region: paris, role: witness, peers: 'c:1', http: 'http://c'}\n";
    Site::new(&runtime::parse(text).unwrap()).unwrap()
}

#[test]
fn whoever_asks_a_witness_is_sent_to_a_node_with_the_model() {
    let sent = problem(&site(), Some(NodeId(2)), "/v1/books?x=1").into_response();
    assert_eq!(sent.status(), 307);
    assert_eq!(sent.headers()[header::LOCATION], "http://b/v1/books?x=1");
    let lost = problem(&site(), None, "/v1/books").into_response();
    assert_eq!(lost.status(), 503);
}

#[test]
fn people_are_told_where_a_node_stands_and_what_it_is() {
    let site = site();
    let places: Vec<String> = site.nodes().map(crate::SiteNode::place).collect();
    assert_eq!(places, ["dublin/b", "frankfurt", "paris"]);
    assert_eq!(role(site.role_of(NodeId(3))), "witness");
}
