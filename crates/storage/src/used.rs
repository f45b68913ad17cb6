//! Telling a folder that a node has written to from one that it has not.

use std::{io, path::Path};

use crate::{Disk as _, RealDisk, segment};

/// Whether a folder holds what a node wrote: a superblock, or a segment of the log. Folders, locks and
/// drafts alone are no memory, whoever left them.
///
/// # Errors
/// As the system says, where that cannot be seen. A folder that does not exist holds nothing.
pub fn is_used(folder: &Path) -> io::Result<bool> {
    let disk = RealDisk;
    let names = match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        names => names?,
    };
    let has_superblock = names.iter().any(|name| name == "superblock");
    Ok(has_superblock || !segment::list(&disk, folder)?.is_empty())
}
