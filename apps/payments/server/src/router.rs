//! The routes of payments, beside the console's.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use console::Site;
use payments_model::Payments;
use runtime::Handle;

use crate::settling::Settling;
use crate::words::WORDS;
use crate::{
    Placement, account_state, accounts, books, cancel, cases, channels, cut, lookup, openapi, pay,
    settle, suspense,
};

/// What every handler gets.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) handle: Handle<Payments>,
    pub(crate) site: Arc<Site>,
    pub(crate) settling: Settling,
}

impl App {
    /// Where the ledgers are.
    pub(crate) fn placement(&self) -> Placement {
        Placement::new(self.site.groups(), self.site.ledgers())
    }
}

/// Everything that a payments node serves over HTTP, the console's routes included.
pub fn router(handle: Handle<Payments>, site: Arc<Site>) -> Router {
    let settling = Settling::default();
    let app = App { handle: handle.clone(), site: Arc::clone(&site), settling };
    let payments = Router::new()
        .route("/v1/payments", post(pay::pay))
        .route("/v1/payments/{id}", get(lookup::status))
        .route("/v1/payments/{id}/pacs.002", get(lookup::report))
        .route("/v1/payments/{id}/cancel", post(cancel::cancel))
        .route("/v1/accounts", post(accounts::open).get(accounts::all))
        .route("/v1/accounts/{currency}/{key}", get(accounts::one))
        .route("/v1/accounts/{currency}/{key}/state", post(account_state::set))
        .route("/v1/books", get(books::books))
        .route("/v1/cases", get(cases::cases))
        .route("/v1/cases/{case}", get(suspense::one).post(settle::settle))
        .route("/v1/channels", get(channels::all))
        .route("/v1/channels/{from}/{to}", get(channels::one).post(channels::reopen))
        .route("/v1/cut", get(cut::cut))
        .route("/v1/digests", get(books::digests))
        .with_state(app);
    console::router(handle, site, payments, openapi::paths(), WORDS)
}
