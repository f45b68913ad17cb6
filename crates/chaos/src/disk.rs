//! The disks of a run: a file system of this process's own for every node, over a small tmpfs.
//!
//! The kernel hands every call of a node on its files to `Volume` through FUSE. The tmpfs below
//! holds what programs see; the volume remembers what would be there if the power went now. So a node
//! can be killed with its page cache kept, as SIGKILL does, or with everything lost that no fsync has
//! made durable, as a power cut does; and an fsync can be slow, stand still, fail, or lie.

mod mount;
mod tmpfs;
mod volume;

pub(crate) use mount::Mounted;
pub(crate) use tmpfs::Tmpfs;
