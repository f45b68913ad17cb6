//! Cases with money in suspense: shown payment by payment, and settled.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::super::cluster_client::{Authority, ClusterClient, Where};
use super::super::views::{list, text};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, Table};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the payments under a case, and every step in which they were settled.
    Show(Show),
    /// Move what stands in suspense for a payment out of the case, or some of it.
    Settle(Settle),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    cluster: Where,
    /// The number of the case.
    case: u64,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
What stands in suspense was advanced by the house: the payer's account was not debited in the books that went
on. As if the payment had been made: collect, pay, write-back, each of the whole amount.
To drop it: write-back. Every step is kept for ever, with who and why.")]
pub(crate) struct Settle {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// The number of the case.
    case: u64,
    /// The payment, as `cases show` names it.
    #[arg(long)]
    item: String,
    /// Where to.
    #[arg(long, value_enum)]
    way: Way,
    /// How much, in units of the currency, as in `12.34`.
    #[arg(long)]
    amount: String,
    /// The name of this order: given again it is harmless, whatever became of it.
    #[arg(long)]
    name: String,
    /// Why; it is kept with the step.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// From which account to collect what another ledger is owed.
    #[arg(long, value_name = "KEY")]
    account: Option<String>,
    /// The number of the ledger's group, if several have the payment.
    #[arg(long)]
    group: Option<u16>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// To the account that the payment names as its beneficiary's.
    Pay,
    /// To the account that the payment names as its payer's.
    Return,
    /// Back to the house, which advanced it.
    WriteBack,
    /// From the payer's account into the case, up to what the payment was.
    Collect,
}

/// Runs one.
pub(super) async fn run(verb: &Verb) -> Ended {
    match verb {
        Verb::Show(args) => show(args).await,
        Verb::Settle(args) => settle(args).await,
    }
}

async fn show(args: &Show) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let path = format!("/v1/cases/{}", args.case);
    let mut case = client.get(&path).await?.value;
    let mut items = list(&case, "items").to_vec();
    while let Some(next) = case.get("next_offset").and_then(Value::as_u64) {
        case = client.get(&format!("{path}?offset={next}")).await?.value;
        items.extend_from_slice(list(&case, "items"));
    }
    if args.output == Output::Json {
        case["items"] = Value::Array(items);
        output::json(&case);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["item", "payment", "amount", "left", "what", "by", "at"]);
    for item in &items {
        let money = |name: &str| format!("{} {}", text(item, name), text(item, "currency"));
        table.row([
            text(item, "item"),
            format!("{}/{}", text(item, "sender"), text(item, "message_id")),
            money("amount"),
            money("left"),
            format!("{} > {}", text(item, "debtor"), text(item, "creditor")),
            "-".to_owned(),
            text(item, "opened_at"),
        ]);
        for step in list(item, "steps") {
            table.row([
                String::new(),
                text(step, "reason"),
                format!("{} {}", text(step, "amount"), text(item, "currency")),
                String::new(),
                format!("{}: {}", text(step, "way"), text(step, "account")),
                text(step, "by"),
                text(step, "at"),
            ]);
        }
    }
    output::print(&table.render());
    for one in list(&case, "suspense") {
        output::line(&format!(
            "case {} in g{}: {} {} left; {}",
            args.case,
            text(one, "group"),
            text(one, "amount"),
            text(one, "currency"),
            sums(one),
        ));
    }
    Ok(Exit::Ok)
}

async fn settle(args: &Settle) -> Ended {
    let token = args.authority.token()?;
    let client = ClusterClient::new(&args.cluster)?;
    let way = args.way.to_possible_value();
    let way = way.as_ref().map(clap::builder::PossibleValue::get_name);
    let mut body = json!({
        "item": args.item,
        "way": way,
        "amount": args.amount,
        "reason": args.reason,
    });
    if let Some(account) = &args.account {
        body["account"] = json!(account);
    }
    if let Some(group) = args.group {
        body["group"] = json!(group);
    }
    let path = format!("/v1/cases/{}", args.case);
    let done: Result<Value, Failure> = client.order_named(&path, &token, &args.name, &body).await;
    let done = done?;
    if args.output == Output::Json {
        output::json(&done);
    } else {
        let repeated = done.get("repeated").and_then(Value::as_bool) == Some(true);
        output::line(&format!(
            "{}: {} {}{}; {} left of the payment, {} left in the case",
            text(&done, "way"),
            text(&done, "amount"),
            text(&done, "currency"),
            if repeated { " (was done before)" } else { "" },
            text(&done, "item_left"),
            text(&done, "case_left"),
        ));
    }
    Ok(Exit::Ok)
}

/// What came into a case and what has left it.
pub(super) fn sums(case: &Value) -> String {
    format!(
        "{} payments, {} opened, {} collected, {} settled, {} owed",
        text(case, "items_count"),
        text(case, "opened"),
        text(case, "collected"),
        text(case, "settled"),
        text(case, "owed"),
    )
}

/// For how long the oldest payment of a case has been open.
pub(super) fn age(case: &Value) -> String {
    let seconds = case.get("age_ms").and_then(Value::as_u64).map(|age| age / 1_000);
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds} s"))
}
