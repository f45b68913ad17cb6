//! Why a group moved or did not: every reason with its numbers, and what to do about it.

mod base;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use group::{Explanation, GroupStatus, RoleStatus};
use model::Model;
use register::Phase;
use replication::Lack;
use runtime::NodeRole;
use serde::Deserialize;
use serde_json::{Value, json};
use steering::Stay;
use types::{GroupId, NodeId};
use wire::{Contradiction, Fault};

use crate::router::App;
use crate::site::role;
use crate::status::{group_number, looks, unknown_group};
use crate::{Problem, Site, SiteNode, group_view, json, models, phase};

/// What is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    group: Option<String>,
}

/// One reason, for machines and for people.
struct Reason {
    name: &'static str,
    figures: Value,
    text: String,
    next: String,
}

/// `GET /v1/explain?group=7`; without a group, all of them.
pub(crate) async fn explain<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(which) = which?;
    let groups = match which.group.as_deref() {
        None | Some("all") => 0..app.site.groups(),
        Some(text) => {
            let group = group_number(text)?;
            if group.0 >= app.site.groups() {
                return Err(unknown_group(group, &app.site));
            }
            group.0..group.0 + 1
        }
    };
    let mut explained = Vec::new();
    for some in looks(groups) {
        let looked = app.handle.ask(move |view| {
            let some = some.map(GroupId).filter_map(|group| {
                let explanation = view.node.explain(view.now, group)?;
                let status = view.node.group(group)?.status(view.now);
                Some((group, explanation, status))
            });
            some.collect::<Vec<_>>()
        });
        for (group, explanation, status) in looked.await? {
            explained.push(one(&app.site, group, &explanation, &status));
        }
    }
    Ok(json(&json!({
        "observer": app.site.node().0,
        "region": app.site.region(),
        "explanations": explained,
    })))
}

fn one(site: &Site, group: GroupId, explanation: &Explanation, status: &GroupStatus) -> Value {
    let GroupStatus { role, faults, .. } = status;
    let (state, sight) = (&explanation.state, &explanation.sight);
    let mut reasons = of_the_model(site, explanation, status);
    if let RoleStatus::Candidate { lacks: Some(lack), for_us } = role {
        reasons.push(waits(site, lack, *for_us));
    }
    reasons.extend(explanation.stays.iter().map(|stay| stays(site, explanation.about, stay)));
    reasons.extend(status.contradiction.as_ref().map(contradicted));
    reasons.extend((!faults.is_empty()).then(|| damaged(faults)));
    reasons.extend(base::reasons(site, status));
    reasons.extend(learning(site, status));
    let headline = headline(site, group, explanation, role, status.bar.is_some());
    let lines = reasons.iter().map(|reason| format!("- {} Next: {}", reason.text, reason.next));
    let text = core::iter::once(headline).chain(lines).collect::<Vec<_>>().join("\n");
    let reasons = reasons.into_iter().map(|reason| {
        let Reason { name, figures, text, next } = reason;
        json!({ "name": name, "figures": figures, "text": text, "next_step": next })
    });
    json!({
        "group": group.0,
        "home": state.home.map(|home| home.0),
        "home_region": state.home.map(|home| site.region_of(home)),
        "epoch": state.epoch.0,
        "phase": phase(&state.phase),
        "role": group_view::role(role),
        "watched": explanation.about.map(|node| node.0),
        "heirs": explanation.heirs.iter().map(|node| node.0).collect::<Vec<_>>(),
        "sight": {
            "silent_us": sight.silent_us,
            "observers": sight.observers.iter().map(|node| node.0).collect::<Vec<_>>(),
            "register_reachable": sight.register,
            "unreachable": sight.unreachable.iter().map(|node| node.0).collect::<Vec<_>>(),
            "since_unplanned_move_us": sight.moved_us,
            "rank": sight.rank,
            "skew_us": sight.skew_us,
        },
        "reasons": reasons.collect::<Vec<_>>(),
        "last_change": { "actor": state.actor, "reason": state.reason },
        "text": text,
    })
}

