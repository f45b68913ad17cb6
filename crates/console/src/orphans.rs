//! What was set aside: the runs, and what is in each of them.
//!
//! A run is named by its group and the chain hash of its last record, which no other run has. The
//! bytes come from this node's log; other nodes may hold the same run. What was decided about a run
//! stands in the register and is the same everywhere.

mod decide;
mod words;

use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use model::Model;
use register::Disposal;
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Class, Epoch, GroupId, MessageId, Position, Seq};
use wire::{Command, CommandRef, Orphan, Record, RecordKind};

use crate::limits::ORPHANS_PER_PAGE;
use crate::router::App;
use crate::status::{group_number, unknown_group};
use crate::{Problem, group_view, hash_hex, json, outcomes, read_id};

pub(crate) use decide::{decide, name};
pub use words::{Outcome, Policy, Words};

/// Fewest digits of a hash that name a run.
const HEAD_DIGITS_MIN: usize = 8;

/// Which part of a run.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    after: Option<u64>,
}

/// `GET /v1/orphans`: every run of records that this node holds and that is not in a chain.
pub(crate) async fn all<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    let found = app.handle.ask(|view| {
        let runs = view.node.groups().flat_map(|group| {
            let decided = disposals(view, group.id());
            group.orphans().iter().map(move |run| {
                let disposal = decided.iter().find(|one| one.head == run.head).copied();
                let class = class_of(view, group.id(), run.epoch);
                let places = group.orphan_places(run).take(ORPHANS_PER_PAGE).collect();
                (group.id(), Run { orphan: *run, class, disposal, places })
            })
        });
        runs.collect::<Vec<_>>()
    });
    let (mut runs, mut records, mut open) = (Vec::new(), 0, 0_usize);
    for (group, run) in found.await? {
        let mut value = run.describe(group, &app.words);
        records += value["records"].as_u64().unwrap_or(0);
        let contents = contents(&app, &run).await?;
        // Signs of life of an idle home hold nothing that anybody could decide about.
        let is_open = run.disposal.is_none() && contents["commands"] != 0;
        open += usize::from(is_open);
        value["is_open"] = json!(is_open);
        value["contents"] = contents;
        runs.push(value);
    }
    Ok(json(&json!({
        "observer": app.site.node().0,
        "runs_count": runs.len(),
        "open_count": open,
        "records": records,
        "runs": runs,
    })))
}

/// How many commands a run holds and what they move together, from its first records if it is long.
async fn contents<M: Model + Send + 'static>(app: &App<M>, run: &Run) -> Result<Value, Problem> {
    let (mut commands, mut unreadable) = (Vec::new(), 0_usize);
    for (_, at) in &run.places {
        match read(app, *at).await? {
            Ok(record) => commands.extend(clients_commands(&record)),
            Err(_) => unreadable += 1,
        }
    }
    Ok(json!({
        "commands": commands.len(),
        "totals": (app.words.totals)(&commands),
        "records_read": run.places.len() - unreadable,
        "records_unreadable": unreadable,
    }))
}

/// The commands of a record as clients had sent them. What groups say to each other is none: whoever
/// said it says it again by itself.
fn clients_commands(record: &Record) -> Vec<Command> {
    if record.header().kind != RecordKind::Commands {
        return Vec::new();
    }
    let owned = |CommandRef { id, digest, not_after, origin, body }| {
        let body = Bytes::copy_from_slice(body);
        Command { id, digest, not_after, origin, body }
    };
    record.commands().map(owned).collect()
}

/// `GET /v1/orphans/{group}/{head}`: the commands of a run, a page at a time.
pub(crate) async fn one<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    path: Result<Path<(String, String)>, PathRejection>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Problem> {
    let Path((group, head)) = path?;
    let Query(page) = page?;
    let group = group_number(&group)?;
    let run = find(&app, group, &head).await?;
    let after = page.after.map_or(Seq(0), Seq);
    let places: Vec<_> = run.places.iter().filter(|(seq, _)| *seq > after).copied().collect();
    let mut records = Vec::new();
    for (seq, at) in places.iter().take(ORPHANS_PER_PAGE) {
        records.push(match read(&app, *at).await? {
            Ok(record) => describe(&record, &app.words),
            Err(why) => json!({ "seq": seq.0, "unreadable": why }),
        });
    }
    became(&app, group, &run, &mut records).await?;
    let next = (places.len() > records.len()).then(|| places.get(records.len() - 1)).flatten();
    let mut value = run.describe(group, &app.words);
    value["observer"] = json!(app.site.node().0);
    value["records"] = Value::Array(records);
    value["next_after"] = next.map_or(Value::Null, |(seq, _)| json!(seq.0));
    Ok(json(&value))
}

/// A run with the places of its records.
struct Run {
    orphan: Orphan,
    /// Under which its records were written.
    class: Class,
    disposal: Option<Disposal>,
    places: Vec<(Seq, Option<Position>)>,
}

impl Run {
    fn policy(&self, words: &Words) -> Policy {
        (words.policy)(self.class, self.orphan.reason)
    }

