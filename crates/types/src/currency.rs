//! ISO 4217: the active currencies that have minor units.

use core::fmt;

/// An active ISO 4217 currency. A value that exists is in the list below; codes without minor units
/// (gold, test codes) and withdrawn codes are not money here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    number: u16,
    exponent: u8,
}

impl Currency {
    /// The currency of a three-letter code, upper case; `None` if it is not active.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let code: [u8; 3] = code.as_bytes().try_into().ok()?;
        let index = ACTIVE.binary_search_by(|(known, ..)| (*known).cmp(&code)).ok()?;
        let (code, number, exponent) = ACTIVE.get(index)?;
        Some(Self { code: **code, number: *number, exponent: *exponent })
    }

    /// The currency of a numeric code; `None` if it is not active.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        let (code, number, exponent) = ACTIVE.iter().find(|(_, known, _)| *known == number)?;
        Some(Self { code: **code, number: *number, exponent: *exponent })
    }

    /// All of them, in order of code.
    pub fn all() -> impl Iterator<Item = Self> {
        ACTIVE.iter().map(|(code, number, exponent)| Self {
            code: **code,
            number: *number,
            exponent: *exponent,
        })
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(&self) -> &str {
        // The bytes come from the list below, which is ASCII.
        core::str::from_utf8(&self.code).unwrap_or("")
    }

    /// The numeric code, 0 to 999.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// How many decimals the minor unit stands for: 2 for EUR, 0 for JPY, 3 for BHD, 4 for UYW.
    #[must_use]
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Code, number and minor-unit exponent, in order of code. Source: ISO 4217 list of 2024 in its
/// public-domain form; withdrawn codes and codes without minor units left out.
#[rustfmt::skip]
const ACTIVE: &[(&[u8; 3], u16, u8)] = &[
    (b"AED", 784, 2), (b"AFN", 971, 2), (b"ALL", 8, 2), (b"AMD", 51, 2), (b"AOA", 973, 2),
    (b"ARS", 32, 2), (b"AUD", 36, 2), (b"AWG", 533, 2), (b"AZN", 944, 2), (b"BAM", 977, 2),
    (b"BBD", 52, 2), (b"BDT", 50, 2), (b"BHD", 48, 3), (b"BIF", 108, 0), (b"BMD", 60, 2),
    (b"BND", 96, 2), (b"BOB", 68, 2), (b"BOV", 984, 2), (b"BRL", 986, 2), (b"BSD", 44, 2),
    (b"BTN", 64, 2), (b"BWP", 72, 2), (b"BYN", 933, 2), (b"BZD", 84, 2), (b"CAD", 124, 2),
    (b"CDF", 976, 2), (b"CHE", 947, 2), (b"CHF", 756, 2), (b"CHW", 948, 2), (b"CLF", 990, 4),
    (b"CLP", 152, 0), (b"CNY", 156, 2), (b"COP", 170, 2), (b"COU", 970, 2), (b"CRC", 188, 2),
    (b"CUP", 192, 2), (b"CVE", 132, 2), (b"CZK", 203, 2), (b"DJF", 262, 0), (b"DKK", 208, 2),
    (b"DOP", 214, 2), (b"DZD", 12, 2), (b"EGP", 818, 2), (b"ERN", 232, 2), (b"ETB", 230, 2),
    (b"EUR", 978, 2), (b"FJD", 242, 2), (b"FKP", 238, 2), (b"GBP", 826, 2), (b"GEL", 981, 2),
    (b"GHS", 936, 2), (b"GIP", 292, 2), (b"GMD", 270, 2), (b"GNF", 324, 0), (b"GTQ", 320, 2),
    (b"GYD", 328, 2), (b"HKD", 344, 2), (b"HNL", 340, 2), (b"HTG", 332, 2), (b"HUF", 348, 2),
    (b"IDR", 360, 2), (b"ILS", 376, 2), (b"INR", 356, 2), (b"IQD", 368, 3), (b"IRR", 364, 2),
    (b"ISK", 352, 0), (b"JMD", 388, 2), (b"JOD", 400, 3), (b"JPY", 392, 0), (b"KES", 404, 2),
    (b"KGS", 417, 2), (b"KHR", 116, 2), (b"KMF", 174, 0), (b"KPW", 408, 2), (b"KRW", 410, 0),
    (b"KWD", 414, 3), (b"KYD", 136, 2), (b"KZT", 398, 2), (b"LAK", 418, 2), (b"LBP", 422, 2),
    (b"LKR", 144, 2), (b"LRD", 430, 2), (b"LSL", 426, 2), (b"LYD", 434, 3), (b"MAD", 504, 2),
    (b"MDL", 498, 2), (b"MGA", 969, 2), (b"MKD", 807, 2), (b"MMK", 104, 2), (b"MNT", 496, 2),
    (b"MOP", 446, 2), (b"MRU", 929, 2), (b"MUR", 480, 2), (b"MVR", 462, 2), (b"MWK", 454, 2),
    (b"MXN", 484, 2), (b"MXV", 979, 2), (b"MYR", 458, 2), (b"MZN", 943, 2), (b"NAD", 516, 2),
    (b"NGN", 566, 2), (b"NIO", 558, 2), (b"NOK", 578, 2), (b"NPR", 524, 2), (b"NZD", 554, 2),
    (b"OMR", 512, 3), (b"PAB", 590, 2), (b"PEN", 604, 2), (b"PGK", 598, 2), (b"PHP", 608, 2),
    (b"PKR", 586, 2), (b"PLN", 985, 2), (b"PYG", 600, 0), (b"QAR", 634, 2), (b"RON", 946, 2),
    (b"RSD", 941, 2), (b"RUB", 643, 2), (b"RWF", 646, 0), (b"SAR", 682, 2), (b"SBD", 90, 2),
    (b"SCR", 690, 2), (b"SDG", 938, 2), (b"SEK", 752, 2), (b"SGD", 702, 2), (b"SHP", 654, 2),
    (b"SLE", 925, 2), (b"SOS", 706, 2), (b"SRD", 968, 2), (b"SSP", 728, 2), (b"STN", 930, 2),
    (b"SVC", 222, 2), (b"SYP", 760, 2), (b"SZL", 748, 2), (b"THB", 764, 2), (b"TJS", 972, 2),
    (b"TMT", 934, 2), (b"TND", 788, 3), (b"TOP", 776, 2), (b"TRY", 949, 2), (b"TTD", 780, 2),
    (b"TWD", 901, 2), (b"TZS", 834, 2), (b"UAH", 980, 2), (b"UGX", 800, 0), (b"USD", 840, 2),
    (b"USN", 997, 2), (b"UYI", 940, 0), (b"UYU", 858, 2), (b"UYW", 927, 4), (b"UZS", 860, 2),
    (b"VED", 926, 2), (b"VES", 928, 2), (b"VND", 704, 0), (b"VUV", 548, 0), (b"WST", 882, 2),
    (b"XAD", 396, 2), (b"XAF", 950, 0), (b"XCD", 951, 2), (b"XCG", 532, 2), (b"XOF", 952, 0),
    (b"XPF", 953, 0), (b"YER", 886, 2), (b"ZAR", 710, 2), (b"ZMW", 967, 2), (b"ZWG", 924, 2),
];

#[cfg(test)]
mod tests;
