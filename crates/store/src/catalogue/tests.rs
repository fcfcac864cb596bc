//! That nothing on the way of a posting into the catalogue reads a whole table.
#![allow(clippy::unwrap_used, clippy::panic)]

use aerie_postings::{RemoteKind, TextExtent};

use super::*;
use crate::{
    Stores, StoresConfig, Tx,
    jobs::{self, JobKey, JobScore, JobSnapshot, NewJob},
};

fn posting(number: u32) -> Posting {
    Posting {
        source: "greenhouse".into(),
        source_id: Some(number.to_string()),
        title: "Glazier".into(),
        company: "Larkspur Instruments".into(),
        url: format!("https://boards.example.com/larkspur/{number}"),
        apply_url: None,
        places: vec![],
        remote: RemoteKind::Unknown,
        remote_scope: None,
        employment: vec![],
        seniority: None,
        salary: None,
        description_html: String::new(),
        description_text: String::new(),
        extent: TextExtent::TitleOnly,
        department: None,
        tags: vec![],
        language: None,
        posted_at: None,
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

fn found_at(blocks: &[i64]) -> DedupeForm {
    let blocks = Blocks { home: 0, blocks: blocks.to_vec(), bands: blocks.to_vec(), fingerprint: 7 };
    DedupeForm { blocks, features: vec![] }
}

/// Fails when a recorded plan scans anything but the values that came with the statement.
fn assert_no_scan(tx: &mut Tx) {
    let plans = tx.plans.take().unwrap();
    assert!(plans.len() > 10, "{plans:?}");
    for plan in plans.iter().filter(|plan| plan.starts_with("SCAN")) {
        let scanned = plan.split_whitespace().nth(1).unwrap_or_default();
        let is_given = ["new", "wanted", "found", "CONSTANT"].contains(&scanned) || plan.ends_with("CONSTANT ROWS");
        let is_given = is_given || plan.ends_with("VALUES CLAUSE");
        assert!(is_given, "{plan}\nof\n{}", plans.join("\n"));
    }
}

#[tokio::test]
async fn taking_in_postings_reads_no_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    let config = StoresConfig { url: "embedded".into(), data, migrate: true, connections: 1 };
    let stores = Stores::open(config).await.unwrap();
    let now = DateTime::from_timestamp(1_770_000_000, 0).unwrap();
    let id = Uuid::now_v7();
    let new = NewPosting {
        id,
        posting: posting(1),
        board: Some("larkspur".into()),
        keys: vec!["greenhouse:1".into()],
        dedupe: found_at(&[1, 2]),
        match_features: vec![],
        embedding: None,
    };
    let change =
        PostingChange { id, posting: posting(1), dedupe: found_at(&[2, 3]), match_features: vec![], embedding: None };
    let link = LinkSighting {
        posting_id: id,
        source: "lever".into(),
        source_id: None,
        board: None,
        url: "https://lever.example.com/1".into(),
        title: "Glazier".into(),
    };
    let mut tx = stores.platform().begin().await.unwrap();
    tx.plans = Some(Vec::new());
    keys_lookup(&mut tx, &new.keys).await.unwrap();
    members(&mut tx, &[1, 2, 3], &[1], 5).await.unwrap();
    insert_batch(&mut tx, vec![new], now).await.unwrap();
    let found = members(&mut tx, &[1, 2, 3], &[1], 5).await.unwrap();
    dedupe_features(&mut tx, found.blocks.into_values().flatten().collect()).await.unwrap();
    set_dedupe_forms(&mut tx, vec![(id, found_at(&[1, 2]))]).await.unwrap();
    update_batch(&mut tx, vec![change]).await.unwrap();
    set_embeddings(&mut tx, vec![(id, vec![1])]).await.unwrap();
    set_match_features(&mut tx, vec![(id, vec![1])]).await.unwrap();
    add_links(&mut tx, &[link], now).await.unwrap();
    add_keys(&mut tx, &[("lever:1".into(), id)]).await.unwrap();
    touch_batch(&mut tx, &[id], now).await.unwrap();
    for _ in 0..2 {
        mark_missing(&mut tx, "greenhouse", "larkspur", &[], now).await.unwrap();
    }
    get(&mut tx, &[id]).await.unwrap();
    documents_after(&mut tx, Some(id), 10).await.unwrap();
    pairs_of(&mut tx, &[id]).await.unwrap();
    match_features(&mut tx, &[id]).await.unwrap();
    match_features_by_number(&mut tx, &[1]).await.unwrap();
    assert_no_scan(&mut tx);

    let database = stores.person(Uuid::now_v7()).await.unwrap();
    let mut tx = database.begin().await.unwrap();
    tx.plans = Some(Vec::new());
    let job = NewJob {
        id: Uuid::now_v7(),
        posting_id: id,
        status: "pending".into(),
        snapshot: JobSnapshot { posting: posting(1), links: vec![] },
        surfaced_by: None,
        search_profile_id: None,
        score: None,
    };
    let job_id = job.id;
    let key = JobKey { id: job_id, number: 1 };
    let snapshot = job.snapshot.clone();
    let score = JobScore { score: 1.0, classic: None, basis: None, document: Some(vec![1]), profile_version: 1 };
    jobs::insert_many_if_new(&mut tx, vec![job], now).await.unwrap();
    jobs::set_scores(&mut tx, vec![(key, score)]).await.unwrap();
    jobs::update_snapshots(&mut tx, vec![(job_id, snapshot)], now).await.unwrap();
    jobs::get_by_postings(&mut tx, &[id]).await.unwrap();
    jobs::get(&mut tx, job_id).await.unwrap();
    jobs::update_notes(&mut tx, job_id, 1, "", now).await.unwrap();
    jobs::pair_decisions(&mut tx, &[id]).await.unwrap();
    jobs::move_all(&mut tx, &["pending".into()], "archived", now).await.unwrap();
    jobs::history(&mut tx, job_id).await.unwrap();
    jobs::purge(&mut tx, &["archived".into()], now).await.unwrap();
    assert_no_scan(&mut tx);
}
