//! Why a payment was refused, in the words of ISO: ExternalStatusReason1Code.

use core::fmt;

use crate::codes::tables::STATUS_REASON;

/// A status reason code. A value that exists is in the published list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(&'static str);

impl Reason {
    /// The reason of that code; `None` if the list does not have it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let index = STATUS_REASON.codes.binary_search(&code).ok()?;
        STATUS_REASON.codes.get(index).copied().map(Self)
    }

    /// Its four characters.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident)*) => {
        impl Reason {
            $($(#[$doc])* pub const $name: Self = Self(stringify!($name));)*

            /// The codes named here, for tests that hold them against the list.
            #[cfg(test)]
            pub(crate) const NAMED: &[Self] = &[$(Self::$name),*];
        }
    };
}

reasons! {
    /// Clearing stopped: time ran out.
    AB05
    /// Account number invalid or missing.
    AC01
    /// Debtor's account number invalid or missing.
    AC02
    /// Creditor's account number invalid or missing.
    AC03
    /// Account closed.
    AC04
    /// Account blocked.
    AC06
    /// Account type invalid.
    AC12
    /// Debtor's account type invalid.
    AC13
    /// Creditor's account type invalid.
    AC14
    /// Transaction forbidden on this account.
    AG01
    /// Amount is zero.
    AM01
    /// Amount above the maximum.
    AM02
    /// Currency outside of the agreement.
    AM03
    /// Insufficient funds.
    AM04
    /// Duplicate.
    AM05
    /// Amount is not the expected one.
    AM09
    /// Sum is not the control sum.
    AM10
    /// Currency invalid.
    AM11
    /// Amount invalid.
    AM12
    /// Number of transactions at group level invalid.
    AM19
    /// Country code invalid.
    BE09
    /// Debtor's country code invalid.
    BE10
    /// Creditor's country code invalid.
    BE11
    /// Identification code invalid.
    BE15
    /// Debtor's identification code invalid.
    BE16
    /// Creditor's identification code invalid.
    BE17
    /// Account proxy invalid.
    BE23
    /// Content incorrect.
    CH16
    /// Decimals not compatible with the currency.
    CH20
    /// Currency of the payment incorrect.
    CURR
    /// Invalid date.
    DT01
    /// File format incomplete or invalid.
    FF01
    /// Syntax error, told in the additional information.
    FF02
    /// Service level invalid.
    FF04
    /// Local instrument invalid.
    FF05
    /// Category purpose invalid.
    FF06
    /// Purpose invalid.
    FF07
    /// Told in the additional information.
    NARR
    /// Bank identifier invalid.
    RC02
    /// Debtor's bank identifier invalid.
    RC03
    /// Creditor's bank identifier invalid.
    RC04
    /// BIC invalid.
    RC05
    /// Debtor's BIC invalid.
    RC06
    /// Creditor's BIC invalid.
    RC07
    /// Clearing system member identifier invalid.
    RC08
    /// Debtor's clearing system member identifier invalid.
    RC09
    /// Creditor's clearing system member identifier invalid.
    RC10
    /// Creditor reference invalid.
    RR09
    /// After the cut-off time.
    TM01
}

#[cfg(test)]
mod tests;
