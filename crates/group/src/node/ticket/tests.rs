//! If a ticket of an earlier life passes, a client gets another client's answer.

use types::GroupId;

use super::{join, split};

#[test]
fn a_ticket_of_an_earlier_life_is_nobodys() {
    // A client would be told the outcome of another client's command.
    let ticket = join(GroupId(65_535), 7, 13);
    assert_eq!(split(ticket, 7), Some((GroupId(65_535), 13)));
    assert_eq!(split(ticket, 8), None);
    assert_eq!(split(ticket, 6), None);
}
