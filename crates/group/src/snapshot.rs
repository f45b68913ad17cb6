//! A group's whole state on its way into a file and out of one.
//!
//! Saving and taking in both go part by part, so that neither holds up what else the node does, and
//! neither holds more than a part in memory. What is saved is the state of one moment, although
//! records are applied meanwhile: see [`model::Model::save`].

mod loading;
mod saving;

pub use loading::SnapshotError;
pub(crate) use loading::{Loading, State, digest, load};
pub(crate) use saving::Save;

#[cfg(test)]
mod tests;
