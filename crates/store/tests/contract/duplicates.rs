use aerie_store::jobs::{self, JobFilter, JobOrder, PossibleDuplicate};
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

pub async fn a_pair_is_asked_about_once(fixture: &Fixture) {
    let added: Vec<_> = (1..4).map(|number| new_job(posting(number))).collect();
    let postings: Vec<Uuid> = added.iter().map(|job| job.posting_id).collect();
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, added, day(1)).await.unwrap();
    let pair = |left: usize, right: usize, likeness| PossibleDuplicate {
        left: postings[left],
        right: postings[right],
        likeness,
        reason: "same title".into(),
        found_at: day(1),
    };
    let unknown = PossibleDuplicate { right: Uuid::now_v7(), ..pair(0, 1, 0.9) };
    let pairs = [pair(0, 1, 0.7), pair(2, 1, 0.8), pair(1, 1, 1.0), unknown];
    jobs::add_possible_duplicates(&mut tx, &pairs).await.unwrap();
    jobs::add_possible_duplicates(&mut tx, &pairs).await.unwrap();
    let asked = jobs::possible_duplicates(&mut tx, 10).await.unwrap();
    assert_eq!(asked.iter().map(|pair| pair.likeness).collect::<Vec<_>>(), [0.8, 0.7]);
    assert_eq!((asked[0].left, asked[0].right), (postings[1], postings[2]));

    jobs::decide_pair(&mut tx, postings[2], postings[1], false, day(2)).await.unwrap();
    jobs::add_possible_duplicates(&mut tx, &pairs).await.unwrap();
    assert_eq!(jobs::possible_duplicates(&mut tx, 10).await.unwrap().len(), 1);
    jobs::decide_pair(&mut tx, postings[1], postings[2], true, day(3)).await.unwrap();
    let decisions = jobs::pair_decisions(&mut tx, &[postings[1], postings[2]]).await.unwrap();
    assert_eq!(decisions.len(), 1);
    assert!(decisions[0].same);
    assert_eq!(decisions[0].decided_at, day(3));
}

pub async fn joined_jobs_leave_the_list_until_they_are_split(fixture: &Fixture) {
    let added: Vec<_> = (1..4).map(|number| new_job(posting(number))).collect();
    let ids: Vec<Uuid> = added.iter().map(|job| job.id).collect();
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, added, day(1)).await.unwrap();
    assert!(!jobs::join_jobs(&mut tx, ids[0], ids[0], day(2)).await.unwrap());
    assert!(jobs::join_jobs(&mut tx, ids[1], ids[2], day(2)).await.unwrap());
    assert!(jobs::join_jobs(&mut tx, ids[0], ids[1], day(2)).await.unwrap());
    assert!(!jobs::join_jobs(&mut tx, ids[1], ids[0], day(2)).await.unwrap(), "no ring of joined jobs");
    let page = jobs::list(&mut tx, &JobFilter::default(), JobOrder::Score, None, 10).await.unwrap();
    assert_eq!((page.total, page.jobs[0].id), (1, ids[0]));
    assert_eq!(jobs::get(&mut tx, ids[2]).await.unwrap().unwrap().summary.joined_into, Some(ids[0]));
    assert_eq!(jobs::count_by_status(&mut tx).await.unwrap()["pending"], 1);
    assert!(jobs::split_job(&mut tx, ids[2], day(3)).await.unwrap());
    assert!(!jobs::split_job(&mut tx, ids[2], day(3)).await.unwrap());
    assert_eq!(jobs::count_by_status(&mut tx).await.unwrap()["pending"], 2);
}
