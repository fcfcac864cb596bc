use std::collections::BTreeMap;

use aerie_store::{
    Tx,
    catalogue::{self, Blocks, DedupeForm, LinkSighting, PostingChange, PostingPair},
};
use uuid::Uuid;

use crate::fixture::{Fixture, NONE, OF_ALL, day, found_at, new_posting, posting};

fn sighting(posting_id: Uuid, source: &str, board: Option<&str>, url: &str) -> LinkSighting {
    LinkSighting {
        posting_id,
        source: source.into(),
        source_id: None,
        board: board.map(str::to_owned),
        url: url.into(),
        title: "Engineer".into(),
    }
}

pub async fn a_posting_is_found_by_its_keys_and_blocks(fixture: &Fixture) {
    let (one, two) = (new_posting(1), new_posting(2));
    let ids = [one.id, two.id];
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![one, two], day(1)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = fixture.platform().read().await.unwrap();
    let keys = ["greenhouse:2", "greenhouse:3", "greenhouse:2"].map(str::to_owned);
    let found = catalogue::keys_lookup(&mut tx, &keys).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [("greenhouse:2".to_owned(), ids[1])]);

    let members = catalogue::members(&mut tx, &[1, OF_ALL, OF_ALL, 99], &[2, 98], 10).await.unwrap();
    assert_eq!((members.blocks.len(), members.blocks[&1].len(), members.blocks[&OF_ALL].len()), (2, 1, 2));
    let (second, fingerprint) = members.bands[&2][0];
    assert_eq!((members.bands.len(), fingerprint), (1, 7));
    assert_eq!(members.blocks[&OF_ALL], [second, members.blocks[&1][0]], "the newest first");
    let features = catalogue::dedupe_features(&mut tx, members.blocks[&OF_ALL].clone()).await.unwrap();
    assert_eq!(features, members.features, "those of the blocks came with them");
    assert_eq!(features[&second], (ids[1], 2u32.to_le_bytes().to_vec()));

    let stored = catalogue::get(&mut tx, &[ids[1], Uuid::now_v7(), ids[0]]).await.unwrap();
    assert_eq!(stored.iter().map(|stored| stored.id).collect::<Vec<_>>(), [ids[1], ids[0]]);
    assert_eq!(stored[1].posting, posting(1));
    assert_eq!((stored[1].first_seen, stored[1].last_seen), (day(1), day(1)));
    assert_eq!(stored[1].links.len(), 1);
    assert_eq!(stored[1].links[0].board.as_deref(), Some("larkspur"));
    let counts = catalogue::counts(&mut tx).await.unwrap();
    assert_eq!((counts.postings, counts.open, counts.links), (2, 2, 2));
}

pub async fn candidates_are_the_newest_of_a_block(fixture: &Fixture) {
    let postings: Vec<_> = (0..20).map(new_posting).collect();
    let newest: Vec<Uuid> = postings[17..].iter().map(|posting| posting.id).collect();
    let mut tx = fixture.platform().begin().await.unwrap();
    for posting in postings {
        catalogue::insert_batch(&mut tx, vec![posting], day(1)).await.unwrap();
    }
    let members = catalogue::members(&mut tx, &[OF_ALL], &[OF_ALL], 3).await.unwrap();
    let by_band: Vec<_> = members.bands[&OF_ALL].iter().map(|(located, _)| *located).collect();
    assert_eq!(by_band, members.blocks[&OF_ALL]);
    let features = catalogue::dedupe_features(&mut tx, by_band).await.unwrap();
    let mut found: Vec<Uuid> = features.into_values().map(|(id, _)| id).collect();
    found.sort();
    assert_eq!(found, newest);
}

pub async fn a_change_replaces_content_and_blocks(fixture: &Fixture) {
    let new = new_posting(1);
    let id = new.id;
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![new], day(1)).await.unwrap();
    let mut changed = posting(1);
    changed.title = "Senior Engineer".into();
    let change = |id| PostingChange {
        id,
        posting: changed.clone(),
        dedupe: found_at(&[OF_ALL, 500, 500], &[9]),
        match_features: vec![8],
        embedding: Some(vec![7]),
    };
    catalogue::update_batch(&mut tx, vec![change(id), change(Uuid::now_v7())]).await.unwrap();

    assert_eq!(catalogue::get(&mut tx, &[id]).await.unwrap()[0].posting, changed);
    assert_eq!(found(&mut tx, &[1, OF_ALL, 500]).await, [(500, id, vec![9]), (OF_ALL, id, vec![9])]);
    let features = catalogue::match_features(&mut tx, &[id]).await.unwrap();
    assert_eq!((features[0].features.as_slice(), features[0].embedding.as_deref()), (&[8u8][..], Some(&[7u8][..])));
    catalogue::set_embeddings(&mut tx, vec![(id, vec![6])]).await.unwrap();
    assert_eq!(catalogue::match_features(&mut tx, &[id]).await.unwrap()[0].embedding.as_deref(), Some(&[6u8][..]));
}

