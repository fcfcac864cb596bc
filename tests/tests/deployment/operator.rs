//! What an operator reads, types and makes: the page, the commands, the Secrets.

use std::{collections::BTreeSet, fs};

use aerie_tests::{program::Program, tools::root};

use crate::{
    deploy,
    manifests::{Workload, all, documents, items, text, workloads},
};

fn page() -> String {
    fs::read_to_string(root().join("docs/operations/kubernetes.md")).unwrap()
}

/// Every Secret that a pod needs is made on the page, with the keys that are read.
#[test]
fn the_page_makes_every_secret_that_is_referred_to() {
    let (mut wanted, page) = (BTreeSet::new(), page());
    for (_, objects) in all() {
        for workload in workloads(&objects) {
            for volume in items(workload.pod, "/volumes") {
                let secret = text(volume, "/secret/secretName");
                wanted.extend((!secret.is_empty()).then(|| (secret.to_owned(), String::new())));
            }
            for variable in workload.containers().into_iter().flat_map(|container| items(container, "/env")) {
                let key = text(variable, "/valueFrom/secretKeyRef/key").to_owned();
                let secret = text(variable, "/valueFrom/secretKeyRef/name");
                wanted.extend((!secret.is_empty()).then(|| (secret.to_owned(), key)));
            }
        }
    }
    assert!(wanted.len() >= 10, "{wanted:?}");
    let made: Vec<&str> =
        page.split("create secret").skip(1).map(|rest| rest.split("\n\n").next().unwrap_or(rest)).collect();
    let has = |secret: &str, key: &str| {
        let is_word = |text: &str, word: &str| text.split([' ', '\n', '=', '`', '$', '}']).any(|found| found == word);
        // Those of certificates are made in a loop over the roles.
        let looped = secret.strip_prefix("tls-").or(secret.strip_prefix("identity-"));
        made.iter().any(|rest| {
            (is_word(rest, secret) || looped.is_some_and(|role| page.contains(role) && rest.contains("-$role")))
                && rest.contains(key)
        })
    };
    let missing: Vec<_> = wanted.iter().filter(|(secret, key)| !has(secret, key)).collect();
    assert!(missing.is_empty(), "docs/operations/kubernetes.md does not make {missing:?}");
    assert!(page.contains("create configmap identity-verifying"));
}

/// Files and folders that the page names are there.
#[test]
fn the_page_names_what_exists() {
    let page = page();
    let words = page.split(|one: char| one.is_whitespace() || "`()<>\"',;".contains(one));
    let named: BTreeSet<&str> =
        words.filter(|word| word.starts_with("deploy/")).map(|word| word.trim_end_matches(['.', ':', '/'])).collect();
    assert!(named.len() >= 6, "{named:?}");
    for path in named.into_iter().filter(|path| !path.starts_with("deploy/kubernetes/overlays/ours")) {
        assert!(root().join(path).exists(), "the page names {path}");
    }
    for overlay in fs::read_dir(deploy().join("kubernetes/overlays")).unwrap().flatten() {
        let name = overlay.file_name().to_string_lossy().into_owned();
        assert!(page.contains(&format!("overlays/{name}")), "the page does not say what {name} is for");
    }
}

/// The words after the program's name, wherever a file here starts it.
fn started() -> BTreeSet<Vec<String>> {
    let own = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut found = BTreeSet::new();
    for (_, objects) in all() {
        found.extend(workloads(&objects).iter().filter(|one| one.is_ours()).map(|one| own(one.arguments())));
    }
    for file in ["compose.yml", "compose.demo.yml", "compose.cloud.yml"] {
        for (_, service) in documents(&deploy().join(file))[0]["services"].as_object().unwrap() {
            let is_ours = text(service, "/image").contains("aerie");
            let command: Vec<&str> = items(service, "/command").into_iter().filter_map(|word| word.as_str()).collect();
            found.extend((is_ours && !command.is_empty()).then(|| own(command)));
        }
    }
    found
}

#[test]
fn what_is_started_are_commands_of_the_program() -> anyhow::Result<()> {
    let started = started();
    assert!(started.len() >= 6, "{started:?}");
    let Some(program) = Program::find()? else { return Ok(()) };
    let home = tempfile::tempdir()?;
    for arguments in started {
        let asked = arguments.iter().map(String::as_str).chain(["--help"]);
        let finished = program.run(home.path(), asked)?;
        assert_eq!(finished.code, 0, "aerie {}: {}", arguments.join(" "), finished.stderr);
    }
    Ok(())
}

/// Each role is started by exactly one Deployment or Job, apart from the pipeline, which is parted.
#[test]
fn every_role_has_its_workload() {
    for (overlay, objects) in all() {
        let pods = workloads(&objects);
        let of = |role: &str| pods.iter().filter(|one: &&Workload| one.arguments().first() == Some(&role)).count();
        let roles = ["gateway", "pipeline", "llm-router", "migrate"].map(of);
        assert_eq!(roles, [1, 2, 1, 1], "{overlay}");
        let parts: BTreeSet<&str> =
            pods.iter().flat_map(Workload::arguments).filter(|word| word.starts_with("--") && word.len() > 4).collect();
        assert!(["--api", "--scheduler", "--worker"].iter().all(|part| parts.contains(part)), "{overlay}: {parts:?}");
    }
}
