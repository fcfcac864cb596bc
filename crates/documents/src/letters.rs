//! Letters: what goes into one, the writer that needs no model, and the prompt for one.
//!
//! A letter is made from a [`LetterRequest`]. [`write_from_template`] answers it by rules, from the profile's own words,
//! and says so; [`prompt`] makes the texts for a model, with everything from outside between marks that it cannot
//! close. Either result is checked by [`claims`](crate::claims) before a person sees it.

use aerie_postings::Posting;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    content::{Language, LetterContent},
    resume::Profile,
};

mod answer;
mod masking;
mod missions;
mod past;
mod prompt;
mod questions;
mod template;
mod wording;

pub use answer::read_answer;
pub use masking::mask;
pub use missions::{Mission, matching as matching_missions};
pub use past::{PastLetter, most_similar};
pub use prompt::{Feedback, Material, Prompt, prompt};
pub use questions::{PersonalFacts, answer_by_rules, numbered_lines, question_prompt, rephrase_prompt};
pub use template::write_from_template;

/// Most past letters that a prompt shows.
pub const MOST_PAST_LETTERS: usize = 3;

/// Who wrote a version of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The rules of [`write_from_template`]; no model was asked.
    Template,
    /// A model, named as the router named it.
    Model(String),
    /// The person.
    Person,
}

/// Everything that a letter is made from.
#[derive(Debug, Clone, Copy)]
pub struct LetterRequest<'a> {
    /// The person; employers under a promise of silence are masked by [`write_from_template`] and [`prompt`].
    pub profile: &'a Profile,
    /// What they apply for.
    pub posting: &'a Posting,
    /// Their own earlier letters; the most similar ones are chosen from these.
    pub past: &'a [PastLetter],
    /// How they write, in their own words.
    pub voice: &'a str,
    /// What they care about, with the words that a posting has to have.
    pub missions: &'a [Mission],
    /// Employers that must not be named.
    pub confidential: &'a [String],
    /// Language of the letter.
    pub language: Language,
    /// The day that stands on it.
    pub day: NaiveDate,
}

impl LetterRequest<'_> {
    /// The letter around its text: sender, recipient, subject, date, closing.
    fn frame(&self, profile: &Profile) -> LetterContent {
        let words = wording::Wording::of(self.language);
        let contact = &profile.contact;
        let value = |field: &Option<crate::resume::Sourced>| field.as_ref().map(|field| field.value.clone());
        let title = self.posting.title.trim();
        LetterContent {
            language: self.language,
            title: wording::filled(words.document_title, &[("company", &self.posting.company), ("title", title)]),
            name: profile.name().to_owned(),
            headline: value(&contact.headline).unwrap_or_default(),
            contact: [&contact.email, &contact.phone, &contact.place].into_iter().filter_map(value).collect(),
            recipient: vec![self.posting.company.clone()],
            date: wording::day(self.day, self.language),
            subject: wording::filled(words.subject, &[("title", title)]),
            salutation: words.salutation.to_owned(),
            paragraphs: Vec::new(),
            closing: words.closing.to_owned(),
            signature: profile.name().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
