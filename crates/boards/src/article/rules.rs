//! Extraction by rules: lines and sentences that offer a job in one of a few usual forms.

use std::sync::LazyLock;

use async_trait::async_trait;
use regex::Regex;
use serde_json::{Value, json};

use super::{ExtractError, Extractor, MAX_POSTINGS_PER_CHUNK};
use crate::html_select::fold_space;

/// Works always and finds less than a model.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuleExtractor;

#[async_trait]
impl Extractor for RuleExtractor {
    fn name(&self) -> &str {
        "rules"
    }

    async fn extract(&self, chunk: &str) -> Result<Value, ExtractError> {
        Ok(self.answer(chunk))
    }
}

const ROLE: &str = r"(?:[A-Z][\w+#./&’'-]*\s+(?:of\s+|and\s+|&\s+|for\s+|to\s+)?){0,6}(?:[Ee]ngineer|[Dd]eveloper|[Dd]esigner|[Mm]anager|[Ss]cientist|[Aa]rchitect|[Aa]nalyst|[Aa]ccountant|[Nn]urse|[Tt]eacher|[Ww]riter|[Ee]ditor|[Rr]esearcher|[Cc]onsultant|[Ss]pecialist|[Tt]echnician|[Dd]irector|[Ll]ead|[Aa]dministrator|[Cc]oordinator|[Aa]ssistant|[Oo]fficer|[Ii]ntern|[Pp]roducer|[Rr]ecruiter|[Rr]epresentative|[Ee]xecutive|[Pp]rogrammer|[Ss]trategist|[Aa]ssociate|[Ss]upervisor|[Oo]perator|[Cc]hef|[Cc]ook|[Dd]river|[Ee]lectrician|[Mm]echanic|[Ll]ibrarian|[Cc]urator|CTO|CEO|CFO|COO|SRE|DevOps [Ee]ngineer)(?:,\s(?:[A-Z][\w&-]+)(?:\s[A-Z][\w&-]+){0,3})?";
const COMPANY: &str = r"(?:The\s+)?[A-Z0-9][\w&’'.-]*(?:\s+(?:of\s+|and\s+|&\s+)?[A-Z0-9][\w&’'.-]*){0,4}";

static AT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?P<title>{ROLE})\s*(?:\([^)]{{0,60}}\)\s*)?(?:\bat\b|@|\bbei\b|\bwith\b)\s+(?P<company>{COMPANY})"
    ))
    .ok()
});
static WANTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(&format!(
        r"(?P<company>{COMPANY})\s+(?:is|are)\s+(?:currently\s+|now\s+)?(?:hiring|looking for|seeking|recruiting|searching for)\s+(?:for\s+)?(?:an?\s+|its\s+|their\s+|the\s+)?(?:new\s+|first\s+|experienced\s+|talented\s+)?(?P<title>{ROLE})"
    ))
    .ok()
});
static LABELLED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?im)^\s*(?:job\s+title|title|position|role)\s*:\s*(?P<title>[^\n]{3,120})$").ok());
static URL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"https?://[^\s<>"')\]]+"#).ok());

impl RuleExtractor {
    /// The answer to one piece, in the form of [`super::output_schema`].
    pub fn answer(&self, chunk: &str) -> Value {
        let mut rows: Vec<Value> = Vec::new();
        for block in blocks(chunk) {
            if rows.len() >= MAX_POSTINGS_PER_CHUNK {
                break;
            }
            rows.extend(labelled(block).or_else(|| piped(block)).or_else(|| sentence(block)));
        }
        rows.truncate(MAX_POSTINGS_PER_CHUNK);
        json!({ "postings": rows })
    }
}

/// Paragraphs; a paragraph whose lines each offer something is read line by line.
fn blocks(chunk: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    for paragraph in chunk.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let offering = lines.iter().filter(|line| piped(line).is_some() || sentence(line).is_some()).count();
        if offering > 1 { blocks.extend(lines) } else { blocks.push(paragraph) }
    }
    blocks
}

