//! The language models' settings and the earlier `llm.yaml`.

use super::*;

/// Every key that the earlier form had, as its files were shipped.
const EARLIER: &str = r#"
backends:
  anthropic: {api_key_env: ANTHROPIC_API_KEY, enabled: false, model: claude-haiku-4-5, type: anthropic, supports_images: true}
  claude_code: {api_key: any, base_url: "http://localhost:3009/v1", enabled: true, model: claude-code-terminal, type: openai_compat, supports_images: true}
  ollama: {api_key: ollama, base_url: "http://host.docker.internal:11434/v1", enabled: true, model: "llama3.2:3b", type: openai_compat, embedding_model: nomic-embed-text}
  vllm:
    api_key: ""
    base_url: http://localhost:8000/v1
    enabled: true
    model: __auto__
    type: openai_compat
    cf_orch: {service: vllm, model_candidates: [a, b], ttl_s: 3600, url: "http://127.0.0.1:7700"}
  vision_service: {base_url: "http://localhost:8002", enabled: true, type: vision_service}
  hosted: {type: openai_compat, base_url: "https://api.example/v1", model: m, api_key: "${HOSTED_KEY}", local: true}
fallback_order: [ollama, claude_code, vllm, anthropic, ollama]
research_fallback_order: [claude_code, vllm, anthropic]
vision_fallback_order: [vision_service, claude_code, anthropic]
"#;

fn earlier(text: &str) -> (TempDir, Result<Config, ConfigError>) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("llm.yaml"), text).unwrap();
    let path = folder.path().join("llm.yaml").display().to_string();
    let config = loader().environment([("AERIE__LLM__FILE", path.as_str())]).load();
    (folder, config)
}

