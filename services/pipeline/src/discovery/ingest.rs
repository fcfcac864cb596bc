//! Putting postings into the catalogue: recognised by key, then by likeness, then added.

use std::collections::{HashMap, HashSet};

use aerie_matching::dedupe::{self, Comparison, Features, Reason, Verdict, blocking::CANDIDATE_LIMIT};
use aerie_postings::{Posting, identity::posting_keys};
use aerie_store::{
    Database, StoreError, Tx,
    catalogue::{self, Candidates, LinkSighting, NewPosting, PostingChange, PostingPair},
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{encoding, scoring::posting_features};

/// Postings taken in one transaction: long enough to be fast, short enough that others get a turn.
const CHUNK: usize = 1_000;

/// Newest postings of one block that a newcomer is compared with.
const CANDIDATES_PER_BLOCK: i64 = 32;

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Ingested {
    /// The catalogue's id for each posting, in the order given.
    pub ids: Vec<Uuid>,
    /// Postings that the catalogue did not have.
    pub new: usize,
    /// Known postings whose content changed, or that were seen in a new place.
    pub changed: HashSet<Uuid>,
}

/// A posting with what recognising and scoring it needs, computed before any transaction begins.
struct Prepared {
    posting: Posting,
    keys: Vec<String>,
    features: Features,
    blocks: Vec<i64>,
    match_features: Vec<u8>,
}

impl Prepared {
    fn new(posting: Posting) -> Self {
        let features = Features::from_posting(&posting);
        let blocks = blocks_of(&features);
        Self { keys: posting_keys(&posting), match_features: posting_features(&posting), features, blocks, posting }
    }
}

fn blocks_of(features: &Features) -> Vec<i64> {
    // The store keeps signed numbers; the bits are what counts.
    dedupe::blocking_keys(features).into_iter().map(u64::cast_signed).collect()
}

/// Puts postings of one source into the catalogue. `board` names the complete list that they are from.
///
/// Taking the same postings in again changes nothing, so a run that was killed half way is simply repeated.
///
/// # Errors
/// When the store fails; what earlier chunks wrote stays.
pub async fn ingest(
    platform: &Database,
    postings: Vec<Posting>,
    board: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Ingested, StoreError> {
    let mut result = Ingested::default();
    let mut postings = postings.into_iter();
    let mut next = prepare(postings.by_ref().take(CHUNK).collect()).await?;
    while !next.is_empty() {
        let prepared = std::mem::take(&mut next);
        let following = postings.by_ref().take(CHUNK).collect();
        // Writing keeps one core busy, preparing what follows the others.
        let (taken, following) = tokio::join!(take_in(platform, prepared, board, now, &mut result), prepare(following));
        taken?;
        next = following?;
    }
    Ok(result)
}

/// Recognises and writes one chunk, in one transaction.
async fn take_in(
    platform: &Database,
    prepared: Vec<Prepared>,
    board: Option<&str>,
    now: DateTime<Utc>,
    result: &mut Ingested,
) -> Result<(), StoreError> {
    let mut tx = platform.begin().await?;
    // Two newcomers that are the same posting must not be added side by side.
    catalogue::lock_for_ingest(&mut tx).await?;
    Batch::read(&mut tx, &prepared).await?.apply(tx, prepared, board, now, result).await
}

/// Features take some 0.2 ms a posting: off the asynchronous threads, on all cores.
async fn prepare(postings: Vec<Posting>) -> Result<Vec<Prepared>, StoreError> {
    use rayon::prelude::*;
    tokio::task::spawn_blocking(move || postings.into_par_iter().map(Prepared::new).collect())
        .await
        .map_err(|error| StoreError::Unavailable { detail: format!("preparing postings: {error}") })
}

/// What the catalogue knows that a chunk may meet.
struct Batch {
    by_key: HashMap<String, Uuid>,
    candidates: Candidates,
    candidate_features: HashMap<Uuid, Features>,
    documents: HashMap<Uuid, Posting>,
    /// Source and address of every place where a known posting was seen.
    links: HashMap<Uuid, HashSet<(String, String)>>,
}

impl Batch {
    async fn read(tx: &mut Tx, prepared: &[Prepared]) -> Result<Self, StoreError> {
        let keys: Vec<String> = prepared.iter().flat_map(|one| one.keys.iter().cloned()).collect();
        let by_key = catalogue::keys_lookup(tx, &keys).await?;
        let unknown = prepared.iter().filter(|one| !one.keys.iter().any(|key| by_key.contains_key(key)));
        let blocks: Vec<i64> = unknown.flat_map(|one| one.blocks.iter().copied()).collect();
        let candidates = catalogue::block_candidates(tx, &blocks, CANDIDATES_PER_BLOCK).await?;
        let candidate_features = candidates
            .features
            .iter()
            // Features of an older form are not compared; the next change of the posting writes them anew.
            .filter_map(|(id, bytes)| Some((*id, encoding::decode::<Features>(bytes)?)))
            .collect();
        Ok(Self { by_key, candidates, candidate_features, documents: HashMap::new(), links: HashMap::new() })
    }

    async fn apply(
        mut self,
        mut tx: Tx,
        prepared: Vec<Prepared>,
        board: Option<&str>,
        now: DateTime<Utc>,
        result: &mut Ingested,
    ) -> Result<(), StoreError> {
        let targets: Vec<Option<Uuid>> = prepared.iter().map(|one| self.recognise(one)).collect();
        let known: Vec<Uuid> = targets.iter().flatten().copied().collect();
        for stored in catalogue::get(&mut tx, &known).await? {
            let links = stored.links.into_iter().map(|link| (link.source, link.url)).collect();
            self.links.insert(stored.id, links);
            self.documents.insert(stored.id, stored.posting);
        }

        let mut plan = Plan::default();
        for (one, target) in prepared.into_iter().zip(targets) {
            // An earlier row of this chunk may have brought the same key.
            let target = target.or_else(|| one.keys.iter().find_map(|key| self.by_key.get(key).copied()));
            let id = match target {
                Some(id) => self.merge(id, one, board, &mut plan),
                None => self.add(one, board, &mut plan, result),
            };
            result.ids.push(id);
        }
        plan.write(&mut tx, now).await?;
        tx.commit().await?;
        result.changed.extend(plan.changed);
        Ok(())
    }

    /// The posting that this one is, if the catalogue has it.
    fn recognise(&self, one: &Prepared) -> Option<Uuid> {
        if let Some(id) = one.keys.iter().find_map(|key| self.by_key.get(key)) {
            return Some(*id);
        }
        let (id, comparison) = self.compare(one).into_iter().next()?;
        (comparison.verdict == Verdict::Same).then_some(id)
    }

    /// Candidates that are the same or possibly the same, the most alike first.
    fn compare(&self, one: &Prepared) -> Vec<(Uuid, Comparison)> {
        let mut ids: Vec<Uuid> = Vec::new();
        for block in &one.blocks {
            for id in self.candidates.blocks.get(block).into_iter().flatten() {
                if ids.len() < CANDIDATE_LIMIT && !ids.contains(id) {
                    ids.push(*id);
                }
            }
        }
        let (ids, features): (Vec<Uuid>, Vec<&Features>) =
            ids.into_iter().filter_map(|id| Some((id, self.candidate_features.get(&id)?))).unzip();
        let comparisons = dedupe::assess(&one.features, &features);
        let mut alike: Vec<(Uuid, Comparison)> =
            ids.into_iter().zip(comparisons).filter(|(_, one)| one.verdict != Verdict::Different).collect();
        alike.sort_by(|left, right| {
            (right.1.verdict, right.1.points)
                .partial_cmp(&(left.1.verdict, left.1.points))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        alike
    }

    fn merge(&mut self, id: Uuid, one: Prepared, board: Option<&str>, plan: &mut Plan) -> Uuid {
        plan.sightings.push(sighting(id, &one.posting, board));
        plan.keys.extend(one.keys.into_iter().map(|key| (key, id)));
        plan.seen.push(id);
        let place = (one.posting.source.clone(), one.posting.url.clone());
        if self.links.get_mut(&id).is_some_and(|links| links.insert(place)) {
            plan.changed.insert(id);
        }
        if let Some(existing) = self.documents.get_mut(&id) {
            let merged = dedupe::merge_with_changes(existing, &one.posting);
            if !merged.changed.is_empty() {
                *existing = merged.posting;
                plan.changed.insert(id);
                plan.contents.insert(id, existing.clone());
            }
        }
        id
    }

    fn add(&mut self, one: Prepared, board: Option<&str>, plan: &mut Plan, result: &mut Ingested) -> Uuid {
        let id = Uuid::now_v7();
        result.new += 1;
        plan.possible.extend(self.compare(&one).into_iter().take(3).map(|(known, comparison)| PostingPair {
            new: id,
            known,
            likeness: f64::from(comparison.score),
            reason: reason_words(&comparison.reasons),
        }));
        for key in &one.keys {
            self.by_key.insert(key.clone(), id);
        }
        // A second row of the same posting in this chunk merges into the first.
        self.documents.insert(id, one.posting.clone());
        plan.new.push(NewPosting {
            id,
            board: board.map(str::to_owned),
            keys: one.keys,
            blocks: one.blocks,
            dedupe_features: encoding::encode(&one.features),
            match_features: one.match_features,
            embedding: None,
            posting: one.posting,
        });
        id
    }
}

fn sighting(id: Uuid, posting: &Posting, board: Option<&str>) -> LinkSighting {
    LinkSighting {
        posting_id: id,
        source: posting.source.clone(),
        source_id: posting.source_id.clone(),
        board: board.map(str::to_owned),
        url: posting.url.clone(),
        title: posting.title.clone(),
    }
}

/// Everything that one chunk writes.
#[derive(Default)]
struct Plan {
    new: Vec<NewPosting>,
    contents: HashMap<Uuid, Posting>,
    changed: HashSet<Uuid>,
    sightings: Vec<LinkSighting>,
    keys: Vec<(String, Uuid)>,
    seen: Vec<Uuid>,
    possible: Vec<PostingPair>,
}

impl Plan {
    async fn write(&mut self, tx: &mut Tx, now: DateTime<Utc>) -> Result<(), StoreError> {
        catalogue::insert_batch(tx, std::mem::take(&mut self.new), now).await?;
        let changes = self.contents.drain().map(|(id, posting)| {
            let features = Features::from_posting(&posting);
            PostingChange {
                id,
                blocks: blocks_of(&features),
                dedupe_features: encoding::encode(&features),
                match_features: posting_features(&posting),
                embedding: None,
                posting,
            }
        });
        catalogue::update_batch(tx, changes.collect()).await?;
        catalogue::add_keys(tx, &self.keys).await?;
        catalogue::add_links(tx, &self.sightings, now).await?;
        catalogue::touch_batch(tx, &self.seen, now).await?;
        catalogue::add_pairs(tx, &self.possible).await?;
        Ok(())
    }
}

/// Why two postings may be one, for people.
fn reason_words(reasons: &[Reason]) -> String {
    let words = reasons.iter().filter_map(|reason| match reason {
        Reason::SharedKey => Some("same address"),
        Reason::SameWork => Some("same work"),
        Reason::SamePlaces => Some("same place"),
        Reason::SharedPlaces => Some("a place in common"),
        Reason::SameMoment => Some("posted at the same moment"),
        Reason::CloseDates => Some("posted about the same time"),
        Reason::SameText => Some("same text"),
        Reason::NearText => Some("nearly the same text"),
        Reason::BetterRival => Some("another fits as well"),
        _ => None,
    });
    words.collect::<Vec<_>>().join(", ")
}
