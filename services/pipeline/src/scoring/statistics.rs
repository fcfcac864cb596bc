//! How common each term is in the catalogue, and features of an older form made anew on the way.

use aerie_matching::{CorpusStatistics, PostingFeatures};
use aerie_store::{
    Database, StoreError,
    catalogue::{self, OpenPosting},
};
use rayon::prelude::*;
use uuid::Uuid;

use super::{blocking, posting_features};

/// Postings prepared anew in one transaction.
const RENEWED_AT_ONCE: usize = 500;

/// How common each term is among the open postings.
pub(crate) async fn statistics(platform: &Database) -> Result<CorpusStatistics, StoreError> {
    Ok(open_postings(platform).await?.0)
}

/// How common each term is among the open postings, and which they are, in the order in which they came.
///
/// Stored features that this version cannot read are prepared again from the stored posting, and stored: whoever scores
/// after this finds all of them readable.
pub(super) async fn open_postings(platform: &Database) -> Result<(CorpusStatistics, Vec<OpenPosting>), StoreError> {
    let mut statistics = CorpusStatistics::default();
    let (mut open, mut unreadable) = (Vec::new(), Vec::new());
    let mut tx = platform.read().await?;
    catalogue::for_each_match_features(&mut tx, |posting, features| {
        open.push(posting);
        match PostingFeatures::terms_of_bytes(features) {
            Ok(terms) => statistics.add_terms(terms),
            Err(_) => unreadable.push(posting.id),
        }
        Ok(())
    })
    .await?;
    drop(tx);
    if !unreadable.is_empty() {
        tracing::info!(postings = unreadable.len(), "preparing stored postings anew for scoring");
    }
    for ids in unreadable.chunks(RENEWED_AT_ONCE) {
        for (_, features) in renew(platform, ids).await? {
            if let Ok(terms) = PostingFeatures::terms_of_bytes(&features) {
                statistics.add_terms(terms);
            }
        }
    }
    Ok((statistics, open))
}

/// Prepares postings again and stores what scoring needs of them.
async fn renew(platform: &Database, ids: &[Uuid]) -> Result<Vec<(Uuid, Vec<u8>)>, StoreError> {
    let mut tx = platform.begin().await?;
    let postings = catalogue::get(&mut tx, ids).await?;
    let renewed: Vec<(Uuid, Vec<u8>)> =
        blocking(move || postings.par_iter().map(|stored| (stored.id, posting_features(&stored.posting))).collect())
            .await?;
    catalogue::set_match_features(&mut tx, renewed.clone()).await?;
    tx.commit().await?;
    Ok(renewed)
}