/// Blocks that have postings, with id and features of each; the same by bands.
async fn found(tx: &mut Tx, wanted: &[i64]) -> Vec<(i64, Uuid, Vec<u8>)> {
    let members = catalogue::members(tx, wanted, wanted, 10).await.unwrap();
    let by_block: BTreeMap<_, _> = members.blocks.into_iter().collect();
    let without_fingerprint =
        |(band, found): (i64, Vec<(_, i64)>)| (band, found.into_iter().map(|(one, _)| one).collect());
    let by_band: BTreeMap<_, _> = members.bands.into_iter().map(without_fingerprint).collect();
    assert_eq!(by_block, by_band);
    let features = catalogue::dedupe_features(tx, by_block.values().flatten().copied().collect()).await.unwrap();
    let of = |(block, located): (&i64, &Vec<_>)| {
        let rows: Vec<_> = located.iter().map(|one| (*block, features[one].0, features[one].1.clone())).collect();
        rows
    };
    by_block.iter().flat_map(of).collect()
}

pub async fn a_posting_moves_to_another_home(fixture: &Fixture) {
    let new = new_posting(1);
    let id = new.id;
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![new, new_posting(2)], day(1)).await.unwrap();
    let at = |home: i64, features: &[u8]| {
        let form = found_at(&[(home << 32) + 5], features);
        DedupeForm { blocks: Blocks { home, ..form.blocks }, ..form }
    };
    let change = |dedupe| PostingChange { id, posting: posting(1), dedupe, match_features: vec![], embedding: None };
    let blocks = [1, OF_ALL, (-3 << 32) + 5];
    catalogue::update_batch(&mut tx, vec![change(at(-3, &[4]))]).await.unwrap();
    let after: Vec<_> = found(&mut tx, &blocks).await.into_iter().filter(|(_, found, _)| *found == id).collect();
    assert_eq!(after, [(blocks[2], id, vec![4])], "and is found there only");
    catalogue::update_batch(&mut tx, vec![change(at(-3, &[5]))]).await.unwrap();
    assert_eq!(
        found(&mut tx, &blocks[2..]).await,
        [(blocks[2], id, vec![5])],
        "the place is the same, the features are not"
    );
}

pub async fn postings_of_an_earlier_form_are_prepared_once(fixture: &Fixture) {
    let (one, two) = (new_posting(1), new_posting(2));
    let ids = [one.id, two.id];
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![one, two], day(1)).await.unwrap();
    assert_eq!(catalogue::unprepared(&mut tx, 10).await.unwrap(), NONE);
    // As the migration leaves them.
    for sql in [
        "delete from posting_dedupe",
        "delete from posting_block",
        "delete from posting_band",
        "update posting set home = null",
        "insert into posting_unprepared (posting) select number from posting",
    ] {
        tx.execute(sql, vec![]).await.unwrap();
    }
    assert_eq!(catalogue::unprepared(&mut tx, 1).await.unwrap(), ids[..1]);
    let forms = ids.map(|id| (id, found_at(&[7], &[8]))).to_vec();
    catalogue::set_dedupe_forms(&mut tx, forms).await.unwrap();
    assert_eq!(catalogue::unprepared(&mut tx, 10).await.unwrap(), NONE);
    assert_eq!(found(&mut tx, &[7]).await, [(7, ids[1], vec![8]), (7, ids[0], vec![8])]);
}

pub async fn links_keep_where_a_posting_was_seen(fixture: &Fixture) {
    let new = new_posting(1);
    let id = new.id;
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![new], day(1)).await.unwrap();
    let link = sighting(id, "adzuna", None, "https://adzuna.example.com/5");
    catalogue::add_links(&mut tx, &[link.clone(), link.clone()], day(2)).await.unwrap();
    catalogue::add_links(&mut tx, &[link], day(4)).await.unwrap();
    catalogue::add_keys(&mut tx, &[("adzuna:5".into(), id), ("greenhouse:1".into(), id)]).await.unwrap();

    let stored = catalogue::get(&mut tx, &[id]).await.unwrap().remove(0);
    let links: Vec<_> =
        stored.links.iter().map(|link| (link.source.as_str(), link.first_seen, link.last_seen)).collect();
    assert_eq!(links, [("greenhouse", day(1), day(1)), ("adzuna", day(2), day(4))]);
    let found = catalogue::keys_lookup(&mut tx, &["adzuna:5".to_owned()]).await.unwrap();
    assert_eq!(found["adzuna:5"], id);
}

