//! The chain of one group: hash chain, epoch table, fork, and what a boot scan means.
