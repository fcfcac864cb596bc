#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeMap, fs, path::PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

mod accounts;
mod llm;

fn loader() -> Loader {
    Loader::new().environment([("AERIE_HOME", "/data/aerie")])
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("aerie.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn problems(result: Result<Config, ConfigError>) -> Vec<Problem> {
    match result {
        Err(ConfigError::Invalid(problems)) => problems,
        other => panic!("expected wrong settings, got {other:?}"),
    }
}

#[test]
fn defaults_are_complete_and_valid() {
    let config = loader().load().unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1");
    assert_eq!(config.server.port, 8700);
    assert_eq!(config.store.url, StoreUrl::Embedded);
    assert_eq!(config.data_dir, PathBuf::from("/data/aerie"));
    assert_eq!(config.recipes_dir(), PathBuf::from("/data/aerie/recipes"));
    assert!(config.matching.embedding_model.is_none());
}

#[test]
fn default_file_names_exactly_the_fields_of_the_configuration() {
    fn names(value: &Value, prefix: &str, into: &mut Vec<String>) {
        let Some(object) = value.as_object() else { return };
        for (name, inner) in object {
            let key = format!("{prefix}{name}");
            names(inner, &format!("{key}."), into);
            into.push(key);
        }
    }
    let from_yaml: Value = serde_yaml_ng::from_str(DEFAULT_YAML).unwrap();
    let mut written = Vec::new();
    names(&from_yaml, "", &mut written);
    written.push("data_dir".into());
    written.sort();
    let mut fields = Vec::new();
    names(&serde_json::to_value(loader().load().unwrap()).unwrap(), "", &mut fields);
    fields.sort();
    assert_eq!(written, fields);
}

#[test]
fn every_default_is_commented() {
    let lines: Vec<&str> = DEFAULT_YAML.lines().collect();
    for pair in lines.windows(2) {
        let (before, line) = (pair[0].trim_start(), pair[1].trim_start());
        let is_key = !line.is_empty() && !line.starts_with('#');
        assert!(!is_key || before.starts_with('#'), "no comment above: {line}");
    }
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let (_folder, path) = file("server:\n  port: 9001\n  port_attempts: 3\ntasks:\n  workers: 2\n");
    let config = loader()
        .file(&path)
        .environment([("AERIE__SERVER__PORT", "9002"), ("AERIE__TASKS__POLL_MS", "50")])
        .overrides(&json!({"server": {"port": 9003, "listen": null}, "data_dir": "/elsewhere"}))
        .unwrap()
        .load()
        .unwrap();
    assert_eq!(config.server.port, 9003);
    assert_eq!(config.server.port_attempts, 3);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1", "a null flag changes nothing");
    assert_eq!(config.tasks.poll_ms, 50);
    assert_eq!(config.tasks.workers, 2);
    assert_eq!(config.data_dir, PathBuf::from("/elsewhere"));
}

#[test]
fn environment_text_is_read_by_the_type_of_its_default() {
    let config = loader()
        .environment([
            ("AERIE__DISCOVERY__KEYS__ADZUNA__APP_ID", "00123"),
            ("AERIE__DISCOVERY__KEYS__ADZUNA__APP_KEY", "true"),
            ("AERIE__DISCOVERY__ALLOW_ADDRESSES", "127.0.0.1:9000, [::1]:9001"),
            ("AERIE__DISCOVERY__ENDPOINTS", r#"{"boards.example": "http://127.0.0.1:9000"}"#),
            ("AERIE__DISCOVERY__SCHEDULE", "0 6 * * *"),
            ("AERIE__MATCHING__LEARN", "false"),
            ("AERIE__DATA_DIR", "/named"),
            ("UNRELATED", "x"),
        ])
        .load()
        .unwrap();
    assert_eq!(config.discovery.keys.adzuna.app_id.reveal(), "00123");
    assert_eq!(config.discovery.keys.adzuna.app_key.reveal(), "true");
    assert_eq!(config.discovery.allow_addresses, ["127.0.0.1:9000", "[::1]:9001"]);
    assert_eq!(config.discovery.endpoints["boards.example"], "http://127.0.0.1:9000");
    assert_eq!(config.discovery.schedule.as_deref(), Some("0 6 * * *"));
    assert!(!config.matching.learn);
    assert_eq!(config.data_dir, PathBuf::from("/named"), "the long name wins over AERIE_HOME");
}

#[test]
fn unknown_key_names_key_layer_and_nearest_name() {
    let (_folder, path) = file("server:\n  prot: 1\ntask:\n  workers: 2\n");
    let found = problems(loader().file(&path).environment([("AERIE__STORE__COLOUR_OF_THE_SHED", "red")]).load());
    assert_eq!(found.len(), 3, "{found:?}");
    let prot = found.iter().find(|problem| problem.key == "server.prot").unwrap();
    assert_eq!(prot.layer, path.display().to_string());
    assert_eq!(prot.remedy, "did you mean `port`?");
    assert!(found.iter().any(|problem| problem.key == "task" && problem.remedy.contains("`tasks`")));
    let shed = found.iter().find(|problem| problem.key.starts_with("store.")).unwrap();
    assert_eq!(shed.layer, "environment variable AERIE__STORE__COLOUR_OF_THE_SHED");
    assert!(shed.remedy.contains("busy_timeout_ms"), "{}", shed.remedy);
}

#[test]
fn wrong_type_names_key_layer_value_and_remedy() {
    let text = match loader().environment([("AERIE__SERVER__PORT", "eighty")]).load() {
        Err(error) => error.to_string(),
        Ok(_) => panic!("accepted"),
    };
    assert!(text.contains("server.port (environment variable AERIE__SERVER__PORT)"), "{text}");
    assert!(text.contains("eighty"), "{text}");
    assert!(text.contains("u16"), "{text}");
    let found = problems(loader().environment([("AERIE__TELEMETRY__LOG_FORMAT", "xml")]).load());
    assert!(found[0].remedy.contains("pretty") && found[0].what.contains("xml"), "{found:?}");
}

#[test]
fn several_values_out_of_range_are_reported_at_once() {
    let (_folder, path) = file("tasks:\n  workers: 0\nmatching:\n  exploration_share: 0.9\n");
    let result = loader().file(&path).overrides(&json!({"server": {"listen": "0.0.0.0"}})).unwrap().load();
    let found = problems(result);
    let keys: Vec<&str> = found.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["server.listen", "matching.exploration_share", "tasks.workers"]);
    assert_eq!(found[0].layer, "command line");
    assert_eq!(found[2].layer, path.display().to_string());
    assert!(found[2].to_string().contains("is 0") && found[2].to_string().contains("from 1 to"));
}

#[test]
fn semantic_mistakes_are_found() {
    for (name, value, key) in [
        ("AERIE__DISCOVERY__SCHEDULE", "every day", "discovery.schedule"),
        ("AERIE__DISCOVERY__SCHEDULE", "61 6 * * *", "discovery.schedule"),
        ("AERIE__DISCOVERY__ALLOW_ADDRESSES", "127.0.0.1", "discovery.allow_addresses"),
        ("AERIE__DISCOVERY__ENDPOINTS", "{a: 'ftp://b'}", "discovery.endpoints"),
        ("AERIE__DISCOVERY__KEYS__ADZUNA__APP_ID", "x", "discovery.keys.adzuna"),
        ("AERIE__DISCOVERY__USER_AGENT", "a\nb", "discovery.user_agent"),
        ("AERIE__MATCHING__EMBEDDING_MODEL", "/not/there", "matching.embedding_model"),
        ("AERIE__TELEMETRY__OTLP_ENDPOINT", "localhost:4317", "telemetry.otlp_endpoint"),
        ("AERIE__VISION__ENDPOINT", "http://user@host", "vision.endpoint"),
        ("AERIE__VISION__DEVICE", "cuda", "vision.device"),
        ("AERIE__VISION__DTYPE", "int8", "vision.dtype"),
        ("AERIE__VISION__CACHE_BYTES", "5", "vision.cache_bytes"),
        ("AERIE__VISION__QUEUE__DEPTH", "0", "vision.queue.depth"),
        ("AERIE__TASKS__LIMITS", "{a: {concurrency: 0}}", "tasks.limits"),
        ("AERIE__LIMITS__PAGE_SIZE_DEFAULT", "2000", "limits.page_size_default"),
    ] {
        let found = problems(loader().environment([(name, value)]).load());
        assert_eq!(found[0].key, key, "{name}={value}");
    }
}

#[test]
fn store_address_is_parsed_and_its_password_never_shown() {
    let config = loader().environment([("AERIE__STORE__URL", "postgres://ada:hunter2@db/aerie")]).load().unwrap();
    let StoreUrl::Postgres(url) = &config.store.url else { panic!("not PostgreSQL") };
    assert_eq!(url.reveal(), "postgres://ada:hunter2@db/aerie");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!serde_json::to_string(&config).unwrap().contains("hunter2"));
    let wrong = loader().environment([("AERIE__STORE__URL", "mysql://ada:hunter2@db/aerie")]).load().unwrap_err();
    assert!(wrong.to_string().contains("mysql") && !wrong.to_string().contains("hunter2"), "{wrong}");
}

