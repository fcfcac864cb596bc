//! Reading manifests: an overlay as kubectl renders it, and as far as its files say by themselves, so that the rules are
//! checked on machines without kubectl too.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{OVERLAYS, deploy};

/// Labels of pods.
pub type Labels = BTreeMap<String, String>;

/// Something that makes pods.
#[derive(Debug, Clone)]
pub struct Workload<'a> {
    pub kind: &'a str,
    pub name: &'a str,
    pub labels: Labels,
    pub object: &'a Value,
    pub pod: &'a Value,
}

impl<'a> Workload<'a> {
    pub fn containers(&self) -> Vec<&'a Value> {
        let lists = ["/containers", "/initContainers"].map(|list| items(self.pod, list));
        lists.into_iter().flatten().collect()
    }

    /// Whether it is one of Aerie's own, and not a server that it uses.
    pub fn is_ours(&self) -> bool {
        self.labels.get("app.kubernetes.io/name").is_some_and(|name| name == "aerie")
    }

    /// Whether it stays up.
    pub fn serves(&self) -> bool {
        self.kind != "Job"
    }

    /// Words after the program's name.
    pub fn arguments(&self) -> Vec<&'a str> {
        self.containers().first().map(|container| texts(container, "/args")).unwrap_or_default()
    }
}

pub fn workloads(objects: &[Value]) -> Vec<Workload<'_>> {
    let kinds = ["Deployment", "StatefulSet", "Job"];
    let makes_pods = objects.iter().filter(|object| kinds.contains(&kind(object)));
    makes_pods
        .map(|object| Workload {
            kind: kind(object),
            name: name(object),
            labels: labels(object, "/spec/template/metadata/labels"),
            object,
            pod: object.pointer("/spec/template/spec").unwrap_or(&Value::Null),
        })
        .collect()
}

pub fn of_kind<'a>(objects: &'a [Value], wanted: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| kind(object) == wanted).collect()
}

pub fn kind(object: &Value) -> &str {
    text(object, "/kind")
}

pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// The text at a place; empty when there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a place; empty when there is none.
pub fn items<'a>(object: &'a Value, pointer: &str) -> Vec<&'a Value> {
    object.pointer(pointer).and_then(Value::as_array).map(|list| list.iter().collect()).unwrap_or_default()
}

pub fn texts<'a>(object: &'a Value, pointer: &str) -> Vec<&'a str> {
    items(object, pointer).into_iter().filter_map(Value::as_str).collect()
}

pub fn labels(object: &Value, pointer: &str) -> Labels {
    let entries = object.pointer(pointer).and_then(Value::as_object);
    let pairs =
        entries.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    pairs.collect()
}

/// Whether a selector of Kubernetes takes these labels.
pub fn selects(selector: &Value, labels: &Labels) -> bool {
    let equal = self::labels(selector, "/matchLabels").into_iter().all(|(key, value)| labels.get(&key) == Some(&value));
    equal
        && items(selector, "/matchExpressions").into_iter().all(|expression| {
            let (key, operator) = (text(expression, "/key"), text(expression, "/operator"));
            assert_eq!(operator, "In", "the operator {operator} is not understood here; teach it to this test");
            labels.get(key).is_some_and(|value| texts(expression, "/values").contains(&value.as_str()))
        })
}

/// Every document of a file.
pub fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(&text, &path.display().to_string())
}

pub fn parse(text: &str, origin: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    let values =
        documents.map(|document| Value::deserialize(document).unwrap_or_else(|error| panic!("{origin}: {error}")));
    values.filter(|value| !value.is_null()).collect()
}

pub fn folder(overlay: &str) -> PathBuf {
    deploy().join("kubernetes/overlays").join(overlay)
}

/// The objects of an overlay, put together here: resources, components, generated settings, images.
pub fn overlay(name: &str) -> Vec<Value> {
    let mut objects = Vec::new();
    collect(&folder(name), &mut objects);
    objects
}

fn collect(folder: &Path, objects: &mut Vec<Value>) {
    let kustomization = documents(&folder.join("kustomization.yaml")).remove(0);
    for list in ["/resources", "/components"] {
        for entry in texts(&kustomization, list) {
            let path = folder.join(entry);
            if path.is_dir() { collect(&path, objects) } else { objects.extend(documents(&path)) }
        }
    }
    for generator in items(&kustomization, "/configMapGenerator") {
        generate(folder, generator, objects);
    }
    for image in items(&kustomization, "/images") {
        objects.iter_mut().for_each(|object| rename_images(object, image));
    }
}

