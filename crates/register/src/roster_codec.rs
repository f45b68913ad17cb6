//! Bytes of the roster's steps and of the roster itself.
//!
//! As in [`codec`](crate::codec): fixed layouts, one encoding per value, numbers never reused.

use alloc::vec::Vec;

use types::{MemberRole, NodeId, Place, RegionId, ZoneId};
use wire::{DecodeError, Reader, Writer};

use crate::codec::{invalid, text};
use crate::limits::{CONTACT_BYTES_MAX, MEMBERS_MAX};
use crate::{
    Contact, Gone, Membership, MembershipChange, MembershipResult, Newcomer, Roster, RosterRefusal,
};

const ADMIT: u8 = 1;
const DISMISS: u8 = 2;
const TURN: u8 = 3;
// 4 was a step that no version offered.
const FORCE: u8 = 5;

pub(crate) fn membership(writer: &mut Writer<'_>, change: &MembershipChange) {
    writer.u64(change.expected_version);
    match &change.step {
        Membership::Admit(one) => newcomer(writer.u8(ADMIT), one),
        Membership::Dismiss { node } => {
            writer.u8(DISMISS).u16(node.0);
        }
        Membership::Turn { members } => nodes(writer.u8(TURN), members),
        Membership::Force { members, given_up } => {
            nodes(writer.u8(FORCE), members);
            nodes(writer, given_up);
        }
    }
}

pub(crate) fn read_membership(reader: &mut Reader<'_>) -> Result<MembershipChange, DecodeError> {
    let expected_version = reader.u64()?;
    let step = match reader.u8()? {
        ADMIT => Membership::Admit(read_newcomer(reader)?),
        DISMISS => Membership::Dismiss { node: NodeId(reader.u16()?) },
        TURN => Membership::Turn { members: read_nodes(reader)? },
        FORCE => {
            let (members, given_up) = (read_nodes(reader)?, read_some(reader, 2 * MEMBERS_MAX)?);
            Membership::Force { members, given_up }
        }
        tag => return Err(invalid("step of the roster", tag)),
    };
    Ok(MembershipChange { expected_version, step })
}

fn newcomer(writer: &mut Writer<'_>, newcomer: &Newcomer) {
    let Newcomer { node, role, place, contact, replaces } = newcomer;
    writer.u16(node.0).u8(match role {
        None => 0,
        Some(MemberRole::Full) => 1,
        Some(MemberRole::Witness) => 2,
        Some(MemberRole::Learner) => 3,
    });
    writer.u16(place.region.0).u16(place.zone.0);
    let Contact { region, zone, peers, http } = contact;
    for text in [region, zone, peers, http] {
        writer.run(text.as_bytes());
    }
    writer.maybe_node(*replaces);
}

fn read_newcomer(reader: &mut Reader<'_>) -> Result<Newcomer, DecodeError> {
    let node = NodeId(reader.u16()?);
    let role = match reader.u8()? {
        0 => None,
        1 => Some(MemberRole::Full),
        2 => Some(MemberRole::Witness),
        3 => Some(MemberRole::Learner),
        tag => return Err(invalid("role", tag)),
    };
    let place = Place { region: RegionId(reader.u16()?), zone: ZoneId(reader.u16()?) };
    let contact = Contact {
        region: text(reader, "region", CONTACT_BYTES_MAX)?,
        zone: text(reader, "zone", CONTACT_BYTES_MAX)?,
        peers: text(reader, "peers", CONTACT_BYTES_MAX)?,
        http: text(reader, "http", CONTACT_BYTES_MAX)?,
    };
    let replaces = reader.maybe_node()?;
    Ok(Newcomer { node, role, place, contact, replaces })
}

/// A count, then each node.
pub(crate) fn nodes(writer: &mut Writer<'_>, nodes: &[NodeId]) {
    writer.count(nodes.len());
    for node in nodes {
        writer.u16(node.0);
    }
}

pub(crate) fn read_nodes(reader: &mut Reader<'_>) -> Result<Vec<NodeId>, DecodeError> {
    read_some(reader, MEMBERS_MAX)
}

fn read_some(reader: &mut Reader<'_>, count_max: usize) -> Result<Vec<NodeId>, DecodeError> {
    let count = reader.count("members", count_max)?;
    (0..count).map(|_| reader.u16().map(NodeId)).collect()
}

/// For hashes only; nothing reads it back.
pub(crate) fn membership_result(writer: &mut Writer<'_>, result: &MembershipResult) {
    match result {
        Ok(version) => writer.u8(0).u64(*version),
        Err(RosterRefusal::Version { version }) => writer.u8(1).u64(*version),
        Err(RosterRefusal::IdUsed { node, highest }) => writer.u8(2).u16(node.0).u16(highest.0),
        Err(RosterRefusal::Unknown { node }) => writer.u8(3).u16(node.0),
        Err(RosterRefusal::IsGone { node }) => writer.u8(4).u16(node.0),
        Err(RosterRefusal::Votes { count }) => writer.u8(5).count(*count),
        Err(RosterRefusal::Copies { group }) => writer.u8(6).u16(group.0),
        Err(RosterRefusal::Full) => writer.u8(7),
        Err(RosterRefusal::NotMember { node }) => writer.u8(8).u16(node.0),
        Err(RosterRefusal::Same) => writer.u8(9),
        Err(RosterRefusal::NotNamed { node }) => writer.u8(10).u16(node.0),
        Err(RosterRefusal::Forces) => writer.u8(11),
        Err(RosterRefusal::Place { node }) => writer.u8(12).u16(node.0),
        Err(RosterRefusal::Address { node }) => writer.u8(13).u16(node.0),
        Err(RosterRefusal::Ids { node, end }) => writer.u8(14).u16(node.0).u32(*end),
    };
}

/// For hashes only; nothing reads it back. A roster as of the first day has no bytes, so that digests are
/// what they were before there were rosters.
pub(crate) fn roster(writer: &mut Writer<'_>, roster: &Roster) {
    if roster.version() == 1 {
        return;
    }
    writer.u64(roster.version());
    for one in roster.admitted() {
        newcomer(writer, one);
    }
    for node in roster.known() {
        match roster.gone(node) {
            None => writer.u8(0),
            Some(Gone::Dismissed) => writer.u8(1),
            Some(Gone::Replaced { by }) => writer.u8(2).u16(by.0),
            Some(Gone::Lost) => writer.u8(3),
        };
    }
    if let Some(first) = roster.ids_from() {
        writer.u16(first);
    }
    for one in roster.generations() {
        nodes(writer.u64(one.number).flag(one.forced), &one.members);
        nodes(writer.hash(one.origin), &one.given_up);
        writer.run(one.actor.as_bytes()).run(one.reason.as_bytes());
    }
}
