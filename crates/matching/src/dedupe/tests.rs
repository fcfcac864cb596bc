#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use chrono::{DateTime, Utc};

use super::*;

mod batches;
mod merging;
mod pairs;
mod properties;
mod scale;

/// A listing of an invented company; the day counts from 1 September 2031.
struct Entry {
    source: &'static str,
    company: &'static str,
    title: &'static str,
    places: &'static [&'static str],
    day: f64,
    url: Option<&'static str>,
    description: String,
}

fn entry(
    source: &'static str,
    company: &'static str,
    title: &'static str,
    place: &'static [&'static str],
    day: f64,
) -> Entry {
    Entry { source, company, title, places: place, day, url: None, description: String::new() }
}

fn moment(day: f64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_945_987_200 + (day * 86_400.0) as i64 + 61, 0).unwrap()
}

impl Entry {
    fn url(mut self, url: &'static str) -> Self {
        self.url = Some(url);
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.description = text.to_owned();
        self
    }

    fn features(&self) -> Features {
        Features::from_listing(&Listing {
            source: self.source,
            url: self.url,
            company: self.company,
            title: self.title,
            places: self.places,
            posted: Some(moment(self.day)),
            description: &self.description,
        })
    }
}

fn judge(left: &Entry, right: &Entry) -> Comparison {
    let (left, right) = (left.features(), right.features());
    assess(&left, &[&right]).remove(0)
}

const CHICAGO: &[&str] = &["Chicago, IL"];
const AUSTIN: &[&str] = &["Austin, TX"];