#[test]
fn secrets_are_hidden_everywhere() {
    let config = loader()
        .environment([
            ("AERIE__DISCOVERY__KEYS__USAJOBS__KEY", "s3cr3t"),
            ("AERIE__DISCOVERY__KEYS__USAJOBS__EMAIL", "a@b"),
        ])
        .load()
        .unwrap();
    assert_eq!(config.discovery.keys.usajobs.key.reveal(), "s3cr3t");
    let shown = format!("{config:?} {config:#?} {}", serde_json::to_string(&config).unwrap());
    assert!(!shown.contains("s3cr3t"));
    assert!(shown.contains("[set, hidden]"));
}

#[test]
fn broken_or_absent_files_are_named() {
    let missing = loader().file(std::path::Path::new("/not/there.yaml")).load().unwrap_err();
    assert!(missing.to_string().contains("/not/there.yaml"));
    for text in ["server: [", "- a\n- b\n", "just text"] {
        let (_folder, path) = file(text);
        let error = loader().file(&path).load().unwrap_err();
        assert!(matches!(error, ConfigError::Syntax { .. }), "{text}: {error}");
    }
    let (_folder, path) = file("# nothing but a comment\n");
    assert!(loader().file(&path).load().is_ok());
}

#[test]
fn free_maps_take_any_name_but_check_their_values() {
    let (_folder, path) = file("tasks:\n  limits:\n    discovery.source: {concurrency: 4}\n");
    let config = loader().file(&path).load().unwrap();
    let expected = KindLimit { concurrency: Some(4), queue_depth: None };
    assert_eq!(config.tasks.limits, BTreeMap::from([("discovery.source".to_owned(), expected)]));
    let (_folder, path) = file("tasks:\n  limits:\n    discovery.source: {speed: 4}\n");
    let found = problems(loader().file(&path).load());
    assert!(found[0].key.contains("speed") && found[0].layer.contains("aerie.yaml"), "{found:?}");
}

proptest! {
    #[test]
    fn any_text_in_a_file_or_variable_is_an_error_or_a_configuration(text in "\\PC{0,200}", value in "\\PC{0,40}") {
        let (_folder, path) = file(&text);
        let _ = loader().file(&path).load();
        for name in ["AERIE__SERVER__PORT", "AERIE__SERVER", "AERIE__", "AERIE____X", "AERIE__DISCOVERY__ENDPOINTS"] {
            let _ = loader().environment([(name, value.as_str())]).load();
        }
    }
}
