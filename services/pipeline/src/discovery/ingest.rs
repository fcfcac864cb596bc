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

/// Postings taken in one transaction. Keys and bands lie at random in their trees: the more of them one transaction
/// brings, the fewer pages are encrypted again for each. Others get a turn between two.
const CHUNK: usize = 5_000;

/// Newest postings of one block that a newcomer is compared with, and as many that came before it in its chunk.
const CANDIDATES_PER_BLOCK: usize = 32;

/// Possible duplicates of a new posting that are kept, the most alike first.
const POSSIBLE_KEPT: usize = 3;

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

/// What a posting of a chunk may be: one that the catalogue has, or one that came before it in the chunk.
#[derive(Debug, Clone, Copy)]
enum Counterpart {
    Stored(Uuid),
    /// Its position in the chunk.
    Earlier(usize),
}

/// What was found out about a posting of a chunk before any is written.
enum Recognised {
    /// Another address or a later sight of this one.
    As(Counterpart),
    /// Like none well enough; those that it may still be.
    New { possible: Vec<(Counterpart, Comparison)> },
}

/// The unknown postings of a chunk, by block and by band.
#[derive(Default)]
struct Newcomers {
    blocks: HashMap<i64, Vec<usize>>,
    bands: HashMap<i64, Vec<usize>>,
}

impl Newcomers {
    fn of(prepared: &[Prepared], is_known: impl Fn(&Prepared) -> bool) -> Self {
        let mut newcomers = Self::default();
        for (position, one) in prepared.iter().enumerate().filter(|(_, one)| !is_known(one)) {
            for (index, keys) in
                [(&mut newcomers.blocks, &one.blocks.blocks), (&mut newcomers.bands, &one.blocks.bands)]
            {
                for key in keys {
                    index.entry(*key).or_default().push(position);
                }
            }
        }
        newcomers
    }

    /// Postings that come before this one and share a block or a text with it, each once. Those of its own source are
    /// left out: a source that lists two postings means two.
    fn before(&self, position: usize, prepared: &[Prepared]) -> Vec<usize> {
        let Some(one) = prepared.get(position) else { return Vec::new() };
        let mut found = Vec::new();
        for (index, keys, by_text) in
            [(&self.blocks, &one.blocks.blocks, false), (&self.bands, &one.blocks.bands, true)]
        {
            for others in keys.iter().filter_map(|key| index.get(key)) {
                let earlier = others.iter().rev().skip_while(|other| **other >= position).take(CANDIDATES_PER_BLOCK);
                found.extend(earlier.copied().filter(|other| {
                    prepared.get(*other).is_some_and(|other| {
                        other.features.source != one.features.source
                            && (!by_text || is_alike(other.blocks.fingerprint, one.blocks.fingerprint))
                    })
                }));
            }
        }
        let mut seen = HashSet::new();
        found.retain(|position| seen.insert(*position));
        found
    }
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

    /// Reads the features of all candidates, and with them what each of these postings is.
    fn recognise_all(&mut self, prepared: &[Prepared]) -> Vec<Recognised> {
        let found = std::mem::take(&mut self.members.features).into_par_iter();
        let found = found.chain(std::mem::take(&mut self.by_text));
        // Features of an older form are not compared; the next change of the posting writes them anew.
        self.candidates = found
            .filter_map(|(located, (id, bytes))| Some((located, (id, encoding::decode::<Features>(&bytes)?))))
            .collect();
        let newcomers = Newcomers::of(prepared, |one| self.by_its_keys(one).is_some());
        let all = 0..prepared.len();
        all.into_par_iter().map(|position| self.recognise(position, prepared, &newcomers)).collect()
    }

    /// The posting that has a key of this one.
    fn by_its_keys(&self, one: &Prepared) -> Option<Uuid> {
        one.keys.iter().find_map(|key| self.by_key.get(key).copied())
    }

