//! Double-entry accounts and transfers as plain state.
