//! Votes on the health of regions and the policy that acts on them.
