use crate::world::{PIPELINE_SERVICES, World};

#[tokio::test]
async fn the_page_says_what_runs_without_any_script() {
    let world = World::start().await;
    let answer = world.http("GET", "/", &[], b"").await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    let policy = &answer.headers["content-security-policy"];
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers["cross-origin-resource-policy"], "same-origin");
    let text = answer.text();
    for expected in
        ["1.2.3&lt;", "not ready", "aerie.pipeline.v1.JobsService", "llm-router (optional)", "aerie demo", "/metrics"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    for forbidden in ["<script", "style=", "http://", "https://", "1.2.3<", " onclick"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
    let style = world.http("GET", "/style.css", &[], b"").await;
    assert_eq!((style.status, style.headers["content-type"].as_str()), (200, "text/css; charset=utf-8"));
    assert_eq!(world.http("POST", "/", &[], b"").await.status, 405);
    assert!(world.http("HEAD", "/", &[], b"").await.body.is_empty());
}

#[tokio::test]
async fn readiness_follows_start_required_services_and_stop() {
    let world = World::start().await;
    let ready = async || {
        let answer = world.http("GET", "/readyz", &[], b"").await;
        (answer.status, answer.json())
    };
    assert_eq!(ready().await.0, 503, "nothing serves yet");
    for name in PIPELINE_SERVICES {
        world.pipeline.health().set(&format!("aerie.pipeline.v1.{name}"), true).await;
    }
    assert_eq!(ready().await.0, 503, "the program has not said that it started");
    world.lifecycle.mark_ready();
    let (status, body) = ready().await;
    assert_eq!((status, body["ready"].as_bool()), (200, Some(true)), "{body}");
    assert_eq!(body["services"]["aerie.llm.v1.LlmService"], "not serving", "optional services may be missing");
    world.pipeline.health().set("aerie.pipeline.v1.JobsService", false).await;
    assert_eq!(ready().await.0, 503);
    assert_eq!(world.http("GET", "/livez", &[], b"").await.text(), "alive\n");
}

#[tokio::test]
async fn metrics_count_calls_by_form() {
    let world = World::start().await;
    world.call(crate::world::COMPLETE, &serde_json::json!({})).await;
    let text = world.http("GET", "/metrics", &[], b"").await.text();
    assert!(text.contains("aerie_gateway_requests_total{form=\"json\",status=\"200\"}"), "{text}");
    assert!(text.contains(
        "aerie_rpc_server_seconds_bucket{service=\"aerie.llm.v1.LlmService\",method=\"Complete\",code=\"0\""
    ));
}
