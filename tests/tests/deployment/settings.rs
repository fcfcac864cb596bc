//! The settings that manifests and compose files give are settings of the program, and fit together.

use std::{collections::BTreeMap, fs};

use aerie_config::{Config, ConfigError, Loader};
use serde_json::Value;

use crate::{
    deploy,
    manifests::{Workload, all, documents, items, name, of_kind, text, workloads},
};

/// What stands for values that only a Secret has.
const SECRETS: [(&str, &str); 2] = [
    ("AERIE__STORE__URL", "postgres://aerie:secret@postgres:5432/aerie"),
    ("AERIE__EVENTS__NATS_URL", "nats://nats:4222"),
];

/// The variables that a container is started with, those of its maps included.
fn variables(objects: &[Value], workload: &Workload) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for container in workload.containers() {
        for from in items(container, "/envFrom") {
            let wanted = text(from, "/configMapRef/name");
            let map = of_kind(objects, "ConfigMap").into_iter().find(|map| name(map) == wanted).expect(wanted);
            let entries = map["data"].as_object().unwrap();
            found.extend(entries.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())));
        }
        for variable in items(container, "/env") {
            let given = text(variable, "/name");
            let secret = SECRETS.iter().find(|(known, _)| *known == given).map(|(_, value)| *value);
            let value =
                if variable.get("valueFrom").is_some() { secret.expect(given) } else { text(variable, "/value") };
            found.insert(given.to_owned(), value.to_owned());
        }
    }
    found
}

fn load(variables: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
    Loader::new().environment(variables.iter().map(|(name, value)| (name.clone(), value.clone()))).load()
}

#[test]
fn every_process_is_given_settings_that_it_understands() {
    for (overlay, objects) in all() {
        for workload in workloads(&objects).into_iter().filter(Workload::is_ours) {
            let variables = variables(&objects, &workload);
            let stray: Vec<&String> = variables.keys().filter(|name| !name.starts_with("AERIE")).collect();
            assert!(stray.is_empty(), "{overlay}: {}: {stray:?}", workload.name);
            if let Err(error) = load(&variables) {
                panic!("{overlay}: {}: {error}", workload.name);
            }
        }
    }
}

/// An address that a process is given leads to a Service with that name, namespace and port.
#[test]
fn addresses_of_services_lead_to_services() {
    for (overlay, objects) in all() {
        for workload in workloads(&objects).into_iter().filter(|one| one.is_ours() && one.serves()) {
            let variables = variables(&objects, &workload);
            let endpoints: Vec<_> = variables.iter().filter(|(name, _)| name.ends_with("__ENDPOINT")).collect();
            for role in ["PIPELINE", "LLM_ROUTER", "VISION"] {
                assert!(variables.contains_key(&format!("AERIE__{role}__ENDPOINT")), "{overlay}: {}", workload.name);
            }
            for (variable, address) in endpoints {
                let host = address.strip_prefix("https://").unwrap_or_else(|| panic!("{variable} is without TLS"));
                let (host, port) = host.split_once(':').expect(variable);
                let service = host.strip_suffix(".aerie.svc.cluster.local").expect(variable);
                let known = of_kind(&objects, "Service").into_iter().find(|one| name(one) == service);
                // Without the component of the GPU nodes nobody answers for the model, and everything else works.
                let Some(known) = known else {
                    assert_eq!((service, overlay.starts_with("gpu")), ("vision", false), "{overlay}: {variable}");
                    continue;
                };
                let ports = items(known, "/spec/ports");
                let port = port.parse::<u64>().ok();
                assert!(ports.iter().any(|one| one["port"].as_u64() == port), "{overlay}: {variable} is {address}");
            }
        }
    }
}

