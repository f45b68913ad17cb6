//! The HTTP front of payments.
