//! Hacker News "Ask HN: Who is hiring?": one thread a month, one top-level comment a company.
//!
//! The thread is found through `https://hn.algolia.com/api/v1/search_by_date?tags=story,author_whoishiring` (the same
//! account also posts "Who wants to be hired?" and "Freelancer?") and read through `/api/v1/items/{id}`.

use async_trait::async_trait;
use serde_json::Value;

use crate::collect::Collector;
use crate::fetch::{Fetcher, Request};
use crate::lenient::Lenient;
use crate::query_text::{address, address_with};
use crate::source::{
    Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

mod comment;
mod header;
mod segment;
mod words;

pub use comment::{Comment, postings_of};

const SEARCH: &str = "https://hn.algolia.com/api/v1/search_by_date";
/// A thread with a thousand comments and their replies has several megabytes.
const LONGEST_THREAD_BYTES: usize = 24 * 1024 * 1024;

/// The Hacker News source.
pub struct HackerNews {
    info: SourceInfo,
}

impl Default for HackerNews {
    fn default() -> Self {
        let hosts = ["hn.algolia.com", "hacker-news.firebaseio.com"];
        Self { info: SourceInfo::new("hackernews", "Hacker News: Who is hiring?", SourceKind::Aggregator, &hosts) }
    }
}

#[async_trait]
impl Source for HackerNews {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        let find = address_with(SEARCH, &[("tags", "story,author_whoishiring"), ("hitsPerPage", "10")])?;
        collector.outcome.requests += 1;
        let found = fetch.page(Request::get(find)).await?;
        let bad = |problem| SourceError::BadFormat { host: "hn.algolia.com".to_owned(), problem };
        let thread = newest_thread(&found.json().map_err(bad)?).ok_or_else(|| {
            bad(ParseError::Broken { reason: "no \"Who is hiring\" thread among the newest".to_owned() })
        })?;
        let mut request = Request::get(address(&format!("https://hn.algolia.com/api/v1/items/{thread}"))?);
        request.limit_bytes = Some(LONGEST_THREAD_BYTES);
        request.timeout = Some(std::time::Duration::from_secs(30));
        collector.whole(request).await?;
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let value = page.json()?;
        let comments = comments(&value).ok_or_else(|| {
            ParseError::not_this("a thread with `children` or `comments`, or one comment, was expected")
        })?;
        let mut parsed = Parsed::default();
        for comment in &comments {
            if comment.removed {
                parsed.skip("deleted or dead");
                continue;
            }
            let postings = postings_of(comment);
            if postings.is_empty() {
                parsed.skip("not a job posting");
            }
            postings.into_iter().for_each(|posting| parsed.push(posting));
        }
        let long = comments.iter().filter(|comment| comment.text.len() > 300).count();
        if parsed.postings.is_empty() && long > 5 {
            return Err(ParseError::Broken { reason: "the thread has comments".to_owned() });
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let Some(value) = sample.json else { return 0 };
        let title = value.text("title").unwrap_or_default();
        if is_hiring_thread(&title) {
            return 95;
        }
        let first = value.at("comments.0").or_else(|| value.at("children.0")).or_else(|| value.at("0"));
        let is_comment = |row: &Value| {
            row.at("text").is_some() && (row.at("by").is_some() || row.at("author").is_some()) && row.at("id").is_some()
        };
        match first {
            Some(row) if is_comment(row) => 80,
            _ if is_comment(value) && value.text("type").as_deref() == Some("comment") => 70,
            _ => 0,
        }
    }
}

/// Whether a story is the hiring thread and not one of the account's other two.
fn is_hiring_thread(title: &str) -> bool {
    title.trim().to_ascii_lowercase().starts_with("ask hn: who is hiring")
}

/// The id of the newest hiring thread among the answers of a story search.
pub fn newest_thread(found: &Value) -> Option<String> {
    let threads =
        found.list("hits").iter().filter(|hit| hit.text("title").is_some_and(|title| is_hiring_thread(&title)));
    let newest = threads.max_by_key(|hit| hit.integer("created_at_i").unwrap_or(0))?;
    newest.first_text(&["objectID", "story_id"]).filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The top-level comments in any of the forms in which a thread comes; `None` for anything else.
fn comments(value: &Value) -> Option<Vec<Comment>> {
    let rows: Vec<&Value> = if let Value::Array(rows) = value {
        rows.iter().collect()
    } else if let Some(rows) = ["children", "comments"].iter().find_map(|field| value.at(field)?.as_array()) {
        rows.iter().collect()
    } else if value.at("text").is_some() {
        vec![value]
    } else {
        return None;
    };
    let rows: Vec<&Value> = rows.into_iter().take(crate::lenient::MOST_ROWS).collect();
    // A flat list holds replies too; the parent that most comments share is the thread.
    let mut parents = std::collections::HashMap::new();
    for parent in rows.iter().filter_map(|row| row.first_text(&["parent", "parent_id"])) {
        *parents.entry(parent).or_insert(0usize) += 1;
    }
    let thread = parents.into_iter().max_by_key(|(_, count)| *count).map(|(parent, _)| parent);
    let top_level = |row: &&&Value| {
        let parent = row.first_text(&["parent", "parent_id"]);
        parent.is_none() || parent == thread
    };
    Some(rows.iter().filter(top_level).map(|row| Comment::of(row)).collect())
}
