//! From vacancy titles to the occupations of a taxonomy such as ESCO.
//!
//! Three lexical views are added: likeness of the title to an occupation's single names by words and by letter groups
//! (the best name counts, its preferred name a little more), and likeness to all its names and its description
//! together. With vectors of a sentence model, likeness of meaning joins. Vacancies name general occupations more
//! often than special ones, so every level of the taxonomy's code costs a little.

mod sparse;

use crate::text::words;
use sparse::{SparseIndex, SparseIndexBuilder};

/// Share of the likeness by words in the likeness of names; the rest is by letter groups.
const WORDS: f32 = 0.5;
/// Weight of the preferred name's likeness beside that of the best name.
const PREFERRED: f32 = 0.2;
/// Weight of names and description together.
const DOCUMENT: f32 = 0.6;
/// Cost of each level of the code.
const DEPTH: f32 = 0.04;
/// Weight of the best name's cosine of meaning.
const MEANING: f32 = 1.5;
/// Weight of the description's cosine of meaning.
const DESCRIPTION_MEANING: f32 = 0.75;
/// How often the preferred name counts in the document.
const PREFERRED_REPEATED: usize = 3;
/// Most bytes of one title that are read.
const MAXIMUM_TITLE: usize = 300;

/// One occupation of a taxonomy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Occupation {
    /// Its identifier.
    pub uri: String,
    /// Its preferred name.
    pub label: String,
    /// Its other names.
    pub alternatives: Vec<String>,
    /// What people do in it.
    pub description: String,
    /// Its dotted code ("2654.1.7"), from which the level is read.
    pub code: String,
}

/// One occupation found for a title.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankedOccupation {
    /// Index into the taxonomy.
    pub occupation: usize,
    /// Comparable within one title only.
    pub score: f32,
}

/// A taxonomy ready for lookups.
#[derive(Debug)]
pub struct TitleIndex {
    occupations: Vec<Occupation>,
    labels: Vec<String>,
    /// Index of the occupation of each label; rising.
    owners: Vec<usize>,
    /// Whether a label is the preferred one.
    preferred: Vec<bool>,
    by_words: SparseIndex,
    by_letters: SparseIndex,
    documents: SparseIndex,
}

/// How near a title is in meaning to everything in a [`TitleIndex`]: cosines of a sentence model's vectors.
#[derive(Debug, Clone, Copy)]
pub struct Meaning<'a> {
    /// One for each of [`TitleIndex::labels`].
    pub labels: &'a [f32],
    /// One for each of [`TitleIndex::description_texts`].
    pub descriptions: &'a [f32],
}

impl TitleIndex {
    /// Builds the index.
    pub fn new(occupations: Vec<Occupation>) -> Self {
        let (mut labels, mut owners, mut preferred) = (Vec::new(), Vec::new(), Vec::new());
        for (index, occupation) in occupations.iter().enumerate() {
            let mut own: Vec<&str> = Vec::new();
            for (position, name) in
                std::iter::once(&occupation.label).chain(&occupation.alternatives).map(|name| name.trim()).enumerate()
            {
                if !name.is_empty() && !own.contains(&name) {
                    own.push(name);
                    labels.push(name.to_owned());
                    owners.push(index);
                    preferred.push(position == 0);
                }
            }
        }
        let mut by_words = SparseIndexBuilder::default();
        let mut by_letters = SparseIndexBuilder::default();
        for label in &labels {
            by_words.add(word_features(label));
            by_letters.add(letter_features(label));
        }
        let mut documents = SparseIndexBuilder::default();
        for occupation in &occupations {
            let mut features = Vec::new();
            for _ in 0..PREFERRED_REPEATED {
                features.extend(word_features(&occupation.label));
            }
            occupation.alternatives.iter().for_each(|name| features.extend(word_features(name)));
            features.extend(word_features(&occupation.description));
            documents.add(features);
        }
        Self {
            by_words: by_words.build(),
            by_letters: by_letters.build(),
            documents: documents.build(),
            occupations,
            labels,
            owners,
            preferred,
        }
    }

    /// The occupations in the order given.
    pub fn occupations(&self) -> &[Occupation] {
        &self.occupations
    }

    /// All names, in the order of [`Meaning::labels`].
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// For each occupation the text whose vector stands for its description.
    pub fn description_texts(&self) -> Vec<String> {
        let text = |occupation: &Occupation| {
            let short: String = occupation.description.chars().take(300).collect();
            format!("{}. {short}", occupation.label)
        };
        self.occupations.iter().map(text).collect()
    }

