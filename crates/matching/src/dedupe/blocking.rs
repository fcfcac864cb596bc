//! Finding candidates: postings that share a blocking key are worth comparing.
//!
//! Keys go from rare to common: identity, company + work + city, company + work, company + one word of the work, work +
//! city where no company is named, and four bands of the text's fingerprint (two SimHashes that differ in at most three
//! bits share a band). A store keeps them as [`StoredBlocks`] in indexed tables; [`choose_blocks`] takes rare blocks first
//! and stops at a fixed number of candidates, so that the cost per posting does not grow with the catalogue.

use std::collections::HashMap;

use aerie_postings::identity::hamming;
use xxhash_rust::xxh3::xxh3_64;

use super::comparison::TEXT_NEAR_BITS;
use super::features::Features;

/// Most blocking keys of one posting.
pub const MAX_KEYS: usize = 24;

/// Most candidates that one posting is compared with.
pub const CANDIDATE_LIMIT: usize = 256;

/// Most cities and most words that get a key of their own.
const MAX_CITIES: usize = 3;
const MAX_WORDS: usize = 4;

/// The blocking keys of a posting, at most [`MAX_KEYS`], without repetition, rare kinds first.
pub fn blocking_keys(features: &Features) -> Vec<u64> {
    let mut keys: Vec<u64> = features.keys.iter().map(|key| mix(1, *key, 0)).collect();
    keys.extend(keys_at_home(features));
    keys.extend(bands(features.fingerprint).map(|band| mix(6, u64::from(band), 0)));
    first_of_each(keys)
}

/// Keys that only postings of one employer can share, or, where none is named, of one work.
fn keys_at_home(features: &Features) -> Vec<u64> {
    let mut keys = Vec::new();
    let work = features.title.work_key();
    let cities: Vec<u64> = features.places.cities().take(MAX_CITIES).map(u64::from).collect();
    match features.company_words.first() {
        Some(first) => {
            let company = u64::from(*first);
            keys.extend(cities.iter().map(|city| mix(2, mix(0, company, work), *city)));
            keys.push(mix(3, company, work));
            let mut words: Vec<_> = features.title.words.iter().collect();
            words.sort_by_key(|word| (std::cmp::Reverse(word.weight), word.hash));
            keys.extend(words.iter().take(MAX_WORDS).map(|word| mix(4, company, u64::from(word.hash))));
        }
        None => keys.extend(cities.iter().map(|city| mix(5, work, *city))),
    }
    keys
}

/// The four bands of a fingerprint, told apart by their number in the bits above; none of a text without one.
fn bands(fingerprint: u64) -> impl Iterator<Item = u32> {
    let count = if fingerprint == 0 { 0 } else { 4 };
    (0..count).map(move |band| (band << 16) | (fingerprint >> (16 * band) & 0xFFFF) as u32)
}

fn first_of_each(keys: Vec<u64>) -> Vec<u64> {
    let mut seen = Vec::with_capacity(keys.len());
    for key in keys {
        if seen.len() < MAX_KEYS && !seen.contains(&key) {
            seen.push(key);
        }
    }
    seen
}

/// The blocking keys of a posting as a store keeps them, in an order in which what is read together lies together.
///
/// Identity keys are none of them: by those a store finds a posting for certain, before it asks for candidates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlocks {
    /// Hash of the employer, or of the work where none is named.
    pub home: u32,
    /// Keys that only postings of this home can share, rare kinds first; `home` is their upper half.
    pub keys: Vec<u64>,
    /// Bands of the fingerprint.
    pub bands: Vec<u32>,
}

impl StoredBlocks {
    /// The blocks of a posting.
    pub fn of(features: &Features) -> Self {
        let work = features.title.work_key();
        let home = features.company_words.first().copied().unwrap_or((work >> 32) as u32);
        let local = |key: u64| (u64::from(home) << 32) | (key & 0xFFFF_FFFF);
        let keys = first_of_each(keys_at_home(features).into_iter().map(local).collect());
        Self { home, keys, bands: bands(features.fingerprint).collect() }
    }

    /// Whether the texts of postings that share a band speak for one posting. With most that share one it is chance, and
    /// then nothing that is no key of their home can make them one.
    pub fn shares_text(left: u64, right: u64) -> bool {
        hamming(left, right) <= TEXT_NEAR_BITS
    }
}

/// Which blocks to read, given how many postings each holds: the smallest first, until `limit` candidates are reached.
/// The smallest block is always taken unless it alone is larger than ten times the limit.
pub fn choose_blocks(sizes: &[(u64, usize)], limit: usize) -> Vec<u64> {
    let mut order: Vec<(u64, usize)> = sizes.iter().copied().filter(|(_, size)| *size > 0).collect();
    order.sort_by_key(|(key, size)| (*size, *key));
    let mut chosen = Vec::new();
    let mut total = 0_usize;
    for (key, size) in order {
        let fits = total + size <= limit || (chosen.is_empty() && size <= limit.saturating_mul(10));
        if !fits {
            break;
        }
        total += size;
        chosen.push(key);
    }
    chosen
}

/// Blocks in memory, for batches and measurements; a store does the same with an indexed table.
#[derive(Debug, Clone, Default)]
pub struct Index {
    blocks: HashMap<u64, Vec<u32>>,
}

impl Index {
    /// Adds record number `record`.
    pub fn insert(&mut self, record: u32, features: &Features) {
        for key in blocking_keys(features) {
            self.blocks.entry(key).or_default().push(record);
        }
    }

    /// At most [`CANDIDATE_LIMIT`] records that share a chosen block with these features, in order.
    pub fn candidates(&self, features: &Features) -> Vec<u32> {
        let sizes: Vec<(u64, usize)> =
            blocking_keys(features).into_iter().map(|key| (key, self.blocks.get(&key).map_or(0, Vec::len))).collect();
        let mut found: Vec<u32> = choose_blocks(&sizes, CANDIDATE_LIMIT)
            .iter()
            .filter_map(|key| self.blocks.get(key))
            .flat_map(|block| block.iter().take(CANDIDATE_LIMIT).copied())
            .collect();
        found.sort_unstable();
        found.dedup();
        found.truncate(CANDIDATE_LIMIT);
        found
    }
}

fn mix(kind: u64, first: u64, second: u64) -> u64 {
    let mut bytes = [0_u8; 24];
    for (chunk, value) in bytes.chunks_exact_mut(8).zip([kind, first, second]) {
        chunk.copy_from_slice(&value.to_le_bytes());
    }
    xxh3_64(&bytes)
}
