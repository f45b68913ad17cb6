//! The description of the HTTP interface in OpenAPI 3.1, written by hand.
//!
//! It is built once when the server starts. An application adds its own paths; a test of each crate
//! holds the paths against the routes.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use model::Model;
use serde_json::{Value, json};

use crate::router::App;
use crate::terms;

/// `GET /v1/openapi.json`.
pub(crate) async fn serve<M: Model + Send + 'static>(State(app): State<App<M>>) -> Response {
    let mut response = Response::new(Body::from(app.description.to_string()));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The whole document: the console's paths and the application's.
#[must_use]
pub fn document(application: Value) -> Value {
    let mut paths = paths();
    if let (Some(all), Value::Object(more)) = (paths.as_object_mut(), application) {
        all.extend(more);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Evenkeel",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every answer is one node's view and names its observer. Members that end \
                            in _us and _ms are microseconds and milliseconds, in _bytes bytes, in \
                            _seq positions in a group's chain. Every error is problem details \
                            (RFC 9457), told apart by `type`. A node that runs no model, as a \
                            witness, answers the application's paths with 307 and `no-model`: ask \
                            the node in `Location`.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "admin": { "type": "http", "scheme": "bearer" } },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status"],
                    "properties": {
                        "type": { "type": "string", "format": "uri" },
                        "title": { "type": "string" },
                        "status": { "type": "integer" },
                        "detail": { "type": "string" },
                    },
                },
                "Reconfigure": reconfigure(),
                "Switchover": order(&json!({})),
                "Disposal": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["disposition", "reason"],
                    "properties": {
                        "disposition": {
                            "enum": ["keep", "replay", "suspense", "cancel"],
                            "description": "`keep` for the audit; `replay` hands the commands in again \
                                            under their ids; `cancel` takes the ids of payments for \
                                            good, rejected; `suspense` does the same and posts their \
                                            amounts to a house account of the case. The run says which \
                                            are `allowed`",
                        },
                        "reason": { "type": "string", "minLength": 1, "maxLength": 256 },
                        "case": { "type": "integer", "minimum": 1 },
                    },
                },
                "Upgrade": order(&json!({
                    "to": {
                        "type": "integer",
                        "minimum": 2,
                        "maximum": 65535,
                        "description": "the model version that is to be in force",
                    },
                })),
                "Retune": retune(),
                "Because": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["reason"],
                    "properties": {
                        "reason": { "type": "string", "minLength": 1, "maxLength": 256 },
                    },
                },
                "Admit": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["node", "region", "peers", "http", "reason"],
                    "properties": {
                        "node": {
                            "type": "integer",
                            "minimum": 1,
                            "description": "its number, above all that were ever used: `next_id`",
                        },
                        "replaces": {
                            "type": "integer",
                            "description": "whose place it takes; absent for one more node",
                        },
                        "region": { "type": "string" },
                        "zone": { "type": "string" },
                        "role": { "enum": ["full", "witness", "register"] },
                        "peers": { "type": "string", "description": "host:port for nodes" },
                        "http": { "type": "string", "description": "http://host:port for clients" },
                        "reason": { "type": "string", "minLength": 1, "maxLength": 256 },
                    },
                },
                "Recover": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["reason"],
                    "properties": {
                        "survivors": {
                            "type": "array",
                            "items": { "type": "integer" },
                            "description": "who is left; the asked node alone if absent",
                        },
                        "stopped": {
                            "type": "array",
                            "items": { "type": "integer" },
                            "description": "exactly those that are given up: whoever orders it has made sure \
                                            that they are stopped for good. Wanted with `code`",
                        },
                        "reason": { "type": "string", "minLength": 1, "maxLength": 256 },
                        "ordered_by": { "type": "string" },
                        "code": {
                            "type": "string",
                            "description": "what the asked node has written to its own log",
                        },
                        "confirmed_by": {
                            "type": "string",
                            "description": "who read it there; another than who orders it",
                        },
                    },
                },
                "Failover": order(&json!({
                    "kind": {
                        "enum": ["unplanned", "forced"],
                        "description": "`forced` may lose acknowledged entries; it is recorded.",
                    },
                })),
            },
        },
    })
}

