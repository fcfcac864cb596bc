//! What every object must keep to: rights, limits, probes, and names that lead somewhere.

use std::collections::BTreeSet;

use aerie_config::Loader;
use serde_json::{Value, json};

use crate::manifests::{
    Workload, all, items, kind, name, of_kind, overlay, selects, split_image, text, texts, workloads,
};

/// A rule: what breaks it, in words.
type Rule = fn(&[Value]) -> Vec<String>;

const RULES: [(&str, Rule); 9] = [
    ("rights", rights),
    ("resources", resources),
    ("probes", probes),
    ("images", images),
    ("volumes", volumes),
    ("time to end", time_to_end),
    ("selectors", selectors),
    ("services", services),
    ("secrets", secrets),
];

fn each<'a>(objects: &'a [Value], check: impl Fn(&Workload<'a>, &mut Vec<String>)) -> Vec<String> {
    let mut all = Vec::new();
    for workload in workloads(objects) {
        let mut found = Vec::new();
        check(&workload, &mut found);
        all.extend(found.into_iter().map(|words| format!("{} {}: {words}", workload.kind, workload.name)));
    }
    all
}

/// Notes `words` unless `is_kept`.
fn require(found: &mut Vec<String>, is_kept: bool, words: impl Into<String>) {
    if !is_kept {
        found.push(words.into());
    }
}

fn is(value: &Value, pointer: &str, wanted: Value) -> bool {
    value.pointer(pointer) == Some(&wanted)
}

/// No user with rights, no token, nothing of the node's.
fn rights(objects: &[Value]) -> Vec<String> {
    each(objects, |workload, found| {
        let pod = workload.pod;
        require(found, is(pod, "/securityContext/runAsNonRoot", json!(true)), "may run as root");
        let user = pod.pointer("/securityContext/runAsUser").and_then(Value::as_u64);
        require(found, user.is_some_and(|user| user > 0), "names no user");
        let profile = text(pod, "/securityContext/seccompProfile/type");
        require(found, profile == "RuntimeDefault", "has no seccomp profile");
        require(found, is(pod, "/automountServiceAccountToken", json!(false)), "is given a token of the cluster");
        for key in ["/hostNetwork", "/hostPID", "/hostIPC"] {
            require(found, pod.pointer(key).is_none(), format!("has {key}"));
        }
        let account = text(pod, "/serviceAccountName");
        let accounts = of_kind(objects, "ServiceAccount");
        let known = accounts.iter().find(|one| name(one) == account);
        let is_bare = known.is_some_and(|one| is(one, "/automountServiceAccountToken", json!(false)));
        require(found, is_bare && account == workload.name, format!("has the account {account:?}, or it has a token"));
        for container in workload.containers() {
            let context = &container["securityContext"];
            require(found, is(context, "/allowPrivilegeEscalation", json!(false)), "may gain privileges");
            require(found, is(context, "/readOnlyRootFilesystem", json!(true)), "may write into its image");
            require(found, is(context, "/capabilities", json!({"drop": ["ALL"]})), "keeps capabilities");
            for key in ["privileged", "runAsUser", "runAsNonRoot", "seccompProfile"] {
                require(found, context.get(key).is_none(), format!("says {key} again for a container"));
            }
        }
    })
}

/// A quantity of Kubernetes as a number: processors or bytes.
fn quantity(text: &str) -> f64 {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "m" => 0.001,
        "" => 1.0,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        other => panic!("{text}: the unit {other} is not known here"),
    };
    digits.parse::<f64>().unwrap_or_else(|_| panic!("{text} is no quantity")) * factor
}

fn resources(objects: &[Value]) -> Vec<String> {
    each(objects, |workload, found| {
        for container in workload.containers() {
            for resource in ["cpu", "memory"] {
                let of = |what: &str| text(container, &format!("/resources/{what}/{resource}"));
                let (request, limit) = (of("requests"), of("limits"));
                if request.is_empty() || limit.is_empty() {
                    found.push(format!("has no request or no limit of {resource}"));
                } else {
                    require(
                        found,
                        quantity(request) <= quantity(limit),
                        format!("asks for more {resource} than it may have"),
                    );
                }
            }
        }
    })
}

