//! Proposals as bytes and back.

use alloc::vec::Vec;

use types::{
    Class, Config, ConfigId, Epoch, GroupId, Hash, ModelVersion, NodeId, QuorumLoss, Seq, Stamp,
    Start, Terms,
};
use wire::{DecodeError, Reader, Writer};

use crate::{
    Activation, Change, Disposal, Disposition, NotAProposal, Proposal, ProposalId, SealKind,
    Transition, codec,
};

fn sample() -> Proposal {
    let config = Config::new(ConfigId(3), Vec::from([NodeId(1), NodeId(2)]), 1).unwrap();
    let kinds = [SealKind::Planned, SealKind::Unplanned, SealKind::Forced];
    let seals = kinds.into_iter().map(|kind| Transition::BeginSeal {
        epoch: Epoch(5),
        candidate: NodeId(2),
        kind,
        at: Stamp(9),
    });
    let activation = Activation {
        epoch: Epoch(5),
        home: NodeId(2),
        config,
        start_seq: Seq(77),
        start_hash: Hash([4; 32]),
        known: Vec::new(),
        forced: true,
        at: Stamp(11),
    };
    let start = |epoch, seq| Start {
        epoch: Epoch(epoch),
        seq: Seq(seq),
        hash: Hash([9; 32]),
        config: ConfigId(2),
        forced: false,
        class: Class::Sync,
    };
    let known = Vec::from([start(3, 60), start(4, 70)]);
    let knowing = Transition::Activate(Activation { known, ..activation.clone() });
    let activation = Transition::Activate(activation);
    let disposal = Transition::Dispose(Disposal {
        head: Hash([8; 32]),
        epoch: Epoch(4),
        first: Seq(70),
        last: Seq(76),
        disposition: Disposition::Suspense,
        case: 12,
        at: Stamp(13),
    });
    let terms = Terms { class: Class::Async, on_quorum_loss: QuorumLoss::Degrade };
    let (epoch, candidate, at) = (Epoch(6), NodeId(2), Stamp(15));
    let retuned = Transition::Retune { epoch, candidate, terms, at };
    let changes = seals
        .chain([
            activation,
            knowing,
            disposal,
            Transition::Upgrade { to: ModelVersion(4) },
            retuned,
        ])
        .map(|transition| Change { group: GroupId(6), expected_version: 8, transition })
        .collect();
    let id = ProposalId { node: NodeId(1), number: 1 << 33 };
    Proposal::new(id, "operator".into(), "Zürich is dark".into(), changes).unwrap()
}

fn bytes(proposal: &Proposal) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::proposal(&mut Writer::new(&mut bytes), proposal);
    bytes
}

#[test]
fn a_proposal_survives_the_wire() {
    // Members that read one proposal differently would hold different states.
    let bytes = bytes(&sample());
    let mut reader = Reader::new(&bytes);
    assert_eq!(codec::read_proposal(&mut reader), Ok(sample()));
    assert_eq!(reader.end(), Ok(()));
}

#[test]
fn a_cut_proposal_is_refused_at_every_byte() {
    // A peer of another version, or a damaged one, must not bring a member down.
    let bytes = bytes(&sample());
    for end in 0..bytes.len() {
        let cut = codec::read_proposal(&mut Reader::new(&bytes[..end]));
        assert_eq!(cut, Err(DecodeError::Truncated), "cut at {end}");
    }
}

#[test]
fn a_damaged_proposal_is_refused_or_another() {
    // One encoding per value: no damage goes unseen by the chained audit.
    let bytes = bytes(&sample());
    for at in 0..bytes.len() {
        for value in [0, 1, 4, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            if damaged[at] == value {
                continue;
            }
            damaged[at] = value;
            if let Ok(read) = codec::read_proposal(&mut Reader::new(&damaged)) {
                assert_ne!(read, sample(), "byte {at}");
            }
        }
    }
}

#[test]
fn nobody_changes_anything_without_name_and_reason() {
    // An audit without who and why is none.
    let new = |actor: &str, reason: &str, changes| {
        let id = ProposalId { node: NodeId(1), number: 1 };
        Proposal::new(id, actor.into(), reason.into(), changes).map(|_| ())
    };
    let changes = sample().changes().to_vec();
    assert_eq!(new("", "why", changes.clone()), Err(NotAProposal::Actor { bytes: 0 }));
    assert_eq!(new("who", "", changes.clone()), Err(NotAProposal::Reason { bytes: 0 }));
    let long = "x".repeat(257);
    assert_eq!(new("who", &long, changes), Err(NotAProposal::Reason { bytes: 257 }));
    assert_eq!(new("who", "why", Vec::new()), Err(NotAProposal::Changes { count: 0 }));
}
