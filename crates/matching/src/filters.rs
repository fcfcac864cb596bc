//! Dropping postings that a person never wants to see: by whole words.

use std::ops::Range;

use aerie_postings::Posting;
use serde::Serialize;

use crate::phrases::PhraseFinder;

/// Words and names that keep a posting out.
#[derive(Debug, Clone)]
pub struct ExcludeFilter {
    words: Vec<String>,
    companies: Vec<String>,
    word_finder: PhraseFinder,
    company_finder: PhraseFinder,
}

/// Where an excluded word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FilteredField {
    /// In the title.
    Title,
    /// In the company's name.
    Company,
}

/// Why a posting is kept out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exclusion {
    /// The person's own word.
    pub word: String,
    /// Where it was found.
    pub field: FilteredField,
    /// Its bytes in that field.
    pub span: Range<usize>,
}

impl ExcludeFilter {
    /// A filter for words in titles and for company names.
    pub fn new(words: &[String], companies: &[String]) -> Self {
        Self {
            words: words.to_vec(),
            companies: companies.to_vec(),
            word_finder: PhraseFinder::new(words),
            company_finder: PhraseFinder::new(companies),
        }
    }

    /// Why the posting is kept out, or `None` when it may be shown. Only titles are searched for words: a description
    /// that says "works with the sales team" is not a sales posting.
    pub fn excludes(&self, posting: &Posting) -> Option<Exclusion> {
        let hit = |finder: &PhraseFinder, names: &[String], text: &str, field| {
            let (index, span) = finder.first_in(text)?;
            Some(Exclusion { word: names.get(index)?.clone(), field, span })
        };
        hit(&self.word_finder, &self.words, &posting.title, FilteredField::Title)
            .or_else(|| hit(&self.company_finder, &self.companies, &posting.company, FilteredField::Company))
    }
}
