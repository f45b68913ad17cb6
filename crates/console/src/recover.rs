//! When the register's majority is lost for good: two people begin it anew with those that are left.
//!
//! The first asks with the administrators' token and is shown what may be lost. The survivor then writes a
//! confirmation code to its own log, and only there: the second is somebody who can read that log. With
//! the code, and both names, the order is carried out. The code follows from the node's private key and
//! from how the register stands, so nothing is remembered between the two requests, and an old code is of
//! no use once anything has changed.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use group::RecoverOrder;
use model::Model;
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json};
use types::NodeId;

use crate::limits::ACTOR_BYTES_MAX;
use crate::orders::{refused, taken};
use crate::router::App;
use crate::{Problem, group_view, guard, json, parse};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recover {
    /// Who is left; the asked node alone if absent.
    survivors: Option<Vec<u16>>,
    reason: String,
    /// Who orders it, in place of the header's actor.
    ordered_by: Option<String>,
    /// What the survivor's log says.
    code: Option<String>,
    /// Who read it there.
    confirmed_by: Option<String>,
}

/// `POST /v1/register/recover`.
pub(crate) async fn recover<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Recover { survivors, reason, ordered_by, code, confirmed_by } = parse(&body)?;
    let actor = ordered_by.map_or(actor, |name| name.trim().to_owned());
    let me = app.site.node();
    let mut survivors: Vec<NodeId> =
        survivors.map_or_else(|| vec![me], |all| all.into_iter().map(NodeId).collect());
    survivors.sort_unstable();
    survivors.dedup();
    let asked = RecoverOrder { survivors, actor: actor.clone(), reason: reason.clone() };
    let looked = asked.clone();
    let look = app.handle.ask(move |view| match view.node.cannot_recover(view.now, &looked) {
        Some(refusal) => Err(refusal),
        None => Ok((plan(view, &looked), standing(view, &looked))),
    });
    let (plan, standing) = look.await?.map_err(|refusal| refused(&refusal))?;
    let expected = app.site.confirmation(&standing).ok_or_else(|| {
        Problem::new(409, "refused", "No confirmation code can be made.")
            .detail("this node's private key cannot be read; see credentials.folder")
    })?;
    let Some(code) = code else {
        tracing::warn!(
            %actor, %reason, code = %expected,
            "the register is to be begun anew by force with {:?}: whoever reads this and agrees gives \
             the code to whoever ordered it. Decisions that only the others know are lost",
            asked.survivors
        );
        return Ok(json(&json!({
            "needs": "code",
            "where": "in the log of this node, at its machine",
            "plan": plan,
        })));
    };
    if !guard::same(code.trim().as_bytes(), expected.as_bytes()) {
        return Err(Problem::new(403, "wrong-code", "The confirmation code is another.").detail(
            "read it anew in the log of this node: it changes with the register and the survivors",
        ));
    }
    let second = confirmed_by.unwrap_or_default();
    let second = second.trim();
    let both = format!("{actor} and {second}");
    if second.is_empty() || second == actor || both.len() > ACTOR_BYTES_MAX {
        return Err(Problem::new(400, "bad-actor", "Two people are needed.").detail(format!(
            "confirmed_by: want the name of whoever read the code, another than {actor}; both \
             together at most {ACTOR_BYTES_MAX} bytes"
        )));
    }
    let order = RecoverOrder { actor: both, ..asked };
    let ordered = app.handle.recover_register(order).await.map_err(|_| {
        Problem::new(504, "unknown-outcome", "It is not known whether the order was taken.")
            .detail("this node is stopping; look at its status before ordering again")
    })?;
    ordered.map_err(|refusal| refused(&refusal))?;
    Ok(json(&json!({ "needs": null, "plan": plan })))
}

/// What the code must change with.
fn standing<M: Model>(view: &NodeView<'_, M>, order: &RecoverOrder) -> String {
    let register = view.node.register();
    let survivors: Vec<u16> = order.survivors.iter().map(|node| node.0).collect();
    let (generation, accepted) = (register.generation().0, register.accepted());
    format!("{generation} {accepted} {:?} {survivors:?}", register.digest())
}

/// What is given up, and what may be lost with it.
fn plan<M: Model>(view: &NodeView<'_, M>, order: &RecoverOrder) -> Value {
    let register = view.node.register();
    let roster = register.state().roster();
    let given_up: Vec<u16> = {
        let others = roster.members().iter().filter(|node| !order.survivors.contains(node));
        others.map(|node| node.0).collect()
    };
    let groups = register.groups().filter_map(|(id, state)| {
        let home = state.home.filter(|home| !order.survivors.contains(home))?;
        let here = view.node.group(id)?;
        let status = here.status(view.now);
        Some(json!({
            "group": id.0,
            "home": home.0,
            "epoch": state.epoch.0,
            "role_here": group_view::role(&status.role),
            "durable_here": status.durable.0,
            "committed_as_known_here": status.commit.0,
            "may_be_lost": "what its home acknowledged above `durable_here` and no survivor holds",
        }))
    });
    json!({
        "survivors": order.survivors.iter().map(|node| node.0).collect::<Vec<_>>(),
        "given_up": given_up,
        "generation_now": register.generation().0,
        "generation_then": register.generation().0 + 1,
        "entries_here": register.accepted(),
        "entries_known_decided_here": register.applied(),
        "may_be_lost": "decisions that this node has not heard of: homes moved, nodes admitted, runs \
                        disposed of, versions raised. Of several survivors order it at the one with most \
                        entries. The nodes given up never vote again; one that returns says what it \
                        had decided beyond this",
        "groups_without_home": groups.collect::<Vec<_>>(),
        "then": [
            "evenkeel failover --forced --wait --to REGION, for groups whose home is given up",
            "evenkeel groups degrade, if too few members for a commit are left",
            "evenkeel node replace, for each node given up",
        ],
    })
}
