//! The posting catalogue: every posting once, wherever it was seen. Functions take a transaction of the platform store.
//!
//! Everything here works on batches and through indexes only, so that taking in a posting costs the same in a
//! catalogue of ten thousand and of a million.

mod blocks;
mod closing;
mod lookup;
mod pairs;
mod reading;
mod writing;

use aerie_postings::Posting;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use blocks::{Blocks, DedupeForm, set_dedupe_forms, unprepared};
pub use closing::{mark_missing, touch_batch};
pub use lookup::{Located, Members, dedupe_features, keys_lookup, members};
pub use pairs::{PostingPair, add_pairs, pairs_of};
pub use reading::{
    CatalogueCounts, MatchFeatures, OpenPosting, StoredPosting, counts, documents_after, fingerprint,
    for_each_match_features, get, match_features, match_features_by_number,
};
pub use writing::{
    add_keys, add_links, insert_batch, lock_for_ingest, set_embeddings, set_match_features, update_batch,
};

/// Missed runs of a complete board after which a posting counts as closed there.
pub const MISSED_RUNS_UNTIL_CLOSED: i64 = 2;

/// A posting to add.
#[derive(Debug, Clone)]
pub struct NewPosting {
    /// Its id from now on.
    pub id: Uuid,
    /// The posting as its source shows it.
    pub posting: Posting,
    /// The complete list of one employer that it was on (for example `acme` of the source `greenhouse`), when the
    /// source gives complete lists; see [`mark_missing`].
    pub board: Option<String>,
    /// Keys by which it is recognised for certain.
    pub keys: Vec<String>,
    /// By what it is found when another may be the same.
    pub dedupe: DedupeForm,
    /// What scoring needs.
    pub match_features: Vec<u8>,
    /// Embedding, when a model is present.
    pub embedding: Option<Vec<u8>>,
}

/// New content for a posting in the catalogue.
#[derive(Debug, Clone)]
pub struct PostingChange {
    /// Which posting.
    pub id: Uuid,
    /// The merged posting.
    pub posting: Posting,
    /// By what the new content is found; how it was found before is forgotten.
    pub dedupe: DedupeForm,
    /// What scoring needs.
    pub match_features: Vec<u8>,
    /// Embedding of the new content.
    pub embedding: Option<Vec<u8>>,
}

/// One place where a posting was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSighting {
    /// Which posting.
    pub posting_id: Uuid,
    /// Name of the source.
    pub source: String,
    /// The source's own id.
    pub source_id: Option<String>,
    /// As in [`NewPosting::board`].
    pub board: Option<String>,
    /// Canonical address there.
    pub url: String,
    /// Title as shown there.
    pub title: String,
}

/// A place where a posting was seen, with when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostingLink {
    /// Name of the source.
    pub source: String,
    /// The source's own id.
    pub source_id: Option<String>,
    /// As in [`NewPosting::board`].
    pub board: Option<String>,
    /// Canonical address there.
    pub url: String,
    /// Title as shown there.
    pub title: String,
    /// First seen there.
    pub first_seen: DateTime<Utc>,
    /// Last seen there.
    pub last_seen: DateTime<Utc>,
    /// When it was gone from the complete board.
    pub closed_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests;
