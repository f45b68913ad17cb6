//! `evenkeel payments validate`: what a node would say about files, without a node.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use payments_message::refusal::{Instead, Refusal};
use payments_message::verdict::verdicts;
use serde_json::{Value, json};

use crate::exit::{Ended, Exit, OrExit as _};
use crate::output::{self, Output, Table};

/// Arguments of `payments`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check files as a node would before it looks at any account.
    ///
    /// Prints for each file the message found, whether it is valid against the official schema of
    /// its version, and whether it would be taken: rules go beyond schemas (check digits, decimals
    /// of currencies, sums). Exit code 1 if any file would be refused.
    Validate(Validate),
}

#[derive(Debug, clap::Args)]
struct Validate {
    /// The files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// What was found in a file.
struct Found {
    /// The message, or what stands in its place.
    message: String,
    /// What the schema says.
    schema: &'static str,
    /// Whether it would be taken.
    is_taken: bool,
    /// Why not.
    because: String,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Ended {
    match &args.verb {
        Verb::Validate(args) => validate(args),
    }
}

fn validate(args: &Validate) -> Ended {
    let mut table = Table::new(["file", "message", "schema", "taken", "because"]);
    let mut documents: Vec<Value> = Vec::new();
    let mut is_all_taken = true;
    for path in &args.files {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let found = judge(&bytes.or_exit(Exit::Usage)?);
        is_all_taken &= found.is_taken;
        match args.output {
            Output::Json => documents.push(document(path, &found)),
            Output::Table => table.row([
                path.display().to_string(),
                found.message,
                found.schema.into(),
                if found.is_taken { "yes" } else { "no" }.into(),
                found.because,
            ]),
        }
    }
    match args.output {
        Output::Json => output::json(&Value::Array(documents)),
        Output::Table => output::print(&table.render()),
    }
    Ok(if is_all_taken { Exit::Ok } else { Exit::Failed })
}

fn document(path: &Path, found: &Found) -> Value {
    json!({
        "file": path.display().to_string(),
        "message": found.message,
        "schema": found.schema,
        "taken": found.is_taken,
        "because": found.because,
    })
}

fn judge(bytes: &[u8]) -> Found {
    let taken = payments_message::read(bytes);
    let judged = verdicts(bytes).unwrap_or_default();
    let pacs008 = judged.iter().find(|verdict| verdict.message.starts_with("pacs.008"));
    let message = match (&taken, pacs008) {
        (_, Some(verdict)) => verdict.message.to_owned(),
        (Err(Refusal::NotPacs008(Instead::Other(other))), None) => other.to_string(),
        (_, None) => "-".to_owned(),
    };
    let schema = match pacs008.map(|verdict| &verdict.departure) {
        Some(None) => "valid",
        Some(Some(_)) => "invalid",
        None => "-",
    };
    let because =
        taken.as_ref().err().map(|refusal| format!("{:#}", anyhow::Error::new(refusal.clone())));
    let is_taken = taken.is_ok();
    Found { message, schema, is_taken, because: because.unwrap_or_default() }
}
