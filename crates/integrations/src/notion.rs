//! Notion: one page of a database for each job (API version 2022-06-28).
//!
//! Columns that the database lacks are left out; only the one with Aerie's id must be there, since a page is found by
//! it. A page that says everything already is left alone.

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, Job, KindInfo, PushError, Style, Topic, Wire,
    settings::Problems,
    table::{COLUMNS, CellValue, ID, cells, job_of},
    wire::{Answer, known},
};

const SERVICE: &str = "Notion";
const VERSION: &str = "2022-06-28";

/// Longest text of one piece, in characters, as Notion limits it.
const MOST_TEXT: usize = 2_000;

/// A Notion database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notion {
    token: Secret,
    database_id: String,
}

impl Adapter for Notion {
    const INFO: KindInfo = KindInfo {
        name: "notion",
        label: "Notion",
        about: "Keeps a page for each job in a database of yours. The database needs a text property \"Aerie ID\"; \
                Company, Status, Link, Place, Salary, Source and Score are filled where they exist.",
        topics: &[Topic::Jobs],
        style: Style::Record,
        starts_on: true,
        fields: &[
            Field::secret(
                "token",
                FieldType::Text,
                "the secret of an internal integration (notion.so/my-integrations) that the database is shared with",
            ),
            Field::required(
                "database_id",
                FieldType::Text,
                "the 32 characters in the database's address before the question mark",
            ),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        let plain = self.database_id.replace('-', "");
        let fits = plain.len() == 32 && plain.chars().all(|character| character.is_ascii_hexdigit());
        problems.require(fits, "database_id", "is not 32 characters of 0-9 and a-f; copy them from the address");
    }
}

/// The types of a database's properties by name.
type Schema = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Database {
    #[serde(default)]
    title: Vec<RichText>,
    properties: BTreeMap<String, Property>,
}

#[derive(Deserialize)]
struct RichText {
    plain_text: String,
}

#[derive(Deserialize)]
struct Property {
    r#type: String,
}

#[derive(Deserialize)]
struct Pages {
    results: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    id: String,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    properties: Map<String, Value>,
}

#[async_trait]
impl Integration for Notion {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let (name, schema) = self.schema(wire).await?;
        let filled: Vec<&str> = COLUMNS.into_iter().skip(1).filter(|column| schema.contains_key(*column)).collect();
        let filled = if filled.is_empty() { "the title only".to_owned() } else { filled.join(", ") };
        Ok(format!("the database {name:?} is there; filled are: {filled}"))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let job = job_of(&delivery.item)?;
        let (_, schema) = self.schema(wire).await?;
        let wanted = properties(job, &schema);
        match self.find(wire, job).await? {
            None => {
                let body = json!({ "parent": { "database_id": self.database_id }, "properties": wanted });
                let page: Page = self.call(wire, Method::POST, "pages", &body).await?.json()?;
                Ok(Delivered::new(Effect::Created, page.id))
            }
            Some(page) if says(&page.properties, &wanted) => Ok(Delivered::new(Effect::Unchanged, page.id)),
            Some(page) => {
                let path = format!("pages/{}", page.id);
                let body = json!({ "properties": wanted });
                self.call(wire, Method::PATCH, &path, &body).await?.success()?;
                Ok(Delivered::new(Effect::Updated, page.id))
            }
        }
    }
}

impl Notion {
    async fn call(&self, wire: &Wire, method: Method, path: &str, body: &Value) -> Result<Answer, PushError> {
        let url = known(&format!("https://api.notion.com/v1/{path}"))?;
        let call = wire.call(SERVICE, method, &url).bearer(self.token.reveal()).header("notion-version", VERSION);
        let call = if body.is_null() { call } else { call.json(body) };
        let answer = call.send().await?;
        if answer.status == 404 {
            let words = "Notion has no such database for this token; share it with the integration (… > Connections)";
            return Err(PushError::setting("database_id", words));
        }
        Ok(answer)
    }

