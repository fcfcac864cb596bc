use crate::world::{PIPELINE_SERVICES, World};

#[tokio::test]
async fn the_page_says_what_runs_without_any_script() {
    let world = World::start().await;
    let answer = world.http("GET", "/status", &[], b"").await;
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
    assert_eq!(world.http("POST", "/status", &[], b"").await.status, 405);
    assert!(world.http("HEAD", "/status", &[], b"").await.body.is_empty());
}

#[tokio::test]
async fn the_web_app_comes_with_a_policy_of_its_own_or_a_word_on_how_to_build_it() {
    let world = World::start().await;
    let first = world.http("GET", "/", &[("accept", "text/html")], b"").await;
    assert_eq!((first.status, first.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    let policy = &first.headers["content-security-policy"];
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let is_built = first.text().contains("<div id=\"app\">");
    let deep = world.http("GET", "/jobs/0190/surveys", &[("accept", "text/html,*/*;q=0.8")], b"").await;
    if !is_built {
        assert!(first.text().contains("cargo xtask up"), "{}", first.text());
        assert_eq!(deep.status, 404);
        return;
    }
    assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
    assert_eq!((deep.status, deep.body == first.body), (200, true), "every page's address opens the app");
    let tag = [("accept", "text/html"), ("if-none-match", first.headers["etag"].as_str())];
    assert_eq!(world.http("GET", "/", &tag, b"").await.status, 304);
    let script = first.text().split("src=\"/assets/").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    let script = format!("/assets/{}", script.expect("the first page loads a script"));
    let plain = world.http("GET", &script, &[], b"").await;
    let packed = world.http("GET", &script, &[("accept-encoding", "gzip, br")], b"").await;
    assert_eq!(plain.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(plain.headers["cache-control"].contains("immutable"));
    assert_eq!((plain.headers.get("content-encoding"), packed.headers["content-encoding"].as_str()), (None, "gzip"));
    assert!(packed.body.len() < plain.body.len());
    assert_eq!(world.http("GET", "/assets/none.js", &[("accept", "text/html")], b"").await.status, 404);
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
