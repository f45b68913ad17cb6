//! Prints what is read out of the files named on standard input, or why they are refused.
#![expect(clippy::print_stdout, reason = "a command-line tool")]

use std::error::Error;

use payments_message::{Refusal, read};

fn main() -> std::io::Result<()> {
    for file in std::io::stdin().lines() {
        let file = file?;
        match read(&std::fs::read(&file)?) {
            Ok(message) => println!("{file}: {message:#?}"),
            Err(Refusal::Rule(broken)) => {
                for finding in broken.findings() {
                    println!("{file}: {:?} {finding}", finding.rule);
                }
            }
            Err(refusal) => {
                let source = refusal.source().map(ToString::to_string).unwrap_or_default();
                println!("{file}: {refusal}: {source}");
            }
        }
    }
    Ok(())
}