    async fn apply(
        mut self,
        mut tx: Tx,
        mut prepared: Vec<Prepared>,
        board: Option<&str>,
        now: DateTime<Utc>,
        result: &mut Ingested,
    ) -> Result<(), StoreError> {
        let recognised;
        (self, prepared, recognised) = off_thread(move || {
            let recognised = self.recognise_all(&prepared);
            (self, prepared, recognised)
        })
        .await?;
        let known = recognised.iter().filter_map(|one| match one {
            Recognised::As(Counterpart::Stored(id)) => Some(*id),
            _ => None,
        });
        for stored in catalogue::get(&mut tx, &known.collect::<Vec<_>>()).await? {
            let links = stored.links.into_iter().map(|link| (link.source, link.url)).collect();
            self.links.insert(stored.id, links);
            self.documents.insert(stored.id, stored.posting);
        }

        let mut plan = Plan::default();
        let mut ids = Vec::with_capacity(prepared.len());
        for (one, recognised) in prepared.into_iter().zip(recognised) {
            // An earlier one of this chunk may have brought the same key, or be the same.
            let (target, possible) = match recognised {
                Recognised::As(counterpart) => (id_of(counterpart, &ids), Vec::new()),
                Recognised::New { possible } => (None, possible),
            };
            let id = match self.by_its_keys(&one).or(target) {
                Some(id) => self.merge(id, one, board, &mut plan),
                None => {
                    result.new += 1;
                    let possible = possible.into_iter().filter_map(|(other, how)| Some((id_of(other, &ids)?, how)));
                    self.add(one, possible.collect(), board, &mut plan)
                }
            };
            ids.push(id);
        }
        result.ids.extend(ids);
        plan.write(&mut tx, now).await?;
        tx.commit().await?;
        result.changed.extend(plan.changed);
        Ok(())
    }

    fn recognise(&self, position: usize, prepared: &[Prepared], newcomers: &Newcomers) -> Recognised {
        let Some(one) = prepared.get(position) else { return Recognised::New { possible: Vec::new() } };
        if let Some(id) = self.by_its_keys(one) {
            return Recognised::As(Counterpart::Stored(id));
        }
        let mut alike = self.compare(one, &newcomers.before(position, prepared), prepared);
        match alike.first() {
            Some((counterpart, best)) if best.verdict == Verdict::Same => Recognised::As(*counterpart),
            _ => {
                alike.truncate(POSSIBLE_KEPT);
                Recognised::New { possible: alike }
            }
        }
    }

    /// Candidates that are the same or possibly the same, the most alike first.
    fn compare(&self, one: &Prepared, earlier: &[usize], prepared: &[Prepared]) -> Vec<(Counterpart, Comparison)> {
        let stored = candidates_of(&self.members, &one.blocks);
        let stored = stored.iter().filter_map(|located| self.candidates.get(located));
        let stored = stored.map(|(id, features)| (Counterpart::Stored(*id), features));
        let earlier = earlier.iter().filter_map(|position| Some((*position, prepared.get(*position)?)));
        let earlier = earlier.map(|(position, other)| (Counterpart::Earlier(position), &other.features));
        let (counterparts, features): (Vec<Counterpart>, Vec<&Features>) =
            earlier.chain(stored).take(CANDIDATE_LIMIT).unzip();
        let comparisons = dedupe::assess(&one.features, &features);
        let mut alike: Vec<(Counterpart, Comparison)> =
            counterparts.into_iter().zip(comparisons).filter(|(_, one)| one.verdict != Verdict::Different).collect();
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

    fn add(&mut self, one: Prepared, possible: Vec<(Uuid, Comparison)>, board: Option<&str>, plan: &mut Plan) -> Uuid {
        let id = Uuid::now_v7();
        plan.possible.extend(possible.into_iter().map(|(known, comparison)| PostingPair {
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
    let by_text = blocks.bands.iter().filter_map(|band| members.bands.get(band)).flatten();
    let by_text = by_text.filter(|(_, other)| is_alike(blocks.fingerprint, *other)).map(|(located, _)| located);
    let mut seen = HashSet::new();
    at_home.chain(by_text).copied().filter(|located| seen.insert(*located)).take(CANDIDATE_LIMIT).collect()
}

/// Whether two stored fingerprints are of texts that speak for one posting.
fn is_alike(left: i64, right: i64) -> bool {
    StoredBlocks::shares_text(left.cast_unsigned(), right.cast_unsigned())
}

/// The catalogue's id of a counterpart, given those of the chunk's postings so far.
fn id_of(counterpart: Counterpart, ids: &[Uuid]) -> Option<Uuid> {
    match counterpart {
        Counterpart::Stored(id) => Some(id),
        Counterpart::Earlier(position) => ids.get(position).copied(),
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
