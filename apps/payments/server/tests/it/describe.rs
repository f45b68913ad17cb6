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
        let unread = path.replace("{group}", "%FF").replace("{id}", "%FF").replace("{key}", "%FF");
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string());
            let responses = operation["responses"].as_object().unwrap();
            for path in [&filled, &unread] {
                let answer = http::ask(world.http, &method.to_uppercase(), path, &[], b"").await;
                if answer.header("content-type") == "application/problem+json" {
                    let kind = answer.problem();
                    assert!(
                        !["not-found", "method-not-allowed"].contains(&kind.as_str()),
                        "{path}"
                    );
                }
                let status = answer.status.to_string();
                assert!(responses.contains_key(&status), "{method} {path}: {status}");
            }
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
