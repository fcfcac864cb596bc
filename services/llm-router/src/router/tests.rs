#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use aerie_testkit::llm::{LlmServer, Reply};
use serde_json::json;

use super::*;
use crate::{
    call::{Call, CallErrorKind},
    chat::{ChatRequest, Message, Role},
    testing::{Scripted, router_of, router_with, settings},
};

fn question() -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, "hello")], ..ChatRequest::default() }
}

fn names(router: &Router) -> Vec<(String, Origin)> {
    router.current().known.iter().map(|known| (known.name.clone(), known.origin)).collect()
}

fn detecting(yaml: &str) -> Llm {
    Llm { detect: true, ..settings(yaml) }
}

#[test]
fn keys_in_the_environment_are_backends_when_nothing_is_configured() {
    let found = |pairs: &[(&str, &str)]| {
        let known = known::collect(&detecting("{}"), &Variables::given(pairs), &[]).unwrap();
        known.into_iter().map(|known| (known.name, known.settings.kind, known.settings.model)).collect::<Vec<_>>()
    };
    let entry = |name: &str, kind, model: &str| (name.to_owned(), kind, model.to_owned());
    assert_eq!(found(&[]), []);
    assert_eq!(found(&[("OPENAI_API_KEY", " ")]), [], "a blank key is none");
    assert_eq!(found(&[("OPENAI_API_KEY", "sk-1")]), [entry("openai", BackendKind::OpenAi, "gpt-4o-mini")]);
    assert_eq!(
        found(&[("OPENAI_API_KEY", "sk-1"), ("OPENAI_BASE_URL", "https://x.example/v1"), ("OPENAI_MODEL", "m")]),
        [entry("openai", BackendKind::OpenAiCompatible, "m")]
    );
    let claude = "claude-haiku-4-5-20251001";
    assert_eq!(found(&[("ANTHROPIC_API_KEY", "sk-ant-1")]), [entry("anthropic", BackendKind::Anthropic, claude)]);
    assert_eq!(found(&[("OPENAI_API_KEY", "sk-ant-1")]), [entry("anthropic", BackendKind::Anthropic, claude)]);
    assert_eq!(
        found(&[("LLM_API_KEY", "sk-ant-1"), ("LLM_MODEL", "m")]),
        [entry("anthropic", BackendKind::Anthropic, "m")]
    );
    assert_eq!(
        found(&[("LLM_API_KEY", "k"), ("LLM_PROVIDER", "anthropic")]),
        [entry("anthropic", BackendKind::Anthropic, claude)]
    );
    assert_eq!(found(&[("LLM_API_KEY", "k")]), [entry("openai", BackendKind::OpenAi, "gpt-4o-mini")]);
    assert_eq!(found(&[("GOOGLE_API_KEY", "k")])[0].1, BackendKind::Gemini);
}

#[test]
fn keys_for_other_programs_send_nothing_away_once_backends_were_chosen() {
    let mine = r#"{"backends": {"mine": {"kind": "ollama"}}}"#;
    let variables = Variables::given(&[("OPENAI_API_KEY", "sk-1")]);
    let router = router_of(&detecting(mine), variables.clone(), &[]);
    assert_eq!(names(&router), [("mine".to_owned(), Origin::Settings)]);
    let mut llm = detecting(mine);
    llm.chains.insert("research".into(), LlmChain::Order(vec!["openai".into()]));
    let router = router_of(&llm, variables, &[]);
    assert!(names(&router).contains(&("openai".to_owned(), Origin::Environment)));
}

#[test]
fn ollamas_address_is_read_as_ollama_reads_it() {
    for (text, address) in [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("0.0.0.0:9000", "http://127.0.0.1:9000"),
        ("http://box.lan:1234/", "http://box.lan:1234"),
        ("https://box.example", "https://box.example:443"),
        (":8000", "http://127.0.0.1:8000"),
    ] {
        assert_eq!(environment::ollama_address(&Variables::given(&[("OLLAMA_HOST", text)])), address, "{text}");
    }
}

