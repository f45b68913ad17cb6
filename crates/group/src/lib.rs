//! One group, and the node that composes groups with the register: the machines that outsiders drive.
