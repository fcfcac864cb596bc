//! Who may talk to whom, in the network policies and in the program: the same arrows, opened at both ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use aerie_config::{Outside, Role};
use aerie_tests::tools::root;
use regex::Regex;
use serde_json::{Value, json};

use crate::manifests::{Workload, all, items, kind, name, of_kind, overlay, selects, text, texts, workloads};

/// From a workload to a workload, on a port.
type Arrow = (String, String, u64);

const OPERATIONS: u64 = 9464;

fn role(workload: &Workload) -> Option<Role> {
    let arguments = workload.arguments();
    // `vision fetch` is a command that ends, not the service.
    if !workload.is_ours() || arguments.get(1) == Some(&"fetch") {
        return None;
    }
    Some(arguments.first()?.parse().unwrap_or_else(|error| panic!("{}: {error}", workload.name)))
}

/// The policies that hold for a workload in one direction.
fn policies<'a>(objects: &'a [Value], workload: &Workload, direction: &str) -> Vec<&'a Value> {
    let all = of_kind(objects, "NetworkPolicy").into_iter();
    let holds = |policy: &&Value| {
        texts(policy, "/spec/policyTypes").contains(&direction)
            && selects(&policy["spec"]["podSelector"], &workload.labels)
    };
    all.filter(holds).collect()
}

/// What one end of a rule is: pods of this namespace, pods of another, or addresses.
fn peers<'a>(objects: &'a [Value], workload: &Workload, direction: &str) -> Vec<(&'a Value, BTreeSet<u64>)> {
    let (rules, ends) = if direction == "Egress" { ("/spec/egress", "/to") } else { ("/spec/ingress", "/from") };
    let mut found = Vec::new();
    for policy in policies(objects, workload, direction) {
        for rule in items(policy, rules) {
            let ports: BTreeSet<u64> = items(rule, "/ports").iter().filter_map(|port| port["port"].as_u64()).collect();
            assert!(!ports.is_empty(), "{}: a rule without ports opens all of them", name(policy));
            let ends = items(rule, ends);
            assert!(!ends.is_empty(), "{}: a rule without ends opens it to everybody", name(policy));
            found.extend(ends.into_iter().map(|end| (end, ports.clone())));
        }
    }
    found
}

fn within<'a>(pods: &'a [Workload], end: &Value) -> Vec<&'a Workload<'a>> {
    if end.get("namespaceSelector").is_some() || end.get("ipBlock").is_some() {
        return Vec::new();
    }
    pods.iter().filter(|pod| selects(&end["podSelector"], &pod.labels)).collect()
}

/// Arrows between workloads as the outgoing or the incoming ends open them.
fn opened(objects: &[Value], direction: &str) -> BTreeSet<Arrow> {
    let pods = workloads(objects);
    let mut found = BTreeSet::new();
    for workload in &pods {
        for (end, ports) in peers(objects, workload, direction) {
            for other in within(&pods, end) {
                let (from, to) = if direction == "Egress" { (workload, other) } else { (other, workload) };
                found.extend(ports.iter().map(|port| (from.name.to_owned(), to.name.to_owned(), *port)));
            }
        }
    }
    found
}

/// Arrows that the program can make: from every process of a role to every process that serves a role it calls.
fn made(objects: &[Value]) -> BTreeSet<Arrow> {
    let pods = workloads(objects);
    let mut found = BTreeSet::new();
    for (caller, role) in pods.iter().filter_map(|pod| Some((pod, self::role(pod)?))) {
        for callee in pods.iter().filter(|pod| self::role(pod).is_some_and(|other| role.calls().contains(&other))) {
            let port = callee.containers()[0]["ports"].as_array().into_iter().flatten().find_map(|port| {
                (text(port, "/name") != "operations").then(|| port["containerPort"].as_u64()).flatten()
            });
            // A worker serves nobody.
            found.extend(port.map(|port| (caller.name.to_owned(), callee.name.to_owned(), port)));
        }
        let server = |outside, name: &str, port| {
            let is_there = pods.iter().any(|pod| pod.name == name && role.reaches().contains(&outside));
            is_there.then(|| (caller.name.to_owned(), name.to_owned(), port))
        };
        found.extend(server(Outside::Database, "postgres", 5432));
        found.extend(server(Outside::Events, "nats", 4222));
    }
    found
}