/// An operation that answers with JSON, or with a problem for any other status.
#[must_use]
pub fn operation(summary: &str, parameters: &[Value], statuses: &[(&str, &str)]) -> Value {
    let mut responses = serde_json::Map::new();
    for (status, description) in statuses {
        let kind = if status.starts_with('2') { "application/json" } else { PROBLEM };
        responses.insert((*status).to_owned(), answer(description, kind));
    }
    responses.insert("default".to_owned(), answer("problem details", PROBLEM));
    json!({ "summary": summary, "parameters": parameters, "responses": responses })
}

/// An answer of that content type.
#[must_use]
pub fn answer(description: &str, kind: &str) -> Value {
    let schema =
        if kind == PROBLEM { json!({ "$ref": "#/components/schemas/Problem" }) } else { json!({}) };
    json!({ "description": description, "content": { kind: { "schema": schema } } })
}

/// A parameter in the `path`, the `query` or a `header`.
#[must_use]
pub fn parameter(place: &str, name: &str, description: &str) -> Value {
    json!({
        "in": place,
        "name": name,
        "required": place == "path",
        "description": description,
        "schema": { "type": "string" },
    })
}

/// The content type of problem details.
pub const PROBLEM: &str = "application/problem+json";

fn paths() -> Value {
    let group = parameter("path", "group", "a group's number: `7` or `g7`");
    let which = parameter("query", "group", "a group's number; without it, all groups");
    let plain = |summary: &str| json!({ "get": operation(summary, &[], &[("200", "as asked")]) });
    let mut metrics = plain("All figures in Prometheus' text form.");
    metrics["get"]["responses"]["200"] = answer("figures in base units", "text/plain");
    json!({
        "/healthz": plain("Whether the node runs."),
        "/readyz": { "get": operation(
            "Whether clients should be sent here.",
            &[],
            &[("200", "they should"), ("503", "they should not; `reasons` says why")],
        ) },
        "/metrics": metrics,
        "/v1/status": plain("How this node and its groups stand: positions, ages, disk, sessions."),
        "/v1/groups/{group}": { "get": operation(
            "One group with its configuration, history and orphans.",
            &[group],
            &[
                ("200", "the group"),
                ("400", "`bad-group`, `bad-path`"),
                ("404", "there is no such group"),
            ],
        ) },
        "/v1/orphans": plain("Every run of records set aside by this node, and what was decided of it."),
        "/v1/orphans/{group}/{head}": {
            "get": operation(
                "What is in a run: its commands in words, a page at a time.",
                &[
                    parameter("path", "group", "a group's number: `7` or `g7`"),
                    parameter("path", "head", "8 or more digits of the run's head"),
                    parameter("query", "after", "the last seq of the page before"),
                ],
                &[
                    ("200", "the run: what may become of it is `allowed`, what is usual `advised`; of each command what it `became`; `next_after` if there is more"),
                    ("400", "`bad-group`, `bad-head`, `bad-query`"),
                    ("404", "`no-such-group`, `no-such-run`: each node has its own"),
                    ("409", "`ambiguous`: give more digits"),
                ],
            ),
            "post": disposing(),
        },
        "/v1/outcomes/{id}": { "get": operation(
            "What this node knows of the id that `unknown-outcome` named.",
            &[parameter("path", "id", "32 hexadecimal digits, hyphens or not")],
            &[
                (
                    "200",
                    "`state` is `final`, `provisional`, `accepted` or `unknown`; `outcome` in the \
                     application's words",
                ),
                ("400", "`bad-id`, `bad-path`"),
            ],
        ) },
        "/v1/explain": { "get": operation(
            "Why a group moved or did not, with every reason and the next step.",
            &[which],
            &[
                ("200", "for machines and, as `text`, for people"),
                ("400", "`bad-group`, `bad-query`"),
                ("404", "no such group"),
            ],
        ) },
        "/v1/switchover": ordering("Moves homes; the old ones work along and nothing is lost.",
            "Switchover"),
        "/v1/failover": ordering("Moves homes without asking the old ones.", "Failover"),
        "/v1/model": plain("Which model versions the nodes can run and which are in force where."),
        "/v1/model/upgrade": ordering(
            "Raises the model version once every member can run it; there is no way back.",
            "Upgrade",
        ),
        "/v1/degrade": ordering(
            "Lets groups that lack members go on with those that are left, with fewer copies.",
            "Reconfigure",
        ),
        "/v1/restore": ordering(
            "Takes back the members that a degraded group has left out, once they caught up.",
            "Reconfigure",
        ),
        "/v1/terms": ordering(
            "Gives groups another class, or has them do something else when copies are missing.",
            "Retune",
        ),
        "/v1/nodes": {
            "get": operation(
                "The nodes, who comes and goes, and how far newcomers are where their homes are here.",
                &[],
                &[("200", "`pending` names every group that is to come to other members")],
            ),
            "post": ordering(
                "Admits a node: in another's place, or as one more. All else follows by itself.",
                "Admit",
            )["post"].take(),
        },
        "/v1/nodes/{node}/remove": with_path(
            ordering("Sends a node away; no other comes in its place.", "Because"),
            "node",
            "a node's number: `3` or `n3`",
        ),
        "/v1/register/recover": ordering(
            "Begins the register anew with those that are left, the others being lost for good. Without \
             `code` it changes nothing: it says what may be lost, and writes the code to this node's log.",
            "Recover",
        ),
        "/v1/openapi.json": plain("This document."),
    })
}

