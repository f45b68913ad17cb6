//! Sending clients on from a node that runs no model.
//!
//! A witness can hand commands on, but it can answer no question and check nothing that a model would
//! know, so clients are sent to a node that can do both: by redirect, with the same method and body.
//! The console's own routes are served everywhere.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, header};
use axum::response::IntoResponse as _;
use axum::routing::any;
use model::Model;
use types::NodeId;

use crate::Problem;
use crate::router::App;
use crate::site::{Site, role};

/// In place of the application's routes.
pub(crate) fn routes<M: Model + Send + 'static>(app: App<M>) -> Router {
    Router::new().route("/v1/{*path}", any(send_on::<M>)).with_state(app)
}

/// Answers whatever the application is asked.
async fn send_on<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request,
) -> Response<Body> {
    let asked = app.handle.ask(|view| view.node.groups().find_map(|group| group.query().err()));
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    match asked.await {
        Ok(refused) => problem(&app.site, refused.and_then(|refused| refused.ask), path),
        Err(gone) => gone.into(),
    }
    .into_response()
}

fn problem(site: &Site, ask: Option<NodeId>, path: &str) -> Problem {
    let own = role(site.role_of(site.node()));
    let Some(node) = ask.and_then(|ask| site.find(ask)) else {
        return Problem::new(
            503,
            "no-model",
            "This node runs no model, and knows of none that does.",
        )
        .retry_after_ms(1_000)
        .with("role", own);
    };
    let problem = Problem::new(307, "no-model", "This node runs no model; ask one that does.")
        .with("role", own)
        .with("ask", node.id.0)
        .with("ask_region", node.region.clone());
    match HeaderValue::from_str(&format!("{}{path}", node.url)) {
        Ok(location) => problem.header(header::LOCATION, location),
        Err(_) => problem,
    }
}

#[cfg(test)]
mod tests;