#[tokio::test]
async fn model_servers_are_recognised_by_what_they_answer() {
    let (ollama, vllm, llama, studio, eyes, web) = (
        LlmServer::start().await.unwrap(),
        LlmServer::start().await.unwrap(),
        LlmServer::start().await.unwrap(),
        LlmServer::start().await.unwrap(),
        LlmServer::start().await.unwrap(),
        LlmServer::start().await.unwrap(),
    );
    ollama.on("/api/version", Reply::json(&json!({"version": "0.9.0"})));
    ollama.on("/api/tags", Reply::json(&json!({"models": [{"name": "llama3.2:3b"}]})));
    vllm.on("/v1/models", Reply::json(&json!({"data": [{"id": "m", "owned_by": "vllm"}]})));
    llama.on("/v1/models", Reply::json(&json!({"data": [{"id": "g", "owned_by": "llamacpp"}]})));
    studio.on("/api/v0/models", Reply::json(&json!({"data": [{"id": "s", "publisher": "p"}]})));
    studio.on("/v1/models", Reply::json(&json!({"data": [{"id": "s", "owned_by": "organization_owner"}]})));
    eyes.on("/health", Reply::json(&json!({"loaded": true, "model": "moondream2", "service": "aerie.vision.v1"})));
    web.on("/", Reply::json(&json!({"hello": "world"})));
    let servers = [&web, &ollama, &vllm, &llama, &studio, &eyes];
    let places = servers.iter().map(|server| server.address().to_string()).collect();
    let options = DetectOptions { places, patience: Duration::from_secs(10) };
    let look = detect(&options, &Variables::given(&[("OLLAMA_MODEL", "mine")])).await;
    let found: Vec<(&str, BackendKind)> = look.found.iter().map(|one| (one.name.as_str(), one.kind)).collect();
    assert_eq!(
        found,
        [
            ("ollama", BackendKind::Ollama),
            ("vllm", BackendKind::Vllm),
            ("llama_cpp", BackendKind::LlamaCpp),
            ("lm_studio", BackendKind::OpenAiCompatible),
            ("aerie_vision", BackendKind::Vision),
        ]
    );
    assert_eq!(look.found[4].base_url, eyes.base_url());
    assert_eq!(look.found[0].model.as_deref(), Some("mine"));
    assert_eq!(look.found[0].models, ["llama3.2:3b"]);
    assert_eq!(look.found[1].base_url, format!("{}/v1", vllm.base_url()));
    assert_eq!(look.strangers, [Stranger { place: web.address().to_string() }]);
}

#[tokio::test]
async fn a_server_that_was_found_joins_the_default_chain() {
    let server = LlmServer::start().await.unwrap();
    server.on("/api/version", Reply::json(&json!({"version": "0.9.0"})));
    server.on("/api/tags", Reply::json(&json!({"models": [{"name": "m"}]})));
    let llm = detecting("{}");
    let scripted = Scripted::says("found");
    *scripted.models.lock().unwrap() = vec!["m".into()];
    let backend: Arc<dyn Backend> = scripted.clone();
    let deps = RouterDeps {
        variables: Variables::given(&[]),
        connect: Arc::new(move |_, _, _| Ok(backend.clone())),
        detect: DetectOptions { places: vec![server.address().to_string()], patience: Duration::from_secs(10) },
        ..RouterDeps::of_process(&llm)
    };
    let router = Router::create(deps).unwrap();
    assert!(router.is_looking() && !router.current().has_backends());
    let error = router.current().engine.complete(question(), Call::default()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NoBackend);
    router.look().await;
    assert_eq!(names(&router), [("ollama".to_owned(), Origin::Found)]);
    assert!(!router.is_looking() && router.current().known[0].local);
    let answer = router.current().engine.complete(question(), Call::default()).await.unwrap();
    assert_eq!(answer.completion.content, "found");
    let before = router.current();
    router.look().await;
    assert!(Arc::ptr_eq(&before, &router.current()), "nothing new changes nothing");
}

#[tokio::test]
async fn a_backend_without_a_key_says_so_in_the_trail_and_a_persons_own_key_helps() {
    let yaml = r#"{"backends": {"claude": {"kind": "anthropic", "key_env": "MY_KEY"}}}"#;
    let backend = Scripted::says("ok");
    *backend.models.lock().unwrap() = vec!["m".into()];
    let router = router_of(&settings(yaml), Variables::given(&[]), &[("claude", &backend)]);
    let current = router.current();
    assert!(!current.has_backends());
    let error = current.engine.complete(question(), Call::default()).await.unwrap_err();
    assert!(error.trail.attempts[0].message.contains("MY_KEY"), "{error:?}");
    let mut call = Call::default();
    call.consent.keys.insert("claude".into(), Secret::new("own"));
    assert_eq!(current.engine.complete(question(), call).await.unwrap().completion.content, "ok");
}

#[tokio::test]
async fn a_chain_may_name_what_is_not_found_yet() {
    let mut llm = detecting("{}");
    llm.chains.insert("default".into(), LlmChain::Order(vec!["ollama".into()]));
    let router = router_of(&llm, Variables::given(&[]), &[]);
    let error = router.current().engine.complete(question(), Call::default()).await.unwrap_err();
    assert!(error.to_string().contains("ollama was not found"), "{error}");
}

