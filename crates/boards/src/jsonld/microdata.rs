//! `JobPosting` as microdata (`itemprop`) or RDFa (`property`), turned into the JSON form.

use scraper::{ElementRef, Node};
use serde_json::{Map, Value};

use crate::html_select::{all, inner_html, text};

/// Deepest nesting of items.
const MAX_DEPTH: usize = 12;
/// Most elements visited below one item.
const MAX_ELEMENTS: usize = 20_000;

/// Every `JobPosting` item of the page.
pub(super) fn job_postings(root: ElementRef<'_>) -> Vec<Value> {
    all(root, r#"[itemtype*="/JobPosting"], [typeof*="JobPosting"]"#)
        .into_iter()
        .take(5_000)
        .map(|item| object(item, MAX_DEPTH))
        .collect()
}

fn object(item: ElementRef<'_>, depth: usize) -> Value {
    let mut fields = Map::new();
    let kind = item.value().attr("itemtype").or_else(|| item.value().attr("typeof")).unwrap_or_default();
    let kind = kind.rsplit(['/', ':', '#']).next().unwrap_or_default();
    fields.insert("@type".to_owned(), Value::String(kind.trim().to_owned()));

    let mut visited = 0usize;
    let mut pending: Vec<ElementRef<'_>> = children(item);
    pending.reverse();
    while let Some(element) = pending.pop() {
        visited += 1;
        if visited > MAX_ELEMENTS {
            break;
        }
        let names = element.value().attr("itemprop").or_else(|| element.value().attr("property"));
        let is_item = element.value().attr("itemscope").is_some() || element.value().attr("typeof").is_some();
        if let Some(names) = names {
            let value = match is_item {
                true if depth > 0 => Some(object(element, depth - 1)),
                true => None,
                false => plain_value(element, names),
            };
            for name in names.split_whitespace() {
                if let Some(value) = &value {
                    insert(&mut fields, name.rsplit([':', '/']).next().unwrap_or(name), value.clone());
                }
            }
        }
        if !is_item {
            let mut nested = children(element);
            nested.reverse();
            pending.extend(nested);
        }
    }
    Value::Object(fields)
}

fn children(element: ElementRef<'_>) -> Vec<ElementRef<'_>> {
    element.children().filter(|node| matches!(node.value(), Node::Element(_))).filter_map(ElementRef::wrap).collect()
}

/// The value of a property, by the kind of element that carries it.
fn plain_value(element: ElementRef<'_>, names: &str) -> Option<Value> {
    let attribute = |name: &str| element.value().attr(name).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned);
    let value = attribute("content").or_else(|| match element.value().name() {
        "a" | "link" | "area" if names.contains("url") || names.contains("sameAs") => attribute("href"),
        "img" => attribute("src"),
        "time" => attribute("datetime"),
        "data" | "meter" => attribute("value"),
        _ => None,
    });
    let long = ["description", "responsibilities", "qualifications", "jobBenefits", "skills", "incentive"];
    let value = value.or_else(|| match long.iter().any(|name| names.contains(name)) {
        true => Some(inner_html(element)).filter(|html| !html.is_empty()),
        false => text(element),
    });
    value.map(Value::String)
}

/// Sets a property; a second value makes a list.
fn insert(fields: &mut Map<String, Value>, name: &str, value: Value) {
    match fields.get_mut(name) {
        None => {
            fields.insert(name.to_owned(), value);
        }
        Some(Value::Array(values)) if values.len() < 1_000 => values.push(value),
        Some(Value::Array(_)) => {}
        Some(first) => {
            let first = first.take();
            fields.insert(name.to_owned(), Value::Array(vec![first, value]));
        }
    }
}