/// Nodes that the home brings up, and how far they are.
fn learning(site: &Site, status: &GroupStatus) -> Option<Reason> {
    let learners = || status.peers.iter().filter(|peer| !peer.counts);
    let behind = |peer: &group::PeerStatus| status.appended.0.saturating_sub(peer.acked.0);
    let named = learners().map(|peer| {
        let region = site.region_of(peer.node);
        format!("{} ({region}) lacks {} of {} records", peer.node, behind(peer), status.appended)
    });
    let named: Vec<String> = named.collect();
    let figures =
        learners().map(|peer| json!({ "node": peer.node.0, "behind_records": behind(peer) }));
    (!named.is_empty()).then(|| Reason {
        name: "learners",
        figures: json!(figures.collect::<Vec<_>>()),
        text: format!("{}, and does not count yet.", named.join("; ")),
        next: "nothing, if it is on its way: it counts when it holds the records (`evenkeel node list`); \
               a member that was left out is taken back by `evenkeel groups restore`."
            .to_owned(),
    })
}

/// What the model's versions and digests have to say.
fn of_the_model(site: &Site, explanation: &Explanation, status: &GroupStatus) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let figures = models::standing(status);
    if let Some(bar) = &status.bar {
        let (text, next) = models::words(site, bar);
        let (text, next) = (format!("{text}."), format!("{next}."));
        reasons.push(Reason { name: "barred", figures: figures.clone(), text, next });
    }
    if let Some(text) = models::differing(site, &status.differing) {
        let next =
            "look at `explain` of those nodes; if only two can be compared, nobody can tell \
                    which is right until a third is heard."
                .to_owned();
        reasons.push(Reason { name: "states-differ", figures, text: format!("{text}."), next });
    }
    let (ordered, (in_force, _)) = (explanation.state.model, status.version);
    if ordered > in_force && status.bar.is_none() {
        reasons.push(Reason {
            name: "upgrade-waits",
            figures: json!({ "ordered": ordered.0, "in_force": in_force.0 }),
            text: format!(
                "model version {ordered} was ordered and {in_force} is in force: the home waits \
                 until every member is there and says that its code can run it."
            ),
            next: "see `evenkeel model show`; start those nodes, or start them with newer code."
                .to_owned(),
        });
    }
    reasons
}

fn headline(
    site: &Site,
    group: GroupId,
    explanation: &Explanation,
    role: &RoleStatus,
    is_barred: bool,
) -> String {
    let state = &explanation.state;
    let place = |node| site.find(node).map_or_else(String::new, SiteNode::place);
    let home = match state.home {
        Some(home) => format!("home {} in {}, epoch {}", home, place(home), state.epoch.0),
        None => "no home yet".to_owned(),
    };
    let phase = match state.phase {
        Phase::Active => String::new(),
        Phase::Sealing { epoch, candidate, .. } => {
            format!("; {candidate} is taking it over under epoch {}", epoch.0)
        }
    };
    let last = match (state.actor.as_str(), state.reason.as_str()) {
        ("", _) => String::new(),
        (actor, reason) => format!(" Last change by {actor}: {reason}."),
    };
    let me = site.node();
    let verdict = match (role, explanation.about) {
        (RoleStatus::Home, _) if explanation.heirs.is_empty() && site.nodes().count() > 1 => {
            format!(
                "{me} is the home, and nobody could take it over: no other full member shows progress."
            )
        }
        (RoleStatus::Home, _) => format!("{me} is the home."),
        (RoleStatus::Candidate { .. }, _) => format!("{me} is taking it over."),
        (RoleStatus::Quarantined, _) => {
            format!("{me} is out of service for it: its records contradict a peer's.")
        }
        _ if site.role_of(me) == NodeRole::Witness => {
            format!("{me} is a witness: it keeps the end of the journal and is never home.")
        }
        _ if site.role_of(me) == NodeRole::Register => {
            format!("{me} has a vote in the register and no part in groups.")
        }
        (_, _) if is_barred => format!("{me} cannot serve it, because:"),
        (_, Some(about)) if about == me => format!("{me} is asked for, and starts."),
        (_, _) if explanation.stays.is_empty() => format!("{me} is about to take it over."),
        _ => format!("{me} does not take it over, because:"),
    };
    format!("{group}: {home}{phase}.{last} {verdict}")
}

