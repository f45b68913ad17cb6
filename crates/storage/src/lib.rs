//! The write-ahead log of a node, its group commit and its superblock.
