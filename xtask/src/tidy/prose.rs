//! Tells Rust code from what is written in and about it.
//!
//! A check that looks for a word must not trip over a comment or a string that mentions the word, or
//! nobody could write about it. This is a lexer for exactly that: comments, strings and characters
//! become blanks, all else stays where it was. It does not parse.

/// `text` with comments, string contents and character literals blanked; lines stay lines and keep
/// their numbers.
pub(crate) fn code_only(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    let mut in_word = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let prose = prose_length(rest, in_word);
        let taken = prose.max(1);
        for character in rest.iter().take(taken) {
            let blank = prose > 0 && *character != '\n';
            code.push(if blank { ' ' } else { *character });
        }
        in_word = prose == 0 && rest.first().is_some_and(|first| is_word(*first));
        at += taken;
    }
    code
}

/// Whether a character can be part of a name.
pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// How many characters at the start of `rest` are a comment, a string or a character; 0 if it starts
/// with code. What is not closed reaches to the end.
fn prose_length(rest: &[char], in_word: bool) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|it| *it == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest, '"'),
        ['\'', '\\', ..] => quoted(rest, '\''),
        ['\'', _, '\'', ..] => 3,
        ['r', ..] if !in_word => raw_string(rest, 1),
        ['b' | 'c', 'r', ..] if !in_word => raw_string(rest, 2),
        _ => 0,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < rest.len() {
        match rest.get(at..at + 2) {
            Some(['/', '*']) => {
                depth += 1;
                at += 2;
            }
            Some(['*', '/']) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in rest.iter().enumerate().skip(1) {
        if escaped {
            escaped = false;
        } else if *character == '\\' {
            escaped = true;
        } else if *character == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// Length of `r#"..."#` whose prefix has `prefix` letters; 0 if it is something else, such as `r#name`.
fn raw_string(rest: &[char], prefix: usize) -> usize {
    let marks = rest.iter().skip(prefix).take_while(|it| **it == '#').count();
    let open = prefix + marks;
    if rest.get(open) != Some(&'"') {
        return 0;
    }
    let mut at = open + 1;
    while at < rest.len() {
        let closing = rest.iter().skip(at + 1).take(marks);
        if rest.get(at) == Some(&'"') && closing.filter(|it| **it == '#').count() == marks {
            return at + 1 + marks;
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests;
