//! Which group keeps the books of a currency.

use payments_model::Payments;
use runtime::{Config, Running, StartError};
use types::{Currency, GroupId};

/// The group of a currency's ledger, of `groups` that there are: its ISO number modulo their count.
///
/// The rule is part of what is stored: with another rule, or another count of groups, accounts
/// would be looked for where they are not. Neither ever changes once a cluster has run.
///
/// # Panics
/// If there are no groups; a configuration has at least one.
#[must_use]
pub const fn placement(currency: Currency, groups: u16) -> GroupId {
    assert!(groups > 0, "a configuration has at least one group");
    GroupId(currency.number() % groups)
}

/// The model of every group before its first command. Each could keep any currency; which ones it
/// does keep follows from [`placement`] alone, so that no list of currencies has to be agreed on.
fn fresh() -> Payments {
    Payments::new(Currency::all())
}

/// Starts a node of payments: [`runtime::start`] with the model that [`placement`] goes with.
///
/// # Errors
/// [`StartError`]; nothing runs then.
pub fn start(config: &Config) -> Result<Running<Payments>, StartError> {
    runtime::start(config, &fresh())
}