/// What stays up is asked how it is; Aerie's own on the port for it, which is plain and serves nothing else.
fn probes(objects: &[Value]) -> Vec<String> {
    each(objects, |workload, found| {
        for container in workload.containers() {
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                require(
                    found,
                    container.get(probe).is_some() == workload.serves(),
                    format!("{probe} is missing or useless"),
                );
            }
            if !workload.is_ours() || !workload.serves() {
                continue;
            }
            let operations = port(container, "operations");
            require(found, operations.is_some(), "has no operations port");
            let asked = container.pointer("/readinessProbe/grpc/port").cloned();
            require(found, asked.is_some() && asked == operations, "is not asked by gRPC whether it is ready");
            let live = (text(container, "/livenessProbe/httpGet/path"), text(container, "/livenessProbe/httpGet/port"));
            require(found, live == ("/livez", "operations"), "is restarted when it is not ready, or never");
            let tries = container.pointer("/startupProbe/failureThreshold").and_then(Value::as_u64).unwrap_or(0);
            let every = container.pointer("/startupProbe/periodSeconds").and_then(Value::as_u64).unwrap_or(0);
            let is_model = workload.arguments().first() == Some(&"vision");
            let least = if is_model { 600 } else { 60 };
            require(found, tries * every >= least, format!("has {} s to start instead of {least}", tries * every));
        }
    })
}

fn port(container: &Value, wanted: &str) -> Option<Value> {
    let ports = items(container, "/ports");
    ports.into_iter().find(|port| text(port, "/name") == wanted).map(|port| port["containerPort"].clone())
}

fn images(objects: &[Value]) -> Vec<String> {
    each(objects, |workload, found| {
        for container in workload.containers() {
            let image = text(container, "/image");
            let (_, pin) = split_image(image);
            let tag = pin.strip_prefix(':').map(|tag| tag.split('@').next().unwrap_or_default());
            let digest = pin.split_once('@').map(|(_, digest)| digest);
            let is_tag = tag.is_some_and(|tag| tag.contains(|one: char| one.is_ascii_digit()) && tag.contains('.'));
            let is_digest = digest.is_none_or(|digest| digest.len() == "sha256:".len() + 64);
            require(found, is_tag && is_digest, format!("{image} names no version"));
            require(found, text(container, "/imagePullPolicy") != "Always", "is pulled anew each time");
        }
    })
}

fn volumes(objects: &[Value]) -> Vec<String> {
    each(objects, |workload, found| {
        let claimed = items(workload.object, "/spec/volumeClaimTemplates");
        let volumes = items(workload.pod, "/volumes");
        let names: BTreeSet<&str> =
            volumes.iter().map(|one| text(one, "/name")).chain(claimed.iter().map(|one| name(one))).collect();
        let mounts: Vec<&Value> =
            workload.containers().into_iter().flat_map(|container| items(container, "/volumeMounts")).collect();
        let mounted: BTreeSet<&str> = mounts.iter().map(|one| text(one, "/name")).collect();
        require(found, names == mounted, format!("has volumes {names:?} and mounts {mounted:?}"));
        for volume in volumes {
            let at = text(volume, "/name");
            require(found, volume.get("hostPath").is_none(), format!("{at} is a folder of the node"));
            let bounded = volume.get("emptyDir").is_none_or(|one| one.get("sizeLimit").is_some());
            require(found, bounded, format!("{at} may fill the node"));
            let is_there = |kind: &str, wanted: &str| of_kind(objects, kind).iter().any(|one| name(one) == wanted);
            let claim = text(volume, "/persistentVolumeClaim/claimName");
            require(
                found,
                claim.is_empty() || is_there("PersistentVolumeClaim", claim),
                format!("{claim} does not exist"),
            );
            let map = text(volume, "/configMap/name");
            // Public keys of an installation, which no file here can have.
            let known = map.is_empty() || map == "identity-verifying" || is_there("ConfigMap", map);
            require(found, known, format!("{map} does not exist"));
            if volume.get("secret").is_some() || volume.get("configMap").is_some() {
                let read_only =
                    mounts.iter().filter(|one| text(one, "/name") == at).all(|one| is(one, "/readOnly", json!(true)));
                require(found, read_only, format!("{at} is mounted for writing"));
            }
        }
    })
}

