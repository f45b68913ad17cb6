//! If one of these breaks, an operator at 3 a.m. is blind, or anybody is an operator.

use serde_json::json;

use crate::http;
use crate::world::World;

/// If the status lacks what PROTOCOL 7.8 promises, lag and loss are found by customers.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_how_it_stands() {
    let world = World::alone().await;
    assert_eq!(world.get("/healthz").await.json()["live"], true);
    assert_eq!(world.get("/readyz").await.json()["ready"], true);
    let status = world.get("/v1/status").await.json();
    assert_eq!((&status["observer"], &status["region"]), (&json!(1), &json!("region-1")));
    assert_eq!((&status["ready"], &status["register"]["reachable"]), (&json!(true), &json!(true)));
    assert!(status["storage"]["fsync_count"].as_u64().unwrap() > 0);
    assert!(status["storage"]["fsync_p99_us"].is_u64());
    assert_eq!(status["storage"]["space"], "ample");
    let groups = status["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 8);
    for group in groups {
        assert_eq!((&group["role"], &group["home"]), (&json!("home"), &json!(1)));
        assert_eq!(group["phase"]["name"], "active");
        let seq = |name: &str| group[name].as_u64().unwrap();
        assert!(seq("applied_seq") <= seq("w2_seq") && seq("w2_seq") <= seq("w1_seq"));
        assert!(seq("w1_seq") <= seq("appended_seq") && seq("epoch") >= 1);
    }
    let one = world.get("/v1/groups/g3").await.json();
    assert_eq!((&one["group"], &one["register"]["config"]["copies"]), (&json!(3), &json!(1)));
    assert_eq!(one["register"]["history"][0]["start_seq"], 1);
    assert_eq!(world.get("/v1/groups/8").await.problem(), "no-such-group");
    assert_eq!(world.get("/v1/orphans").await.json()["runs_count"], 0);
}

/// If metrics break the form, every dashboard is empty at once.
#[tokio::test(flavor = "multi_thread")]
async fn metrics_keep_to_the_form() {
    let world = World::alone().await;
    let page = world.get("/metrics").await;
    assert!(page.header("content-type").starts_with("text/plain; version=0.0.4"));
    let mut family = String::new();
    let mut families = std::collections::BTreeSet::new();
    for line in page.text().lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} stands twice");
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("evenkeel_") && name.starts_with(&family), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(families.contains("evenkeel_group_w2_seq") && families.contains("evenkeel_ready"));
    assert!(page.text().contains("evenkeel_group_role{group=\"7\",role=\"home\"} 1\n"));
}

