//! What a person cares about, and the postings that it concerns.

use aerie_postings::{Posting, text::contains_words};
use serde::{Deserialize, Serialize};

/// A cause with the person's own note on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mission {
    /// What it is called.
    pub name: String,
    /// Words of which a posting has to have one, as whole words: "dog" is not in "dogma".
    pub words: Vec<String>,
    /// What the letter says about it, in the person's own words.
    pub note: String,
}

/// The missions that the posting's company, title or text has a word of, in the person's order.
pub fn matching<'mission>(posting: &Posting, missions: &'mission [Mission]) -> Vec<&'mission Mission> {
    let texts = [&posting.company, &posting.title, &posting.description_text];
    let concerns = |word: &String| !word.trim().is_empty() && texts.iter().any(|text| contains_words(text, word));
    missions.iter().filter(|mission| !mission.note.trim().is_empty() && mission.words.iter().any(concerns)).collect()
}