/// Who is told to end has longer than it may need.
fn time_to_end(objects: &[Value]) -> Vec<String> {
    let settings = Loader::new().overrides(&json!({"data_dir": "/"})).unwrap().load().unwrap();
    let common = of_kind(objects, "ConfigMap").into_iter().find(|map| name(map) == "settings");
    let set = common.map_or("", |map| text(map, "/data/AERIE__SERVER__SHUTDOWN_GRACE_SECONDS")).parse::<u64>();
    let drain = set.unwrap_or(settings.server.shutdown_grace_seconds);
    each(objects, |workload, found| {
        if !workload.is_ours() || !workload.serves() {
            return;
        }
        let pause = workload.containers()[0].pointer("/lifecycle/preStop/sleep/seconds").and_then(Value::as_u64);
        let needs = pause.unwrap_or(0) + drain + settings.telemetry.flush_seconds;
        let has = workload.pod["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
        require(found, pause.is_some_and(|pause| pause >= 6), "ends before callers have looked its name up again");
        require(found, has > needs, format!("has {has} s to end and may need {needs}"));
    })
}

/// Everything that points at pods or at a Deployment finds it.
fn selectors(objects: &[Value]) -> Vec<String> {
    let pods = workloads(objects);
    let mut found = each(objects, |workload, found| {
        if workload.serves() {
            let own = selects(&workload.object["spec"]["selector"], &workload.labels);
            require(found, own, "does not select its own pods");
            let others = pods.iter().filter(|other| selects(&workload.object["spec"]["selector"], &other.labels));
            require(found, others.count() == 1, "selects pods of others too");
        }
        if workload.kind == "Deployment" {
            let spreads = items(workload.pod, "/topologySpreadConstraints");
            let good = spreads.iter().all(|one| selects(&one["labelSelector"], &workload.labels));
            require(found, spreads.len() == 2 && good, "is not spread over zones and nodes");
            let budgets = of_kind(objects, "PodDisruptionBudget");
            let covering = budgets.iter().filter(|one| selects(&one["spec"]["selector"], &workload.labels));
            require(found, covering.count() == 1, "has no disruption budget, or several");
            let scalers = of_kind(objects, "HorizontalPodAutoscaler");
            let scaled = scalers.iter().any(|one| text(one, "/spec/scaleTargetRef/name") == workload.name);
            let fixed = workload.object.pointer("/spec/replicas").is_some();
            require(found, !(scaled && fixed), "has a number of replicas that its autoscaler would fight over");
        }
    });
    for budget in of_kind(objects, "PodDisruptionBudget") {
        let is_used = pods.iter().any(|pod| selects(&budget["spec"]["selector"], &pod.labels));
        require(&mut found, is_used, format!("PodDisruptionBudget {} protects nothing", name(budget)));
    }
    for scaler in of_kind(objects, "HorizontalPodAutoscaler") {
        let target = (text(scaler, "/spec/scaleTargetRef/kind"), text(scaler, "/spec/scaleTargetRef/name"));
        let is_there = pods.iter().any(|pod| (pod.kind, pod.name) == target);
        require(&mut found, is_there, format!("HorizontalPodAutoscaler {} scales {target:?}", name(scaler)));
        let (least, most) = (scaler["spec"]["minReplicas"].as_u64(), scaler["spec"]["maxReplicas"].as_u64());
        require(&mut found, least.is_some() && least < most, format!("{} has no room", name(scaler)));
    }
    for policy in of_kind(objects, "NetworkPolicy") {
        let is_used = pods.iter().any(|pod| selects(&policy["spec"]["podSelector"], &pod.labels));
        require(&mut found, is_used, format!("NetworkPolicy {} holds for nothing", name(policy)));
    }
    found
}

/// Services lead to ports that exist, and those that our own clients balance over have no address of their own.
fn services(objects: &[Value]) -> Vec<String> {
    let (mut found, pods) = (Vec::new(), workloads(objects));
    for service in of_kind(objects, "Service") {
        let own = name(service);
        let chosen = json!({"matchLabels": service["spec"]["selector"]});
        let behind: Vec<&Workload> = pods.iter().filter(|pod| selects(&chosen, &pod.labels)).collect();
        require(&mut found, behind.len() == 1, format!("Service {own} leads to {} workloads", behind.len()));
        for port in items(service, "/spec/ports") {
            let target = text(port, "/targetPort");
            let ports: Vec<Value> =
                behind.iter().filter_map(|pod| self::port(pod.containers().first()?, target)).collect();
            require(&mut found, ports == [port["port"].clone()], format!("Service {own} leads to no port {target:?}"));
        }
        // The edge is asked by others' clients, through an ingress.
        let is_edge = own == "gateway";
        let headless = text(service, "/spec/clusterIP") == "None";
        require(&mut found, headless != is_edge, format!("Service {own} is balanced in the wrong place"));
    }
    for ingress in of_kind(objects, "Ingress") {
        for path in items(ingress, "/spec/rules").into_iter().flat_map(|rule| items(rule, "/http/paths")) {
            let (service, port) = (text(path, "/backend/service/name"), text(path, "/backend/service/port/name"));
            let known = of_kind(objects, "Service").into_iter().find(|one| name(one) == service);
            let leads = known.is_some_and(|one| items(one, "/spec/ports").iter().any(|one| text(one, "/name") == port));
            require(&mut found, leads, format!("Ingress {} leads to {service}:{port}", name(ingress)));
        }
        require(&mut found, !items(ingress, "/spec/tls").is_empty(), format!("Ingress {} has no TLS", name(ingress)));
    }
    found
}

/// Nothing secret is written here.
fn secrets(objects: &[Value]) -> Vec<String> {
    let mut found: Vec<String> =
        of_kind(objects, "Secret").into_iter().map(|one| format!("Secret {} is written out", name(one))).collect();
    let sensitive = |variable: &str| {
        let ends = ["__STORE__URL", "__NATS_URL", "_PASSWORD", "_KEY_VALUE", "_TOKEN", "_SECRET"];
        ends.iter().any(|end| variable.ends_with(end))
    };
    for map in of_kind(objects, "ConfigMap") {
        for (key, value) in map["data"].as_object().into_iter().flatten() {
            let words = value.as_str().unwrap_or_default();
            let is_open = sensitive(key) || words.contains("PRIVATE KEY") || words.contains("postgres://");
            require(&mut found, !is_open, format!("ConfigMap {} holds {key}", name(map)));
        }
    }
    found.extend(each(objects, |workload, found| {
        for variable in workload.containers().into_iter().flat_map(|container| items(container, "/env")) {
            let given = text(variable, "/name");
            let by_reference = variable.pointer("/valueFrom/secretKeyRef/key").is_some();
            require(found, !sensitive(given) || by_reference, format!("{given} is written out"));
        }
    }));
    found
}

fn findings(objects: &[Value]) -> Vec<String> {
    RULES
        .iter()
        .flat_map(|(title, rule)| rule(objects).into_iter().map(move |words| format!("{title}: {words}")))
        .collect()
}

#[test]
fn every_overlay_keeps_the_rules() {
    for (overlay, objects) in all() {
        assert!(workloads(&objects).len() >= 5, "{overlay} has only {} workloads", workloads(&objects).len());
        let found = findings(&objects);
        assert!(found.is_empty(), "{overlay}:\n{}", found.join("\n"));
    }
}

#[test]
fn the_model_runs_only_where_a_gpu_is() {
    for (overlay, objects) in all() {
        let pods = workloads(&objects);
        let model = pods.iter().find(|pod| pod.arguments() == ["vision", "up"]);
        assert_eq!(model.is_some(), overlay.starts_with("gpu"), "{overlay}");
        let Some(model) = model else { continue };
        let container = model.containers()[0];
        assert_eq!(text(container, "/resources/limits/nvidia.com~1gpu"), "1", "one replica has one GPU");
        let terms =
            items(model.pod, "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
        assert!(terms.iter().any(|term| term.to_string().contains("nvidia.com/gpu.present")), "{terms:?}");
        assert!(items(model.pod, "/tolerations").iter().any(|one| text(one, "/key") == "nvidia.com/gpu"));
        // A new replica would wait for ever for the GPU of the one that it replaces.
        assert_eq!(model.object.pointer("/spec/strategy/rollingUpdate/maxSurge"), Some(&json!(0)));
        let holds_gpu = |pod: &&Workload| pod.pod.to_string().contains("\"nvidia.com/gpu\":\"1\"");
        assert_eq!(pods.iter().filter(holds_gpu).count(), 1, "somebody else takes a GPU");
    }
}

/// Each rule finds what breaks it: no rule that finds nothing at all.
#[test]
fn the_rules_notice_what_breaks_them() {
    type Break = fn(&mut Value);
    fn container(object: &mut Value) -> &mut Value {
        &mut object["spec"]["template"]["spec"]["containers"][0]
    }
    let breaks: [(&str, &str, &str, Break); 12] = [
        ("rights: Deployment gateway: may run as root", "Deployment", "gateway", |one| {
            one["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
        }),
        ("keeps capabilities", "Deployment", "vision", |one| {
            container(one)["securityContext"]["capabilities"]["add"] = json!(["NET_ADMIN"]);
        }),
        ("has no request or no limit of memory", "Job", "migrate", |one| {
            container(one)["resources"]["limits"].as_object_mut().unwrap().remove("memory");
        }),
        ("livenessProbe is missing", "Deployment", "llm-router", |one| {
            container(one).as_object_mut().unwrap().remove("livenessProbe");
        }),
        ("has 60 s to start instead of 600", "Deployment", "vision", |one| {
            container(one)["startupProbe"]["failureThreshold"] = json!(12);
        }),
        ("names no version", "Deployment", "gateway", |one| container(one)["image"] = json!("aerie:latest")),
        ("images: ", "Deployment", "gateway", |one| container(one)["image"] = json!("aerie")),
        ("may fill the node", "Deployment", "pipeline-worker", |one| {
            one["spec"]["template"]["spec"]["volumes"][0]["emptyDir"] = json!({});
        }),
        ("has 40 s to end and may need 45", "Deployment", "pipeline-api", |one| {
            one["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(40);
        }),
        ("does not select its own pods", "Deployment", "gateway", |one| {
            one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] = json!("edge");
        }),
        ("balanced in the wrong place", "Service", "pipeline", |one| {
            one["spec"].as_object_mut().unwrap().remove("clusterIP");
        }),
        ("AERIE__STORE__URL is written out", "Deployment", "gateway", |one| {
            let variables = container(one)["env"].as_array_mut().unwrap();
            *variables = vec![json!({"name": "AERIE__STORE__URL", "value": "postgres://a:b@c/d"})];
        }),
    ];
    assert!(findings(&overlay("gpu")).is_empty());
    for (words, of, called, change) in breaks {
        let mut objects = overlay("gpu");
        let object = objects.iter_mut().find(|one| kind(one) == of && name(one) == called).expect(called);
        change(object);
        let found = findings(&objects);
        assert!(found.iter().any(|finding| finding.contains(words)), "{words}: {found:?}");
    }
}

#[test]
fn names_and_ports_are_in_range() {
    for (overlay, objects) in all() {
        for object in &objects {
            let name = name(object);
            let is_label = (1..=63).contains(&name.len())
                && name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-')
                && !name.starts_with('-')
                && !name.ends_with('-');
            assert!(is_label, "{overlay}: {} {name}", kind(object));
        }
        for workload in workloads(&objects) {
            for container in workload.containers() {
                for port in items(container, "/ports") {
                    let number = port["containerPort"].as_u64().unwrap_or(0);
                    // Without capabilities nothing below 1024 can be listened on.
                    assert!((1024..65_536).contains(&number), "{overlay}: {} listens on {number}", workload.name);
                    assert!(text(port, "/name").len() <= 15, "{overlay}: {port}");
                }
                assert!(!texts(container, "/args").is_empty(), "{overlay}: {} says no role", workload.name);
            }
        }
    }
}
