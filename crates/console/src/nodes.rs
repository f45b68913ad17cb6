//! The nodes of the cluster: who they are, who comes and goes, and how far a newcomer is.
//!
//! An order admits a node or sends one away; what follows, the nodes do by themselves, and
//! `GET /v1/nodes` shows it. An id is never used twice: a lost disk comes back as another node.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Request;
use axum::response::Response;
use group::{MembershipOrder, NodeStep};
use model::Model;
use register::{Contact, Gone, Newcomer, Roster, RosterRefusal};
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{GroupId, MemberRole, NodeId};

use crate::orders::{refused, taken, unanswered};
use crate::router::App;
use crate::site::role;
use crate::{Problem, Site, json, parse};

/// A node that is to come.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Admit {
    /// Its number, as `next_id` of the list of nodes gives it.
    node: u16,
    /// Whose place it takes.
    replaces: Option<u16>,
    region: String,
    #[serde(default)]
    zone: String,
    #[serde(default)]
    role: Role,
    peers: String,
    http: String,
    reason: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    #[default]
    Full,
    Witness,
    Register,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remove {
    reason: String,
}

/// `GET /v1/nodes`.
pub(crate) async fn list<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    let site = app.site.clone();
    Ok(json(&app.handle.ask(move |view| all(&site, view)).await?))
}

/// `POST /v1/nodes`: one comes, in another's place or as one more.
pub(crate) async fn admit<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Admit { node, replaces, region, zone, role, peers, http, reason } = parse(&body)?;
    let contact = Contact { region, zone, peers, http };
    let newcomer = Newcomer {
        node: NodeId(node),
        role: match role {
            Role::Full => Some(MemberRole::Full),
            Role::Witness => Some(MemberRole::Witness),
            Role::Register => None,
        },
        place: app.site.place_for(&contact.region, &contact.zone),
        contact,
        replaces: replaces.map(NodeId),
    };
    order(&app, NodeStep::Admit(newcomer), actor, reason).await?;
    Ok(json(&json!({ "admitted": node, "replaces": replaces })))
}

/// `POST /v1/nodes/{node}/remove`: one goes, and none comes in its place.
pub(crate) async fn remove<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    Path(node): Path<String>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Remove { reason } = parse(&body)?;
    let number = node.strip_prefix('n').unwrap_or(&node).parse().map(NodeId).map_err(|_| {
        Problem::new(400, "bad-node", "That is no node's number.").detail("want `3` or `n3`")
    })?;
    order(&app, NodeStep::Dismiss(number), actor, reason).await?;
    Ok(json(&json!({ "removed": number.0 })))
}

async fn order<M: Model + Send + 'static>(
    app: &App<M>,
    step: NodeStep,
    actor: String,
    reason: String,
) -> Result<(), Problem> {
    let order = MembershipOrder { step, actor, reason };
    let ordered = app.handle.change_nodes(order).await.map_err(|_| unanswered("nodes"))?;
    ordered.map_err(|refusal| refused(&refusal))
}

/// Why the list of nodes was not changed, with what to do.
pub(crate) fn roster_refused(why: &RosterRefusal, text: String) -> Problem {
    let problem = |detail: String| {
        Problem::new(409, "refused", "The order is refused; nothing was changed.").detail(detail)
    };
    match why {
        RosterRefusal::Version { .. } => {
            Problem::new(409, "stale-epoch", "The nodes changed while the order was given.")
                .detail(format!("{text}; look again, and order again if it still fits"))
        }
        RosterRefusal::IdUsed { highest, .. } => problem(format!(
            "{text}: a lost disk comes back under a new id; the next free one is n{}",
            highest.0.saturating_add(1)
        )),
        RosterRefusal::Votes { .. } => problem(format!(
            "{text}. Add a node first (`evenkeel node add`), or replace this one \
             (`evenkeel node replace`)"
        )),
        RosterRefusal::Copies { group } => problem(format!(
            "{text}. Add a node in that region first (`evenkeel node add`), or replace this one \
             (`evenkeel node replace`)"
        ))
        .with("group", group.0),
        RosterRefusal::Place { .. } => problem(format!(
            "{text}. A node elsewhere is added (`evenkeel node add`), and the old one removed then"
        )),
        RosterRefusal::Address { .. } => {
            problem(format!("{text}. Name another address (`--peers`)"))
        }
        RosterRefusal::NotNamed { .. }
        | RosterRefusal::Forces
        | RosterRefusal::Unknown { .. }
        | RosterRefusal::IsGone { .. }
        | RosterRefusal::Full
        | RosterRefusal::Ids { .. }
        | RosterRefusal::NotMember { .. }
        | RosterRefusal::Same => problem(text),
    }
}