fn ordering(summary: &str, schema: &str) -> Value {
    let actor =
        parameter("header", "Evenkeel-Actor", "who orders it, for the audit; `cli` if absent");
    let mut operation = operation(
        summary,
        &[actor],
        &[
            ("200", "the register has taken the order; watch /v1/status"),
            ("400", "`bad-json`, `bad-order`, `bad-actor`"),
            ("401", "no or a wrong token"),
            ("403", "`no-token`: this node takes no changes over HTTP"),
            ("404", "`no-such-group` or `no-such-target`"),
            ("409", "`refused` or `stale-epoch`; nothing was changed"),
            ("503", "`no-quorum`; nothing was changed"),
            ("504", "`unknown-outcome`: look before ordering again"),
        ],
    );
    operation["security"] = json!([{ "admin": [] }]);
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    operation["requestBody"] = json!({
        "required": true,
        "content": { "application/json": { "schema": schema } },
    });
    json!({ "post": operation })
}

fn with_path(mut item: Value, name: &str, description: &str) -> Value {
    if let Some(parameters) = item["post"]["parameters"].as_array_mut() {
        parameters.insert(0, parameter("path", name, description));
    }
    item
}

/// Deciding what becomes of a run.
fn disposing() -> Value {
    let mut all = ordering(
        "Decides what becomes of a run, and does it. Repeat a request that broke off.",
        "Disposal",
    );
    let mut operation = all["post"].take();
    operation["parameters"] = json!([
        parameter("path", "group", "a group's number: `7` or `g7`"),
        parameter("path", "head", "8 or more digits of the run's head"),
        parameter("header", "Evenkeel-Actor", "who decides, for the audit; `cli` if absent"),
    ]);
    operation["responses"]["200"]["description"] =
        json!("decided; `commands` says what each came to, `complete` whether all is known");
    operation
}

/// What the orders have that move no home.
fn reconfigure() -> Value {
    let mut order = order(&json!({}));
    if let Some(properties) = order["properties"].as_object_mut() {
        properties.remove("to");
    }
    order["required"] = json!(["groups", "reason"]);
    order
}

fn order(more: &Value) -> Value {
    let mut properties = json!({
        "groups": {
            "description": "`\"all\"`, one group, or a list of numbers",
            "oneOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "integer", "minimum": 0 } },
            ],
        },
        "to": {
            "description": "a node's number or a region's name",
            "oneOf": [{ "type": "integer" }, { "type": "string" }],
        },
        "reason": { "type": "string", "minLength": 1, "maxLength": 256 },
    });
    let mut required = vec!["groups", "to", "reason"];
    if let (Some(all), Some(more)) = (properties.as_object_mut(), more.as_object()) {
        required.extend(more.keys().map(String::as_str).filter(|name| *name != "to"));
        all.extend(more.clone());
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

/// One of the two is wanted at least.
fn retune() -> Value {
    let mut order = order(&terms::schema());
    order["required"] = json!(["groups", "reason"]);
    order["anyOf"] = json!([{ "required": ["class"] }, { "required": ["on_quorum_loss"] }]);
    if let Some(properties) = order["properties"].as_object_mut() {
        properties.remove("to");
    }
    order
}

#[cfg(test)]
mod tests;