/// If an order passes without the token, or a refusal looks like another, homes move by accident.
#[tokio::test(flavor = "multi_thread")]
async fn orders_need_the_token_and_are_refused_by_name() {
    let world = World::alone().await;
    let order = json!({ "groups": [1], "to": 1, "reason": "a test" });
    for headers in [
        &[][..],
        &[("authorization", "Bearer a token of a test, no secreT")],
        &[("authorization", "Basic YTpi")],
    ] {
        let body = order.to_string();
        let path = "/v1/switchover";
        let answer = http::ask(world.http, "POST", path, headers, body.as_bytes()).await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    let refused = async |path: &str, body: serde_json::Value, status: u16, kind: &str| {
        let answer = world.post_json(path, &body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{body}");
    };
    let switch = "/v1/switchover";
    refused(switch, order, 409, "refused").await;
    refused(switch, json!({ "groups": [9], "to": 1, "reason": "r" }), 404, "no-such-group").await;
    refused(switch, json!({ "groups": [1], "to": "mars", "reason": "r" }), 404, "no-such-target")
        .await;
    refused(switch, json!({ "groups": [1], "to": 1 }), 400, "bad-json").await;
    refused(
        "/v1/failover",
        json!({ "groups": [1], "to": 1, "reason": "", "kind": "unplanned" }),
        400,
        "bad-order",
    )
    .await;
    let all = json!({ "groups": "all", "to": "region-1", "reason": "all are there" });
    let answer = world.post_json(switch, &all).await;
    assert_eq!((answer.status, &answer.json()["ordered"]), (200, &json!([])));

    // A home may be told to begin anew: the one move there is on one node.
    let anew = json!({ "groups": [2], "to": 1, "reason": "a test", "kind": "unplanned" });
    let answer = world.post_json("/v1/failover", &anew).await;
    assert_eq!((answer.status, &answer.json()["ordered"]), (200, &json!([2])));
    let epoch = async || world.get("/v1/groups/2").await.json()["epoch"].as_u64().unwrap();
    let moved = async { while epoch().await < 2 {} };
    tokio::time::timeout(std::time::Duration::from_secs(30), moved).await.unwrap();
    let explained = world.get("/v1/explain?group=2").await.json();
    assert_eq!(explained["explanations"][0]["home"], 1);
}

/// If a run can be decided about without the token, or a wrong one is taken for another, somebody
/// replays payments that were given up.
#[tokio::test(flavor = "multi_thread")]
async fn runs_that_were_set_aside_are_named_and_guarded() {
    let world = World::alone().await;
    let all = world.get("/v1/orphans").await.json();
    assert_eq!((&all["runs_count"], &all["open_count"]), (&json!(0), &json!(0)));
    for (path, status, kind) in [
        ("/v1/orphans/1/abcdef0", 400, "bad-head"),
        ("/v1/orphans/1/abcdefgh", 400, "bad-head"),
        ("/v1/orphans/x/abcdef01", 400, "bad-group"),
        ("/v1/orphans/99/abcdef01", 404, "no-such-group"),
        ("/v1/orphans/g1/abcdef01", 404, "no-such-run"),
    ] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{path}");
    }
    let keep = json!({ "disposition": "keep", "reason": "a test" });
    let path = "/v1/orphans/g1/abcdef01";
    let answer = http::ask(world.http, "POST", path, &[], keep.to_string().as_bytes()).await;
    assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
    let answer = world.post_json(path, &keep).await;
    assert_eq!((answer.status, answer.problem().as_str()), (404, "no-such-run"));
    for wrong in [
        json!({ "disposition": "burn", "reason": "a test" }),
        json!({ "disposition": "keep" }),
        json!({ "disposition": "keep", "reason": "a test", "case": -1 }),
    ] {
        let answer = world.post_json(path, &wrong).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-json"), "{wrong}");
    }
}

/// If a node cannot say why nothing moves, its operator forces what need not be forced.
#[tokio::test(flavor = "multi_thread")]
async fn a_lonely_node_says_why_it_does_nothing() {
    let world = World::lonely().await;
    let ready = world.get("/readyz").await;
    assert_eq!((ready.status, ready.problem().as_str()), (503, "not-ready"));
    assert_eq!(ready.json()["reasons"].as_array().unwrap().len(), 8);
    let explained = world.get("/v1/explain?group=1").await.json();
    let one = &explained["explanations"][0];
    let reasons = one["reasons"].as_array().unwrap();
    let names: Vec<_> = reasons.iter().map(|reason| reason["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"no-register"), "{names:?}");
    assert!(reasons.iter().all(|reason| !reason["next_step"].as_str().unwrap().is_empty()));
    assert!(one["text"].as_str().unwrap().contains("no majority"), "{}", one["text"]);
    let order = json!({ "groups": [1], "to": 2, "reason": "a test", "kind": "forced" });
    let answer = world.post_json("/v1/failover", &order).await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "no-quorum"));
    assert_eq!(world.get("/v1/explain?group=99").await.problem(), "no-such-group");
    assert_eq!(world.get("/v1/explain?group=x").await.problem(), "bad-group");
}

/// If the server does not end in order, a restart cuts off requests that were nearly answered.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_in_order() {
    let mut world = World::alone().await;
    assert_eq!(world.get("/healthz").await.status, 200);
    world.end().await;
    let refused = tokio::net::TcpStream::connect(world.http).await;
    assert!(refused.is_err(), "nothing listens any more");
}
