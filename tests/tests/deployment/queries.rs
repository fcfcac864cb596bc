//! Dashboards, alerts and autoscalers ask only for metrics, and labels of them, that the program exports: the code is read
//! for both.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aerie_tests::tools::root;
use regex::Regex;
use serde_json::Value;

use crate::{
    deploy,
    manifests::{all, documents, items, name, of_kind, text},
};

/// What Prometheus itself says, and the labels that deploy/prometheus/scrape.yaml gives.
const OF_PROMETHEUS: [&str; 1] = ["up"];
const LABELS_OF_PROMETHEUS: [&str; 6] = ["component", "instance", "job", "le", "namespace", "pod"];

/// One metric of the program.
#[derive(Debug, Default, Clone, PartialEq)]
struct Metric {
    kind: String,
    labels: BTreeSet<String>,
}

/// The metrics of the program by the names that Prometheus sees, those of buckets and sums included.
fn exported() -> BTreeMap<String, Metric> {
    let mut found = BTreeMap::<String, Metric>::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        for (name, metric) in metrics_of(&text, &path) {
            let known = found.entry(name).or_default();
            known.labels.extend(metric.labels);
            known.kind = metric.kind;
        }
    }
    // Histograms whose names do not end so are written as summaries, which have no buckets.
    let recorder = fs::read_to_string(root().join("crates/telemetry/src/metrics.rs")).unwrap();
    let suffix = Regex::new(r#"Matcher::Suffix\("([^"]+)""#).unwrap();
    let with_buckets: Vec<String> = suffix.captures_iter(&recorder).map(|found| found[1].to_owned()).collect();
    assert!(with_buckets.contains(&"_seconds".to_owned()), "{with_buckets:?}");
    let mut visible = BTreeMap::new();
    for (name, metric) in found {
        if metric.kind != "histogram" {
            visible.insert(name, metric);
            continue;
        }
        let buckets = with_buckets.iter().any(|suffix| name.ends_with(suffix.as_str()));
        for part in ["_sum", "_count"].into_iter().chain(buckets.then_some("_bucket")) {
            visible.insert(format!("{name}{part}"), metric.clone());
        }
    }
    visible
}

/// Source files of the program, without those of tests.
fn sources() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = ["crates", "services", "src"].map(|name| root().join(name)).to_vec();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_left_out =
                ["target", "node_modules", "tests", "tests.rs", "examples", "web"].contains(&name.as_str());
            if is_left_out {
                continue;
            } else if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 200, "only {} source files were found", found.len());
    found
}

