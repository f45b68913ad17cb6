//! Which group keeps an account.

use payments_model::{Payments, Route};
use runtime::{Config, Running, StartError};
use types::{Currency, GroupId};

/// Where the ledgers of a currency are.
///
/// A currency has one ledger or several, each with a group of its own, in a row from the group of the
/// currency's ISO number modulo the count of groups. Which of several keeps an account follows from the
/// account's key: accounts at one bank are kept together, so that what a bank sends in one message is
/// debited in one ledger.
///
/// The rule is part of what is stored: with another rule, or other counts, accounts would be looked for
/// where they are not. None of it ever changes once a cluster has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    groups: u16,
    ledgers: u16,
}

impl Placement {
    /// So many ledgers of each currency, over so many groups.
    ///
    /// # Panics
    /// If there are no groups, or not 1 to that many ledgers; a configuration has them.
    #[must_use]
    pub const fn new(groups: u16, ledgers: u16) -> Self {
        assert!(groups > 0, "a configuration has at least one group");
        assert!(ledgers > 0 && ledgers <= groups, "each ledger has a group of its own");
        Self { groups, ledgers }
    }

    /// The group that keeps the account of that key.
    #[must_use]
    pub fn group(&self, currency: Currency, key: &str) -> GroupId {
        let ledger =
            if self.ledgers == 1 { 0 } else { spread(bank(key)) % u32::from(self.ledgers) };
        self.ledger(currency, u16::try_from(ledger).unwrap_or_default())
    }

    /// The groups that keep accounts of that currency.
    pub fn ledgers(self, currency: Currency) -> impl Iterator<Item = GroupId> {
        (0..self.ledgers).map(move |ledger| self.ledger(currency, ledger))
    }

    fn ledger(self, currency: Currency, ledger: u16) -> GroupId {
        let group = u32::from(currency.number()) + u32::from(ledger);
        GroupId(u16::try_from(group % u32::from(self.groups)).unwrap_or_default())
    }

    /// The group that carries out a message with these accounts (debtor and creditor of each transaction),
    /// and where each of them goes from there; no routes if all of it stays there.
    pub(crate) fn routes<'a>(
        &self,
        currency: Currency,
        accounts: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ) -> (GroupId, Vec<Route>) {
        let first = accounts.clone().next().map_or("", |(debtor, _)| debtor);
        let here = self.group(currency, first);
        if self.ledgers == 1 {
            return (here, Vec::new());
        }
        let route = |(debtor, creditor)| match self.group(currency, creditor) {
            _ if self.group(currency, debtor) != here => Route::Astray,
            there if there == here => Route::Here,
            there => Route::To(there),
        };
        let routes: Vec<Route> = accounts.map(route).collect();
        let all_stay = routes.iter().all(|route| *route == Route::Here);
        (here, if all_stay { Vec::new() } else { routes })
    }
}

/// The part of an account's key that names its bank: of an IBAN the country and the first four characters
/// after the check digits, of an agent's own account the institution of its BIC, of any other key all of it.
fn bank(key: &str) -> [&str; 2] {
    let is_iban = (15..=34).contains(&key.len())
        && key.bytes().enumerate().all(|(at, byte)| match at {
            0 | 1 => byte.is_ascii_uppercase(),
            2 | 3 => byte.is_ascii_digit(),
            _ => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
        });
    if is_iban {
        return [&key[..2], &key[4..8]];
    }
    match key.strip_prefix("BIC:").and_then(|bic| bic.get(..8)) {
        Some(institution) => ["BIC:", institution],
        None => ["", key],
    }
}

/// Spreads banks over ledgers: SHA-256, whose result no version of a library changes.
fn spread(bank: [&str; 2]) -> u32 {
    let hash = wire::digest(format!("ledger\n{}\n{}", bank[0], bank[1]).as_bytes());
    let (first, _) = hash.0.split_first_chunk().expect("a hash has more than four bytes");
    u32::from_le_bytes(*first)
}

/// The model of every group before its first command. Each could keep any currency; which ones it
/// does keep follows from [`Placement`] alone, so that no list of currencies has to be agreed on.
fn fresh() -> Payments {
    Payments::new(Currency::all())
}

/// Starts a node of payments: [`runtime::start`] with the model that [`Placement`] goes with.
///
/// # Errors
/// [`StartError`]; nothing runs then.
pub fn start(config: &Config) -> Result<Running<Payments>, StartError> {
    runtime::start(config, &fresh())
}

#[cfg(test)]
mod tests;
