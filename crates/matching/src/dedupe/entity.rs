//! Listings in general: anything with a name, an address and a category, in one table without sources.
//!
//! The same thought as for postings, with fields by role: what the names share against what each has alone, the house
//! number and street, the locality, and rivals: an entry is merged with its best partner only.

use std::collections::HashMap;

use aerie_postings::text::{fold, truncate_characters};
use rayon::prelude::*;

use super::cluster::Clusters;
use super::linking::{Sets, within_limit};

/// Points from which a pair is merged, and from which it is a possible duplicate.
pub const MERGE_POINTS: f32 = 1.0;
/// See [`MERGE_POINTS`].
pub const POSSIBLE_POINTS: f32 = 0.0;

mod weight {
    pub const BASE: f32 = -4.0;
    /// Times the share of the shorter name that is found in the other.
    pub const NAME_COVERED: f32 = 4.0;
    /// For each whole word that both names have alone.
    pub const NAMES_DIFFER: f32 = -2.5;
    pub const SAME_ADDRESS: f32 = 3.0;
    pub const SAME_STREET: f32 = 1.0;
    pub const OTHER_NUMBER: f32 = -2.5;
    pub const OTHER_STREET: f32 = -1.0;
    pub const SAME_LOCALITY: f32 = 0.5;
    pub const SAME_CATEGORY: f32 = 0.25;
}

/// A pair this much below the best pair of either side is not the same.
const RIVAL_SLACK: f32 = 0.75;

/// Words in this share of all names or more say little.
const GENERIC_SHARE: f32 = 0.02;
const GENERIC_WEIGHT: f32 = 0.3;

/// Likeness from which two words are spellings of one.
const WORD_LIKENESS: f64 = 0.85;

/// Blocks larger than this are not compared pair by pair.
const BLOCK_LIMIT: usize = 400;

const MAX_CHARACTERS: usize = 300;

/// One row of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entity {
    /// What it is called.
    pub name: String,
    /// Street and number.
    pub address: String,
    /// Town or district.
    pub locality: String,
    /// What kind of thing it is.
    pub category: String,
}

#[derive(Debug, Clone, Default)]
struct Form {
    name: Vec<String>,
    number: Option<String>,
    street: Vec<String>,
    locality: Vec<String>,
    category: Vec<String>,
}

/// Words that only say what part of an address a name is.
const STREET_WORDS: &[&str] = &[
    "n",
    "s",
    "e",
    "w",
    "ne",
    "nw",
    "se",
    "sw",
    "north",
    "south",
    "east",
    "west",
    "st",
    "street",
    "ave",
    "av",
    "avenue",
    "blvd",
    "boulevard",
    "rd",
    "road",
    "dr",
    "drive",
    "ln",
    "lane",
    "way",
    "pl",
    "place",
    "sq",
    "square",
    "hwy",
    "highway",
    "pkwy",
    "parkway",
    "ct",
    "court",
    "strasse",
    "str",
    "the",
    "suite",
    "ste",
    "floor",
    "fl",
    "at",
    "near",
    "between",
    "and",
    "off",
    "bet",
];

const ORDINALS: &[(&str, &str)] = &[
    ("first", "1"),
    ("second", "2"),
    ("third", "3"),
    ("fourth", "4"),
    ("fifth", "5"),
    ("sixth", "6"),
    ("seventh", "7"),
    ("eighth", "8"),
    ("ninth", "9"),
    ("tenth", "10"),
    ("eleventh", "11"),
    ("twelfth", "12"),
];

const ARTICLES: &[&str] = &["the", "of", "and", "a", "an", "le", "la", "el", "de", "du", "at", "in", "on"];

impl Form {
    fn new(entity: &Entity) -> Self {
        let name = tokens(&entity.name);
        let bare: Vec<String> = name.iter().filter(|word| !ARTICLES.contains(&word.as_str())).cloned().collect();
        let mut address = tokens(&entity.address);
        let starts_with_number = address.first().is_some_and(|word| {
            word.bytes().next().is_some_and(|byte| byte.is_ascii_digit()) && ordinal(word) == *word
        });
        let number = if starts_with_number { Some(address.remove(0)) } else { None };
        let street =
            address.iter().map(|word| ordinal(word)).filter(|word| !STREET_WORDS.contains(&word.as_str())).collect();
        Self {
            name: if bare.is_empty() { name } else { bare },
            number,
            street,
            locality: tokens(&entity.locality),
            category: tokens(&entity.category),
        }
    }
}

fn tokens(text: &str) -> Vec<String> {
    let folded = fold(truncate_characters(text, MAX_CHARACTERS)).replace('\'', "");
    folded
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// "third" and "3rd" are "3".
fn ordinal(word: &str) -> String {
    if let Some((_, digits)) = ORDINALS.iter().find(|(name, _)| *name == word) {
        return (*digits).to_owned();
    }
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| word.strip_suffix(ending));
    match digits {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.to_owned(),
        _ => word.to_owned(),
    }
}

/// How much each word of a name says, by how many names hold it.
struct Weights {
    counts: HashMap<String, usize>,
    generic_from: f32,
}

impl Weights {
    fn new(forms: &[Form]) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for form in forms {
            let mut words = form.name.clone();
            words.sort_unstable();
            words.dedup();
            for word in words {
                *counts.entry(word).or_default() += 1;
            }
        }
        // In a small table every word is rare; five names are needed to call one generic.
        Self { counts, generic_from: (forms.len() as f32 * GENERIC_SHARE).max(5.0) }
    }

    fn of(&self, word: &str) -> f32 {
        let count = self.counts.get(word).copied().unwrap_or(0) as f32;
        if count >= self.generic_from { GENERIC_WEIGHT } else { 1.0 }
    }
}

