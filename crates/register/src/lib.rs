//! The register: who may write each group, by compare-and-set under consensus.
