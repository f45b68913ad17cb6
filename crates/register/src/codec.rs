//! Bytes of what the log holds: proposals, and the parts of a group's state that hashes cover.
//!
//! Fixed layouts, little-endian, one encoding per value. The numbers of transitions, kinds and
//! refusals are stored and sent: a number is never reused.

use alloc::string::String;
use alloc::vec::Vec;

use types::{Config, ConfigId, Epoch, EpochTable, GroupId, ModelVersion, NodeId, Seq, Stamp};
use wire::{DecodeError, Reader, Writer};

use crate::limits::{ACTOR_BYTES_MAX, CHANGES_MAX, CONFIG_MEMBERS_MAX, REASON_BYTES_MAX};
use crate::roster_codec::{membership, read_membership};
use crate::{
    Activation, Change, ChangeResult, Disposal, Disposition, GroupState, Phase, Proposal,
    ProposalId, Refusal, SealKind, Standing, Transition,
};

const BEGIN_SEAL: u8 = 1;
const ACTIVATE: u8 = 2;
const DISPOSE: u8 = 3;
const UPGRADE: u8 = 4;
const RETUNE: u8 = 5;
const ACTIVATE_KNOWING: u8 = 6;

pub(crate) fn proposal(writer: &mut Writer<'_>, proposal: &Proposal) {
    let id = proposal.id();
    writer.u16(id.node.0).u64(id.number);
    writer.run(proposal.actor().as_bytes()).run(proposal.reason().as_bytes());
    writer.count(proposal.changes().len());
    for change in proposal.changes() {
        writer.u16(change.group.0).u64(change.expected_version);
        match &change.transition {
            Transition::BeginSeal { epoch, candidate, kind: why, at } => {
                writer.u8(BEGIN_SEAL).u64(epoch.0).u16(candidate.0).u8(kind(*why)).u64(at.0);
            }
            Transition::Activate(activation) => {
                let knows = !activation.known.is_empty();
                writer.u8(if knows { ACTIVATE_KNOWING } else { ACTIVATE });
                writer.u64(activation.epoch.0).u16(activation.home.0);
                config(writer, &activation.config);
                writer.u64(activation.start_seq.0).hash(activation.start_hash);
                writer.flag(activation.forced).u64(activation.at.0);
                if knows {
                    let known = EpochTable::from_starts(activation.known.clone());
                    writer.table(&known.unwrap_or_default());
                }
            }
            Transition::Dispose(decided) => {
                writer.u8(DISPOSE);
                disposal(writer, decided);
            }
            Transition::Upgrade { to } => {
                writer.u8(UPGRADE).u16(to.0);
            }
            Transition::Retune { epoch, candidate, terms, at } => {
                writer.u8(RETUNE).u64(epoch.0).u16(candidate.0).terms(*terms).u64(at.0);
            }
        }
    }
    // Before there were steps of the roster, a proposal ended here.
    if let Some(change) = proposal.membership() {
        membership(writer, change);
    }
}

pub(crate) fn read_proposal(reader: &mut Reader<'_>) -> Result<Proposal, DecodeError> {
    let id = ProposalId { node: NodeId(reader.u16()?), number: reader.u64()? };
    let actor = text(reader, "actor", ACTOR_BYTES_MAX)?;
    let reason = text(reader, "reason", REASON_BYTES_MAX)?;
    let count = reader.count("changes", CHANGES_MAX)?;
    let mut changes = Vec::with_capacity(count);
    for _ in 0..count {
        let group = GroupId(reader.u16()?);
        let expected_version = reader.u64()?;
        let transition = match reader.u8()? {
            BEGIN_SEAL => Transition::BeginSeal {
                epoch: Epoch(reader.u64()?),
                candidate: NodeId(reader.u16()?),
                kind: read_kind(reader)?,
                at: Stamp(reader.u64()?),
            },
            tag @ (ACTIVATE | ACTIVATE_KNOWING) => {
                Transition::Activate(read_activation(reader, tag == ACTIVATE_KNOWING)?)
            }
            DISPOSE => Transition::Dispose(read_disposal(reader)?),
            UPGRADE => Transition::Upgrade { to: ModelVersion(reader.u16()?) },
            RETUNE => Transition::Retune {
                epoch: Epoch(reader.u64()?),
                candidate: NodeId(reader.u16()?),
                terms: reader.terms()?,
                at: Stamp(reader.u64()?),
            },
            tag => return Err(invalid("transition", tag)),
        };
        changes.push(Change { group, expected_version, transition });
    }
    let proposal = if reader.rest().is_empty() {
        Proposal::new(id, actor, reason, changes)
    } else if changes.is_empty() {
        Proposal::of_membership(id, actor, reason, read_membership(reader)?)
    } else {
        return Err(invalid("proposal", 1));
    };
    proposal.map_err(|_| invalid("proposal", 0))
}

