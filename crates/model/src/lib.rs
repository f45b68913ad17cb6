//! The contract between a group and the application it carries.