#[test]
fn an_earlier_file_is_read_as_it_stands() {
    let (_folder, config) = earlier(EARLIER);
    let llm = config.unwrap().llm;
    let ollama = &llm.backends["ollama"];
    assert_eq!(ollama.kind, BackendKind::OpenAiCompatible);
    assert_eq!(ollama.base_url.as_deref(), Some("http://host.docker.internal:11434/v1"));
    assert_eq!((ollama.model.as_str(), ollama.key.reveal()), ("llama3.2:3b", "ollama"));
    assert_eq!(ollama.embedding_model.as_deref(), Some("nomic-embed-text"));
    assert_eq!((ollama.images, ollama.local), (Some(false), None), "images only where the file says so");
    let anthropic = &llm.backends["anthropic"];
    assert!(!anthropic.enabled);
    assert_eq!((anthropic.key_env.as_deref(), anthropic.images), (Some("ANTHROPIC_API_KEY"), Some(true)));
    assert_eq!(llm.backends["claude_code"].local, Some(false), "it listens here but asks a cloud");
    assert_eq!(llm.backends["vllm"].model, "__auto__");
    assert_eq!(llm.backends["vision_service"].kind, BackendKind::VisionService);
    let hosted = &llm.backends["hosted"];
    assert_eq!((hosted.key_env.as_deref(), hosted.key.is_set(), hosted.local), (Some("HOSTED_KEY"), false, Some(true)));

    let order = |names: &[&str]| LlmChain::Order(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(llm.chains["default"], order(&["ollama", "claude_code", "vllm", "anthropic"]));
    assert_eq!(llm.chains["research"], order(&["claude_code", "vllm", "anthropic"]));
    assert_eq!(llm.chains["vision"], order(&["vision_service", "claude_code", "anthropic"]));
    let read = llm.earlier.unwrap();
    assert_eq!(read.backends.len(), 6);
    assert_eq!(read.notes, ["backends.vllm.cf_orch is not used"]);
}

#[test]
fn backends_may_be_a_list_with_names() {
    let text = "backends:\n- {name: a, type: openai_compat, base_url: 'http://127.0.0.1:1/v1'}\nfallback_order: [a]\n";
    let (_folder, config) = earlier(text);
    let llm = config.unwrap().llm;
    assert_eq!(llm.backends["a"].kind, BackendKind::OpenAiCompatible);
    assert_eq!(llm.chains["default"].names().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_name_without_a_backend_is_a_mistake_that_names_the_known_ones() {
    let text = "backends:\n  a: {type: openai_compat, base_url: 'http://127.0.0.1:1/v1'}\nfallback_order: [a, gone]\n";
    let (folder, config) = earlier(text);
    let found = problems(config);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].key, "llm.chains.default");
    assert!(found[0].what.contains("\"gone\"") && found[0].remedy.contains("a, "), "{found:?}");
    assert_eq!(found[0].layer, folder.path().join("llm.yaml").display().to_string());
}

#[test]
fn an_unknown_type_and_nameless_entries_are_mistakes() {
    for (text, key) in [
        ("backends:\n  a: {type: grok}\n", "backends.a.type"),
        ("backends:\n  a: {model: m}\n", "backends.a.type"),
        ("backends:\n  a: 5\n", "backends.a"),
        ("backends:\n- {type: anthropic}\n", "backends[0]"),
        ("backends: 5\n", "backends"),
        ("fallback_order: a\n", "fallback_order"),
    ] {
        let (_folder, config) = earlier(text);
        assert_eq!(problems(config)[0].key, key, "{text}");
    }
}

#[test]
fn an_earlier_file_beside_the_settings_is_found_and_the_settings_win() {
    let (folder, path) = file("llm:\n  backends:\n    ollama: {kind: ollama}\n  chains: {default: [ollama]}\n");
    fs::write(folder.path().join("llm.yaml"), EARLIER).unwrap();
    let llm = loader().file(&path).load().unwrap().llm;
    let ollama = &llm.backends["ollama"];
    assert_eq!((ollama.kind, ollama.base_url.as_deref()), (BackendKind::Ollama, None), "no mixture of both");
    assert_eq!(llm.chains["default"].names().collect::<Vec<_>>(), ["ollama"]);
    assert!(llm.chains.contains_key("research"), "the rest is still there");
    let read = llm.earlier.unwrap();
    assert!(!read.backends.contains("ollama") && read.backends.contains("vllm"));
}

#[test]
fn chains_name_backends_that_exist_or_may_be_found() {
    let settings = |chain: &str, detect: bool| {
        let text = format!(
            "llm:\n  detect: {detect}\n  backends:\n    mine: {{kind: ollama}}\n  chains:\n    default: {chain}\n"
        );
        let (_folder, path) = file(&text);
        loader().file(&path).load()
    };
    assert!(settings("[mine, lm_studio]", true).is_ok());
    for (chain, detect, what) in [
        ("[mine, lm_studio]", false, "lm_studio"),
        ("[mine, claud]", true, "claud"),
        ("[mine, mine]", true, "twice"),
        ("[]", true, "is empty"),
        ("{weights: {mine: 0}}", true, "no weight"),
        ("{weights: {other: 1}}", true, "other"),
    ] {
        let found = problems(settings(chain, detect));
        assert!(found[0].key == "llm.chains.default" && found[0].what.contains(what), "{chain}: {found:?}");
    }
}

#[test]
fn every_value_of_a_backend_is_checked() {
    for (backend, key) in [
        ("{kind: openai_compatible}", "base_url"),
        ("{kind: ollama, base_url: 'localhost:11434'}", "base_url"),
        ("{kind: openai, key: a, key_env: B}", ""),
        ("{kind: openai, key_env: 'sk-a=b'}", "key_env"),
        ("{kind: ollama, model: ''}", "model"),
        ("{kind: ollama, concurrency: 0}", "concurrency"),
        ("{kind: ollama, context_tokens: 0}", "context_tokens"),
        ("{kind: ollama, dollars_per_day: -1}", "dollars_per_day"),
        ("{kind: ollama, requests_per_minute: 0}", "requests_per_minute"),
        ("{kind: ollama, timeouts: {connect_ms: 0}}", "timeouts.connect_ms"),
        ("{kind: ollama, health_check_seconds: 0}", "health_check_seconds"),
    ] {
        let (_folder, path) = file(&format!("llm:\n  backends:\n    x: {backend}\n"));
        let found = problems(loader().file(&path).load());
        assert_eq!(found[0].key, format!("llm.backends.x.{key}").trim_end_matches('.'), "{backend}: {found:?}");
    }
    let (_folder, path) = file("llm:\n  backends:\n    'a b': {kind: ollama}\n");
    assert!(problems(loader().file(&path).load())[0].what.contains("name"));
}

#[test]
fn every_policy_is_checked() {
    for (name, value, key) in [
        ("RETRY__ATTEMPTS", "0", "llm.retry.attempts"),
        ("RETRY__MAX_DELAY_MS", "1", "llm.retry.max_delay_ms"),
        ("BREAKER__ERROR_SHARE", "1.5", "llm.breaker.error_share"),
        ("BREAKER__MAX_COOLDOWN_MS", "10", "llm.breaker.max_cooldown_ms"),
        ("HEDGE__SHARE", "2.0", "llm.hedge.share"),
        ("HEDGE__AFTER_MS", "0", "llm.hedge.after_ms"),
        ("TIMEOUTS__TOTAL_MS", "0", "llm.timeouts.total_ms"),
        ("CACHE__TTL_SECONDS", "0", "llm.cache.ttl_seconds"),
        ("EXTRACT_REASKS", "11", "llm.extract_reasks"),
        ("PRICES", "{m: {input: -1.0, output: 1.0}}", "llm.prices.m.input"),
    ] {
        let variable = format!("AERIE__LLM__{name}");
        let found = problems(loader().environment([(variable.as_str(), value)]).load());
        assert_eq!(found[0].key, key, "{name}={value}");
    }
}

#[test]
fn keys_of_backends_are_never_shown() {
    let (_folder, path) = file("llm:\n  backends:\n    x: {kind: openai, key: sk-hidden}\n");
    let config = loader().file(&path).load().unwrap();
    assert_eq!(config.llm.backends["x"].key.reveal(), "sk-hidden");
    assert!(!format!("{config:?} {}", serde_json::to_string(&config).unwrap()).contains("sk-hidden"));
}
