//! Prints the schema verdict on every document of the files named on standard input.
//!
//! One line per file: `valid`, `invalid`, `none` (no document with a known schema) or `xml` (not
//! well-formed or refused), then why. Made to be held against another validator.
#![expect(clippy::print_stdout, reason = "a command-line tool")]

use payments_message::verdict::verdicts;

fn main() -> std::io::Result<()> {
    for file in std::io::stdin().lines() {
        let file = file?;
        match verdicts(&std::fs::read(&file)?) {
            Err(error) => println!("xml {file} {error}"),
            Ok(found) => match found.iter().find_map(|verdict| verdict.departure.as_ref()) {
                Some(departure) => println!("invalid {file} {departure}"),
                None if found.is_empty() => println!("none {file}"),
                None => println!("valid {file}"),
            },
        }
    }
    Ok(())
}
