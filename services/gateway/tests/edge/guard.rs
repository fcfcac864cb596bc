use std::sync::Arc;

use aerie_gateway::{AccountStore, Callers, Gateway, GatewayDeps, PublicNames};
use aerie_proto::llm::v1::{CompleteRequest, llm_service_client::LlmServiceClient};
use aerie_rpc::PersonId;
use aerie_store::{Stores, StoresConfig};
use aerie_tasks::SystemClock;
use aerie_telemetry::Lifecycle;
use tokio::net::TcpListener;
use tonic::transport::Endpoint;

use crate::world::{COMPLETE, SUBSCRIBE, World, config};

#[tokio::test]
async fn a_web_page_elsewhere_reaches_nothing() {
    let world = World::start().await;
    let port = world.address.port();
    let (ours, page) = (format!("localhost:{port}"), format!("http://localhost:{port}"));
    let json = ("content-type", "application/json");
    let matrix: [(&str, Option<&str>, Option<&str>, u16); 10] = [
        (&ours, None, None, 200),
        (&ours, Some(&page), Some("same-origin"), 200),
        (&ours, Some("http://evil.example"), Some("cross-site"), 403),
        (&ours, Some("null"), None, 403),
        (&ours, Some("http://localhost:3000"), Some("same-site"), 403),
        (&ours, None, Some("cross-site"), 403),
        ("evil.example", None, None, 403),
        ("rebound.evil.example:80", Some("http://rebound.evil.example"), Some("same-origin"), 403),
        ("localhost", None, None, 403),
        ("169.254.169.254", None, None, 403),
    ];
    for (host, origin, site, expected) in matrix {
        let mut headers = vec![("host", host), json];
        headers.extend(origin.map(|origin| ("origin", origin)));
        headers.extend(site.map(|site| ("sec-fetch-site", site)));
        for (method, path) in [("POST", COMPLETE), ("GET", "/metrics"), ("GET", "/readyz"), ("GET", SUBSCRIBE)] {
            let answer = world.exactly(method, path, &headers, b"{}").await;
            let is_refused = answer.status == 403;
            assert_eq!(is_refused, expected == 403, "{method} {path} host={host} origin={origin:?} site={site:?}");
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
            if is_refused {
                assert!(answer.json()["message"].as_str().unwrap().contains("open it on this machine"));
            }
        }
    }
    let preflight =
        [("host", ours.as_str()), ("origin", "http://evil.example"), ("access-control-request-method", "POST")];
    assert_eq!(world.exactly("OPTIONS", COMPLETE, &preflight, b"").await.status, 403);
}

#[tokio::test]
async fn the_host_of_http_2_is_checked_too() {
    let world = World::start().await;
    let endpoint = Endpoint::from_shared(format!("http://{}", world.address)).unwrap();
    let foreign = endpoint.clone().origin(format!("http://evil.example:{}", world.address.port()).parse().unwrap());
    let mut client = LlmServiceClient::new(foreign.connect().await.unwrap());
    let status = client.complete(CompleteRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::PermissionDenied, "{status}");
    let mut client = LlmServiceClient::new(endpoint.connect().await.unwrap());
    assert!(client.complete(CompleteRequest::default()).await.is_ok());
}

#[tokio::test]
async fn a_listener_that_others_can_reach_is_refused() {
    let error = serving_everywhere(Callers::local(PersonId::new("ada").unwrap())).await;
    assert!(error.contains("other machines"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let stores = StoresConfig { url: "embedded".into(), data: folder.path().to_owned(), migrate: true, connections: 1 };
    let store = AccountStore::new(Arc::new(Stores::open(stores).await.unwrap()));
    let callers = Callers::accounts(&config().accounts, store, Arc::new(SystemClock)).unwrap();
    let error = serving_everywhere(callers).await;
    assert!(error.contains("accounts.public_addresses"), "{error}");
}

/// What a gateway without names says that is to listen on every address.
async fn serving_everywhere(callers: Callers) -> String {
    let (config, lifecycle) = (config(), Lifecycle::new());
    let deps = GatewayDeps {
        services: Vec::new(),
        openai: None,
        callers,
        names: PublicNames::default(),
        server: config.server,
        limits: config.limits,
        metrics: None,
        version: "1",
        data: std::env::temp_dir(),
        operators: Vec::new(),
    };
    let gateway = Gateway::new(deps, &lifecycle).await.unwrap();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    gateway.serve(listener).await.unwrap_err().to_string()
}
