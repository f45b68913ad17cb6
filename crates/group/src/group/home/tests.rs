//! What a home prepares for a member that is not there is work taken from those that are.

use super::*;
use crate::group::fixture::{RESEND_US, at, home};

const OTHERS: [NodeId; 2] = [NodeId(1), NodeId(3)];

/// Who is sent how many announcements and records.
fn sent(out: &mut Vec<Out>) -> BTreeMap<NodeId, (u32, u32)> {
    let mut sent: BTreeMap<NodeId, (u32, u32)> = BTreeMap::new();
    for one in out.drain(..) {
        let Out::Send { to, body, .. } = one else { continue };
        let (announced, records) = sent.entry(to).or_default();
        *announced += u32::from(matches!(body, GroupMessage::NewEpoch { .. }));
        *records += u32::from(matches!(body, GroupMessage::Append { .. }));
    }
    sent
}

#[test]
fn nothing_is_prepared_for_members_without_a_session_and_everything_once_they_have_one() {
    // With a region dead and the rest under load, the home copied a window of records for it at every
    // turn, and threw them away.
    let mut out = Vec::new();
    let mut group = home(&mut out);
    for micros in [1, RESEND_US + 2, 3 * RESEND_US] {
        group.proceed(at(micros), &mut out);
        assert_eq!(sent(&mut out), BTreeMap::new());
    }
    assert_eq!(group.next_deadline(), None, "nor is there anything to wake for");
    let now = at(4 * RESEND_US);
    group.peer(now, OTHERS[0], true);
    group.proceed(now, &mut out);
    assert_eq!(sent(&mut out), BTreeMap::from([(OTHERS[0], (1, 1))]));
    assert_eq!(group.next_deadline(), Some(Instant(5 * RESEND_US)));
}