pub async fn a_posting_closes_after_two_misses_and_a_repost_opens_it(fixture: &Fixture) {
    let (one, two) = (new_posting(1), new_posting(2));
    let ids = [one.id, two.id];
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![one, two], day(1)).await.unwrap();
    let seen = [ids[1]];
    let missing =
        async |tx: &mut _, at| catalogue::mark_missing(tx, "greenhouse", "larkspur", &seen, at).await.unwrap();
    assert_eq!(missing(&mut tx, day(2)).await, NONE);
    assert_eq!(catalogue::mark_missing(&mut tx, "greenhouse", "other", &[], day(2)).await.unwrap(), NONE);
    assert_eq!(missing(&mut tx, day(3)).await, [ids[0]]);
    assert_eq!(missing(&mut tx, day(4)).await, NONE);
    assert_eq!(catalogue::get(&mut tx, &ids).await.unwrap()[0].closed_at, Some(day(3)));
    assert_eq!(catalogue::counts(&mut tx).await.unwrap().open, 1);

    assert_eq!(catalogue::touch_batch(&mut tx, &ids, day(9)).await.unwrap(), 1);
    let back = sighting(ids[0], "greenhouse", Some("larkspur"), &posting(1).url);
    catalogue::add_links(&mut tx, &[back], day(9)).await.unwrap();
    let stored = catalogue::get(&mut tx, &ids).await.unwrap();
    assert_eq!((stored[0].closed_at, stored[0].repost_count, stored[0].last_seen), (None, 1, day(9)));
    assert_eq!(stored[0].links[0].closed_at, None);
    assert_eq!(stored[1].repost_count, 0);
    assert_eq!(missing(&mut tx, day(10)).await, NONE);
}

pub async fn a_posting_on_another_complete_board_stays_open(fixture: &Fixture) {
    let new = new_posting(1);
    let id = new.id;
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![new], day(1)).await.unwrap();
    let elsewhere = sighting(id, "lever", Some("larkspur"), "https://lever.example.com/1");
    catalogue::add_links(&mut tx, &[elsewhere], day(1)).await.unwrap();
    for at in 2..5 {
        assert_eq!(catalogue::mark_missing(&mut tx, "greenhouse", "larkspur", &[], day(at)).await.unwrap(), NONE);
    }
    assert_eq!(catalogue::mark_missing(&mut tx, "lever", "larkspur", &[], day(5)).await.unwrap(), NONE);
    assert_eq!(catalogue::mark_missing(&mut tx, "lever", "larkspur", &[], day(6)).await.unwrap(), [id]);
}

pub async fn features_stream_in_order_without_closed_postings(fixture: &Fixture) {
    let postings: Vec<_> = (0..5).map(new_posting).collect();
    let ids: Vec<Uuid> = postings.iter().map(|posting| posting.id).collect();
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, postings, day(1)).await.unwrap();
    for at in 2..4 {
        catalogue::mark_missing(&mut tx, "greenhouse", "larkspur", &ids[1..], day(at)).await.unwrap();
    }
    let mut streamed = Vec::new();
    catalogue::for_each_match_features(&mut tx, |posting, features| {
        assert_eq!(features, [1, 2, 3]);
        streamed.push(posting);
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(streamed.iter().map(|posting| posting.id).collect::<Vec<_>>(), ids[1..]);
    let last = streamed[3];
    let by_number = catalogue::match_features_by_number(&mut tx, &[last.number]).await.unwrap();
    assert_eq!(by_number.iter().map(|one| one.posting_id).collect::<Vec<_>>(), [last.id]);
}

pub async fn the_fingerprint_ignores_ids_times_and_order(fixture: &Fixture) {
    let other = match &fixture.postgres {
        Some(_) => Fixture::postgres().await.unwrap(),
        None => Fixture::sqlite().await,
    };
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![new_posting(1), new_posting(2)], day(1)).await.unwrap();
    let first = catalogue::fingerprint(&mut tx).await.unwrap();
    let mut other_tx = other.platform().begin().await.unwrap();
    let mut late = new_posting(1);
    late.posting.posted_at = Some(day(20));
    catalogue::insert_batch(&mut other_tx, vec![new_posting(2), late], day(5)).await.unwrap();
    assert_eq!(catalogue::fingerprint(&mut other_tx).await.unwrap(), first);
    catalogue::insert_batch(&mut other_tx, vec![new_posting(3)], day(5)).await.unwrap();
    assert_ne!(catalogue::fingerprint(&mut other_tx).await.unwrap(), first);
}

