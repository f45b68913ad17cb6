//! Specifications of the things that histories are about.

mod accounts;
mod once;
mod register;
mod text;

pub use accounts::{Accounts, Entry, Sums, Told};
pub use once::Once;
pub use register::{Register, RegisterInput, RegisterOutput};
pub use text::{Text, TextInput};