fn read_activation(reader: &mut Reader<'_>, knows: bool) -> Result<Activation, DecodeError> {
    let mut activation = Activation {
        epoch: Epoch(reader.u64()?),
        home: NodeId(reader.u16()?),
        config: read_config(reader)?,
        start_seq: Seq(reader.u64()?),
        start_hash: reader.hash()?,
        known: Vec::new(),
        forced: reader.flag("forced")?,
        at: Stamp(reader.u64()?),
    };
    if knows {
        activation.known = reader.table()?.starts().to_vec();
        if activation.known.is_empty() {
            return Err(invalid("epochs made known", 0));
        }
    }
    Ok(activation)
}

pub(crate) fn text(
    reader: &mut Reader<'_>,
    field: &'static str,
    bytes_max: usize,
) -> Result<String, DecodeError> {
    let bytes = reader.run(field, bytes_max)?;
    core::str::from_utf8(bytes).map(String::from).map_err(|_| invalid(field, 0))
}

pub(crate) fn invalid(field: &'static str, value: u8) -> DecodeError {
    DecodeError::Invalid { field, value: value.into() }
}

const fn kind(kind: SealKind) -> u8 {
    match kind {
        SealKind::Planned => 1,
        SealKind::Unplanned => 2,
        SealKind::Forced => 3,
        SealKind::Degrade => 4,
        SealKind::Restore => 5,
        SealKind::Reconfigure => 6,
    }
}

fn read_kind(reader: &mut Reader<'_>) -> Result<SealKind, DecodeError> {
    match reader.u8()? {
        1 => Ok(SealKind::Planned),
        2 => Ok(SealKind::Unplanned),
        3 => Ok(SealKind::Forced),
        4 => Ok(SealKind::Degrade),
        5 => Ok(SealKind::Restore),
        6 => Ok(SealKind::Reconfigure),
        tag => Err(invalid("seal kind", tag)),
    }
}

pub(crate) fn config(writer: &mut Writer<'_>, config: &Config) {
    let copies = u16::try_from(config.copies()).expect("copies are at most the members");
    // Before there were terms, copies took 32 bits whose upper half was zero.
    writer.u32(config.id().0).u16(copies).terms(config.terms()).u8(0).members(config);
}

fn read_config(reader: &mut Reader<'_>) -> Result<Config, DecodeError> {
    let id = ConfigId(reader.u32()?);
    let (copies, terms) = (usize::from(reader.u16()?), reader.terms()?);
    match reader.u8()? {
        0 => {}
        rest => return Err(invalid("rest of terms", rest)),
    }
    let members = reader.members(CONFIG_MEMBERS_MAX)?;
    members.config(id, copies).map(|config| config.with_terms(terms))
}