fn alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    short.len() >= 3
        && (long.starts_with(short)
            || rapidfuzz::distance::jaro_winkler::similarity(one.chars(), other.chars()) >= WORD_LIKENESS + 0.05)
}

/// Weights of the words shared, and of those that only one side has.
fn compare_names(left: &[String], right: &[String], weights: &Weights) -> (f32, f32, f32) {
    let (mut shared, mut left_only) = (0.0, 0.0);
    let mut used = vec![false; right.len()];
    for word in left {
        let partner = right.iter().zip(&mut used).find(|(other, used)| !**used && alike(word, other));
        match partner {
            Some((other, used)) => {
                *used = true;
                shared += weights.of(word).min(weights.of(other));
            }
            None => left_only += weights.of(word),
        }
    }
    let right_only = right.iter().zip(&used).filter(|(_, used)| !**used).map(|(word, _)| weights.of(word)).sum();
    (shared, left_only, right_only)
}

fn points(left: &Form, right: &Form, weights: &Weights) -> f32 {
    let (shared, left_only, right_only) = compare_names(&left.name, &right.name, weights);
    let shorter = shared + f32::min(left_only, right_only);
    let mut points = weight::BASE;
    if shorter > 0.0 {
        points += weight::NAME_COVERED * shared / shorter;
    }
    points += weight::NAMES_DIFFER * f32::min(left_only, right_only).min(1.0);
    let same_street = left.street.iter().any(|word| right.street.contains(word));
    let streets_known = !left.street.is_empty() && !right.street.is_empty();
    points += match (&left.number, &right.number) {
        (Some(one), Some(other)) if one == other && (same_street || !streets_known) => weight::SAME_ADDRESS,
        (Some(one), Some(other)) if one != other => weight::OTHER_NUMBER,
        _ if same_street => weight::SAME_STREET,
        _ if streets_known => weight::OTHER_STREET,
        _ => 0.0,
    };
    if shares(&left.locality, &right.locality) {
        points += weight::SAME_LOCALITY;
    }
    if shares(&left.category, &right.category) {
        points += weight::SAME_CATEGORY;
    }
    points
}

fn shares(left: &[String], right: &[String]) -> bool {
    left.iter().any(|word| right.contains(word))
}

/// A judged pair of rows, `left < right`, with its points.
pub type EntityPair = (usize, usize, f32);

/// Every pair of rows worth a look with its points; those that lose to a better partner of either side by more than a
/// little are put below the possible tier.
pub fn score_entities(rows: &[Entity]) -> Vec<EntityPair> {
    let forms: Vec<Form> = rows.par_iter().map(Form::new).collect();
    let weights = Weights::new(&forms);
    let mut pairs: Vec<EntityPair> = candidate_pairs(&forms)
        .into_par_iter()
        .filter_map(|(left, right)| Some((left, right, points(forms.get(left)?, forms.get(right)?, &weights))))
        .filter(|(_, _, points)| *points > weight::BASE)
        .collect();
    let mut best: HashMap<usize, f32> = HashMap::new();
    for (left, right, points) in &pairs {
        for row in [left, right] {
            let entry = best.entry(*row).or_insert(f32::NEG_INFINITY);
            *entry = entry.max(*points);
        }
    }
    for (left, right, points) in &mut pairs {
        let rival =
            [*left, *right].iter().filter_map(|row| best.get(row)).fold(*points, |high, other| high.max(*other));
        if *points < rival - RIVAL_SLACK {
            *points -= rival - *points + MERGE_POINTS;
        }
    }
    pairs
}

/// Pairs that share a word of the name (by its first four letters), or house number and street.
fn candidate_pairs(forms: &[Form]) -> Vec<(usize, usize)> {
    let mut blocks: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, form) in forms.iter().enumerate() {
        let mut keys: Vec<String> =
            form.name.iter().map(|word| format!("name {}", truncate_characters(word, 4))).collect();
        keys.extend(form.street.iter().filter_map(|street| Some(format!("at {} {street}", form.number.as_deref()?))));
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            blocks.entry(key).or_default().push(number);
        }
    }
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for block in blocks.values().filter(|block| block.len() <= BLOCK_LIMIT) {
        for (position, left) in block.iter().enumerate() {
            pairs.extend(block.iter().skip(position + 1).map(|right| (*left, *right)));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Clusters of a table from its scored pairs, best pairs first; a union needs every pair across at the tier's points.
pub fn cluster_entities(count: usize, pairs: &[EntityPair]) -> Clusters {
    let points: HashMap<(usize, usize), f32> =
        pairs.iter().map(|(left, right, points)| ((*left, *right), *points)).collect();
    let mut order: Vec<&EntityPair> = pairs.iter().collect();
    order.sort_by(|one, other| other.2.total_cmp(&one.2).then_with(|| (one.0, one.1).cmp(&(other.0, other.1))));
    let mut sets = Sets::new(count);
    let mut tier = |least: f32| {
        for (left, right, _) in order.iter().copied().filter(|pair| pair.2 >= least) {
            sets.unite(*left, *right, |one, other| {
                let all = one.iter().all(|a| {
                    other.iter().all(|b| points.get(&(*a.min(b), *a.max(b))).is_some_and(|points| *points >= least))
                });
                within_limit(one, other) && all
            });
        }
        sets.labels()
    };
    let merge = tier(MERGE_POINTS);
    let possible = tier(POSSIBLE_POINTS);
    Clusters { merge, possible }
}