fn generate(folder: &Path, generator: &Value, objects: &mut Vec<Value>) {
    let mut data = serde_json::Map::new();
    for literal in texts(generator, "/literals") {
        let (key, value) = literal.split_once('=').expect("a literal is KEY=VALUE");
        data.insert(key.to_owned(), json!(value));
    }
    for file in texts(generator, "/files") {
        let (key, path) = file.split_once('=').unwrap_or((file, file));
        data.insert(key.to_owned(), json!(fs::read_to_string(folder.join(path)).expect(path)));
    }
    let wanted = text(generator, "/name");
    let earlier = objects.iter_mut().find(|object| kind(object) == "ConfigMap" && name(object) == wanted);
    match (earlier, text(generator, "/behavior")) {
        (Some(earlier), "merge") => earlier["data"].as_object_mut().unwrap().extend(data),
        (None, "") => objects.push(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": wanted}, "data": data,
        })),
        (_, behavior) => panic!("{wanted}: behaviour {behavior:?} does not fit"),
    }
}

/// `images` of a kustomization: another name, tag and digest for an image of this name.
fn rename_images(object: &mut Value, image: &Value) {
    let Some(containers) = object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut) else {
        return;
    };
    for container in containers {
        let (plain, _) = split_image(text(container, "/image"));
        if plain != text(image, "/name") {
            continue;
        }
        let mut renamed = image.get("newName").and_then(Value::as_str).unwrap_or(plain).to_owned();
        for (key, sign) in [("newTag", ':'), ("digest", '@')] {
            if let Some(value) = image.get(key).and_then(Value::as_str) {
                renamed = format!("{renamed}{sign}{value}");
            }
        }
        container["image"] = json!(renamed);
    }
}

/// An image's name, and its tag and digest together.
pub fn split_image(image: &str) -> (&str, &str) {
    let slash = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[slash..].find([':', '@']) {
        Some(end) => image.split_at(slash + end),
        None => (image, ""),
    }
}

/// The objects of an overlay as kubectl makes them, with generated names as they were written; none without kubectl.
pub fn rendered(overlay: &str) -> Option<Vec<Value>> {
    let is_there =
        Command::new("kubectl").args(["version", "--client"]).output().is_ok_and(|told| told.status.success());
    if !is_there {
        println!("skipped: kubectl is missing; the overlays are checked as this test reads them");
        return None;
    }
    let output = Command::new("kubectl").arg("kustomize").arg(folder(overlay)).output().unwrap();
    assert!(output.status.success(), "{overlay}: {}", String::from_utf8_lossy(&output.stderr));
    let mut text = String::from_utf8(output.stdout).unwrap();
    // A generated name ends in a hash of its content, so that a change makes new pods.
    for map in parse(&text, overlay).iter().filter(|object| kind(object) == "ConfigMap") {
        let (plain, hash) = name(map).rsplit_once('-').expect("a generated name ends in a hash");
        assert_eq!(hash.len(), 10, "{}", name(map));
        text = text.replace(name(map), plain);
    }
    Some(parse(&text, overlay))
}

/// Every overlay in every form that can be had here, with a name to speak of it.
pub fn all() -> Vec<(String, Vec<Value>)> {
    let read = OVERLAYS.iter().map(|name| ((*name).to_owned(), overlay(name)));
    let rendered = OVERLAYS.iter().filter_map(|name| Some((format!("{name} (kubectl)"), rendered(name)?)));
    read.chain(rendered).collect()
}

#[test]
fn kubectl_makes_of_an_overlay_what_is_read_here() {
    for name in OVERLAYS {
        let Some(rendered) = rendered(name) else { return };
        let mut read = overlay(name);
        assert!(read.len() > 25, "{name} has only {} objects", read.len());
        // kubectl writes the namespace into each and sorts.
        let mut rendered = rendered;
        for objects in [&mut read, &mut rendered] {
            objects.iter_mut().for_each(|object| {
                object["metadata"].as_object_mut().unwrap().remove("namespace");
            });
            objects.sort_by_key(|object| (kind(object).to_owned(), self::name(object).to_owned()));
        }
        for (read, rendered) in read.iter().zip(&rendered) {
            assert_eq!(read, rendered, "{name}");
        }
        assert_eq!(read.len(), rendered.len(), "{name}");
    }
}

#[test]
fn everything_is_in_the_namespace_that_names_of_services_have() {
    for (overlay, objects) in all().into_iter().filter(|(overlay, _)| overlay.ends_with("(kubectl)")) {
        for object in objects.iter().filter(|object| kind(object) != "Namespace") {
            assert_eq!(text(object, "/metadata/namespace"), "aerie", "{overlay}: {} {}", kind(object), name(object));
        }
    }
}
