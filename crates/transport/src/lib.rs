//! Mutually authenticated sessions between nodes.