#[test]
fn the_policies_open_exactly_the_arrows_that_the_program_makes() {
    for (overlay, objects) in all() {
        let made = made(&objects);
        assert!(made.len() >= 3, "{overlay}: {made:?}");
        assert_eq!(opened(&objects, "Egress"), made, "{overlay}, outgoing");
        assert_eq!(opened(&objects, "Ingress"), made, "{overlay}, incoming");
    }
    let arrows = made(&overlay("gpu"));
    let has = |from: &str, to: &str, port| arrows.contains(&(from.to_owned(), to.to_owned(), port));
    assert!(has("gateway", "pipeline-api", 8730) && has("pipeline-worker", "vision", 8720), "{arrows:?}");
    assert!(has("llm-router", "vision", 8720) && !has("vision", "llm-router", 8710), "{arrows:?}");
}

/// What lies outside, by the ends of rules that are no pods of ours.
fn outside(objects: &[Value], workload: &Workload) -> BTreeMap<Outside, BTreeSet<u64>> {
    let mut found = BTreeMap::<Outside, BTreeSet<u64>>::new();
    let pods = workloads(objects);
    for (end, ports) in peers(objects, workload, "Egress") {
        let everywhere = ["0.0.0.0/0", "::/0"].contains(&text(end, "/ipBlock/cidr"));
        let servers = within(&pods, end).iter().any(|pod| !pod.is_ours());
        let addresses = end.get("ipBlock").is_some() && !everywhere;
        if everywhere {
            found.entry(Outside::Internet).or_default().extend(&ports);
        } else if servers || addresses {
            let what = if ports.contains(&4222) { Outside::Events } else { Outside::Database };
            found.entry(what).or_default().extend(&ports);
        } else if end.get("namespaceSelector").is_some() {
            let names = text(end, "/podSelector/matchLabels/k8s-app") == "kube-dns" && ports == BTreeSet::from([53]);
            assert!(names, "{}: an arrow into another namespace that nobody knows: {end}", workload.name);
        }
    }
    found
}

#[test]
fn the_policies_open_exactly_what_each_role_reaches_outside() {
    for (overlay, objects) in all() {
        for workload in workloads(&objects) {
            let Some(role) = role(&workload) else { continue };
            let opened = outside(&objects, &workload);
            let wanted: BTreeSet<Outside> = role.reaches().iter().copied().collect();
            assert_eq!(opened.keys().copied().collect::<BTreeSet<_>>(), wanted, "{overlay}: {}", workload.name);
            if let Some(ports) = opened.get(&Outside::Internet) {
                assert!(ports.contains(&443) && ports.len() <= 6, "{overlay}: {} has {ports:?}", workload.name);
            }
        }
    }
}

