//! The order that opens one end of a frozen channel again.

use alloc::vec::Vec;

use wire::{DecodeError, Reader, Writer};

use super::REOPEN;
use crate::limits::{COMMAND_BYTES_MAX, NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::text::{self, OutOfLimits};

/// Has this group's end of a channel go on from where a plan says, and accounts for what it lost.
///
/// Layout: case u64, who, the reason with a u32 length, and the plan with a u32 length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reopen<'a> {
    /// The case to which what was lost is posted; 0 for none, where nothing was.
    pub case: u64,
    /// Who orders it.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// What both ends do, as the ends of channels encode it.
    pub plan: &'a [u8],
}

impl<'a> Reopen<'a> {
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), OutOfLimits> {
        Writer::new(out).u8(REOPEN).u64(self.case);
        text::put(out, "who", self.by, TEXT_BYTES_MAX)?;
        text::within("reason", self.reason.len(), NAME_BYTES_MAX)?;
        text::within("plan", self.plan.len(), COMMAND_BYTES_MAX)?;
        Writer::new(out).run(self.reason.as_bytes()).run(self.plan);
        Ok(())
    }

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let case = reader.u64()?;
        let by = text::get(reader, "who", TEXT_BYTES_MAX)?;
        let reason = text::utf8("reason", reader.run("reason", NAME_BYTES_MAX)?)?;
        let plan = reader.run("plan", COMMAND_BYTES_MAX)?;
        if reason.is_empty() || plan.is_empty() {
            return Err(DecodeError::Invalid { field: "reason or plan", value: 0 });
        }
        Ok(Self { case, by, reason, plan })
    }
}
