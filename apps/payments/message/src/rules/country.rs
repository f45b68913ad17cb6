//! Countries (ISO 3166-1 alpha-2).

/// Whether the code is assigned, or is `XK`: user-assigned, and by custom of banks Kosovo.
pub(crate) fn exists(code: &str) -> bool {
    let bytes = code.as_bytes();
    let [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] = bytes else { return false };
    let row = SECOND_LETTERS.get(usize::from(first - b'A')).copied().unwrap_or_default();
    row.as_bytes().contains(second)
}

/// For each first letter, the second letters it is assigned with.
const SECOND_LETTERS: [&str; 26] = [
    "DEFGILMOQRSTUWXZ",
    "ABDEFGHIJLMNOQRSTVWYZ",
    "ACDFGHIKLMNORUVWXYZ",
    "EJKMOZ",
    "CEGHRST",
    "IJKMOR",
    "ABDEFGHILMNPQRSTUWY",
    "KMNRTU",
    "DELMNOQRST",
    "EMOP",
    "EGHIMNPRWYZ",
    "ABCIKRSTUVY",
    "ACDEFGHKLMNOPQRSTUVWXYZ",
    "ACEFGILOPRUZ",
    "M",
    "AEFGHKLMNRSTWY",
    "A",
    "EOSUW",
    "ABCDEGHIJKLMNORSTVXYZ",
    "CDFGHJKLMNORTVWZ",
    "AGMSYZ",
    "ACEGINU",
    "FS",
    "K",
    "ET",
    "AMW",
];

#[cfg(test)]
mod tests;
