//! Putting postings into the catalogue: recognised by key, then by likeness, then added.

use std::collections::{HashMap, HashSet};

use aerie_matching::dedupe::{self, Comparison, Features, Reason, StoredBlocks, Verdict, blocking::CANDIDATE_LIMIT};
use aerie_postings::{Posting, identity::posting_keys};
use aerie_store::{
    Database, StoreError, Tx,
    catalogue::{self, Blocks, DedupeForm, LinkSighting, Located, Members, NewPosting, PostingChange, PostingPair},
};
use chrono::{DateTime, Utc};
use rayon::prelude::*;
use uuid::Uuid;

use crate::{encoding, scoring::posting_features};

/// Postings taken in one transaction: long enough to be fast, short enough that others get a turn.
const CHUNK: usize = 1_000;

/// Newest postings of one block that a newcomer is compared with.
const CANDIDATES_PER_BLOCK: usize = 32;

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
    blocks: Blocks,
    match_features: Vec<u8>,
}

impl Prepared {
    fn new(posting: Posting) -> Self {
        let features = Features::from_posting(&posting);
        let blocks = blocks_of(&features);
        Self { keys: posting_keys(&posting), match_features: posting_features(&posting), features, blocks, posting }
    }
}

fn blocks_of(features: &Features) -> Blocks {
    let StoredBlocks { home, keys, bands } = StoredBlocks::of(features);
    // The store keeps signed numbers; the bits are what counts.
    Blocks {
        home: i64::from(home.cast_signed()),
        blocks: keys.into_iter().map(u64::cast_signed).collect(),
        bands: bands.into_iter().map(i64::from).collect(),
        fingerprint: features.fingerprint.cast_signed(),
    }
}

fn dedupe_form(posting: &Posting) -> DedupeForm {
    let features = Features::from_posting(posting);
    DedupeForm { blocks: blocks_of(&features), features: encoding::encode(&features) }
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
    prepare_earlier(platform).await?;
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

/// Makes postings findable that were stored before the present form of blocks; after an update of the program, once.
async fn prepare_earlier(platform: &Database) -> Result<(), StoreError> {
    loop {
        let mut tx = platform.read().await?;
        let ids = catalogue::unprepared(&mut tx, CHUNK as i64).await?;
        if ids.is_empty() {
            return Ok(());
        }
        drop(tx);
        let mut tx = platform.begin().await?;
        catalogue::lock_for_ingest(&mut tx).await?;
        let stored = catalogue::get(&mut tx, &ids).await?;
        let forms = off_thread(move || stored.par_iter().map(|one| (one.id, dedupe_form(&one.posting))).collect());
        catalogue::set_dedupe_forms(&mut tx, forms.await?).await?;
        tx.commit().await?;
    }
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
    off_thread(move || postings.into_par_iter().map(Prepared::new).collect()).await
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Unavailable { detail: format!("preparing postings: {error}") })
}

/// What the catalogue knows that a chunk may meet.
struct Batch {
    by_key: HashMap<String, Uuid>,
    members: Members,
    /// Features of the postings that share a text only.
    by_text: HashMap<Located, (Uuid, Vec<u8>)>,
    candidates: HashMap<Located, (Uuid, Features)>,
    documents: HashMap<Uuid, Posting>,
    /// Source and address of every place where a known posting was seen.
    links: HashMap<Uuid, HashSet<(String, String)>>,
}

impl Batch {
    async fn read(tx: &mut Tx, prepared: &[Prepared]) -> Result<Self, StoreError> {
        let keys: Vec<String> = prepared.iter().flat_map(|one| one.keys.iter().cloned()).collect();
        let by_key = catalogue::keys_lookup(tx, &keys).await?;
        let is_known = |one: &&Prepared| one.keys.iter().any(|key| by_key.contains_key(key));
        let unknown: Vec<&Prepared> = prepared.iter().filter(|one| !is_known(one)).collect();
        let blocks: Vec<i64> = unknown.iter().flat_map(|one| one.blocks.blocks.iter().copied()).collect();
        let bands: Vec<i64> = unknown.iter().flat_map(|one| one.blocks.bands.iter().copied()).collect();
        let members = catalogue::members(tx, &blocks, &bands, CANDIDATES_PER_BLOCK).await?;
        let wanted = unknown.iter().flat_map(|one| candidates_of(&members, &one.blocks));
        let by_text = wanted.filter(|located| !members.features.contains_key(located)).collect();
        let by_text = catalogue::dedupe_features(tx, by_text).await?;
        Ok(Self {
            by_key,
            members,
            by_text,
            candidates: HashMap::new(),
            documents: HashMap::new(),
            links: HashMap::new(),
        })
    }

    /// Reads the features of all candidates, and with them the posting that each of these is.
    fn recognise_all(&mut self, prepared: &[Prepared]) -> Vec<Option<Uuid>> {
        let found = std::mem::take(&mut self.members.features).into_par_iter();
        let found = found.chain(std::mem::take(&mut self.by_text));
        // Features of an older form are not compared; the next change of the posting writes them anew.
        self.candidates = found
            .filter_map(|(located, (id, bytes))| Some((located, (id, encoding::decode::<Features>(&bytes)?))))
            .collect();
        prepared.par_iter().map(|one| self.recognise(one)).collect()
    }

    async fn apply(
        mut self,
        mut tx: Tx,
        mut prepared: Vec<Prepared>,
        board: Option<&str>,
        now: DateTime<Utc>,
        result: &mut Ingested,
    ) -> Result<(), StoreError> {
        let targets;
        (self, prepared, targets) = off_thread(move || {
            let targets = self.recognise_all(&prepared);
            (self, prepared, targets)
        })
        .await?;
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
        let located = candidates_of(&self.members, &one.blocks);
        let found = located.iter().filter_map(|located| self.candidates.get(located));
        let (ids, features): (Vec<Uuid>, Vec<&Features>) = found.map(|(id, features)| (*id, features)).unzip();
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
            dedupe: DedupeForm { blocks: one.blocks, features: encoding::encode(&one.features) },
            match_features: one.match_features,
            embedding: None,
            posting: one.posting,
        });
        id
    }
}

/// The postings that one with these blocks is compared with: those of its rarest blocks first.
fn candidates_of(members: &Members, blocks: &Blocks) -> Vec<Located> {
    let at_home = blocks.blocks.iter().filter_map(|block| members.blocks.get(block)).flatten();
    let is_alike = |other: &i64| StoredBlocks::shares_text(blocks.fingerprint.cast_unsigned(), other.cast_unsigned());
    let by_text = blocks.bands.iter().filter_map(|band| members.bands.get(band)).flatten();
    let by_text = by_text.filter(|(_, fingerprint)| is_alike(fingerprint)).map(|(located, _)| located);
    let mut seen = HashSet::new();
    at_home.chain(by_text).copied().filter(|located| seen.insert(*located)).take(CANDIDATE_LIMIT).collect()
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
        let changes = self.contents.drain().map(|(id, posting)| PostingChange {
            id,
            dedupe: dedupe_form(&posting),
            match_features: posting_features(&posting),
            embedding: None,
            posting,
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
