//! If a route is missing in the description, a client generated from it cannot use it.

use crate::http;
use crate::world::World;

/// Every route that the code names is described, and everything described is served.
#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_of_what_is_served() {
    let world = World::alone().await;
    let description = world.get("/v1/openapi.json").await.json();
    assert_eq!(description["openapi"], "3.1.0");
    let paths = description["paths"].as_object().unwrap();
    let source = include_str!("../../src/router.rs");
    for (path, methods) in routes(source) {
        let described = paths.get(path).unwrap_or_else(|| panic!("{path} is not described"));
        for method in ["get", "post"] {
            let is_served = methods.contains(&format!("{method}("));
            assert_eq!(described.get(method).is_some(), is_served, "{method} {path}");
        }
    }
    for (path, methods) in paths {
        let filled = path.replace("{group}", "1").replace("{id}", "A%2FB");
        let filled = filled.replace("{currency}", "EUR").replace("{key}", "A");
        for (method, operation) in methods.as_object().unwrap() {
            let answer = http::ask(world.http, &method.to_uppercase(), &filled, &[], b"").await;
            let kind = answer.header("content-type");
            if kind == "application/problem+json" {
                let kind = answer.problem();
                assert!(!["not-found", "method-not-allowed"].contains(&kind.as_str()), "{path}");
            }
            let text = answer.status.to_string();
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key(&text) || answer.status >= 400, "{path}: {text}");
            assert!(operation["summary"].is_string());
        }
    }
}

/// Paths of `.route("…", …)` with the text of their methods.
fn routes(source: &str) -> impl Iterator<Item = (&str, &str)> {
    source.split(".route(\"").skip(1).map(|rest| {
        let (path, rest) = rest.split_once('"').unwrap();
        (path, rest.split_once(".route(").map_or(rest, |(methods, _)| methods))
    })
}