fn all<M: Model>(site: &Site, view: &NodeView<'_, M>) -> Value {
    let register = view.node.register();
    let roster = register.state().roster();
    let connected: Vec<NodeId> = view.node.connected().collect();
    let nodes = site.nodes().map(|node| {
        let is_self = node.id == site.node();
        let joined = roster.admitted().find(|one| one.node == node.id);
        json!({
            "node": node.id.0,
            "region": node.region,
            "zone": (!node.zone.is_empty()).then_some(node.zone.as_str()),
            "role": role(node.role),
            "url": node.url,
            "joined": joined.is_some(),
            "replaces": joined.and_then(|one| one.replaces).map(|node| node.0),
            "gone": roster.gone(node.id).map(|how| gone(&how)),
            "votes": roster.members().contains(&node.id),
            "connected": is_self || connected.contains(&node.id),
            "silent_us": view.node.watch().silence(node.id, view.now.instant),
        })
    });
    json!({
        "observer": site.node().0,
        "version": roster.version(),
        "next_id": roster.next_id().0,
        "generation": roster.generation(),
        "generations": generations(roster),
        "nodes": nodes.collect::<Vec<_>>(),
        "groups": view.node.groups().count(),
        "pending": pending(view),
    })
}

/// Groups that are to come to other members, and how far the learners are where their home is here.
pub(crate) fn pending<M: Model>(view: &NodeView<'_, M>) -> Vec<Value> {
    let groups = view.node.register().groups();
    let to_change = groups.filter_map(|(id, state)| Some((id, state, view.node.target(state)?)));
    let one = |(id, state, target): (GroupId, &register::GroupState, types::Config)| {
        let come = target.counted().filter(|node| !state.config.has(*node));
        let go = state.to_be().members().iter().filter(|node| !target.has(**node));
        let here = view.node.group(id).filter(|group| group.home_epoch().is_some());
        let learners = here.map(|group| {
            let status = group.status(view.now);
            let behind = status.peers.iter().filter(|peer| !peer.counts && target.has(peer.node));
            let behind = behind.map(|peer| {
                json!({
                    "node": peer.node.0,
                    "acked_seq": peer.acked.0,
                    "behind_records": status.appended.0.saturating_sub(peer.acked.0),
                    "behind_bytes": peer.behind_bytes,
                    "joined": peer.joined,
                })
            });
            behind.collect::<Vec<_>>()
        });
        json!({
            "group": id.0,
            "home": state.home.map(|home| home.0),
            "come": come.map(|node| node.0).collect::<Vec<_>>(),
            "go": go.map(|node| node.0).collect::<Vec<_>>(),
            "learners": learners,
        })
    };
    to_change.map(one).collect()
}

/// How a node is gone.
pub(crate) fn gone(gone: &Gone) -> Value {
    match gone {
        Gone::Dismissed => json!({ "how": "removed" }),
        Gone::Replaced { by } => json!({ "how": "replaced", "by": by.0 }),
        Gone::Lost => json!({ "how": "given-up" }),
    }
}

/// Every generation of the register's members after the first.
pub(crate) fn generations(roster: &Roster) -> Vec<Value> {
    let one = |one: &register::Generation| {
        json!({
            "generation": one.number,
            "members": one.members.iter().map(|node| node.0).collect::<Vec<_>>(),
            "forced": one.forced,
            "given_up": one.given_up.iter().map(|node| node.0).collect::<Vec<_>>(),
            "actor": one.actor,
            "reason": one.reason,
        })
    };
    roster.generations().iter().map(one).collect()
}
