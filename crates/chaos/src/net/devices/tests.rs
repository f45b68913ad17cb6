//! Without these, packets would go astray, and a fault would hit the wrong pair.

use std::net::Ipv4Addr;

use super::{Plane, address, clients_port, destination, port_of};

#[test]
fn addresses_lead_back_to_their_ports() {
    // A partition between two nodes that hits a third.
    for node in 0..3 {
        for plane in [Plane::Data, Plane::Control] {
            assert_eq!(port_of(address(plane, node), 4), Some((plane, node)));
        }
    }
    let clients = Ipv4Addr::new(10, 77, 0, 100);
    assert_eq!(port_of(clients, 4), Some((Plane::Data, clients_port(3))));
    for stranger in [[10, 77, 0, 4], [10, 77, 0, 0], [10, 79, 0, 1], [10, 77, 1, 1], [224, 0, 0, 1]]
    {
        assert_eq!(port_of(Ipv4Addr::from(stranger), 4), None, "{stranger:?}");
    }
}

#[test]
fn only_whole_headers_of_ipv4_have_a_destination() {
    // A packet of IPv6, or the rest of one, that is taken for something else.
    let mut packet = vec![0; 20];
    packet[0] = 0x45;
    packet[16..20].copy_from_slice(&[10, 77, 0, 2]);
    assert_eq!(destination(&packet), Some(Ipv4Addr::new(10, 77, 0, 2)));
    assert_eq!(destination(&packet[..19]), None);
    assert_eq!(destination(&[]), None);
    packet[0] = 0x60;
    assert_eq!(destination(&packet), None);
}