/// `Title: … / Company: … / Location: …` on lines of their own.
fn labelled(block: &str) -> Option<Value> {
    let title = fold_space(LABELLED.as_ref()?.captures(block)?.name("title")?.as_str());
    let value = |names: &[&str]| {
        block.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = name.trim().to_lowercase();
            names.contains(&name.as_str()).then(|| value.trim().to_owned()).filter(|value| !value.is_empty())
        })
    };
    let mut row = json!({ "title": title });
    put(&mut row, "company", value(&["company", "employer", "organisation", "organization", "firma"]));
    put(&mut row, "location", value(&["location", "place", "city", "ort", "standort"]));
    put(&mut row, "salary", value(&["salary", "pay", "compensation", "gehalt"]));
    put(&mut row, "employment_type", value(&["type", "employment type", "employment", "contract"]));
    put(&mut row, "url", url_in(block));
    put(&mut row, "remote", remote_in(block));
    Some(row)
}

/// `Company | Role | Place | …`, as in hiring threads, and `Role – Company – Place` lines of newsletters.
fn piped(block: &str) -> Option<Value> {
    let line = block.lines().next()?;
    let separator =
        [" | ", " – ", " — ", " · ", " • "].into_iter().find(|separator| line.matches(separator).count() >= 1)?;
    let parts: Vec<String> =
        line.split(separator).map(|part| fold_space(&without_urls(part))).filter(|part| !part.is_empty()).collect();
    let is_role = |part: &&String| {
        let found = AT_ROLE.as_ref().and_then(|role| role.find(part));
        found.is_some_and(|found| found.as_str().len() * 2 >= part.len()) && part.len() <= 100
    };
    let title = parts.iter().find(is_role)?.clone();
    let others: Vec<&String> = parts.iter().filter(|part| **part != title).collect();
    let company = others
        .iter()
        .find(|part| part.starts_with(|c: char| c.is_uppercase() || c.is_numeric()) && part.len() <= 60)?;
    let mut row = json!({ "title": title, "company": company });
    let place = others.iter().find(|part| {
        *part != company && part.len() <= 60 && !part.contains(['$', '€', '£']) && part.starts_with(char::is_uppercase)
    });
    put(&mut row, "location", place.map(|place| (*place).clone()));
    put(&mut row, "salary", others.iter().find(|part| part.contains(['$', '€', '£'])).map(|part| (*part).clone()));
    put(&mut row, "url", url_in(block));
    put(&mut row, "remote", remote_in(line));
    Some(row)
}

static AT_ROLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ROLE).ok());

/// "Acme is hiring a Data Engineer", "Data Engineer at Acme".
fn sentence(block: &str) -> Option<Value> {
    let found = [&WANTED, &AT].into_iter().find_map(|form| form.as_ref()?.captures(block))?;
    let part =
        |name: &str| found.name(name).map(|part| fold_space(part.as_str()).trim_end_matches(['.', ',']).to_owned());
    let (title, company) = (part("title")?, part("company")?);
    let company = company.split(". ").next().unwrap_or_default().to_owned();
    if title.len() < 3 || company.len() < 2 {
        return None;
    }
    let mut row = json!({ "title": title, "company": company });
    put(&mut row, "url", url_in(block));
    put(&mut row, "remote", remote_in(block));
    Some(row)
}

fn put(row: &mut Value, name: &str, value: Option<String>) {
    if let (Some(fields), Some(value)) = (row.as_object_mut(), value) {
        fields.insert(name.to_owned(), Value::String(value));
    }
}

fn url_in(block: &str) -> Option<String> {
    let found = URL.as_ref()?.find(block)?.as_str();
    Some(found.trim_end_matches(['.', ',', ';', ':', '!', '?']).to_owned())
}

fn without_urls(text: &str) -> String {
    URL.as_ref().map_or_else(|| text.to_owned(), |url| url.replace_all(text, " ").into_owned())
}

fn remote_in(block: &str) -> Option<String> {
    let lower = block.to_lowercase();
    if lower.contains("hybrid") {
        return Some("hybrid".to_owned());
    }
    let denied = ["no remote", "not remote", "non-remote"].iter().any(|words| lower.contains(words));
    (lower.contains("remote") && !denied).then(|| "remote".to_owned())
}
