//! We Work Remotely: RSS 2.0 with titles of the form `Company: Role`.
//!
//! `https://weworkremotely.com/remote-jobs.rss` holds all categories; `/categories/{slug}.rss` one of them.

use aerie_postings::RemoteKind;
use async_trait::async_trait;

use crate::collect::Collector;
use crate::feed;
use crate::fetch::{Fetcher, Request};
use crate::raw_fields::add_tag;
use crate::source::{
    Outcome, Page, ParseError, Parsed, PostingSink, Query, Sample, Source, SourceError, SourceInfo, SourceKind,
};

const LIST: &str = "https://weworkremotely.com/remote-jobs.rss";

/// The We Work Remotely source.
pub struct WeWorkRemotely {
    info: SourceInfo,
}

impl Default for WeWorkRemotely {
    fn default() -> Self {
        let info =
            SourceInfo::new("weworkremotely", "We Work Remotely", SourceKind::Aggregator, &["weworkremotely.com"])
                .with_terms("Link back to the posting on We Work Remotely.");
        Self { info }
    }
}

#[async_trait]
impl Source for WeWorkRemotely {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    async fn search(&self, query: &Query, fetch: &Fetcher, sink: &mut dyn PostingSink) -> Result<Outcome, SourceError> {
        let mut collector = Collector::new(self, query, fetch, sink);
        collector.whole(Request::get(crate::query_text::address(LIST)?)).await?;
        Ok(collector.outcome)
    }

    fn parse(&self, page: &Page) -> Result<Parsed, ParseError> {
        let mut parsed = Parsed::default();
        for (mut row, item) in feed::read(&page.text(), "weworkremotely", Some(&page.url))? {
            row.remote = Some(RemoteKind::Remote);
            let parts = row.title.as_deref().and_then(company_and_role);
            match parts {
                Some((company, role)) => {
                    row.title = Some(role);
                    row.company = row.company.or(Some(company));
                }
                None if row.company.is_none() => feed::split_role_at_company(&mut row),
                None => {}
            }
            // "Anywhere in the World" is a scope, not a place; a country element names where applicants may live.
            if row.remote_scope.is_none() {
                row.remote_scope = item.get(&["country"]);
            }
            for skill in item.all(&["skills"]) {
                skill.split(',').for_each(|skill| add_tag(&mut row, skill));
            }
            parsed.push(row);
        }
        Ok(parsed)
    }

    fn recognise(&self, sample: &Sample<'_>) -> u8 {
        let named = crate::html_select::truncate(sample.text, 4_000).contains("weworkremotely.com");
        if feed::is_feed(sample.text) && named { 95 } else { 0 }
    }
}

/// Splits `Company: Role` at the first colon.
fn company_and_role(title: &str) -> Option<(String, String)> {
    let (company, role) = title.split_once(':')?;
    let (company, role) = (company.trim(), role.trim());
    (!company.is_empty() && !role.is_empty()).then(|| (company.to_owned(), role.to_owned()))
}