/// Why the policy leaves a group where it is.
fn stays(site: &Site, about: Option<NodeId>, stay: &Stay) -> Reason {
    let whom = about.map_or_else(|| "its home".to_owned(), |node| named(site, node));
    match stay {
        Stay::NotAutomatic => Reason {
            name: "not-automatic",
            figures: json!({}),
            text: "the configuration leaves failover to operators (failover.automatic: false)."
                .to_owned(),
            next: "if the home is lost, order `failover`.".to_owned(),
        },
        Stay::Progress { silent_us, detect_us } => Reason {
            name: "home-makes-progress",
            figures: json!({ "silent_us": silent_us, "detect_us": detect_us }),
            text: format!(
                "{whom} has shown no durable progress for {}, less than the {} that are waited.",
                millis(*silent_us),
                millis(*detect_us)
            ),
            next: "none, unless the group is to be elsewhere: then order `switchover`.".to_owned(),
        },
        Stay::Vantage { seen_by, needed } => Reason {
            name: "too-few-vantage-points",
            figures: json!({ "seen_by": seen_by, "needed": needed }),
            text: format!(
                "{seen_by} of {needed} nodes needed see the silence of {whom}; the fault may be \
                 in a link."
            ),
            next: format!("look at the links to {whom} from every region."),
        },
        Stay::NoRegister => Reason {
            name: "no-register",
            figures: json!({}),
            text: "this node reaches no majority of the register, which alone issues epochs."
                .to_owned(),
            next: "bring back nodes or links until a majority hears each other.".to_owned(),
        },
        Stay::NoSealSet(missing) => Reason {
            name: "no-seal-set",
            figures: json!({ "missing": missing.iter().map(|node| node.0).collect::<Vec<_>>() }),
            text: format!(
                "too few members can be reached to prove what was committed; missing: {}.",
                all(site, missing)
            ),
            next:
                "bring one of them back; or order `failover --forced`, which may lose acknowledged \
                   payments."
                    .to_owned(),
        },
        Stay::NoCopies(missing) => Reason {
            name: "no-copies",
            figures: json!({ "missing": missing.iter().map(|node| node.0).collect::<Vec<_>>() }),
            text: format!(
                "{whom} is there and commits stand still: too few members can be reached to hold copies, \
                 and another home would lack them, too; missing: {}.",
                all(site, missing)
            ),
            next:
                "bring one of them back, replace it (`evenkeel node replace`), or order `degrade`."
                    .to_owned(),
        },
        Stay::Residence { left_us } => Reason {
            name: "residence",
            figures: json!({ "left_us": left_us }),
            text: format!(
                "it was moved without its old home a short while ago and stays for another {}.",
                millis(*left_us)
            ),
            next: "wait, or order `failover`.".to_owned(),
        },
        Stay::Clock { skew_us } => Reason {
            name: "clock-off",
            figures: json!({ "skew_us": skew_us }),
            text: format!(
                "this node's clock is {} off the median of all nodes, too far for a home.",
                millis(*skew_us)
            ),
            next: "mend this machine's time synchronisation.".to_owned(),
        },
        Stay::NotMember => Reason {
            name: "not-a-member",
            figures: json!({}),
            text: "this node is not a member of its configuration, and does not hold what was \
                   committed without it."
                .to_owned(),
            next: format!(
                "bring {whom} back; or, if that is lost for good, order `failover` with kind \
                 `forced`, which may lose what it acknowledged."
            ),
        },
        Stay::Rank { left_us } => Reason {
            name: "not-in-line",
            figures: json!({ "left_us": left_us }),
            text: format!(
                "another live member is first in line and is given another {}.",
                millis(*left_us)
            ),
            next: "none.".to_owned(),
        },
    }
}

