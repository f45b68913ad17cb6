//! If a route is missing in the description, a client generated from it cannot use it.

use super::*;

#[test]
fn every_route_of_the_console_is_described_and_no_other() {
    let source = include_str!("../router.rs");
    let routes: Vec<(&str, &str)> = source
        .split(".route(\"")
        .skip(1)
        .map(|rest| {
            let (path, rest) = rest.split_once('"').unwrap();
            (path, rest.split_once('\n').unwrap().0)
        })
        .collect();
    let described = paths();
    let described = described.as_object().unwrap();
    assert_eq!(described.len(), routes.len());
    for (path, methods) in routes {
        for method in ["get", "post"] {
            let is_served = methods.contains(&format!("{method}("));
            assert_eq!(described[path].get(method).is_some(), is_served, "{method} {path}");
        }
    }
}

#[test]
fn an_application_adds_its_paths() {
    let document = document(json!({ "/v1/more": { "get": operation("More.", &[], &[]) } }));
    assert_eq!(document["paths"]["/v1/more"]["get"]["summary"], "More.");
    assert!(document["paths"]["/v1/status"].is_object());
}
