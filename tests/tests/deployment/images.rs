//! Images and compose files, read as text: nothing here builds or starts a container.

use std::{collections::BTreeSet, fs};

use aerie_config::{Outside, Role};
use aerie_tests::tools::root;
use serde_json::Value;

use crate::{
    deploy,
    manifests::{documents, items, split_image, text, texts},
};

const IMAGES: [&str; 2] = ["Dockerfile", "Dockerfile.vision-cuda"];
const COMPOSE: [&str; 3] = ["compose.yml", "compose.demo.yml", "compose.cloud.yml"];

/// Instructions of a Dockerfile, each in one line, without comments.
fn instructions(file: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(deploy().join(file)).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let words = joined.lines().filter_map(|line| line.trim().split_once(' '));
    words.map(|(name, rest)| (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

/// What is wrong with a Dockerfile's instructions.
fn faults(instructions: &[(String, String)]) -> Vec<String> {
    let of = |list: &[(String, String)], wanted: &str| -> Vec<String> {
        list.iter().filter(|(name, _)| name == wanted).map(|(_, rest)| rest.clone()).collect()
    };
    let mut found = Vec::new();
    let arguments = of(instructions, "ARG");
    let mut stages = BTreeSet::new();
    for from in of(instructions, "FROM") {
        let mut words = from.split(' ');
        let image = words.next().unwrap_or_default();
        stages.extend(words.nth(1).map(str::to_owned));
        // A variable lets whoever builds give a digest.
        let Some(variable) = image.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            found.push(format!("{image} cannot be replaced by one with a digest"));
            continue;
        };
        let given = arguments.iter().find_map(|one| one.strip_prefix(&format!("{variable}=")));
        let pin = given.map_or("", |image| split_image(image).1);
        let is_version =
            pin.contains(|one: char| one.is_ascii_digit()) || given.is_some_and(|image| image.contains("debian12:"));
        if pin.is_empty() || pin.contains("latest") || !is_version {
            found.push(format!("{variable} names no version: {given:?}"));
        }
    }
    let last = instructions.iter().rposition(|(name, _)| name == "FROM").unwrap_or(0);
    let last = &instructions[last..];
    if !last[0].1.contains("FINAL_IMAGE") || of(instructions, "FROM").len() < 2 {
        found.push("what it is built with is in the image".to_owned());
    }
    let final_image = arguments.iter().find(|one| one.starts_with("FINAL_IMAGE=")).cloned().unwrap_or_default();
    if !(final_image.contains("distroless") || final_image.contains("scratch")) || final_image.contains("debug") {
        found.push(format!("{final_image} has a shell"));
    }
    if !of(last, "RUN").is_empty() || !of(last, "ADD").is_empty() || !of(last, "SHELL").is_empty() {
        found.push("the last stage runs something, for which there is no shell".to_owned());
    }
    let user = of(last, "USER").pop().unwrap_or_default();
    if user.split(':').any(|id| id.parse::<u32>().is_ok_and(|id| id == 0) || id.parse::<u32>().is_err()) {
        found.push(format!("the user is {user:?}: write numbers above 0, which Kubernetes can check"));
    }
    for (name, must_be) in [("ENTRYPOINT", true), ("CMD", true), ("HEALTHCHECK", true)] {
        let given = of(last, name).pop().unwrap_or_default();
        let command = given.rsplit_once("CMD ").map_or(given.as_str(), |(_, command)| command);
        if must_be && serde_json::from_str::<Vec<String>>(command).is_err() {
            found.push(format!("{name} is not a list of words: {given:?}"));
        }
    }
    for copy in of(last, "COPY") {
        let from = copy.split(' ').find_map(|word| word.strip_prefix("--from=")).unwrap_or_default();
        if !stages.contains(from) {
            found.push(format!("COPY {copy} takes from no stage"));
        }
    }
    found
}

#[test]
fn images_hold_the_program_and_nothing_to_break_in_with() {
    for file in IMAGES {
        let found = faults(&instructions(file));
        assert!(found.is_empty(), "{file}: {}", found.join("\n"));
    }
}

#[test]
fn the_rules_for_images_notice_what_breaks_them() {
    let breaks: [(&str, &str, &str); 6] = [
        ("65532:65532", "0:0", "the user is"),
        ("65532:65532", "nonroot", "the user is"),
        ("FINAL_IMAGE=gcr.io/distroless/cc-debian12:nonroot", "FINAL_IMAGE=debian:12-slim", "has a shell"),
        ("RUST_IMAGE=rust:1.95.0-slim-bookworm", "RUST_IMAGE=rust:latest", "names no version"),
        ("[\"/usr/bin/aerie\", \"healthcheck\"]", "aerie healthcheck", "not a list of words"),
        ("--from=program", "--from=elsewhere", "takes from no stage"),
    ];
    for (good, bad, words) in breaks {
        let mut broken = instructions("Dockerfile");
        let before = broken.clone();
        broken.iter_mut().for_each(|(_, rest)| *rest = rest.replace(good, bad));
        assert_ne!(before, broken, "{good} is not in the Dockerfile any more");
        let found = faults(&broken);
        assert!(found.iter().any(|finding| finding.contains(words)), "{words}: {found:?}");
    }
}

/// The compiler of the image is not older than what the workspace asks for, and Node.js not older than the app's.
#[test]
fn images_are_built_with_tools_that_are_new_enough() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let wanted =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")).unwrap().trim_end_matches('"');
    let version = |text: &str| -> Vec<u32> { text.split('.').map_while(|part| part.parse().ok()).collect() };
    for file in IMAGES {
        let arguments = instructions(file);
        let of = |start: &str| arguments.iter().find_map(|(_, rest)| Some(rest.strip_prefix(start)?.to_owned()));
        let rust = of("RUST_IMAGE=rust:").unwrap();
        let rust = rust.split('-').next().unwrap();
        assert!(version(rust) >= version(wanted), "{file}: Rust {rust} is older than {wanted}");
        if let Some(node) = of("NODE_IMAGE=node:") {
            assert!(version(node.split('-').next().unwrap()) >= vec![18, 19], "{file}: Node.js {node}");
        }
    }
}

/// Everything that the program is built from gets into the build, and nothing private does.
#[test]
fn the_build_is_given_the_whole_workspace_and_nothing_else() {
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let lines: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(lines.first(), Some(&"*"), "everything is left out that is not named");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    let members: Vec<String> = serde_json::from_str(members).unwrap();
    let mut needed: BTreeSet<&str> = members.iter().map(|member| member.trim_end_matches("/*")).collect();
    needed.extend(["src", "Cargo.toml", "Cargo.lock", ".cargo"]);
    for path in needed {
        assert!(lines.contains(&format!("!{path}").as_str()), "{path} is missing from the build");
    }
    for private in [".git", ".env", "deploy", "target", "fuzz", "docs"] {
        assert!(!lines.contains(&format!("!{private}").as_str()), "{private} has no place in an image");
    }
}

/// Files and folders that a compose file of ours takes from this folder.
fn files(compose: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for section in ["configs", "secrets"] {
        let entries = compose[section].as_object().into_iter().flatten();
        found.extend(entries.map(|(_, entry)| text(entry, "/file").to_owned()).filter(|file| !file.is_empty()));
    }
    found
}

#[test]
fn compose_files_give_no_rights_and_bound_everything() {
    for file in COMPOSE {
        let compose = &documents(&deploy().join(file))[0];
        for (service, settings) in compose["services"].as_object().unwrap() {
            // What lies over another file says only what differs.
            let Some(image) = settings.get("image").and_then(Value::as_str) else { continue };
            let place = format!("{file}: {service}");
            let (_, tag) = split_image(image);
            assert!(tag.contains('.') && !tag.contains("latest"), "{place}: {image} names no version");
            assert_eq!(settings["read_only"], true, "{place} writes into its image");
            assert_eq!(texts(settings, "/security_opt"), ["no-new-privileges:true"], "{place}");
            assert!(settings.get("mem_limit").is_some(), "{place} may take all memory");
            assert!(settings.get("privileged").is_none(), "{place}");
            // The image of PostgreSQL begins as root, to own its folder, and goes on as its own user.
            assert!(
                image.starts_with("postgres:") || texts(settings, "/cap_drop") == ["ALL"],
                "{place} keeps capabilities"
            );
            for port in texts(settings, "/ports") {
                assert!(port.starts_with("127.0.0.1:"), "{place}: {port} is open to other machines");
            }
            let lists = [("configs", "configs"), ("secrets", "secrets"), ("networks", "networks")];
            for (list, section) in lists {
                for entry in items(settings, &format!("/{list}")) {
                    let used = entry.as_str().unwrap_or_else(|| text(entry, "/source"));
                    assert!(compose[section].get(used).is_some(), "{place}: {used} is not among {section}");
                }
            }
            for (other, _) in settings["depends_on"].as_object().into_iter().flatten() {
                assert!(compose["services"].get(other).is_some(), "{place} waits for {other}");
            }
        }
        for path in files(compose).iter().filter(|path| !path.starts_with("secrets/")) {
            assert!(deploy().join(path).is_file(), "{file}: {path}");
        }
    }
}

/// Secrets are files that git does not take, and the script makes those that no person has to give.
#[test]
fn secrets_of_compose_files_are_made_and_kept_out_of_git() {
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    for path in ["/deploy/secrets/", "/deploy/.env", "/deploy/models/"] {
        assert!(ignored.lines().any(|line| line == path), "git would take {path}");
    }
    let script = fs::read_to_string(deploy().join("compose/make-secrets.sh")).unwrap();
    assert!(script.contains("aerie:0.1.0 certificates --out /out/certificates"), "{script}");
    let roles = ["gateway", "pipeline", "llm-router", "vision"];
    let certified = roles.iter().flat_map(|role| [format!("{role}.pem"), format!("{role}.key")]);
    let more = ["ca.pem", "identity.key", "identity.pub"].map(str::to_owned);
    let made: BTreeSet<String> = certified.chain(more).map(|file| format!("secrets/certificates/{file}")).collect();
    let compose = &documents(&deploy().join("compose.yml"))[0];
    let mut used: BTreeSet<String> = files(compose).into_iter().filter(|path| path.starts_with("secrets/")).collect();
    assert!(used.remove("secrets/server-secret") && script.contains("> secrets/server-secret"));
    assert_eq!(used, made, "what `aerie certificates` makes, but for the authority's own key");
}

/// Each service has the certificate of its role and nobody else's, and only who signs has the key for it.
#[test]
fn services_of_compose_files_are_given_their_own_keys_only() {
    let compose = &documents(&deploy().join("compose.yml"))[0];
    for (service, settings) in compose["services"].as_object().unwrap() {
        let Some(role) = texts(settings, "/command").first().and_then(|role| role.parse::<Role>().ok()) else {
            continue;
        };
        let own = format!("{}_key", role.name().replace('-', "_"));
        let given = texts(settings, "/secrets");
        let keys: Vec<&str> = given.iter().copied().filter(|secret| secret.ends_with("_key")).collect();
        let wanted: &[&str] = if role == Role::Migrate { &[] } else { &[&own] };
        assert_eq!(keys, wanted, "{service}");
        assert_eq!(given.contains(&"signing"), matches!(role, Role::Gateway | Role::Pipeline), "{service}");
        let has_store = role.reaches().contains(&Outside::Database);
        assert_eq!(given.contains(&"server_secret"), has_store, "{service}");
    }
}

/// The network that most services are in reaches nothing, and the model's service would be in no other.
#[test]
fn only_who_reaches_the_internet_is_in_a_network_that_does() {
    let compose = &documents(&deploy().join("compose.yml"))[0];
    assert_eq!(compose["networks"]["inside"]["internal"], true);
    for (service, settings) in compose["services"].as_object().unwrap() {
        let role = texts(settings, "/command").first().and_then(|role| role.parse::<Role>().ok());
        let wanted = role.is_some_and(|role| role.reaches().contains(&Outside::Internet));
        let is_outside = texts(settings, "/networks").iter().any(|network| *network != "inside");
        assert_eq!(is_outside, wanted, "{service}");
    }
}