/// For hashes only; nothing reads it back.
pub(crate) fn result(writer: &mut Writer<'_>, result: &ChangeResult) {
    match result {
        Ok(version) => writer.u8(0).u64(*version),
        Err(Refusal::UnknownGroup { group }) => writer.u8(1).u16(group.0),
        Err(Refusal::Version { standing: found }) => {
            writer.u8(2);
            standing(writer, found);
            writer
        }
        Err(Refusal::WrongEpoch { expected, given }) => writer.u8(3).u64(expected.0).u64(given.0),
        Err(Refusal::NotSealing) => writer.u8(4),
        Err(Refusal::NotCandidate { candidate }) => writer.u8(5).u16(candidate.0),
        Err(Refusal::NotMember { node }) => writer.u8(6).u16(node.0),
        Err(Refusal::ConfigNumber { current }) => writer.u8(7).u32(current.0),
        Err(Refusal::Start { last, given }) => writer.u8(8).u64(last.0).u64(given.0),
        Err(Refusal::NotForced) => writer.u8(9),
        Err(Refusal::Expired) => writer.u8(10),
        Err(Refusal::MayNotLead { node }) => writer.u8(13).u16(node.0),
        Err(Refusal::Disposed { decided }) => writer.u8(20).u8(decided.number()),
        Err(Refusal::Disposals { count }) => writer.u8(21).count(*count),
        Err(Refusal::Sealing) => writer.u8(22),
        Err(Refusal::NotHigher { ordered, given }) => writer.u8(23).u16(ordered.0).u16(given.0),
        Err(Refusal::NotDegrading) => writer.u8(11),
        Err(Refusal::NotDegraded) => writer.u8(12),
        Err(Refusal::NothingToChange) => writer.u8(14),
        Err(Refusal::OtherTarget) => writer.u8(15),
        Err(Refusal::SameTerms) => writer.u8(30),
        Err(Refusal::Degraded) => writer.u8(31),
        Err(Refusal::AcrossRegions { regions }) => writer.u8(32).count(*regions),
        Err(Refusal::OneCopy) => writer.u8(33),
        Err(Refusal::NotHome { node }) => writer.u8(34).u16(node.0),
        Err(Refusal::Spent) => writer.u8(24),
        Err(Refusal::Known { epoch }) => writer.u8(25).u64(epoch.0),
    };
}

fn standing(writer: &mut Writer<'_>, standing: &Standing) {
    writer.u64(standing.version).u64(standing.epoch.0);
    node(writer, standing.home);
    phase(writer, &standing.phase);
}

fn node(writer: &mut Writer<'_>, node: Option<NodeId>) {
    match node {
        None => writer.u8(0),
        Some(node) => writer.u8(1).u16(node.0),
    };
}

fn phase(writer: &mut Writer<'_>, phase: &Phase) {
    match phase {
        Phase::Active => writer.u8(0),
        Phase::Sealing { epoch, candidate, since, kind: why } => {
            writer.u8(1).u64(epoch.0).u16(candidate.0).u64(since.0).u8(kind(*why))
        }
    };
}

/// For hashes only; nothing reads it back.
pub(crate) fn group_state(writer: &mut Writer<'_>, state: &GroupState) {
    standing(writer, &state.standing());
    writer.u64(state.issued.0);
    config(writer, &state.config);
    if let Some(whole) = &state.whole {
        config(writer, whole);
    }
    if let Some(next) = &state.next {
        config(writer.u8(1), next);
    }
    // As it was before the register could be begun anew.
    if state.configs != ConfigId(0) {
        writer.u8(2).u32(state.configs.0);
    }
    writer.count(state.history.starts().len());
    for start in state.history.starts() {
        writer.u64(start.epoch.0).u64(start.seq.0).hash(start.hash);
        writer.u32(start.config.0).start_marks(start);
    }
    writer.u64(state.moved_at.0).u16(state.model.0);
    writer.run(state.actor.as_bytes()).run(state.reason.as_bytes());
    match state.changed_by {
        None => writer.u8(0),
        Some(id) => writer.u8(1).u16(id.node.0).u64(id.number),
    };
    writer.count(state.disposals.len());
    for decided in &state.disposals {
        disposal(writer, decided);
    }
}

fn disposal(writer: &mut Writer<'_>, disposal: &Disposal) {
    let Disposal { head, epoch, first, last, disposition, case, at } = disposal;
    writer.hash(*head).u64(epoch.0).u64(first.0).u64(last.0);
    writer.u8(disposition.number()).u64(*case).u64(at.0);
}

fn read_disposal(reader: &mut Reader<'_>) -> Result<Disposal, DecodeError> {
    Ok(Disposal {
        head: reader.hash()?,
        epoch: Epoch(reader.u64()?),
        first: Seq(reader.u64()?),
        last: Seq(reader.u64()?),
        disposition: {
            let number = reader.u8()?;
            Disposition::numbered(number).ok_or_else(|| invalid("disposition", number))?
        },
        case: reader.u64()?,
        at: Stamp(reader.u64()?),
    })
}

#[cfg(test)]
mod tests;
