use std::collections::HashSet;

use aerie_postings::RemoteKind;
use aerie_store::{
    Tx,
    jobs::{self, JobFilter, JobOrder, JobScore, NewJob, PageToken},
};
use proptest::{strategy::Strategy, test_runner::TestRunner};
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

fn job(number: u32, title: &str, description: &str, score: Option<f64>) -> NewJob {
    let mut job = new_job(posting(number));
    job.snapshot.posting.title = title.into();
    job.snapshot.posting.description_text = description.into();
    job.snapshot.posting.posted_at = number.is_multiple_of(3).then(|| day(i64::from(number % 5)));
    job.score = score.map(|score| JobScore { score, classic: None, basis: None, document: None, profile_version: 1 });
    job
}

async fn titles(tx: &mut Tx, filter: JobFilter) -> Vec<String> {
    let page = jobs::list(tx, &filter, JobOrder::Score, None, 100).await.unwrap();
    assert_eq!(page.total, page.jobs.len() as i64);
    page.jobs.into_iter().map(|job| job.title).collect()
}

fn text(text: &str) -> JobFilter {
    JobFilter { text: Some(text.into()), ..JobFilter::default() }
}

pub async fn filters_narrow_the_list(fixture: &Fixture) {
    let search_profile = Uuid::now_v7();
    let mut remote = job(1, "Remote", "", Some(90.0));
    remote.snapshot.posting.remote = RemoteKind::Remote;
    let mut lever = job(2, "Lever", "", Some(50.0));
    lever.snapshot.posting.source = "lever".into();
    let mut approved = job(3, "Approved", "", None);
    approved.status = "approved".into();
    approved.search_profile_id = Some(search_profile);
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![approved, lever, remote], day(1)).await.unwrap();
    let all = JobFilter::default();
    assert_eq!(titles(&mut tx, all.clone()).await, ["Remote", "Lever", "Approved"]);
    let cases: [(JobFilter, &[&str]); 7] = [
        (JobFilter { statuses: vec!["pending".into()], ..all.clone() }, &["Remote", "Lever"]),
        (
            JobFilter { statuses: vec!["pending".into(), "approved".into()], min_score: Some(50.0), ..all.clone() },
            &["Remote", "Lever"],
        ),
        (JobFilter { min_score: Some(50.5), ..all.clone() }, &["Remote"]),
        (JobFilter { remote_kinds: vec!["remote".into()], ..all.clone() }, &["Remote"]),
        (JobFilter { sources: vec!["lever".into()], ..all.clone() }, &["Lever"]),
        (JobFilter { search_profile_id: Some(search_profile), ..all.clone() }, &["Approved"]),
        (JobFilter { statuses: vec!["pending".into()], ..text("larkspur") }, &["Remote", "Lever"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(titles(&mut tx, filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn text_asks_for_every_word_and_the_beginning_of_the_last(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let added = vec![
        job(1, "Rust Engineer", "Write C++ and node.js services at Ünser Büro.", Some(3.0)),
        job(2, "Site Engineer", "Rusty bridges; state-of-the-art gauges.", Some(2.0)),
        job(3, "Nurse", "Ward work.", Some(1.0)),
    ];
    jobs::insert_many_if_new(&mut tx, added, day(1)).await.unwrap();
    let both: &[&str] = &["Rust Engineer", "Site Engineer"];
    let cases: [(&str, &[&str]); 10] = [
        ("engineer", both),
        ("ENGIN", both),
        ("rust engineer", &["Rust Engineer"]),
        ("engineer rust", both),
        ("node js", &["Rust Engineer"]),
        ("node.js", &["Rust Engineer"]),
        ("ünser büro", &["Rust Engineer"]),
        ("art gauges", &["Site Engineer"]),
        ("gauges nurse", &[]),
        ("*-\"", &["Rust Engineer", "Site Engineer", "Nurse"]),
    ];
    for (words, expected) in cases {
        assert_eq!(titles(&mut tx, text(words)).await, expected, "{words}");
    }
}

pub async fn no_text_breaks_the_search(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job(1, "Rust Engineer", "", None)], day(1)).await.unwrap();
    let operators = "[a-z\\PC\"'*:^()&|!<>\\-+\\\\\u{0}%_{} ]{0,40}|(NEAR|AND|OR|NOT| |\\(|\"|:\\*|title:){0,8}";
    let mut runner = TestRunner::deterministic();
    for _ in 0..300 {
        let words = proptest::string::string_regex(operators).unwrap().new_tree(&mut runner).unwrap();
        let words = proptest::strategy::ValueTree::current(&words);
        let found = jobs::list(&mut tx, &text(&words), JobOrder::Score, None, 5).await;
        assert!(found.is_ok(), "{words:?}: {found:?}");
    }
}

pub async fn pages_hold_every_job_once_in_every_order(fixture: &Fixture) {
    let mut tx = fixture.database.begin().await.unwrap();
    let added: Vec<NewJob> = (0..57)
        .map(|number| job(number, &format!("Job {number}"), "", (number % 4 != 0).then(|| f64::from(number % 7) / 3.0)))
        .collect();
    let ids: HashSet<Uuid> = added.iter().map(|job| job.id).collect();
    jobs::insert_many_if_new(&mut tx, added, day(1)).await.unwrap();
    for order in [JobOrder::Score, JobOrder::Added, JobOrder::Posted, JobOrder::Updated] {
        let mut seen = Vec::new();
        let mut after: Option<PageToken> = None;
        loop {
            let page = jobs::list(&mut tx, &JobFilter::default(), order, after, 10).await.unwrap();
            assert_eq!(page.total, 57);
            seen.extend(page.jobs);
            let Some(next) = page.next else { break };
            let read: PageToken = next.to_string().parse().unwrap();
            assert_eq!(read, next);
            after = Some(read);
        }
        assert_eq!(seen.len(), 57, "{order:?}");
        assert_eq!(seen.iter().map(|job| job.id).collect::<HashSet<_>>(), ids, "{order:?}");
        if order == JobOrder::Score {
            assert!(seen.is_sorted_by(|left, right| left.score.unwrap_or(-1.0) >= right.score.unwrap_or(-1.0)));
        }
        if order == JobOrder::Posted {
            assert!(seen.is_sorted_by(|left, right| left.posted_at >= right.posted_at));
        }
    }
    let past_the_end: PageToken = "sc000000000000000-1".parse().unwrap();
    let page = jobs::list(&mut tx, &JobFilter::default(), JobOrder::Score, Some(past_the_end), 10).await.unwrap();
    assert_eq!((page.total, page.jobs.len(), page.next), (57, 0, None));
    let token = jobs::list(&mut tx, &JobFilter::default(), JobOrder::Added, None, 10).await.unwrap().next;
    assert!(jobs::list(&mut tx, &JobFilter::default(), JobOrder::Score, token, 10).await.is_err());
    for bad in ["", "x1-2", "s-", "t9999999999999999999999-1", "é"] {
        assert!(bad.parse::<PageToken>().is_err(), "{bad}");
    }
}
