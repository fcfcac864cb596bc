//! One job for one opening, however many boards carry it; what is doubtful is the person's to decide.

use std::collections::BTreeSet;

use aerie_pipeline::ingest;
use aerie_postings::{RawPlace, RawPosting, normalise};
use aerie_proto::pipeline::v1 as pb;
use aerie_testkit::sample::{SamplePosting, sample_postings};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tonic::Code;

use crate::{
    scripted::Script,
    world::{Options, World, board_search, start_time, title},
};

/// A company whose place and text every aggregator repeats in full.
const COMPANY: &str = "Pelagia Marine B.V.";

/// Openings of one company that Remotive lists too: every third of the syndicated ones is missing there.
fn on_both(all: &[SamplePosting]) -> Vec<&SamplePosting> {
    all.iter()
        .filter(|posting| posting.company.name == COMPANY && posting.syndicated)
        .filter(|posting| !(posting.number / 3 + 1).is_multiple_of(3))
        .collect()
}

#[tokio::test]
async fn postings_from_before_an_update_are_recognised() {
    let world = World::new().await;
    let board = pb::SearchProfile {
        sources: vec!["recruitee".to_owned()],
        company_boards: vec!["recruitee:pelagia".to_owned()],
        ..world.whole_search()
    };
    let board = world.ada.save_search(board).await;
    world.ada.run(&board).await;
    let mut tx = world.stores.platform().begin().await.unwrap();
    // As the migration to the present form of blocks leaves the store.
    for sql in [
        "delete from posting_dedupe",
        "delete from posting_block",
        "delete from posting_band",
        "update posting set home = null",
        "insert into posting_unprepared (posting) select number from posting",
    ] {
        tx.execute(sql, vec![]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let aggregator = pb::SearchProfile {
        name: "aggregator".to_owned(),
        sources: vec!["remotive".to_owned()],
        company_boards: vec![],
        ..world.whole_search()
    };
    let aggregator = world.ada.save_search(aggregator).await;
    world.ada.run(&aggregator).await;
    let openings = sample_postings(start_time()).unwrap();
    let openings = openings.iter().filter(|posting| posting.company.name == COMPANY).count();
    let jobs = world.ada.all_jobs().await;
    let own = jobs.iter().filter(|job| job.posting.as_ref().unwrap().company.starts_with("Pelagia")).count();
    assert_eq!(own, openings, "one job for each opening, none twice");
}

#[tokio::test]
async fn an_opening_on_board_and_aggregator_is_one_job_with_both_links() {
    let world = World::new().await;
    let search = pb::SearchProfile {
        sources: vec!["recruitee".to_owned(), "remotive".to_owned()],
        company_boards: vec!["recruitee:pelagia".to_owned()],
        ..world.whole_search()
    };
    let search = world.ada.save_search(search).await;
    world.ada.run(&search).await;
    let postings = sample_postings(start_time()).unwrap();
    let both = on_both(&postings);
    assert!(both.len() >= 2, "the samples have openings that both list");
    let own: Vec<pb::Job> = world
        .ada
        .all_jobs()
        .await
        .into_iter()
        .filter(|job| job.posting.as_ref().unwrap().company.starts_with("Pelagia"))
        .collect();
    let openings = postings.iter().filter(|posting| posting.company.name == COMPANY).count();
    assert_eq!(own.len(), openings, "one job for each opening, none twice");
    for posting in both {
        let job = own.iter().find(|job| title(job) == posting.title).unwrap();
        let links = world.ada.job(&job.id).await.posting.unwrap().links;
        let sources: BTreeSet<&str> = links.iter().map(|link| link.source.as_str()).collect();
        assert_eq!(sources, BTreeSet::from(["recruitee", "remotive"]), "{}", posting.title);
    }
}

const DUTIES: &str = "You look after the steam looms of our mill, keep their logs, order parts and train the apprentices. \
    You know belts and bearings, read drawings, and are not afraid of heights. We work in two shifts and pay for tools. \
    The mill has three halls with forty looms each, and a workshop with lathes where you make what cannot be bought.";

fn row(number: u32, title: &str, place: &str, text: &str) -> Value {
    json!({"title": title, "company": "Hollin Mills", "location": place, "description": text,
           "url": format!("https://work{number}.example.com/openings/{number}")})
}

#[tokio::test]
async fn postings_of_one_list_are_compared_with_each_other_as_with_stored_ones() {
    let now = start_time();
    let posting = |source: &str, url: &str, title: &str, place: &str, preface: &str| {
        let raw = RawPosting {
            source: source.to_owned(),
            url: Some(url.to_owned()),
            title: Some(title.to_owned()),
            company: Some("Hollin Mills".to_owned()),
            places: vec![RawPlace::text(place)],
            description_text: Some(format!("{preface}{DUTIES}")),
            ..RawPosting::default()
        };
        normalise(raw, now).unwrap()
    };
    let list = [
        posting(
            "greenhouse",
            "https://boards.greenhouse.io/hollin/jobs/4000001",
            "Loom Mechanic",
            "Leeds, England",
            "",
        ),
        posting(
            "remotive",
            "https://remotive.com/jobs/all/position-7",
            "Loom Mechanic (m/f/d)",
            "Leeds, England",
            "New! ",
        ),
        posting("remotive", "https://remotive.com/jobs/all/position-8", "Loom Mechanic", "Hull, England", ""),
    ];
    let (together, alone) = (World::new().await, World::new().await);
    let at_once = ingest(together.stores.platform(), list.to_vec(), None, now).await.unwrap();
    let mut one_by_one = Vec::new();
    for posting in list {
        let ingested = ingest(alone.stores.platform(), vec![posting], None, now).await.unwrap();
        one_by_one.extend(ingested.ids);
    }
    for ids in [&at_once.ids, &one_by_one] {
        assert_eq!(ids[0], ids[1], "the aggregator's copy is the same opening");
        assert_ne!(ids[0], ids[2], "the twin in another town is not");
    }
    assert_eq!(at_once.new, 2);
}

/// One company that lists an opening in two hiring systems, so that only a person can say whether it is one.
async fn doubtful_world() -> (World, pb::SearchProfile) {
    let scripted = vec!["api.lever.co", "boards-api.greenhouse.io"];
    let world = World::with(Options { freshness_minutes: 0, scripted, ..Options::default() }).await;
    answer(&world, 1);
    let search = pb::SearchProfile {
        sources: vec!["lever".to_owned(), "greenhouse".to_owned()],
        company_boards: vec!["lever:brasswick".to_owned(), "greenhouse:brasswick".to_owned()],
        ..board_search("lever:brasswick")
    };
    let search = world.ada.save_search(search).await;
    (world, search)
}

/// Both boards list the opening; `department` is a detail that may change.
fn answer(world: &World, department: u32) {
    let lever = json!([{
        "id": "5a3c0de0-0000-4000-8000-000000000001", "text": "Loom Mechanic", "descriptionPlain": DUTIES,
        "hostedUrl": "https://jobs.lever.co/brasswick/5a3c0de0-0000-4000-8000-000000000001",
        "categories": {"location": "Leeds, England", "department": format!("Hall {department}")},
    }]);
    let greenhouse = json!({"jobs": [{
        "id": 4_000_001, "title": "Loom Mechanic", "company_name": "Brasswick", "location": {"name": "Leeds, England"},
        "absolute_url": "https://boards.greenhouse.io/brasswick/jobs/4000001", "content": DUTIES,
        "departments": [{"name": format!("Hall {department}")}],
    }], "meta": {"total": 1}});
    world.scripted.answer("api.lever.co", Script::json(lever.to_string()));
    world.scripted.answer("boards-api.greenhouse.io", Script::json(greenhouse.to_string()));
}

/// The two jobs that are possibly one.
async fn doubtful_pair(world: &World, search: &pb::SearchProfile) -> (String, String) {
    let run = world.ada.run(search).await;
    assert_eq!(run.new_jobs, 2, "not the same beyond doubt: {run:#?}");
    let jobs = world.ada.all_jobs().await;
    let (first, second) = (world.ada.job(&jobs[0].id).await, world.ada.job(&jobs[1].id).await);
    assert_eq!(first.possible_duplicate_ids, std::slice::from_ref(&second.id), "but possibly the same");
    assert_eq!(second.possible_duplicate_ids, std::slice::from_ref(&first.id));
    (first.id, second.id)
}

/// Both openings are seen again, changed.
async fn seen_again(world: &World, search: &pb::SearchProfile) {
    world.clock.advance(TimeDelta::days(1));
    answer(world, 2);
    let run = world.ada.run(search).await;
    assert_eq!((run.known_postings, run.new_jobs), (2, 0), "{run:#?}");
}

#[tokio::test]
async fn whoever_finds_the_postings_later_is_asked_about_them_too() {
    let (world, search) = doubtful_world().await;
    doubtful_pair(&world, &search).await;
    // For Ben's queue nothing is new in the catalogue, as after a kill between catalogue and queue.
    let search = world.ben.save_search(pb::SearchProfile { id: String::new(), ..search }).await;
    let run = world.ben.run(&search).await;
    assert_eq!((run.new_postings, run.new_jobs), (0, 2), "{run:#?}");
    let jobs = world.ben.all_jobs().await;
    assert_eq!(world.ben.job(&jobs[0].id).await.possible_duplicate_ids, std::slice::from_ref(&jobs[1].id));
}

async fn decide(world: &World, keep: &str, other: &str, same: bool) -> Result<pb::Job, tonic::Status> {
    let request = pb::DecideDuplicateRequest { job_id: keep.to_owned(), other_job_id: other.to_owned(), same };
    Ok(world.ada.jobs().decide_duplicate(request).await?.into_inner().job.unwrap())
}

#[tokio::test]
async fn a_possible_duplicate_is_joined_for_good() {
    let (world, search) = doubtful_world().await;
    let (first, second) = doubtful_pair(&world, &search).await;
    let kept = decide(&world, &first, &second, true).await.unwrap();
    assert_eq!(kept.id, first);
    assert!(kept.possible_duplicate_ids.is_empty());
    let listed = async || world.ada.all_jobs().await.into_iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(listed().await, std::slice::from_ref(&first));
    seen_again(&world, &search).await;
    assert_eq!(listed().await, std::slice::from_ref(&first), "it stays joined");
    world.ada.events_from_start().await.next("job.duplicate_decided").await;
}

#[tokio::test]
async fn a_possible_duplicate_is_kept_apart_for_good_and_a_join_can_be_undone() {
    let (world, search) = doubtful_world().await;
    let (first, second) = doubtful_pair(&world, &search).await;
    let kept = decide(&world, &first, &second, false).await.unwrap();
    assert!(kept.possible_duplicate_ids.is_empty(), "a pair that was decided is not asked about again");
    seen_again(&world, &search).await;
    assert_eq!(world.ada.all_jobs().await.len(), 2);
    assert!(world.ada.job(&second).await.possible_duplicate_ids.is_empty());
    decide(&world, &first, &second, true).await.unwrap();
    assert_eq!(world.ada.all_jobs().await.len(), 1);
    decide(&world, &first, &second, false).await.unwrap();
    assert_eq!(world.ada.all_jobs().await.len(), 2);
    assert_eq!(decide(&world, &first, &first, true).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_same_work_in_other_towns_stays_apart() {
    let world = World::new().await;
    let towns = ["Leeds, England", "Bradford, England", "Halifax, England"];
    let rows: Vec<Value> = (1..).zip(towns).map(|(number, town)| row(number, "Loom Mechanic", town, DUTIES)).collect();
    assert_eq!(world.ada.import(&json!(rows)).await.new_jobs, 3);
}