    /// The best `limit` occupations for a title, best first; ties in the order of the taxonomy.
    pub fn rank(&self, title: &str, meaning: Option<Meaning<'_>>, limit: usize) -> Vec<RankedOccupation> {
        let mut scores = self.lexical_scores(title);
        if let Some(meaning) = meaning {
            self.add_meaning(meaning, &mut scores);
        }
        let mut ranked: Vec<RankedOccupation> =
            scores.into_iter().enumerate().map(|(occupation, score)| RankedOccupation { occupation, score }).collect();
        let order = |left: &RankedOccupation, right: &RankedOccupation| {
            right.score.total_cmp(&left.score).then(left.occupation.cmp(&right.occupation))
        };
        if limit < ranked.len() && limit > 0 {
            ranked.select_nth_unstable_by(limit - 1, order);
        }
        ranked.truncate(limit);
        ranked.sort_unstable_by(order);
        ranked
    }

    fn lexical_scores(&self, title: &str) -> Vec<f32> {
        let title = aerie_postings::text::truncate_bytes(title, MAXIMUM_TITLE);
        let word_features = word_features(title);
        let mut names = vec![0.0_f32; self.labels.len()];
        self.by_words.add_cosines(word_features.clone(), WORDS, &mut names);
        self.by_letters.add_cosines(letter_features(title), 1.0 - WORDS, &mut names);
        let mut documents = vec![0.0_f32; self.occupations.len()];
        self.documents.add_cosines(word_features, DOCUMENT, &mut documents);
        let mut best = vec![0.0_f32; self.occupations.len()];
        for ((&name, &owner), &preferred) in names.iter().zip(&self.owners).zip(&self.preferred) {
            if let Some(best) = best.get_mut(owner) {
                *best = best.max(name);
            }
            if preferred && let Some(document) = documents.get_mut(owner) {
                *document += PREFERRED * name;
            }
        }
        let parts = best.iter().zip(&documents).zip(&self.occupations);
        parts
            .map(|((best, document), occupation)| {
                let depth = occupation.code.bytes().filter(|byte| *byte == b'.').count();
                best + document - DEPTH * depth as f32
            })
            .collect()
    }

    fn add_meaning(&self, meaning: Meaning<'_>, scores: &mut [f32]) {
        let mut best = vec![-1.0_f32; scores.len()];
        for (&cosine, &owner) in meaning.labels.iter().zip(&self.owners) {
            if let Some(best) = best.get_mut(owner) {
                *best = best.max(cosine);
            }
        }
        for ((score, best), description) in scores.iter_mut().zip(&best).zip(meaning.descriptions) {
            *score += MEANING * best + DESCRIPTION_MEANING * description;
        }
    }
}

/// Terms of the words.
fn word_features(text: &str) -> Vec<u32> {
    words(text).iter().map(crate::text::Word::term).collect()
}

/// Groups of two to four letters within each word, which is framed by spaces; catches compounds, endings and misspellings.
fn letter_features(text: &str) -> Vec<u32> {
    let mut features = Vec::new();
    let mut framed = Vec::new();
    for word in words(text) {
        framed.clear();
        framed.push(b' ');
        framed.extend_from_slice(word.folded.as_bytes());
        framed.push(b' ');
        for size in 2..=4 {
            for group in framed.windows(size) {
                // A number of its own for every group of up to four bytes.
                let number = group.iter().fold(size as u64, |number, byte| number << 8 | u64::from(*byte));
                features.push((number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32);
            }
        }
    }
    features
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn index() -> TitleIndex {
        let occupation = |uri: &str, label: &str, alternatives: &[&str], description: &str, code: &str| Occupation {
            uri: uri.to_owned(),
            label: label.to_owned(),
            alternatives: alternatives.iter().map(|&name| name.to_owned()).collect(),
            description: description.to_owned(),
            code: code.to_owned(),
        };
        TitleIndex::new(vec![
            occupation("a", "kitchen assistant", &["kitchen helper"], "Helps to prepare food.", "9412.1"),
            occupation("b", "ship captain", &["shipmaster"], "Commands a vessel.", "3152.4"),
            occupation("c", "web developer", &["web programmer"], "Builds web sites.", "2513.2"),
        ])
    }

    #[test]
    fn titles_find_their_occupation() {
        let index = index();
        for (title, expected) in [("KITCHEN ASSISTANT (Bangi)", 0), ("Ship's Captain", 1), ("Senior Web-Programmer", 2)]
        {
            let ranked = index.rank(title, None, 2);
            assert_eq!((ranked.len(), ranked[0].occupation), (2, expected), "{title}");
        }
    }

    #[test]
    fn strange_titles_do_no_harm() {
        let index = index();
        for title in ["", "???", "\u{0}\u{ffff}", &"web ".repeat(5_000), "日本語の職務"] {
            assert_eq!(index.rank(title, Some(Meaning { labels: &[1.0], descriptions: &[] }), 10).len(), 3);
        }
        assert!(TitleIndex::new(Vec::new()).rank("x", None, 5).is_empty());
    }
}
