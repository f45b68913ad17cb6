//! A request of a stranger to a running node: any path, query, few headers, any body.
//!
//! The node is real, alone in its cluster, and works in a folder for temporary files. Whatever comes,
//! it answers in one of its own forms, and never that it is at fault itself.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Limited};
use libfuzzer_sys::fuzz_target;
use payments_model::Payments;
use runtime::Running;
use tower::ServiceExt;
use transport::ClusterName;
use transport::pki::{Authority, NODE_DAYS};
use types::NodeId;

/// Doors that take something from outside. A `*` stands for bytes of the input.
const DOORS: [(Method, &str); 13] = [
    (Method::GET, "/v1/cut?at_us=*"),
    (Method::POST, "/v1/payments"),
    (Method::POST, "/v1/accounts"),
    (Method::POST, "/v1/accounts/EUR/DE89370400440532013000/state"),
    (Method::POST, "/v1/switchover"),
    (Method::POST, "/v1/failover"),
    (Method::GET, "/v1/payments/*"),
    (Method::GET, "/v1/payments/*/pacs.002"),
    (Method::GET, "/v1/accounts?*"),
    (Method::GET, "/v1/accounts/EUR/*"),
    (Method::GET, "/v1/groups/*"),
    (Method::GET, "/v1/explain?*"),
    (Method::GET, "/v1/books?*"),
];

/// Largest answer that is read to its end.
const ANSWER_BYTES_MAX: usize = 16 << 20;

struct World {
    tokio: tokio::runtime::Runtime,
    router: Router,
    _running: Running<Payments>,
    _folder: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    #[expect(
        clippy::disallowed_methods,
        reason = "a node's certificate is valid from some real day on"
    )]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let authority = Authority::create(ClusterName::new("fuzz").unwrap(), now).unwrap();
    authority.issue(NodeId(1), now, NODE_DAYS).unwrap().write(&folder.path().join("tls")).unwrap();
    std::fs::write(folder.path().join("token"), "a token of a test, no secret").unwrap();
    runtime::allow_first_start(&folder.path().join("data")).unwrap();
    let config = runtime::parse(&format!(
        "node: 1\ndata: {at}/data\ncredentials: {{folder: {at}/tls, admin_token: {at}/token}}\n\
         listen: {{peers: '127.0.0.1:0', http: '127.0.0.1:0'}}\ngroups: 4\ncopies: 1\n\
         storage: {{segment_mib: 16}}\nanswer_within: 2s\n\
         failover: {{pulse: 1s, election: 1s, resend: 500ms, detect: 5s}}\nnodes:\n  \
         - {{id: 1, region: here, peers: '127.0.0.1:9', http: 'http://127.0.0.1:9'}}\n"
    ))
    .unwrap();
    let mut tokio = tokio::runtime::Builder::new_multi_thread();
    let tokio = tokio.worker_threads(1).enable_all().build().unwrap();
    let (running, router) = {
        let _inside = tokio.enter();
        let running = payments_server::start(&config).unwrap();
        let site = Arc::new(console::Site::new(&config).unwrap());
        let router = payments_server::router(running.handle(), site);
        (running, router)
    };
    World { tokio, router, _running: running, _folder: folder }
});

fuzz_target!(|data: &[u8]| {
    let [door, headers, rest @ ..] = data else { return };
    let (method, path) = &DOORS[usize::from(*door) % DOORS.len()];
    // A path's own bytes end with the first zero.
    let (own, body) = match rest.iter().position(|byte| *byte == 0) {
        Some(end) if path.contains('*') => (&rest[..end], &rest[end + 1..]),
        _ if path.contains('*') => (rest, &[][..]),
        _ => (&[][..], rest),
    };
    let own: String = own.iter().map(|byte| format!("%{byte:02X}")).collect();
    let mut request = Request::builder().method(method).uri(path.replace('*', &own));
    if headers & 1 == 0 {
        request = request.header("authorization", "Bearer a token of a test, no secret");
    }
    if headers & 2 == 0 {
        let xml = *path == "/v1/payments";
        let kind = if xml { "application/xml" } else { "application/json" };
        request = request.header("content-type", kind);
    }
    if headers & 4 == 0 {
        request = request.header("idempotency-key", "one");
    }
    if headers & 8 == 0
        && let Ok(text) = HeaderValue::from_bytes(body)
    {
        request = request.header("evenkeel-session", text.clone()).header("evenkeel-read", text);
    }
    let Ok(request) = request.body(Body::from(body.to_vec())) else { return };
    let world = &*WORLD;
    world.tokio.block_on(async {
        let Ok(answer) = world.router.clone().oneshot(request).await;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.expect("answers are bounded").to_bytes();
        assert!(status != 500, "{status}: {}", String::from_utf8_lossy(&body));
    });
});
