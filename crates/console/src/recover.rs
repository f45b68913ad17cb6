//! When the register's majority is lost for good: two people begin it anew with those that are left.
//!
//! The first asks with the administrators' token and is shown what may be lost. The survivor then writes a
//! confirmation code to its own log, and only there, with who is given up and the gist of what was shown: the
//! second is somebody who can read that log. With the code, and both names, the order is carried out. The
//! code is good for a quarter of an hour, for what was shown and for nobody else's order or reason; it is
//! forgotten by a restart and after a few wrong ones, of which each is logged. The node compares once more
//! what it would come to when it carries the order out.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use group::RecoverOrder;
use model::Model;
use register::Inheritance;
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json};
use types::NodeId;

use crate::limits::{ACTOR_BYTES_MAX, CODE_LIFE_US};
use crate::orders::{refused, taken};
use crate::router::App;
use crate::{Problem, group_view, json, parse};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recover {
    /// Who is left; the asked node alone if absent.
    survivors: Option<Vec<u16>>,
    /// Of whom whoever orders it has made sure that they are stopped for good: everybody who is given up.
    #[serde(default)]
    stopped: Vec<u16>,
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
    let Recover { survivors, stopped, reason, ordered_by, code, confirmed_by } = parse(&body)?;
    let actor = ordered_by.map_or(actor, |name| name.trim().to_owned());
    let me = app.site.node();
    let mut survivors: Vec<NodeId> =
        survivors.map_or_else(|| vec![me], |all| all.into_iter().map(NodeId).collect());
    survivors.sort_unstable();
    survivors.dedup();
    let stopped = stopped.into_iter().map(NodeId).collect();
    let looked = survivors.clone();
    let look = app.handle.ask(move |view| {
        let inheritance = view.node.may_recover(view.now, &looked)?;
        let standing = standing(view, &looked, &inheritance);
        Ok((plan(view, &looked, &inheritance), standing, inheritance, view.now))
    });
    let (plan, standing, agreed, now) = look.await?.map_err(|refusal| refused(&refusal))?;
    let what = wire::digest(format!("{standing} {plan} {actor:?} {reason:?}").as_bytes());
    let gist: String = what.0[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let Some(code) = code else {
        let code = app.site.confirmation(what, now.wall).ok_or_else(|| {
            Problem::new(409, "refused", "No confirmation code can be made.")
                .detail("this node's private key cannot be read; see credentials.folder")
        })?;
        let minutes = CODE_LIFE_US / 60_000_000;
        tracing::warn!(
            %actor, %reason, %code, %gist, given_up = %plan["given_up"], entries = %plan["entries_here"],
            "the register is to be begun anew by force with {survivors:?}: whoever reads this, has seen what \
             may be lost and agrees gives the code to whoever ordered it within {minutes} minutes. \
             Decisions that only the others know are lost"
        );
        app.confirmations.open(what, code, now.instant);
        return Ok(json(&json!({
            "needs": "code",
            "where": "in the log of this node, at its machine",
            "minutes": minutes,
            "gist": gist,
            "plan": plan,
        })));
    };
    app.confirmations.check(what, code.trim(), now.instant).map_err(|error| {
        tracing::warn!(%actor, %reason, %error, "a confirmation code was refused");
        Problem::new(403, "wrong-code", "The confirmation code does not confirm this.").detail(format!(
            "{error}. Order again without a code: this node writes a new one to its log. It changes with the \
             register, what may be lost, the survivors, the name of whoever orders it, and the reason"
        ))
    })?;
    let second = confirmed_by.unwrap_or_default();
    let second = second.trim();
    let both = format!("{actor} and {second}");
    if second.is_empty() || second == actor || both.len() > ACTOR_BYTES_MAX {
        return Err(Problem::new(400, "bad-actor", "Two people are needed.").detail(format!(
            "confirmed_by: want the name of whoever read the code, another than {actor}; both \
             together at most {ACTOR_BYTES_MAX} bytes"
        )));
    }
    let order = RecoverOrder { survivors, stopped, plan: agreed, actor: both, reason };
    let ordered = app.handle.recover_register(order).await.map_err(|_| {
        Problem::new(504, "unknown-outcome", "It is not known whether the order was taken.")
            .detail("this node is stopping; look at its status before ordering again")
    })?;
    ordered.map_err(|refusal| refused(&refusal))?;
    app.confirmations.used();
    Ok(json(&json!({ "needs": null, "plan": plan })))
}

/// What the code must change with.
fn standing<M: Model>(
    view: &NodeView<'_, M>,
    survivors: &[NodeId],
    inheritance: &Inheritance,
) -> String {
    let Inheritance { generation, given_up, own, .. } = inheritance;
    let digest = view.node.register().digest();
    format!("{generation} {} {digest:?} {survivors:?} {given_up:?}", own.accepted)
}

/// What is given up, and what may be lost with it.
fn plan<M: Model>(
    view: &NodeView<'_, M>,
    survivors: &[NodeId],
    inheritance: &Inheritance,
) -> Value {
    let register = view.node.register();
    let groups = register.groups().filter_map(|(id, state)| {
        let home = state.home.filter(|home| !survivors.contains(home))?;
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
    let numbers = |nodes: &[NodeId]| nodes.iter().map(|node| node.0).collect::<Vec<_>>();
    let others = inheritance.others.iter().map(|(node, reach)| {
        json!({ "node": node.0, "entries": reach.accepted, "known_decided": reach.decided })
    });
    json!({
        "survivors": numbers(survivors),
        "given_up": numbers(&inheritance.given_up),
        "generation_now": register.generation().0,
        "generation_then": inheritance.generation,
        "entries_here": inheritance.own.accepted,
        "entries_known_decided_here": inheritance.own.decided,
        "other_survivors": others.collect::<Vec<_>>(),
        "chosen": "this node: no other survivor's log was accepted later or is longer",
        "may_be_lost": "decisions that this node has not heard of: homes moved, nodes admitted, runs \
                        disposed of, versions raised. What the nodes given up say counts for nothing any \
                        more; one that returns says what it had decided beyond this",
        "must_be_stopped": "every node in `given_up`: two of them that run on, cut off from here, \
                            acknowledge payments that are set aside when they hear of this",
        "groups_without_home": groups.collect::<Vec<_>>(),
        "then": [
            "evenkeel failover --forced --wait --to REGION, for groups whose home is given up",
            "evenkeel groups degrade, if too few members for a commit are left",
            "evenkeel node replace, for each node given up",
        ],
    })
}