/// A process listens where its ports are said to be, and its files lie where something is mounted.
#[test]
fn ports_and_files_are_where_the_settings_say() {
    for (overlay, objects) in all() {
        for workload in workloads(&objects).into_iter().filter(|one| one.is_ours() && one.serves()) {
            let (variables, container) = (variables(&objects, &workload), workload.containers()[0]);
            let port = |wanted: &str| {
                let ports = items(container, "/ports");
                let found =
                    ports.into_iter().find(|port| (text(port, "/name") == "operations") == (wanted == "operations"));
                found.map(|port| port["containerPort"].to_string())
            };
            let operations = &variables["AERIE__TELEMETRY__OPERATIONS_LISTEN"];
            assert_eq!(
                operations.rsplit_once(':').map(|(_, port)| port.to_owned()),
                port("operations"),
                "{}",
                workload.name
            );
            let listens = match variables.get("AERIE__VISION__LISTEN") {
                Some(listens) => listens.rsplit_once(':').map(|(_, port)| port.to_owned()),
                None => ["AERIE__PIPELINE__LISTEN", "AERIE__LLM__LISTEN"]
                    .iter()
                    .find_map(|name| Some(variables.get(*name)?.rsplit_once(':')?.1.to_owned()))
                    .or_else(|| variables.get("AERIE__SERVER__PORT").cloned()),
            };
            assert_eq!(listens, port("service"), "{overlay}: {}", workload.name);
            if let Some(listens) = &listens {
                let usual = usual_port(workload.arguments()[0]);
                assert_eq!(*listens, usual, "{overlay}: {} has another port than on one machine", workload.name);
            }
            let mounts: Vec<&str> =
                items(container, "/volumeMounts").iter().map(|one| text(one, "/mountPath")).collect();
            for (variable, value) in variables.iter().filter(|(name, _)| *name != "AERIE__ACCOUNTS__ISSUERS") {
                for path in value.split(['[', ',', ']', ' ']).filter(|path| path.starts_with('/')) {
                    let is_mounted =
                        mounts.iter().any(|mount| *mount == path || path.starts_with(&format!("{mount}/")));
                    assert!(
                        is_mounted,
                        "{overlay}: {}: {variable} is {path}, and nothing is mounted there",
                        workload.name
                    );
                }
            }
        }
    }
}

/// Where a role listens unless its settings say otherwise.
fn usual_port(role: &str) -> String {
    let settings = Loader::new().environment([("AERIE_HOME", "/tmp")]).load().unwrap();
    match role {
        "gateway" => settings.server.port,
        "pipeline" => settings.pipeline.listen.port(),
        "vision" => settings.vision.listen.port(),
        // A text in the settings, since it may name a host.
        _ => settings.llm.listen.to_string().rsplit_once(':').unwrap().1.parse().unwrap(),
    }
    .to_string()
}

#[test]
fn the_file_of_models_is_a_settings_file() {
    let file = deploy().join("kubernetes/base/models.yaml");
    Loader::new().environment([("AERIE_HOME", "/tmp")]).file(&file).load().unwrap();
    // Its example, which stands in comments.
    let text = fs::read_to_string(&file).unwrap();
    let commented = text.lines().filter_map(|line| line.strip_prefix('#')).skip_while(|line| *line != " llm:");
    let example: String = commented.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("example.yaml");
    fs::write(&path, example).unwrap();
    let settings = Loader::new().environment([("AERIE_HOME", "/tmp")]).file(&path).load().unwrap();
    assert_eq!(settings.llm.backends.len(), 2);
}

#[test]
fn compose_files_give_settings_that_the_program_understands() {
    let mut seen = 0;
    let common = fs::read_to_string(deploy().join("compose/settings.yaml")).unwrap();
    for file in ["compose.yml", "compose.demo.yml", "compose.cloud.yml"] {
        for (service, settings) in documents(&deploy().join(file))[0]["services"].as_object().unwrap() {
            let Some(environment) = settings.get("environment").and_then(Value::as_object) else { continue };
            let mut variables = BTreeMap::from([("AERIE_HOME".to_owned(), "/tmp".to_owned())]);
            let is_split = environment.contains_key("AERIE_CONFIG");
            if is_split {
                variables.extend(flat(&serde_yaml_ng::from_str(&common).unwrap(), "AERIE"));
            }
            for (name, value) in environment.iter().filter(|(name, _)| name.starts_with("AERIE__")) {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                // What compose fills in from its own environment.
                let secret = SECRETS.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
                variables.insert(name.clone(), secret.unwrap_or(text));
            }
            variables.retain(|_, value| !value.contains("${"));
            load(&variables).unwrap_or_else(|error| panic!("{file}: {service}: {error}"));
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} services have settings");
}

/// Settings of a file as variables, which name the same keys.
fn flat(settings: &Value, prefix: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, value) in settings.as_object().into_iter().flatten() {
        let name = format!("{prefix}__{}", key.to_uppercase());
        match value {
            Value::Object(_) => found.extend(flat(value, &name)),
            Value::String(text) => drop(found.insert(name, text.clone())),
            other => drop(found.insert(name, other.to_string())),
        }
    }
    found
}
