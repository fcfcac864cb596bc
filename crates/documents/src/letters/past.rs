//! A person's earlier letters, and which are most like what is to be written.

use std::collections::HashMap;

use aerie_matching::text::words;
use serde::{Deserialize, Serialize};

/// A letter that the person wrote or approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastLetter {
    /// Whom it went to.
    pub company: String,
    /// Its text.
    pub text: String,
}

/// The letters most similar to a posting's text, best first, at most `limit`; letters with nothing in common are left
/// out. Similarity is the cosine of word counts weighted by rarity (TF-IDF).
pub fn most_similar<'letter>(posting: &str, past: &'letter [PastLetter], limit: usize) -> Vec<&'letter PastLetter> {
    let counts: Vec<HashMap<u32, f64>> = past.iter().map(|letter| count(&letter.text)).collect();
    let wanted = count(posting);
    let mut spread: HashMap<u32, f64> = HashMap::new();
    for terms in counts.iter().chain([&wanted]) {
        terms.keys().for_each(|term| *spread.entry(*term).or_default() += 1.0);
    }
    let documents = counts.len() as f64 + 1.0;
    let weight = |terms: &HashMap<u32, f64>| -> HashMap<u32, f64> {
        let rarity = |term: &u32| (1.0 + documents / spread.get(term).copied().unwrap_or(1.0)).ln();
        terms.iter().map(|(term, count)| (*term, (1.0 + count.ln()) * rarity(term))).collect()
    };
    let wanted = weight(&wanted);
    let mut ranked: Vec<(f64, &PastLetter)> =
        counts.iter().zip(past).map(|(terms, letter)| (cosine(&wanted, &weight(terms)), letter)).collect();
    ranked.retain(|(similarity, _)| *similarity > 0.0);
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0));
    ranked.into_iter().take(limit).map(|(_, letter)| letter).collect()
}

fn count(text: &str) -> HashMap<u32, f64> {
    let mut counts = HashMap::new();
    for word in words(text).iter().filter(|word| !word.is_stop_word() && word.folded.len() > 2) {
        *counts.entry(word.term()).or_default() += 1.0;
    }
    counts
}

fn cosine(left: &HashMap<u32, f64>, right: &HashMap<u32, f64>) -> f64 {
    let product: f64 = left.iter().filter_map(|(term, weight)| Some(weight * right.get(term)?)).sum();
    let length = |vector: &HashMap<u32, f64>| vector.values().map(|weight| weight * weight).sum::<f64>().sqrt();
    let lengths = length(left) * length(right);
    if lengths == 0.0 { 0.0 } else { product / lengths }
}
