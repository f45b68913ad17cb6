//! The routes, and what their handlers share.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use model::Model;
use runtime::{Handle, NodeRole};
use serde_json::Value;

use crate::confirmation::Confirmations;
use crate::{
    Problem, Site, Words, elsewhere, explain, health, metrics, models, nodes, openapi, orders,
    orphans, outcomes, recover, status, terms,
};

/// What every handler gets.
#[derive(Debug)]
pub(crate) struct App<M> {
    pub(crate) handle: Handle<M>,
    pub(crate) site: Arc<Site>,
    /// The description of the whole interface, written once.
    pub(crate) description: Arc<str>,
    /// How the application's commands are told to people.
    pub(crate) words: Words,
    /// The code by which a second person confirms, if one is open.
    pub(crate) confirmations: Arc<Confirmations>,
}

impl<M> Clone for App<M> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
            site: Arc::clone(&self.site),
            description: Arc::clone(&self.description),
            confirmations: Arc::clone(&self.confirmations),
            words: self.words,
        }
    }
}

/// The console's routes with those of the `application` beside them. `paths` describes the latter in
/// the form of OpenAPI's `paths`; see [`openapi`]. `words` is what it says about its commands.
pub fn router<M: Model + Send + 'static>(
    handle: Handle<M>,
    site: Arc<Site>,
    application: Router,
    paths: Value,
    words: Words,
) -> Router {
    site.follow(handle.newcomers(), handle.cluster().mark());
    let description = openapi::document(paths).to_string().into();
    let confirmations = Arc::default();
    let app = App { handle, site, description, words, confirmations };
    let application = match app.site.role_of(app.site.node()) {
        NodeRole::Full => application,
        NodeRole::Witness | NodeRole::Register => elsewhere::routes(app.clone()),
    };
    Router::new()
        .route("/healthz", get(health::live::<M>))
        .route("/readyz", get(health::ready::<M>))
        .route("/metrics", get(metrics::text::<M>))
        .route("/v1/status", get(status::whole::<M>))
        .route("/v1/groups/{group}", get(status::one::<M>))
        .route("/v1/orphans", get(orphans::all::<M>))
        .route("/v1/orphans/{group}/{head}", get(orphans::one::<M>).post(orphans::decide::<M>))
        .route("/v1/outcomes/{id}", get(outcomes::outcome::<M>))
        .route("/v1/explain", get(explain::explain::<M>))
        .route("/v1/switchover", post(orders::switchover::<M>))
        .route("/v1/failover", post(orders::failover::<M>))
        .route("/v1/model", get(models::show::<M>))
        .route("/v1/model/upgrade", post(models::upgrade::<M>))
        .route("/v1/degrade", post(orders::degrade::<M>))
        .route("/v1/restore", post(orders::restore::<M>))
        .route("/v1/terms", post(terms::retune::<M>))
        .route("/v1/nodes", get(nodes::list::<M>).post(nodes::admit::<M>))
        .route("/v1/nodes/{node}/remove", post(nodes::remove::<M>))
        .route("/v1/register/recover", post(recover::recover::<M>))
        .route("/v1/openapi.json", get(openapi::serve::<M>))
        .with_state(app)
        .merge(application)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
}

async fn not_found() -> Response {
    Problem::not_found().into_response()
}

async fn method_not_allowed() -> Response {
    Problem::new(405, "method-not-allowed", "This path does not take this method.").into_response()
}