/// The metrics that a file registers, outside its tests.
fn metrics_of(text: &str, path: &Path) -> Vec<(String, Metric)> {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let registers = Regex::new(r"\b(counter|gauge|histogram)!\(").unwrap();
    let label = Regex::new(r#""([a-z_]+)"\s*=>"#).unwrap();
    let listed = Regex::new(r#"\("([a-z_]+)","#).unwrap();
    let mut found = Vec::new();
    for place in registers.captures_iter(text) {
        let (start, kind) = (place.get(0).unwrap().end(), place[1].to_owned());
        let call = &text[start..start + closing(&text[start..])];
        let literal = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
        let name = literal.unwrap_or_else(|| panic!("{}: a metric without a literal name: {call}", path.display()));
        let mut labels: BTreeSet<String> = label.captures_iter(call).map(|found| found[1].to_owned()).collect();
        if call.contains("&labels") {
            // They are listed in the statement before.
            let before = &text[..start];
            let list = &before[before.rfind("let labels").expect("labels are listed")..];
            labels.extend(listed.captures_iter(list).map(|found| found[1].to_owned()));
        }
        found.push((name.to_owned(), Metric { kind, labels }));
    }
    found
}

/// Where the parenthesis closes that was open at the beginning.
fn closing(text: &str) -> usize {
    let (mut depth, mut quoted) = (1, false);
    for (at, one) in text.char_indices() {
        match one {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("a call without an end: {text}")
}

/// What a query of Prometheus names.
#[derive(Debug, Default, PartialEq)]
struct Named {
    metrics: BTreeSet<String>,
    /// Labels within braces, with the metric before them.
    matched: BTreeSet<(String, String)>,
    /// Labels that results are grouped by.
    grouped: BTreeSet<String>,
}

/// Reads a query as far as its names go; refuses what is not balanced.
fn named(query: &str) -> Named {
    let quoted = Regex::new(r#""(?:[^"\\]|\\.)*""#).unwrap();
    let mut rest = quoted.replace_all(query, "\"\"").into_owned();
    for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
        assert_eq!(rest.matches(open).count(), rest.matches(close).count(), "{open} and {close} differ: {query}");
    }
    let mut named = Named::default();
    let selector = Regex::new(r#"([a-zA-Z_:][\w:]*)\{([^}]*)\}"#).unwrap();
    for found in selector.captures_iter(&rest) {
        for matcher in found[2].split(',').map(str::trim).filter(|matcher| !matcher.is_empty()) {
            let key = matcher.split(['=', '!']).next().unwrap_or_default().trim();
            named.matched.insert((found[1].to_owned(), key.to_owned()));
        }
    }
    rest = Regex::new(r"\{[^}]*\}|\[[^\]]*\]").unwrap().replace_all(&rest, " ").into_owned();
    let grouping = Regex::new(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)").unwrap();
    for found in grouping.captures_iter(&rest) {
        named
            .grouped
            .extend(found[2].split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()));
    }
    rest = grouping.replace_all(&rest, " ").into_owned();
    let word = Regex::new(r"([a-zA-Z_:][\w:]*)(\s*\()?").unwrap();
    let numbers = Regex::new(r"\b\d[\w.]*").unwrap();
    let rest = numbers.replace_all(&rest, " ").into_owned();
    for found in word.captures_iter(&rest) {
        // Operators and aggregations may stand before a grouping that was taken out.
        let is_word = ["and", "or", "unless", "bool", "offset", "sum", "min", "max", "avg", "count", "topk", "by"];
        if found.get(2).is_none() && !is_word.contains(&&found[1]) {
            named.metrics.insert(found[1].to_owned());
        }
    }
    named
}

/// Every query of `deploy`, with where it stands.
fn queries() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(deploy().join("grafana/aerie.json")).unwrap()).unwrap();
    for panel in items(&dashboard, "/panels") {
        for target in items(panel, "/targets") {
            found.push((format!("dashboard, {}", text(panel, "/title")), text(target, "/expr").to_owned()));
        }
    }
    for group in items(&documents(&deploy().join("prometheus/alerts.yaml"))[0], "/groups") {
        for rule in items(group, "/rules") {
            found.push((format!("alert {}", text(rule, "/alert")), text(rule, "/expr").to_owned()));
        }
    }
    for rule in adapter_rules() {
        let series = text(&rule, "/seriesQuery");
        let metric = series.split('{').next().unwrap_or_default();
        let query = text(&rule, "/metricsQuery").replace("<<.Series>>", metric);
        let query = query.replace("<<.LabelMatchers>>", "namespace=\"a\"").replace("<<.GroupBy>>", "pod");
        found.push((format!("autoscaling, {metric}"), series.to_owned()));
        found.push((format!("autoscaling, {metric}"), query));
    }
    found
}

fn adapter_rules() -> Vec<Value> {
    let rules = documents(&deploy().join("prometheus/adapter-rules.yaml")).remove(0);
    ["/rules", "/externalRules"].iter().flat_map(|list| items(&rules, list)).cloned().collect()
}

/// What a query names that there is not.
fn unknown(query: &str, exported: &BTreeMap<String, Metric>) -> Vec<String> {
    let named = named(query);
    let mut found: Vec<String> = named
        .metrics
        .iter()
        .filter(|name| !exported.contains_key(*name) && !OF_PROMETHEUS.contains(&name.as_str()))
        .map(|name| format!("the metric {name}"))
        .collect();
    let has = |metric: &str, label: &str| {
        LABELS_OF_PROMETHEUS.contains(&label) || exported.get(metric).is_some_and(|known| known.labels.contains(label))
    };
    let labels = named.matched.iter().filter(|(metric, label)| !has(metric, label));
    found.extend(labels.map(|(metric, label)| format!("the label {label} of {metric}")));
    let grouped = named.grouped.iter().filter(|label| !named.metrics.iter().any(|metric| has(metric, label)));
    found.extend(grouped.map(|label| format!("the label {label}")));
    found
}

#[test]
fn every_query_names_what_the_program_exports() {
    let (exported, queries) = (exported(), queries());
    assert!(exported.len() > 40 && queries.len() > 50, "{} metrics, {} queries", exported.len(), queries.len());
    let mut wrong = Vec::new();
    for (place, query) in &queries {
        assert!(!query.is_empty(), "{place} asks for nothing");
        // Grafana fills these in.
        let query = query.replace("$__rate_interval", "5m").replace("$namespace", "aerie");
        wrong.extend(unknown(&query, &exported).into_iter().map(|what| format!("{place} names {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn everything_that_tells_how_the_services_are_can_be_asked_for() {
    let exported = exported();
    let label = |metric: &str, label: &str| exported[metric].labels.contains(label);
    assert!(label("aerie_rpc_server_seconds_bucket", "method") && label("aerie_rpc_server_seconds_count", "code"));
    assert!(label("aerie_tasks_due", "kind") && label("aerie_tasks_oldest_due_seconds", "kind"));
    assert!(label("aerie_llm_backend_available", "backend"));
    for name in ["aerie_events_delivery_seconds_bucket", "aerie_vision_queue_wait_seconds_bucket"] {
        assert!(exported.contains_key(name), "{name}");
    }
    assert!(!exported.contains_key("aerie_vision_batch_size_bucket"), "a summary has no buckets");
    assert_eq!(exported["aerie_tasks_due"].kind, "gauge");
}

#[test]
fn a_query_for_what_is_not_there_is_noticed() {
    let exported = exported();
    let of = |query: &str| unknown(query, &exported);
    assert!(of("sum by (kind) (rate(aerie_tasks_runs_total{ending=\"failed\"}[5m])) / 2 > 1e3").is_empty());
    assert_eq!(of("rate(aerie_tasks_run_total[5m])"), ["the metric aerie_tasks_run_total"]);
    assert_eq!(of("sum by (person) (aerie_tasks_due)"), ["the label person"]);
    assert_eq!(of("aerie_tasks_due{state=\"queued\"}"), ["the label state of aerie_tasks_due"]);
    assert_eq!(of("aerie_rpc_server_seconds > 1"), ["the metric aerie_rpc_server_seconds"], "only its parts exist");
    let parts = named("histogram_quantile(0.9, sum by (le) (rate(a_bucket{b=~\"x(y\",c!=\"\"}[5m]))) > 0 or vector(0)");
    assert_eq!(parts.metrics, BTreeSet::from(["a_bucket".to_owned()]));
    assert_eq!(parts.matched.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), ["b", "c"]);
}

/// Autoscalers go by metrics that the adapter's rules make, and those of pods by such that every pod has.
#[test]
fn autoscalers_go_by_metrics_that_are_made() {
    let rules = documents(&deploy().join("prometheus/adapter-rules.yaml")).remove(0);
    let made =
        |list: &str| items(&rules, list).iter().map(|rule| text(rule, "/name/as").to_owned()).collect::<Vec<_>>();
    let mut used = BTreeSet::new();
    for (overlay, objects) in all() {
        for scaler in of_kind(&objects, "HorizontalPodAutoscaler") {
            for metric in items(scaler, "/spec/metrics") {
                let (list, wanted) = match text(metric, "/type") {
                    "Resource" => continue,
                    "Pods" => ("/rules", text(metric, "/pods/metric/name")),
                    "External" => ("/externalRules", text(metric, "/external/metric/name")),
                    other => panic!("{overlay}: {}: {other}", name(scaler)),
                };
                assert!(made(list).iter().any(|made| made == wanted), "{overlay}: {}: {wanted}", name(scaler));
                used.insert(wanted.to_owned());
            }
        }
    }
    let all: BTreeSet<String> = ["/rules", "/externalRules"].into_iter().flat_map(made).collect();
    assert_eq!(used, all, "rules that nobody uses");
}

#[test]
fn every_alert_is_on_the_page_and_says_something() {
    let page = fs::read_to_string(root().join("docs/operations/kubernetes.md")).unwrap();
    let rules = documents(&deploy().join("prometheus/alerts.yaml")).remove(0);
    let alerts: Vec<&Value> = items(&rules, "/groups").into_iter().flat_map(|group| items(group, "/rules")).collect();
    assert!(alerts.len() >= 8);
    for alert in alerts {
        let called = text(alert, "/alert");
        assert!(page.contains(&format!("`{called}`")), "the page is silent about {called}");
        assert!(!text(alert, "/annotations/summary").is_empty(), "{called}");
        assert!(["critical", "warning"].contains(&text(alert, "/labels/severity")), "{called}");
    }
}

#[test]
fn the_dashboard_has_no_two_panels_in_one_place() {
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(deploy().join("grafana/aerie.json")).unwrap()).unwrap();
    let mut taken = BTreeSet::new();
    for panel in items(&dashboard, "/panels") {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", text(panel, "/title"));
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} lies on another", text(panel, "/title"));
            }
        }
    }
}

/// The rules as Prometheus reads them, where its tool is there.
#[test]
fn prometheus_reads_the_alerts() {
    let rules = deploy().join("prometheus/alerts.yaml");
    match Command::new("promtool").args(["check", "rules"]).arg(&rules).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => println!("skipped: promtool is missing; the names in the alerts are checked all the same"),
    }
}
