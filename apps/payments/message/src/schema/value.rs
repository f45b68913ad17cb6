//! Whether a text is a value of a simple type.
//!
//! A text passes if XML Schema part 2 and libxml2, which those who send payments validate with, both
//! let it pass. libxml2 is narrower in three places: it does not strip white space around dates and
//! times (only behind the zone of an `xs:dateTime`), bounds years to 64 bits, and adds up seconds in
//! floating point, so that 59 with fourteen nines behind the point is 60. It is wider in one, which
//! is not followed: it skips foreign characters in base64.

use super::problem::Reason;
use super::{Kind, pattern};

/// Checks `text` against a type.
///
/// # Errors
/// The first rule that it breaks.
pub(crate) fn check(kind: Kind, text: &str) -> Result<(), Reason> {
    match kind {
        Kind::Text { min, max, pattern: alternatives, values } => {
            length(text.chars().count(), min, max)?;
            if !alternatives.is_empty() && !pattern::matches(alternatives, text) {
                return Err(Reason::Pattern);
            }
            // The tables list values in order.
            if !values.is_empty() && values.binary_search(&text).is_err() {
                return Err(Reason::Enumeration);
            }
            Ok(())
        }
        Kind::Decimal { total, fraction, natural } => {
            let number = Decimal::read(text).ok_or(Reason::Form)?;
            if number.negative && natural {
                return Err(Reason::Negative);
            }
            if number.fraction.len() > size(fraction) {
                return Err(Reason::FractionDigits(fraction));
            }
            if number.whole.len() + number.fraction.len() > size(total) {
                return Err(Reason::TotalDigits(total));
            }
            Ok(())
        }
        Kind::Boolean => form(matches!(collapsed(text), "true" | "false" | "1" | "0")),
        Kind::Date => form(date(text).is_some_and(zone)),
        Kind::DateTime => form(date_time(text)),
        Kind::Time => form(time(text).is_some_and(zone)),
        Kind::Year => form(year(text).is_some_and(|(_, rest)| zone(rest))),
        Kind::Base64 { min, max } => length(base64(text).ok_or(Reason::Form)?, min, max),
    }
}

fn form(legal: bool) -> Result<(), Reason> {
    if legal { Ok(()) } else { Err(Reason::Form) }
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn length(found: usize, min: u32, max: u32) -> Result<(), Reason> {
    if found < size(min) {
        return Err(Reason::Short(min));
    }
    if found > size(max) {
        return Err(Reason::Long(max));
    }
    Ok(())
}

fn collapsed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// A decimal number in its shortest form: no leading zeros before the point, no trailing ones
/// behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'t> {
    /// Below zero; zero never is.
    pub(crate) negative: bool,
    /// Digits before the point; empty for 0.
    pub(crate) whole: &'t str,
    /// Digits behind the point; empty for none.
    pub(crate) fraction: &'t str,
}

impl<'t> Decimal<'t> {
    /// Reads `[+-]digits[.digits]`, where one side of the point may be empty and white space may
    /// surround it all.
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let text = collapsed(text);
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: text.starts_with('-') && !zero, whole, fraction })
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// Two digits and what follows.
fn pair(text: &str) -> Option<(u32, &str)> {
    let (two, rest) = text.split_at_checked(2)?;
    if !digits(two) {
        return None;
    }
    Some((two.parse().ok()?, rest))
}

/// A year and what follows: at least four digits, no further leading zeros, not zero, maybe below.
fn year(text: &str) -> Option<(i64, &str)> {
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let end = unsigned.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(unsigned.len());
    let (number, rest) = unsigned.split_at(end);
    if number.len() < 4 || (number.len() > 4 && number.starts_with('0')) {
        return None;
    }
    let value: i64 = number.parse().ok()?;
    if value == 0 {
        return None;
    }
    Some((if negative { -value } else { value }, rest))
}

/// A date and what follows. Leap years count through year −4 as if there were a year 0: libxml2
/// calls −4 a leap year and −1 none.
fn date(text: &str) -> Option<&str> {
    let (year, rest) = year(text)?;
    let (month, rest) = pair(rest.strip_prefix('-')?)?;
    let (day, rest) = pair(rest.strip_prefix('-')?)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// A time of day and what follows; 24:00:00 is the end of the day.
fn time(text: &str) -> Option<&str> {
    let (hour, rest) = pair(text)?;
    let (minute, rest) = pair(rest.strip_prefix(':')?)?;
    let (second, mut rest) = pair(rest.strip_prefix(':')?)?;
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(after.len());
        if end == 0 {
            return None;
        }
        (fraction, rest) = after.split_at(end);
    }
    let nothing = fraction.bytes().all(|b| b == b'0');
    let legal = match hour {
        0..=23 => minute < 60 && second < 60 && !(second == 59 && rounds_up(fraction)),
        24 => minute == 0 && second == 0 && nothing,
        _ => false,
    };
    legal.then_some(rest)
}

/// Whether libxml2's sum of 59 and this fraction is 60.
fn rounds_up(fraction: &str) -> bool {
    fraction.bytes().take_while(|b| *b == b'9').count() >= 14
}

/// A time zone and nothing behind it: none, `Z`, or up to 14 hours either way.
fn zone(text: &str) -> bool {
    if matches!(text, "" | "Z") {
        return true;
    }
    let offset = text.strip_prefix(['+', '-']).and_then(pair).and_then(|(hours, rest)| {
        let (minutes, rest) = pair(rest.strip_prefix(':')?)?;
        rest.is_empty().then_some((hours, minutes))
    });
    matches!(offset, Some((0..=13, 0..=59) | (14, 0)))
}

/// Unlike with dates and times, libxml2 strips white space behind the zone, if there is one.
fn date_time(text: &str) -> bool {
    let rest = date(text).and_then(|rest| rest.strip_prefix('T')).and_then(time);
    rest.is_some_and(|rest| match collapsed(rest) {
        "" => rest.is_empty(),
        _ => zone(rest.trim_end_matches([' ', '\t', '\r', '\n'])),
    })
}

/// The number of bytes that a base64 text stands for. White space may stand anywhere; the last
/// group is padded and has no bits left over.
fn base64(text: &str) -> Option<usize> {
    let mut letters = 0_usize;
    let mut padding = 0_usize;
    let mut last = 0_u8;
    for byte in text.bytes().filter(|b| !crate::xml::is_space(*b)) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        letters += 1;
        last = value;
    }
    match (letters % 4, padding) {
        (0, 0) => Some(letters / 4 * 3),
        (2, 2) if last & 0b1111 == 0 => Some(letters / 4 * 3 + 1),
        (3, 1) if last & 0b11 == 0 => Some(letters / 4 * 3 + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
