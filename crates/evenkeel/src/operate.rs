//! What operators ask and order, through any node that answers.

mod accounts;
mod books;
mod cases;
mod channels;
mod cluster_client;
mod models;
pub(crate) mod nodes;
mod order;
mod orders;
mod orphans;
mod outcome;
mod reconfigure;
mod register;
mod terms;
mod views;

use clap::Subcommand;

use crate::exit::Ended;

/// Commands that talk to a running cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Operate {
    /// Show how the nodes and groups stand, as one node sees them.
    Status(views::Status),
    /// Say why groups moved or did not, with every reason and what to do about it.
    Explain(views::Explain),
    /// List, show and decide records that nodes hold and that are in no chain.
    Orphans(orphans::Args),
    /// Move groups by plan: the old home works along, nothing is lost.
    Switchover(orders::Switchover),
    /// Move groups away from a home that does not answer.
    Failover(orders::Failover),
    /// Show model versions, or raise the one in force.
    Model(models::Args),
    /// Let groups go on without members that are gone, and take those back.
    Groups(reconfigure::Args),
    /// Begin the register anew when its majority is lost for good.
    Register(register::Args),
    /// Ask what became of an id that a node called unknown.
    Outcome(outcome::Args),
    /// List accounts, or open and fund them.
    Accounts(accounts::Args),
    /// Show what people have to settle: frozen channels, money in suspense, payments that wait.
    Cases(cases::Args),
    /// List the channels between ledgers, or open a frozen one again.
    Channels(channels::Args),
    /// Wish back what is pending of a payment between two ledgers; the creditor's decides.
    Cancel(cases::Cancel),
    /// Show the ledgers' sums, of one node or of all at one time.
    Books(books::Args),
}

/// Runs one.
pub(crate) fn run(operate: &Operate) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match operate {
            Operate::Status(args) => views::status(args).await,
            Operate::Explain(args) => views::explain(args).await,
            Operate::Orphans(args) => orphans::run(args).await,
            Operate::Switchover(args) => orders::switchover(args).await,
            Operate::Failover(args) => orders::failover(args).await,
            Operate::Model(args) => models::run(args).await,
            Operate::Groups(args) => reconfigure::run(args).await,
            Operate::Register(args) => register::run(args).await,
            Operate::Outcome(args) => outcome::run(args).await,
            Operate::Accounts(args) => accounts::run(args).await,
            Operate::Cases(args) => cases::cases(args).await,
            Operate::Channels(args) => channels::run(args).await,
            Operate::Cancel(args) => cases::cancel(args).await,
            Operate::Books(args) => books::run(args).await,
        }
    })
}