/// What a takeover by this node waits for.
fn waits(site: &Site, lack: &Lack, for_us: u64) -> Reason {
    let since = format!("the takeover by this node has been under way for {}", millis(for_us));
    let (name, text, next) = match lack {
        Lack::Promises(nodes) => (
            "lacks-promises",
            format!(
                "{since} and lacks promises to refuse the old home; these would help: {}.",
                all(site, nodes)
            ),
            "bring one of them back; or order `failover --forced`, which may lose acknowledged \
             payments.",
        ),
        Lack::History(seq) => (
            "lacks-history",
            format!(
                "{since}; the register knows of records up to {seq}, and no sealed member's chain \
                 reaches that far."
            ),
            "bring back a member that holds the chain.",
        ),
        Lack::Copies(nodes) => (
            "lacks-copies",
            format!("{since}; the chain is still being copied to: {}.", all(site, nodes)),
            "wait; if none of them is reachable, bring one back.",
        ),
        Lack::Record { seq, from } => (
            "lacks-record",
            format!(
                "{since}; record {seq} cannot be read on any sealed member, and too few of them are sure \
                 that they never had it. Any of these would help, by having it, by being sure, or once \
                 repaired: {}.",
                all(site, from)
            ),
            "bring one of them back; or order `failover --forced`, which gives up that record and all \
             after it.",
        ),
    };
    let figures = json!({ "for_us": for_us, "lack": group_view::lack(lack) });
    Reason { name, figures, text, next: next.to_owned() }
}

/// What here contradicts another member, and how that ends.
fn contradicted(one: &Contradiction) -> Reason {
    let Contradiction { seq, peer } = one;
    Reason {
        name: "contradicted",
        figures: json!({ "seq": seq.0, "node": peer.0 }),
        text: format!(
            "at record {seq} what is here and what {peer} holds or says cannot both be right. This node says \
             nothing of the group any more, counts for no copy and no takeover, and deletes nothing; a new \
             start changes nothing about it."
        ),
        next: "keep this node's folder for whoever looks into it, then `evenkeel node replace`."
            .to_owned(),
    }
}

/// What this node cannot read, and what comes of it.
fn damaged(faults: &[Fault]) -> Reason {
    let ranges = faults.iter().map(|fault| match fault.last {
        Some(last) if last == fault.first => format!("record {last} cannot be read"),
        Some(last) => format!("records {} to {last} cannot be read", fault.first),
        None => format!("records from {} on may have been held and are gone", fault.first),
    });
    let ranges = ranges.collect::<Vec<_>>().join("; ");
    Reason {
        name: "damaged-here",
        figures: json!({ "faults": faults.iter().map(group_view::fault).collect::<Vec<_>>() }),
        text: format!(
            "on this node {ranges}. It vouches for nothing from there on until it has them from another \
             member, or the home or a later epoch has said that nothing is missing."
        ),
        next: "none while another member that has them can be reached; check this node's disk."
            .to_owned(),
    }
}

fn named(site: &Site, node: NodeId) -> String {
    let Some(known) = site.find(node) else { return node.to_string() };
    match known.role {
        NodeRole::Full => format!("{node} ({})", known.place()),
        NodeRole::Witness | NodeRole::Register => {
            format!("{node} ({}, {})", known.place(), role(known.role))
        }
    }
}

fn all(site: &Site, nodes: &[NodeId]) -> String {
    nodes.iter().map(|node| named(site, *node)).collect::<Vec<_>>().join(", ")
}

fn millis(micros: u64) -> String {
    format!("{} ms", micros / 1_000)
}
