//! SimHash of a text: near-duplicates differ in few bits (Charikar, 2002).

use xxhash_rust::xxh3::xxh3_64;

use crate::text::{fold, truncate_bytes, words};

/// Words in a row that make one feature.
const SHINGLE: usize = 3;

/// Bytes of text that count; descriptions are shorter.
const MAX_BYTES: usize = 200_000;

/// 64-bit SimHash over runs of three words, whatever the case, accents, punctuation and white space. Texts of fewer
/// words make one feature; a text without words gives 0, which says nothing about likeness.
pub fn text_fingerprint(text: &str) -> u64 {
    let folded = fold(truncate_bytes(text, MAX_BYTES));
    let hashes: Vec<u64> = words(&folded).map(|word| xxh3_64(word.as_bytes())).collect();
    if hashes.is_empty() {
        return 0;
    }
    let mut votes = [0_i32; 64];
    for shingle in hashes.windows(SHINGLE.min(hashes.len())) {
        let feature =
            shingle.iter().fold(0_u64, |mixed, hash| mixed.rotate_left(21).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ hash);
        let feature = xxh3_64(&feature.to_le_bytes());
        for (bit, vote) in votes.iter_mut().enumerate() {
            *vote += if feature >> bit & 1 == 1 { 1 } else { -1 };
        }
    }
    votes.iter().enumerate().fold(0, |print, (bit, vote)| if *vote > 0 { print | 1 << bit } else { print })
}

/// Number of bits in which two fingerprints differ, 0 to 64. Unrelated texts lie near 32; the same text with small
/// edits below 8.
pub fn hamming(left: u64, right: u64) -> u32 {
    (left ^ right).count_ones()
}
