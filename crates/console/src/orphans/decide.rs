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
use wire::{Command, OrphanReason, Reply};

use super::{Run, clients_commands, find, hex, read};
use crate::limits::JSON_BYTES_MAX;
use crate::orders::refused;
use crate::router::App;
use crate::status::group_number;
use crate::{Problem, hash_hex, json, parse, read_body};

/// How long what is posted to suspense may wait for its group, in microseconds.
const SUSPENSE_WITHIN_US: u64 = 24 * 3_600 * 1_000_000;

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
    };
    let case = case.unwrap_or(0);
    if disposition == Disposition::Suspense && case == 0 {
        return Err(Problem::new(400, "no-case", "Amounts are posted to suspense under a case.")
            .detail("give the `case` in which people work on it: a number above 0"));
    }
    if disposition == Disposition::Replay && run.orphan.reason == OrphanReason::Superseded {
        return Err(Problem::new(409, "refused", "Nobody was told that these were done.").detail(
            "whoever sent them may have gone elsewhere, or has asked again and been answered: keep \
             the run for the audit",
        ));
    }
    // What cannot be read cannot be carried out: that is said before anything is decided.
    let commands = match disposition {
        Disposition::Replay | Disposition::Suspense => commands(&app, &run).await?,
        Disposition::Keep | Disposition::Cancel => Vec::new(),
    };
    let decision = Decision { group, run: run.orphan, disposition, case, actor, reason };
    let taken = app.handle.dispose(decision).await.map_err(|_| {
        Problem::new(504, "unknown-outcome", "It is not known whether the decision was taken.")
            .detail("this node is stopping; repeat the same request elsewhere")
    })?;
    taken.map_err(|refusal| refused(&refusal))?;
    let done = match disposition {
        Disposition::Keep | Disposition::Cancel => Vec::new(),
        Disposition::Replay => carry_out(&app, group, commands).await?,
        Disposition::Suspense => {
            let until = app.handle.clock().wall().0.saturating_add(SUSPENSE_WITHIN_US);
            let postings = (app.words.suspend)(case, run.orphan.head, &commands, Stamp(until));
            carry_out(&app, group, postings).await?
        }
    };
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

/// How a disposition is called.
pub(crate) const fn name(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Keep => "keep",
        Disposition::Replay => "replay",
        Disposition::Suspense => "suspense",
        Disposition::Cancel => "cancel",
    }
}

/// All commands of a run, as clients had sent them.
async fn commands<M: Model + Send + 'static>(
    app: &App<M>,
    run: &Run,
) -> Result<Vec<Command>, Problem> {
    let mut commands = Vec::new();
    for (seq, at) in &run.places {
        let record = read(app, *at).await?.map_err(|why| {
            Problem::new(409, "unreadable", "A record of the run cannot be read at this node.")
                .detail(format!("{why}; another node may hold the same run"))
                .with("seq", seq.0)
        })?;
        commands.extend(clients_commands(&record));
    }
    Ok(commands)
}

/// Hands commands to their group one after the other, and says what each came to.
async fn carry_out<M: Model + Send + 'static>(
    app: &App<M>,
    group: GroupId,
    commands: Vec<Command>,
) -> Result<Vec<Value>, Problem> {
    let mut done = Vec::with_capacity(commands.len());
    for command in commands {
        let (id, what) = (command.id, (app.words.describe)(&command.body));
        let outcome = match app.handle.command(group, command, None).await {
            Ok(Reply::Done { repeated: false, .. }) => "done",
            Ok(Reply::Done { repeated: true, .. }) => "done-before",
            Ok(Reply::Conflict { .. }) => "conflict",
            Ok(Reply::Expired) => "expired",
            Ok(_) | Err(_) => "unknown",
        };
        done.push(json!({ "id": hex(&id.0), "outcome": outcome, "command": what }));
    }
    Ok(done)
}
