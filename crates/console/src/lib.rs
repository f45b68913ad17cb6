//! The HTTP face of a node for operators.