#[test]
fn local_is_what_the_address_leads_to_and_never_what_the_name_looks_like() {
    let place = |entry: &str| {
        let llm = settings(&format!(r#"{{"backends": {{"x": {entry}}}}}"#));
        known::collect(&llm, &Variables::given(&[]), &[]).unwrap()[0].local
    };
    let at = |address: &str| place(&format!(r#"{{"kind": "openai_compatible", "base_url": "{address}"}}"#));
    assert!(at("http://127.0.0.1:1/v1") && at("http://localhost:1/v1") && at("http://[::1]:1/v1"));
    assert!(at("http://192.168.1.2/v1"));
    assert!(!at("http://localhost.evil.example/v1") && !at("http://127.0.0.1.evil.example/v1"));
    assert!(!at("https://8.8.8.8/v1"));
    assert!(!place(r#"{"kind": "openai", "key": "k"}"#));
    assert!(!place(r#"{"kind": "ollama", "local": false}"#), "the settings know better");
}

/// A router over three backends that says its own name; the order is kept in this folder.
fn ordered(yaml: &str, folder: &std::path::Path) -> Router {
    let (one, two, three) = (Scripted::says("one"), Scripted::says("two"), Scripted::says("three"));
    let backends = [("one", &one), ("two", &two), ("three", &three)];
    let entry = r#"{"kind": "openai_compatible", "base_url": "http://127.0.0.1:1/v1", "model": "m"}"#;
    let entries = backends.map(|(name, _)| format!("\"{name}\": {entry}")).join(", ");
    let llm = settings(&format!(r#"{{"backends": {{{entries}}}, "chains": {yaml}}}"#));
    router_with(&llm, Variables::given(&[]), &backends, OrderPlace::File(folder.join("own/chains.json")))
}

fn order_of(router: &Router, chain: &str) -> (Vec<String>, bool) {
    let current = router.current();
    let state = current.chains.iter().find(|state| state.name == chain).unwrap();
    (state.chain.names().cloned().collect(), state.is_chosen)
}

async fn answers(router: &Router, chain: &str) -> String {
    let call = Call { chain: chain.to_owned(), ..Call::default() };
    router.current().engine.complete(question(), call).await.unwrap().completion.content
}

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn an_order_that_is_chosen_holds_at_once_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let yaml = r#"{"research": ["three", "one"], "drawn": {"weights": {"one": 1, "two": 3}}}"#;
    let router = ordered(yaml, folder.path());
    assert_eq!(order_of(&router, "default"), (list(&["one", "three", "two"]), false), "by name, as settings are read");
    assert_eq!((answers(&router, "default").await, answers(&router, "research").await), ("one".into(), "three".into()));

    let state = router.set_order("default", list(&["two", "one", "three"])).await.unwrap();
    assert!(state.is_chosen && state.fixed.is_none());
    router.set_order("research", list(&["one", "three"])).await.unwrap();
    for router in [router, ordered(yaml, folder.path())] {
        assert_eq!(order_of(&router, "default"), (list(&["two", "one", "three"]), true));
        assert_eq!(order_of(&router, "research"), (list(&["one", "three"]), true));
        assert_eq!(answers(&router, "default").await, "two");
        assert_eq!(answers(&router, "cover_letter").await, "two", "work without a chain follows the default one");
        assert_eq!(answers(&router, "research").await, "one");
        router.look().await;
        assert_eq!(order_of(&router, "default").0, list(&["two", "one", "three"]), "looking changes nothing");
    }
    // A backend less and one more in the settings: what was chosen holds for the others.
    let changed = ordered(r#"{"research": ["two", "three"]}"#, folder.path());
    assert_eq!(order_of(&changed, "research"), (list(&["three", "two"]), true));

    let router = ordered(yaml, folder.path());
    for chain in ["default", "research"] {
        assert!(!router.set_order(chain, vec![]).await.unwrap().is_chosen);
    }
    for router in [router, ordered(yaml, folder.path())] {
        assert_eq!(order_of(&router, "default"), (list(&["one", "three", "two"]), false));
        assert_eq!(order_of(&router, "research"), (list(&["three", "one"]), false));
    }
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let router = ordered(r#"{"drawn": {"weights": {"one": 1, "two": 3}}}"#, folder.path());
    for names in [&["one", "two"][..], &["one", "two", "two"], &["one", "two", "four"], &["one", "two", "three", "one"]]
    {
        let error = router.set_order("default", list(names)).await.unwrap_err();
        assert!(
            matches!(&error, OrderError::OtherBackends { backends, .. } if backends == "one, three, two"),
            "{error}"
        );
    }
    assert!(matches!(router.set_order("drawn", list(&["two", "one"])).await, Err(OrderError::Weighted(_))));
    assert!(matches!(router.set_order("nothing", list(&["one"])).await, Err(OrderError::UnknownChain(_))));
    let drawn = router.current().chains.iter().find(|state| state.name == "drawn").unwrap().fixed.clone().unwrap();
    assert!(drawn.contains("weight"), "{drawn}");
    assert_eq!(order_of(&router, "default"), (list(&["one", "three", "two"]), false));
    assert!(!folder.path().join("own").exists(), "nothing was written");

    // Where the order is somebody else's, it is told why.
    let fixed = router_of(&settings("{}"), Variables::given(&[]), &[]);
    assert!(matches!(fixed.set_order("default", vec![]).await, Err(OrderError::Fixed(_))));
    assert_eq!(fixed.current().chains[0].fixed.as_deref(), Some("the test sets the order"));

    // A file that is none does not keep anybody from starting.
    let own = folder.path().join("own");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("chains.json"), "{\"chains\": [").unwrap();
    let router = ordered("{}", folder.path());
    assert_eq!(order_of(&router, "default"), (list(&["one", "three", "two"]), false));
    router.set_order("default", list(&["three", "two", "one"])).await.unwrap();
    assert_eq!(order_of(&ordered("{}", folder.path()), "default"), (list(&["three", "two", "one"]), true));
}