    fn describe(&self, group: GroupId, words: &Words) -> Value {
        let mut value = group_view::orphan(group, &self.orphan, self.disposal.as_slice());
        let Policy { advised, allowed } = self.policy(words);
        value["class"] = json!(group_view::class(self.class));
        value["advised"] = json!(name(advised));
        value["allowed"] = allowed.iter().map(|one| name(*one)).collect();
        value
    }
}

/// The class under which a group was served in an epoch. No records are set aside of an epoch that was never
/// opened.
fn class_of<M: Model>(view: &NodeView<'_, M>, group: GroupId, epoch: Epoch) -> Class {
    let starts = view.node.register().group(group).map(|state| state.history.starts());
    let start = starts.and_then(|starts| starts.iter().find(|start| start.epoch == epoch));
    start.map_or(Class::Sync, |start| start.class)
}

async fn find<M: Model + Send + 'static>(
    app: &App<M>,
    group: GroupId,
    head: &str,
) -> Result<Run, Problem> {
    let digits = head.to_ascii_lowercase();
    if digits.len() < HEAD_DIGITS_MIN || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let detail = format!("want {HEAD_DIGITS_MIN} or more hexadecimal digits of a run's head");
        return Err(Problem::new(400, "bad-head", "That names no run.").detail(detail));
    }
    let found = app.handle.ask(move |view| {
        let here = view.node.group(group)?;
        let runs = here.orphans().iter().filter(|run| hash_hex(run.head).starts_with(&digits));
        let decided = disposals(view, group);
        let runs = runs.map(|run| Run {
            orphan: *run,
            class: class_of(view, group, run.epoch),
            disposal: decided.iter().find(|one| one.head == run.head).copied(),
            places: here.orphan_places(run).collect(),
        });
        Some(runs.collect::<Vec<_>>())
    });
    let mut runs = found.await?.ok_or_else(|| unknown_group(group, &app.site))?;
    match (runs.pop(), runs.is_empty()) {
        (Some(run), true) => Ok(run),
        (Some(_), false) => Err(Problem::new(409, "ambiguous", "More than one run has this head.")
            .detail("give more digits")),
        (None, _) => Err(Problem::new(404, "no-such-run", "This node has set aside no such run.")
            .detail("each node has its own: ask the others, or list them with /v1/orphans")),
    }
}

/// Reads a record back; or says why not, in words for people.
async fn read<M: Model + Send + 'static>(
    app: &App<M>,
    at: Option<Position>,
) -> Result<Result<Record, String>, Problem> {
    let Some(at) = at else {
        return Ok(Err("it never came to this node's disk".to_owned()));
    };
    Ok(match app.handle.read(at).await? {
        Ok(bytes) => Record::decode(bytes).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    })
}

/// Adds to each command what became of its id since, as this node has heard.
async fn became<M: Model + Send + 'static>(
    app: &App<M>,
    group: GroupId,
    run: &Run,
    records: &mut [Value],
) -> Result<(), Problem> {
    let commands = records.iter_mut().flat_map(|record| {
        let commands = record.get_mut("commands").and_then(Value::as_array_mut);
        commands.into_iter().flatten()
    });
    let mut commands: Vec<&mut Value> = commands.collect();
    let ids: Vec<Option<MessageId>> =
        commands.iter().map(|one| one["id"].as_str().and_then(read_id)).collect();
    let words = app.words;
    let head = run.orphan.head;
    let known = app.handle.ask(move |view| {
        let here = view.node.group(group);
        let known = |id: Option<MessageId>| {
            let known = here?.known(id?)?;
            let is_ours = known.origin.is_some_and(|origin| origin.head == head);
            Some((outcomes::became(&known, &words), is_ours))
        };
        ids.into_iter().map(known).collect::<Vec<_>>()
    });
    for (command, known) in commands.iter_mut().zip(known.await?) {
        if let Some((known, is_ours)) = known {
            command["became"] = known;
            command["became"]["out_of_this_run"] = json!(is_ours);
        }
    }
    Ok(())
}

/// What was decided about runs of a group.
pub(crate) fn disposals<'a, M: Model>(view: &NodeView<'a, M>, group: GroupId) -> &'a [Disposal] {
    view.node.register().group(group).map_or(&[], |state| &state.disposals)
}

fn describe(record: &Record, words: &Words) -> Value {
    let header = record.header();
    let commands = clients_commands(record).into_iter().map(|command| {
        json!({
            "id": hex(&command.id.0),
            "digest": hash_hex(command.digest),
            "not_after_us": command.not_after.0,
            "command": (words.describe)(&command.body),
        })
    });
    json!({
        "seq": header.seq.0,
        "kind": match header.kind {
            RecordKind::Commands => "commands",
            RecordKind::Channel => "channel",
            RecordKind::EpochStart => "epoch-start",
            RecordKind::Handoff => "handoff",
            RecordKind::Upgrade => "upgrade",
            RecordKind::Beat => "beat",
        },
        "stamp_us": header.stamp.0,
        "hash": hash_hex(record.hash()),
        "commands": commands.collect::<Vec<_>>(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