/// Addresses within a network are no internet: a page that names one must not be fetched there.
#[test]
fn the_internet_is_without_private_addresses() {
    let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "100.64.0.0/10"];
    let private6 = ["fc00::/7", "fe80::/10", "::1/128"];
    let mut seen = 0;
    for (overlay, objects) in all() {
        for workload in workloads(&objects) {
            for (end, _) in peers(&objects, &workload, "Egress") {
                let wanted: &[&str] = match text(end, "/ipBlock/cidr") {
                    "0.0.0.0/0" => &private,
                    "::/0" => &private6,
                    _ => continue,
                };
                let without = texts(end, "/ipBlock/except");
                assert!(
                    wanted.iter().all(|range| without.contains(range)),
                    "{overlay}: {}: {without:?}",
                    workload.name
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} rules lead to the internet");
}

#[test]
fn the_model_reaches_nothing_and_looks_up_no_names() {
    let mut seen = 0;
    for (_, objects) in all() {
        for workload in workloads(&objects).iter().filter(|pod| role(pod) == Some(Role::Vision)) {
            assert!(!policies(&objects, workload, "Egress").is_empty(), "nothing closes it");
            assert!(peers(&objects, workload, "Egress").is_empty());
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn everything_is_closed_that_is_not_opened_and_only_prometheus_reads_operations_ports() {
    for (overlay, objects) in all() {
        let closed = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
        let denies = of_kind(&objects, "NetworkPolicy").into_iter().any(|policy| policy["spec"] == closed);
        assert!(denies, "{overlay}: what no policy names is open");
        for workload in workloads(&objects) {
            for (end, ports) in peers(&objects, &workload, "Ingress") {
                let namespace = text(end, "/namespaceSelector/matchLabels/kubernetes.io~1metadata.name");
                match namespace {
                    "monitoring" => assert_eq!(ports, BTreeSet::from([OPERATIONS]), "{overlay}"),
                    "" => assert!(!ports.contains(&OPERATIONS), "{overlay}: {}", workload.name),
                    _ => assert_eq!((workload.name, ports), ("gateway", BTreeSet::from([8700])), "{overlay}"),
                }
            }
        }
    }
}

/// Every generated client that a service's code uses leads along an arrow of the table.
#[test]
fn the_table_has_every_call_that_the_code_of_a_service_makes() {
    let packages = [("pipeline", Role::Pipeline), ("llm", Role::LlmRouter), ("vision", Role::Vision)];
    let mut owners = BTreeMap::new();
    for (package, role) in packages {
        for file in fs::read_dir(root().join("proto/aerie").join(package).join("v1")).unwrap().flatten() {
            let text = fs::read_to_string(file.path()).unwrap();
            let services = text.lines().filter_map(|line| line.strip_prefix("service ")?.split_once(' '));
            owners.extend(services.map(|(service, _)| (service.to_owned(), role)));
        }
    }
    assert!(owners.len() > 10, "{owners:?}");
    let client = Regex::new(r"\b(\w+Service)Client\b").unwrap();
    let mut seen = BTreeSet::new();
    for role in [Role::Gateway, Role::Pipeline, Role::LlmRouter, Role::Vision] {
        for file in sources(&root().join("services").join(role.name()).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for found in client.captures_iter(&text) {
                let callee = owners[&found[1]];
                assert!(
                    role.calls().contains(&callee),
                    "{} calls {callee}, and the table does not know it",
                    file.display()
                );
                seen.insert((role, callee));
            }
        }
    }
    assert!(
        seen.contains(&(Role::Pipeline, Role::LlmRouter)) && seen.contains(&(Role::LlmRouter, Role::Vision)),
        "{seen:?}"
    );
}

/// Source files in a folder, without those of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && name != "tests.rs"
            && name != "testing.rs"
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn an_arrow_too_many_or_too_few_is_noticed() {
    let mut objects = overlay("gpu");
    let policy = objects.iter_mut().find(|one| kind(one) == "NetworkPolicy" && name(one) == "llm-router").unwrap();
    let backend = json!({"to": [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "pipeline-api"}}}],
        "ports": [{"protocol": "TCP", "port": 8730}]});
    policy["spec"]["egress"].as_array_mut().unwrap().push(backend);
    let opened = opened(&objects, "Egress");
    let wanted = made(&objects);
    let more: Vec<&Arrow> = opened.difference(&wanted).collect();
    assert_eq!(more, [&("llm-router".to_owned(), "pipeline-api".to_owned(), 8730)]);
    let mut objects = overlay("gpu");
    objects.retain(|one| !(kind(one) == "NetworkPolicy" && name(one) == "vision"));
    assert_ne!(self::opened(&objects, "Ingress"), made(&objects));
}
