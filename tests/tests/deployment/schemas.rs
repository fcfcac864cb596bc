//! Every object fits the types of Kubernetes: what is misspelt is lost on the way through them.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use aerie_tests::tools;
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::manifests::{all, kind, name, overlay};

/// The versions whose schemas the manifests are held against: the oldest that they are written for, and the newest known.
const VERSIONS: [&str; 2] = ["1.33", "1.37"];

/// What comes back when an object is read into its type and written again.
fn through_its_type(object: &Value) -> Result<Value, String> {
    fn through<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
        let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
        serde_json::to_value(typed).map_err(|error| error.to_string())
    }
    match kind(object) {
        "ConfigMap" => through::<ConfigMap>(object),
        "Deployment" => through::<Deployment>(object),
        "HorizontalPodAutoscaler" => through::<HorizontalPodAutoscaler>(object),
        "Ingress" => through::<Ingress>(object),
        "Job" => through::<Job>(object),
        "Namespace" => through::<Namespace>(object),
        "NetworkPolicy" => through::<NetworkPolicy>(object),
        "PersistentVolumeClaim" => through::<PersistentVolumeClaim>(object),
        "PodDisruptionBudget" => through::<PodDisruptionBudget>(object),
        "Service" => through::<Service>(object),
        "ServiceAccount" => through::<ServiceAccount>(object),
        "StatefulSet" => through::<StatefulSet>(object),
        other => Err(format!("the kind {other:?} is not known here; add it")),
    }
}

/// Keys and values of `written` that `kept` lacks.
fn lost(written: &Value, kept: &Value, path: &str, found: &mut Vec<String>) {
    match (written, kept) {
        (Value::Object(entries), Value::Object(others)) => {
            for (key, value) in entries {
                let path = format!("{path}/{key}");
                // An empty object says nothing: the types leave some of them out.
                match others.get(key) {
                    Some(other) => lost(value, other, &path, found),
                    None if *value == json!([]) || *value == json!({}) => {}
                    None => found.push(format!("{path} is not known")),
                }
            }
        }
        (Value::Array(entries), Value::Array(others)) if entries.len() == others.len() => {
            for (index, (value, other)) in entries.iter().zip(others).enumerate() {
                lost(value, other, &format!("{path}/{index}"), found);
            }
        }
        (written, kept) if written == kept => {}
        _ => found.push(format!("{path} is {written} and was read as {kept}")),
    }
}

fn findings(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match through_its_type(object) {
        Ok(kept) => lost(object, &kept, "", &mut found),
        Err(error) => found.push(error),
    }
    found.into_iter().map(|words| format!("{} {}: {words}", kind(object), name(object))).collect()
}

#[test]
fn every_object_fits_its_type() {
    for (overlay, objects) in all() {
        let found: Vec<String> = objects.iter().flat_map(findings).collect();
        assert!(found.is_empty(), "{overlay}:\n{}", found.join("\n"));
    }
}

#[test]
fn what_is_misspelt_or_of_a_wrong_type_is_found() {
    let mut gateway =
        overlay("production").into_iter().find(|one| kind(one) == "Deployment" && name(one) == "gateway").unwrap();
    let text = gateway.to_string();
    let misspelt: Value = serde_json::from_str(&text.replace("readinessProbe", "readinesProbe")).unwrap();
    assert!(findings(&misspelt)[0].contains("readinesProbe is not known"), "{:?}", findings(&misspelt));
    gateway["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!("a minute");
    assert!(findings(&gateway)[0].contains("a minute"), "{:?}", findings(&gateway));
}

/// The published schemas, in the strict form that refuses unknown keys.
#[test]
fn every_object_fits_the_schemas_of_current_versions() -> anyhow::Result<()> {
    let Some(python) = tools::python_with("kubernetes_validate")? else { return Ok(()) };
    let program = tools::root().join("tests/python/validate_manifests.py");
    let check = |objects: &[Value]| -> anyhow::Result<(bool, String)> {
        let mut child = Command::new(&python)
            .arg(&program)
            .args(VERSIONS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child.stdin.take().unwrap().write_all(json!(objects).to_string().as_bytes())?;
        let output = child.wait_with_output()?;
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        Ok((output.status.success(), said))
    };
    for (overlay, objects) in all() {
        let (is_good, said) = check(&objects)?;
        assert!(is_good, "{overlay}:\n{said}");
    }
    let mut broken = overlay("gpu");
    broken[0]["metadata"]["label"] = json!({});
    let (is_good, said) = check(&broken)?;
    assert!(!is_good && said.contains("label"), "{said}");
    Ok(())
}
