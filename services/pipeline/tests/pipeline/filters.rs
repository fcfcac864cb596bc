//! What a search profile and a profile leave out, and that nothing a person brings is left out.

use aerie_proto::pipeline::v1 as pb;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    scripted::Script,
    world::{Options, World, board_search, source, start_time, title},
};

const LEVER: &str = "api.lever.co";

/// One row of a Lever board.
fn row(number: usize, title: &str, workplace: &str, days_old: i64) -> Value {
    let posted: DateTime<Utc> = start_time() - chrono::TimeDelta::days(days_old);
    json!({
        "id": format!("5a3c0de0-0000-4000-8000-{number:012}"), "text": title, "workplaceType": workplace,
        "hostedUrl": format!("https://jobs.lever.co/brasswick/5a3c0de0-0000-4000-8000-{number:012}"),
        "createdAt": posted.timestamp_millis(), "categories": {"location": "Austin, TX", "team": "Grid"},
        "descriptionPlain": format!("{title}: work number {number}."),
    })
}

fn rows() -> Value {
    json!([
        row(1, "Rust Engineer", "remote", 1),
        row(2, "Salesforce Administrator", "on-site", 2),
        row(3, "Sales Engineer", "on-site", 3),
        row(4, "Gardener", "hybrid", 40),
        row(5, "Cook", "on-site", 5),
    ])
}

/// Titles that a search brings, in alphabetical order, and how many rows were filtered.
async fn found(search: pb::SearchProfile, profile: pb::Profile) -> (Vec<String>, i32) {
    let world = World::with(Options { scripted: vec![LEVER], ..Options::default() }).await;
    world.scripted.answer(LEVER, Script::json(rows().to_string()));
    world.ada.save_profile(profile).await;
    let search = world.ada.save_search(search).await;
    let run = world.ada.run(&search).await;
    let row = source(&run, "lever:brasswick");
    assert_eq!(row.state(), pb::SourceRunState::Succeeded, "{row:?}");
    assert_eq!(row.new_jobs + row.filtered, 5, "what is left out is counted: {row:?}");
    let mut titles: Vec<String> = world.ada.all_jobs().await.iter().map(|job| title(job).to_owned()).collect();
    titles.sort();
    (titles, row.filtered)
}

fn search() -> pb::SearchProfile {
    board_search("lever:brasswick")
}

#[tokio::test]
async fn words_to_exclude_are_whole_words() {
    let search = pb::SearchProfile { exclude_words: vec!["sales".to_owned()], ..search() };
    let (titles, filtered) = found(search, pb::Profile::default()).await;
    assert_eq!(titles, ["Cook", "Gardener", "Rust Engineer", "Salesforce Administrator"]);
    assert_eq!(filtered, 1);
}

#[tokio::test]
async fn a_blocked_company_is_never_shown() {
    // A board of Lever does not say the company's name, so it is told by the board's token.
    let profile = pb::Profile { blocked_companies: vec!["Brasswick Inc.".to_owned()], ..Default::default() };
    assert_eq!(found(search(), profile).await, (vec![], 5));
}

#[tokio::test]
async fn old_postings_are_left_out() {
    let search = pb::SearchProfile { max_age_days: 30, ..search() };
    assert_eq!(
        found(search, pb::Profile::default()).await.0,
        ["Cook", "Rust Engineer", "Sales Engineer", "Salesforce Administrator"]
    );
}

#[tokio::test]
async fn a_wish_for_remote_work_keeps_remote_and_hybrid() {
    let remote = pb::SearchProfile { remote_preference: pb::RemoteKind::Remote as i32, ..search() };
    assert_eq!(found(remote, pb::Profile::default()).await.0, ["Gardener", "Rust Engineer"]);
    let on_site = pb::SearchProfile { remote_preference: pb::RemoteKind::OnSite as i32, ..search() };
    assert_eq!(
        found(on_site, pb::Profile::default()).await.0,
        ["Cook", "Gardener", "Sales Engineer", "Salesforce Administrator"]
    );
}

#[tokio::test]
async fn titles_are_matched_by_a_shared_word_when_asked_for() {
    let search = pb::SearchProfile { match_titles: true, titles: vec!["Senior Engineer".to_owned()], ..search() };
    assert_eq!(found(search, pb::Profile::default()).await.0, ["Rust Engineer", "Sales Engineer"]);
}

#[tokio::test]
async fn what_a_person_brings_passes_every_filter() {
    let world = World::new().await;
    let profile = pb::Profile { blocked_companies: vec!["Brasswick".to_owned()], ..Default::default() };
    world.ada.save_profile(profile).await;
    world.ada.save_search(pb::SearchProfile { exclude_words: vec!["sales".to_owned()], ..search() }).await;
    let imported = world
        .ada
        .import(&json!([
            {"title": "Sales Engineer", "company": "Brasswick", "location": "Austin, TX",
             "url": "https://example.com/jobs/1", "description": "Sell."},
            {"title": "no address"},
        ]))
        .await;
    assert_eq!((imported.new_jobs, imported.job_ids.len()), (1, 1), "{imported:?}");
    assert!(!imported.problems.is_empty(), "the row without an address is named");
    let job = world.ada.job(&imported.job_ids[0]).await;
    assert_eq!(title(&job), "Sales Engineer");
    assert!(job.score.is_some(), "imported jobs are scored at once");
    let again = world
        .ada
        .import(&json!([{"title": "Sales Engineer", "company": "Brasswick", "location": "Austin, TX",
                         "url": "https://example.com/jobs/1", "description": "Sell."}]))
        .await;
    assert_eq!((again.new_jobs, again.known), (0, 1));
    assert_eq!(again.job_ids, imported.job_ids);
}

#[tokio::test]
async fn an_added_address_is_fetched_by_a_task_and_passes_the_filters() {
    let world = World::with(Options { scripted: vec!["careers.example.com"], ..Options::default() }).await;
    world.ada.save_search(pb::SearchProfile { exclude_words: vec!["sales".to_owned()], ..search() }).await;
    let posting = json!({
        "@context": "https://schema.org", "@type": "JobPosting", "title": "Sales Engineer",
        "description": "<p>Sell batteries to towns.</p>", "datePosted": "2026-02-20",
        "hiringOrganization": {"@type": "Organization", "name": "Brasswick Energy"},
        "jobLocation": {"@type": "Place", "address": {"addressLocality": "Austin", "addressRegion": "TX", "addressCountry": "US"}},
    });
    let page =
        format!("<html><head><script type=\"application/ld+json\">{posting}</script></head><body></body></html>");
    world.scripted.answer("careers.example.com", Script::html(page));
    let add = async |url: &str| {
        let request = pb::AddUrlsRequest { urls: vec![url.to_owned(), "mailto:jobs@example.com".to_owned()] };
        world.ada.discovery().add_urls(request).await.unwrap().into_inner().results
    };
    let results = add("https://careers.example.com/sales-engineer?utm_source=mail").await;
    assert!(results[1].error.contains("http"), "{results:?}");
    let task = world.ada.task_ended(&results[0].task_id).await;
    assert_eq!(task.state(), pb::TaskState::Completed, "{task:#?}");
    let jobs = world.ada.all_jobs().await;
    assert_eq!(jobs.iter().map(title).collect::<Vec<_>>(), ["Sales Engineer"]);
    assert!(jobs[0].score.is_some());
    let again = add("https://careers.example.com/sales-engineer").await;
    assert_eq!(again[0].job_id, jobs[0].id, "a known address needs no task: {again:?}");
}