    /// Name and properties of the database.
    async fn schema(&self, wire: &Wire) -> Result<(String, Schema), PushError> {
        let path = format!("databases/{}", self.database_id);
        let database: Database = self.call(wire, Method::GET, &path, &Value::Null).await?.json()?;
        let name = database.title.into_iter().map(|text| text.plain_text).collect();
        let schema: Schema = database.properties.into_iter().map(|(name, one)| (name, one.r#type)).collect();
        match schema.get(ID).map(String::as_str) {
            Some("rich_text") => Ok((name, schema)),
            Some(other) => {
                let words = format!("the property {ID:?} is of the type {other}; make it a text");
                Err(PushError::setting("database_id", words))
            }
            None => {
                let words = format!("the database has no property {ID:?}; add one of the type text");
                Err(PushError::setting("database_id", words))
            }
        }
    }

    async fn find(&self, wire: &Wire, job: &Job) -> Result<Option<Page>, PushError> {
        let path = format!("databases/{}/query", self.database_id);
        let filter = json!({ "property": ID, "rich_text": { "equals": job.id.to_string() } });
        let body = json!({ "filter": filter, "page_size": 2 });
        let pages: Pages = self.call(wire, Method::POST, &path, &body).await?.json()?;
        Ok(pages.results.into_iter().find(|page| !page.archived))
    }
}

/// The properties of a page, of those that the database has.
fn properties(job: &Job, schema: &Schema) -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert(ID.to_owned(), json!({ "rich_text": pieces(&job.id.to_string()) }));
    for (column, cell) in COLUMNS.into_iter().zip(cells(job)) {
        // A page's title has whatever name the person gave it.
        let title = schema.iter().find(|(_, kind)| *kind == "title").map(|(name, _)| name.as_str());
        let name = if column == "Title" { title.unwrap_or(column) } else { column };
        let Some(kind) = schema.get(name) else { continue };
        if let Some(value) = value(kind, &cell) {
            properties.insert(name.to_owned(), value);
        }
    }
    properties
}

fn value(kind: &str, cell: &CellValue) -> Option<Value> {
    let text = cell.text();
    Some(match kind {
        "title" => json!({ "title": pieces(&text) }),
        "rich_text" => json!({ "rich_text": pieces(&text) }),
        "url" if text.is_empty() => json!({ "url": null }),
        "url" => json!({ "url": text }),
        "select" if text.is_empty() => json!({ "select": null }),
        // Names of options have no commas.
        "select" => json!({ "select": { "name": text.replace(',', " ").chars().take(100).collect::<String>() } }),
        "number" => match cell {
            CellValue::Number(number) => json!({ "number": number }),
            _ => json!({ "number": null }),
        },
        // Options of a status cannot be added over the API: a status that is not there would refuse the page.
        _ => return None,
    })
}

fn pieces(text: &str) -> Value {
    if text.is_empty() {
        return json!([]);
    }
    json!([{ "type": "text", "text": { "content": text.chars().take(MOST_TEXT).collect::<String>() } }])
}

/// Whether a page says already what is wanted.
fn says(found: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, wanted)| found.get(name).is_some_and(|found| plain(found) == plain(wanted)))
}

/// A property's value in plain words, as it is sent or as it comes back.
fn plain(property: &Value) -> String {
    let text = |pieces: &Value| -> String {
        let pieces = pieces.as_array().map(Vec::as_slice).unwrap_or_default();
        let content = |piece: &Value| {
            piece
                .pointer("/text/content")
                .or(piece.get("plain_text"))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        pieces.iter().map(content).collect()
    };
    if let Some(pieces) = property.get("title").or(property.get("rich_text")).filter(|value| value.is_array()) {
        return text(pieces);
    }
    if let Some(number) = property.get("number").and_then(Value::as_f64) {
        return number.to_string();
    }
    let named = property.get("url").or(property.pointer("/select/name"));
    named.and_then(Value::as_str).unwrap_or_default().to_owned()
}
