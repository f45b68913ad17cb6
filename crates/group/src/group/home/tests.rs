//! What a home prepares for a member that is not there is work taken from those that are.

use alloc::string::String;

use register::Phase;
use types::{ConfigId, Start};

use super::*;
use crate::group::fixture::{Count, RESEND_US, at, member};

const OTHERS: [NodeId; 2] = [NodeId(1), NodeId(3)];

/// The home of epoch 2, without sessions; record 5 is the epoch's first.
fn home(out: &mut Vec<Out>) -> Group<Count> {
    let mut group = member(4, 1, usize::MAX);
    let mut history = group.table().clone();
    let (config, hash) = (ConfigId(1), group.tail().hash);
    history.push(Start {
        epoch: Epoch(2),
        seq: Seq(5),
        hash,
        config,
        forced: false,
        class: types::Class::Sync,
    });
    let state = GroupState {
        version: 3,
        issued: Epoch(2),
        epoch: Epoch(2),
        home: Some(NodeId(2)),
        config: group.meta.config.clone(),
        whole: None,
        history,
        phase: Phase::Active,
        moved_at: Stamp(0),
        model: ModelVersion::FIRST,
        actor: String::new(),
        reason: String::new(),
        changed_by: None,
        disposals: Vec::new(),
    };
    group.become_home(at(1), &state, out);
    group
}

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