pub async fn batches_larger_than_one_statement_arrive_whole(fixture: &Fixture) {
    let postings: Vec<_> = (0..1500).map(new_posting).collect();
    let ids: Vec<Uuid> = postings.iter().map(|posting| posting.id).collect();
    let keys: Vec<String> = postings.iter().flat_map(|posting| posting.keys.clone()).collect();
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, postings, day(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = fixture.platform().begin().await.unwrap();
    let found = catalogue::keys_lookup(&mut tx, &keys).await.unwrap();
    assert!(keys.iter().zip(&ids).all(|(key, id)| found[key] == *id));
    let blocks: Vec<i64> = (0..1500).collect();
    let members = catalogue::members(&mut tx, &blocks, &[], 5).await.unwrap();
    let located: Vec<_> = members.blocks.into_values().flatten().collect();
    assert_eq!((located.len(), members.features.len()), (1500, 1500));
    assert_eq!(catalogue::dedupe_features(&mut tx, located).await.unwrap(), members.features);
    catalogue::touch_batch(&mut tx, &ids, day(2)).await.unwrap();
    let stored = catalogue::get(&mut tx, &ids).await.unwrap();
    assert_eq!(stored.len(), 1500);
    assert!(stored.iter().all(|stored| stored.last_seen == day(2) && stored.links.len() == 1));
    assert_eq!(catalogue::documents_after(&mut tx, Some(ids[1400]), 500).await.unwrap().len(), 99);
}

pub async fn hostile_text_is_kept(fixture: &Fixture) {
    let mut new = new_posting(1);
    let id = new.id;
    new.posting.title = "Robert'); drop table posting;-- \u{1F980} \u{202E}\0end".into();
    new.posting.description_text = "a\0b \\u0000".into();
    new.keys = vec!["k\0ey".into()];
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, vec![new], day(1)).await.unwrap();
    let stored = catalogue::get(&mut tx, &[id]).await.unwrap().remove(0);
    assert_eq!(stored.posting.title, "Robert'); drop table posting;-- \u{1F980} \u{202E}end");
    assert_eq!(stored.posting.description_text, "ab \\u0000");
    assert_eq!(stored.links[0].title, stored.posting.title);
}

pub async fn two_ingests_at_once_add_a_posting_once(fixture: &Fixture) {
    let ingest = async || {
        let mut tx = fixture.platform().begin().await.unwrap();
        catalogue::lock_for_ingest(&mut tx).await.unwrap();
        let new = new_posting(1);
        if catalogue::keys_lookup(&mut tx, &new.keys).await.unwrap().is_empty() {
            catalogue::insert_batch(&mut tx, vec![new], day(1)).await.unwrap();
        }
        tx.commit().await.unwrap();
    };
    tokio::join!(ingest(), ingest(), ingest(), ingest());
    let mut tx = fixture.platform().read().await.unwrap();
    assert_eq!(catalogue::counts(&mut tx).await.unwrap().postings, 1);
}

pub async fn pairs_are_found_from_either_side(fixture: &Fixture) {
    let new: Vec<_> = (1..4).map(new_posting).collect();
    let ids: Vec<Uuid> = new.iter().map(|one| one.id).collect();
    let mut tx = fixture.platform().begin().await.unwrap();
    catalogue::insert_batch(&mut tx, new, day(1)).await.unwrap();
    let pair = |new: usize, known: Uuid, likeness| PostingPair {
        new: ids[new],
        known,
        likeness,
        reason: "nearly the same text".into(),
    };
    let pairs = [pair(1, ids[0], 0.8), pair(2, ids[1], 0.7), pair(2, Uuid::now_v7(), 0.9)];
    catalogue::add_pairs(&mut tx, &pairs).await.unwrap();
    catalogue::add_pairs(&mut tx, &[pair(1, ids[0], 0.1)]).await.unwrap();
    assert_eq!(catalogue::pairs_of(&mut tx, &ids[..1]).await.unwrap(), pairs[..1], "the first finding stays");
    assert_eq!(catalogue::pairs_of(&mut tx, &ids).await.unwrap(), pairs[..2], "each once, and only of what there is");
    assert_eq!(catalogue::pairs_of(&mut tx, &ids[2..]).await.unwrap(), pairs[1..2]);
    assert!(catalogue::pairs_of(&mut tx, &NONE).await.unwrap().is_empty());
}
