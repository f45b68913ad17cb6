//! XML names: which characters they are made of (XML 1.0, fifth edition, 2.3; Namespaces 1.0).

/// The prefix (empty for none) and local part of a qualified name; `None` if it is no such name.
pub(super) fn split(name: &str) -> Option<(&str, &str)> {
    // Nearly every name is a few ASCII letters and at most one colon: one pass over them does.
    let mut colon = None;
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' => {}
            b':' if colon.is_none() => colon = Some(index),
            0x80.. => return split_slowly(name),
            _ => return None,
        }
    }
    let (prefix, local) = match colon {
        None => ("", name),
        Some(index) => (name.get(..index)?, name.get(index + 1..)?),
    };
    let begins = |part: &str| {
        part.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
    };
    (begins(local) && (colon.is_none() || begins(prefix))).then_some((prefix, local))
}

/// The same for names with letters beyond ASCII.
#[cold]
fn split_slowly(name: &str) -> Option<(&str, &str)> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let prefixed = local.len() != name.len();
    (is_ncname(local) && (!prefixed || is_ncname(prefix))).then_some((prefix, local))
}

/// Whether `name` is a name without a colon.
pub(super) fn is_ncname(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(starts) && letters.all(continues)
}

fn starts(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn continues(c: char) -> bool {
    starts(c)
        || matches!(c,
            '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}
