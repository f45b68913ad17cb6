//! Deciding what becomes of a run that was set aside, and doing it.
//!
//! The decision is recorded first, in the register, where it is one for all regions and names who and
//! why. What it calls for is then done under ids that follow from the run, so that a request that
//! broke off is repeated as it was and does nothing twice. Nothing is deleted.

use axum::body::Body;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request};
use axum::response::Response;
use group::Decision;
use model::Model;
use register::Disposition;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{GroupId, Stamp};
use wire::{Command, Origin, OrphanReason, Reply};

use super::{Policy, Run, clients_commands, find, hex, read};
use crate::limits::JSON_BYTES_MAX;
use crate::orders::refused;
use crate::router::App;
use crate::status::group_number;
use crate::{Problem, hash_hex, json, parse, read_body};

/// How long a command of ours may wait for its group, in microseconds.
const WITHIN_US: u64 = 24 * 3_600 * 1_000_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    disposition: Name,
    reason: String,
    case: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Keep,
    Replay,
    Suspense,
    Cancel,
}

/// `POST /v1/orphans/{group}/{head}`.
pub(crate) async fn decide<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let actor = app.site.authorize(&parts.headers)?;
    let actor = actor.name().to_owned();
    let body = read_body(&parts.headers, body, JSON_BYTES_MAX).await?;
    let Order { disposition, reason, case } = parse(&body)?;
    let Path((group, head)) = path?;
    let group = group_number(&group)?;
    let run = find(&app, group, &head).await?;
    let disposition = match disposition {
        Name::Keep => Disposition::Keep,
        Name::Replay => Disposition::Replay,
        Name::Suspense => Disposition::Suspense,
        Name::Cancel => Disposition::Cancel,
    };
    let case = case.unwrap_or(0);
    if disposition == Disposition::Suspense && case == 0 {
        return Err(Problem::new(400, "no-case", "Amounts are posted to suspense under a case.")
            .detail("give the `case` in which people work on it: a number above 0"));
    }
    allowed(&app, &run, disposition)?;
    // What cannot be read cannot be carried out: that is said before anything is decided.
    let commands = match disposition {
        Disposition::Keep => Vec::new(),
        Disposition::Replay | Disposition::Suspense | Disposition::Cancel => {
            commands(&app, &run).await?
        }
    };
    let decision = Decision { group, run: run.orphan, disposition, case, actor, reason };
    let taken = app.handle.dispose(decision).await.map_err(|_| {
        Problem::new(504, "unknown-outcome", "It is not known whether the decision was taken.")
            .detail("this node is stopping; repeat the same request elsewhere")
    })?;
    taken.map_err(|refusal| refused(&refusal))?;
    let mut done = Vec::with_capacity(commands.len());
    for command in commands {
        done.push(match disposition {
            Disposition::Keep | Disposition::Replay => replay(&app, group, command).await?,
            Disposition::Cancel => withdraw(&app, group, &command, 0).await?,
            Disposition::Suspense => withdraw(&app, group, &command, case).await?,
        });
    }
    let is_complete = done.iter().all(|one| one["outcome"] != "unknown");
    Ok(json(&json!({
        "group": group.0,
        "head": hash_hex(run.orphan.head),
        "disposition": name(disposition),
        "case": (case > 0).then_some(case),
        "complete": is_complete,
        "next_step": (!is_complete).then_some("repeat the same request: nothing is done twice"),
        "commands": done,
    })))
}

/// Whether the application allows this for such a run.
fn allowed<M>(app: &App<M>, run: &Run, wanted: Disposition) -> Result<(), Problem> {
    let Policy { allowed, .. } = run.policy(&app.words);
    if allowed.contains(&wanted) {
        return Ok(());
    }
    let names: Vec<&str> = allowed.iter().map(|one| name(*one)).collect();
    let detail = match (run.orphan.reason, wanted) {
        (OrphanReason::Superseded, Disposition::Replay | Disposition::Suspense) => {
            "nobody was told that these were done: whoever sent them may have gone elsewhere, or has asked \
             again and been answered"
        }
        _ => "the application does not allow it for such a run",
    };
    Err(Problem::new(409, "refused", "That is not what may become of this run.")
        .detail(detail)
        .with("allowed", names))
}

/// How a disposition is called.
pub(crate) const fn name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Keep => "keep",
        Disposition::Replay => "replay",
        Disposition::Suspense => "suspense",
        Disposition::Cancel => "cancel",
    }
}

/// All commands of a run as clients had sent them, with where they come from.
async fn commands<M: Model + Send + 'static>(
    app: &App<M>,
    run: &Run,
) -> Result<Vec<Command>, Problem> {
    let mut commands = Vec::new();
    for (seq, at) in &run.places {
        let (epoch, head) = (run.orphan.epoch, run.orphan.head);
        let record = read(app, *at).await?.map_err(|why| {
            Problem::new(409, "unreadable", "A record of the run cannot be read at this node.")
                .detail(format!("{why}; another node may hold the same run"))
                .with("seq", seq.0)
        })?;
        // One that was lost twice comes from where it was lost last: there the first is named.
        let origin = Some(Origin { epoch, seq: *seq, head });
        let handed_in = clients_commands(&record).into_iter();
        commands.extend(handed_in.map(|command| Command { origin, ..command }));
    }
    Ok(commands)
}

/// Hands a command in again as it was, within its own time.
async fn replay<M: Model + Send + 'static>(
    app: &App<M>,
    group: GroupId,
    command: Command,
) -> Result<Value, Problem> {
    let (id, what) = (command.id, (app.words.describe)(&command.body));
    let reply = app.handle.command(group, command, None).await;
    let (word, status) = match reply {
        Ok(Reply::Done { repeated, outcome, .. }) => {
            let word = if repeated { "done-before" } else { "done" };
            (word, Some((app.words.outcome)(&outcome).word))
        }
        Ok(Reply::Conflict { .. }) => ("conflict", None),
        Ok(Reply::Expired) => ("expired", None),
        Ok(_) | Err(_) => ("unknown", None),
    };
    Ok(json!({ "id": hex(&id.0), "outcome": word, "status": status, "command": what }))
}

/// Takes a command's id for good without doing what it says; under a case, what it would have moved is posted
/// to suspense in the same step. One that has its outcome keeps it.
async fn withdraw<M: Model + Send + 'static>(
    app: &App<M>,
    group: GroupId,
    command: &Command,
    case: u64,
) -> Result<Value, Problem> {
    let what = (app.words.describe)(&command.body);
    let not_after = Stamp(app.handle.clock().wall().0.saturating_add(WITHIN_US));
    let (word, status) = match (app.words.withdraw)(command, case, not_after) {
        None => ("left", None),
        Some(withdrawal) => match app.handle.command(group, withdrawal, None).await {
            Ok(Reply::Done { outcome, repeated, .. }) => {
                let outcome = (app.words.outcome)(&outcome);
                let word = match (outcome.is_withdrawal, repeated) {
                    (true, false) => "withdrawn",
                    (true, true) => "withdrawn-before",
                    (false, _) => "done-before",
                };
                (word, Some(outcome.word))
            }
            Ok(Reply::Conflict { .. }) => ("conflict", None),
            Ok(_) | Err(_) => ("unknown", None),
        },
    };
    Ok(json!({ "id": hex(&command.id.0), "outcome": word, "status": status, "command": what }))
}
