//! Records as the recognition may see them: without the gold column, without addresses when they are hidden.

use aerie_matching::dedupe::entity::Entity;
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DedupeError;

/// Most fields of a CSV header that are looked at.
const MAX_COLUMNS: usize = 1000;

/// The file's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a line: postings.
    Jsonl,
    /// A table with a header: listings in general.
    Csv,
}

/// What may be seen of one posting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListedPosting {
    /// The list that carried it.
    pub list: String,
    /// Employer.
    pub company: String,
    /// Title.
    pub title: String,
    /// Places.
    pub locations: Vec<String>,
    /// First posted, seconds since the epoch.
    pub posted: Option<i64>,
    /// Address, unless hidden.
    pub url: Option<String>,
    /// Text of the description, when the file has it.
    pub description: String,
}

/// The rows of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// Postings.
    Postings(Vec<ListedPosting>),
    /// Listings in general.
    Entities(Vec<Entity>),
}

/// The blind records of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// The file's format.
    pub format: Format,
    /// Name of each record, as text: its `rid`, or its number from 0.
    pub rids: Vec<String>,
    /// The rows, in the order of `rids`.
    pub rows: Rows,
}

/// One line of JSON; unknown fields, the gold among them, are never looked at.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    rid: Value,
    #[serde(default)]
    list: Value,
    #[serde(default)]
    source: Value,
    #[serde(default)]
    company: Value,
    #[serde(default)]
    title: Value,
    #[serde(default)]
    locations: Value,
    #[serde(default)]
    location: Value,
    #[serde(default)]
    posted: Value,
    #[serde(default)]
    url: Value,
    #[serde(default)]
    description: Value,
}

/// Reads a file's records. A field of the wrong type counts as missing; a line that is no object is an error.
pub fn load(text: &str, hide_url: bool) -> Result<Records, DedupeError> {
    let text = text.trim_start_matches('\u{FEFF}');
    match text.trim_start().chars().next() {
        None => Err(DedupeError::Empty),
        Some('{') => load_jsonl(text, hide_url),
        Some('[') => Err(DedupeError::Line {
            line: 1,
            problem: "the file is one JSON array".to_owned(),
            remedy: "write one object a line, for example with `jq -c '.[]'`",
        }),
        Some(_) => load_csv(text),
    }
}

fn load_jsonl(text: &str, hide_url: bool) -> Result<Records, DedupeError> {
    let (mut rids, mut postings) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|error| DedupeError::Line {
            line: number + 1,
            problem: format!("not a JSON object ({error})"),
            remedy: "every line must be one object with `rid`, `company`, `title` and so on",
        })?;
        let rid = string(&line.rid);
        rids.push(if rid.is_empty() { postings.len().to_string() } else { rid });
        let list = string(&line.list);
        let mut locations = strings(&line.locations);
        locations.extend(strings(&line.location));
        postings.push(ListedPosting {
            list: if list.is_empty() { string(&line.source) } else { list },
            company: string(&line.company),
            title: string(&line.title),
            locations,
            posted: seconds(&line.posted),
            url: Some(string(&line.url)).filter(|url| !hide_url && !url.is_empty()),
            description: string(&line.description),
        });
    }
    if postings.is_empty() {
        return Err(DedupeError::Empty);
    }
    Ok(Records { format: Format::Jsonl, rids, rows: Rows::Postings(postings) })
}

fn string(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().map(string).filter(|text| !text.is_empty()).collect(),
        other => Some(string(other)).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

/// Seconds since the epoch, or RFC 3339.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64)),
        Value::String(text) => {
            text.parse().ok().or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.timestamp()))
        }
        _ => None,
    }
}

/// Header names by role. A column that is none of these is not looked at.
const NAME: &[&str] = &["name", "title"];
const ADDRESS: &[&str] = &["address", "addr", "street"];
const LOCALITY: &[&str] = &["city", "locality", "town"];
const CATEGORY: &[&str] = &["cuisine", "category", "type", "kind"];
const RID: &[&str] = &["rid"];

fn load_csv(text: &str) -> Result<Records, DedupeError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| csv_error(1, &error))?.clone();
    let column = |names: &[&str]| {
        let mut columns = header.iter().take(MAX_COLUMNS);
        columns.position(|found| names.contains(&found.trim().to_lowercase().as_str()))
    };
    let Some(name) = column(NAME) else {
        return Err(DedupeError::Line {
            line: 1,
            problem: format!("the header `{}` has no column `name`", header.iter().collect::<Vec<_>>().join(",")),
            remedy: "the first line must name the columns: name, address, city, a category, unique_id",
        });
    };
    let (address, locality, category, rid) = (column(ADDRESS), column(LOCALITY), column(CATEGORY), column(RID));
    let (mut rids, mut rows) = (Vec::new(), Vec::new());
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| csv_error(number + 2, &error))?;
        let field =
            |column: Option<usize>| column.and_then(|column| record.get(column)).unwrap_or("").trim().to_owned();
        let own = field(rid);
        rids.push(if own.is_empty() { number.to_string() } else { own });
        rows.push(Entity {
            name: field(Some(name)),
            address: field(address),
            locality: field(locality),
            category: field(category),
        });
    }
    if rows.is_empty() {
        return Err(DedupeError::Empty);
    }
    Ok(Records { format: Format::Csv, rids, rows: Rows::Entities(rows) })
}

fn csv_error(line: usize, error: &csv::Error) -> DedupeError {
    let line = error.position().map_or(line, |position| usize::try_from(position.line()).unwrap_or(line));
    DedupeError::Line {
        line,
        problem: error.to_string(),
        remedy: "check the quotes and the encoding (UTF-8) of this line",
    }
}
