use aerie_store::{
    Tx,
    jobs::{self, JobFilter, JobKey, JobOrder, JobScore, Moved, Transition},
};
use uuid::Uuid;

use crate::fixture::{Fixture, NONE, day, new_job, posting};

fn moving(job_id: Uuid, version: i64, from: &str, to: &str, at: i64) -> Transition {
    Transition {
        job_id,
        expected_version: Some(version),
        from: from.into(),
        to: to.into(),
        at: day(at),
        rejection_stage: (to == "rejected").then(|| from.to_owned()),
    }
}

fn score(value: f64, profile_version: i64) -> JobScore {
    JobScore {
        score: value,
        classic: Some(40.5),
        basis: Some("full_text".into()),
        document: Some(vec![profile_version as u8]),
        profile_version,
    }
}

pub async fn a_posting_becomes_one_job(fixture: &Fixture) {
    let (one, two) = (new_job(posting(1)), new_job(posting(2)));
    let again = jobs::NewJob { id: Uuid::now_v7(), ..one.clone() };
    let mut scored = new_job(posting(3));
    scored.score = Some(score(81.25, 1));
    let mut tx = fixture.database.begin().await.unwrap();
    let added = jobs::insert_many_if_new(&mut tx, vec![one.clone(), again.clone(), two.clone()], day(1)).await.unwrap();
    assert_eq!(added, [one.id, two.id]);
    tx.commit().await.unwrap();
    let mut tx = fixture.database.begin().await.unwrap();
    let added = jobs::insert_many_if_new(&mut tx, vec![again, scored.clone()], day(2)).await.unwrap();
    assert_eq!(added, [scored.id]);

    let job = jobs::get(&mut tx, scored.id).await.unwrap().unwrap();
    assert_eq!(job.snapshot, scored.snapshot);
    assert_eq!((job.summary.score, job.summary.classic), (Some(81.25), Some(40.5)));
    assert_eq!((job.summary.remote_kind.as_str(), job.summary.posted_at), ("hybrid", Some(day(1))));
    assert_eq!(job.score_document.as_deref(), Some(&[1][..]));
    assert_eq!((job.summary.version, job.notes.as_str(), job.summary.created_at), (1, "", day(2)));
    assert_eq!(jobs::get(&mut tx, Uuid::now_v7()).await.unwrap(), None);
    let by_posting = jobs::get_by_postings(&mut tx, &[two.posting_id, Uuid::now_v7()]).await.unwrap();
    assert_eq!(by_posting.len(), 1);
    assert_eq!(by_posting[&two.posting_id].id, two.id);
}

pub async fn a_move_is_fenced_and_can_be_taken_back(fixture: &Fixture) {
    let job = new_job(posting(1));
    let id = job.id;
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    let go = jobs::transition(&mut tx, &moving(id, 1, "pending", "approved", 2)).await.unwrap();
    assert_eq!(go, Moved::Done { version: 2 });
    for stale in [moving(id, 1, "approved", "applied", 3), moving(id, 2, "pending", "rejected", 3)] {
        assert_eq!(jobs::transition(&mut tx, &stale).await.unwrap(), Moved::Changed);
    }
    let missing = moving(Uuid::now_v7(), 1, "pending", "approved", 2);
    assert_eq!(jobs::transition(&mut tx, &missing).await.unwrap(), Moved::Missing);
    let reject = Transition { expected_version: None, ..moving(id, 0, "approved", "rejected", 4) };
    assert_eq!(jobs::transition(&mut tx, &reject).await.unwrap(), Moved::Done { version: 3 });
    let rejected = jobs::get(&mut tx, id).await.unwrap().unwrap().summary;
    assert_eq!((rejected.status.as_str(), rejected.rejection_stage.as_deref()), ("rejected", Some("approved")));

    let last = jobs::last_transition(&mut tx, id).await.unwrap().unwrap();
    assert_eq!((last.sequence, last.from.as_str(), last.to.as_str()), (2, "approved", "rejected"));
    assert_eq!(jobs::revert(&mut tx, id, 1, None, day(5)).await.unwrap(), Moved::Changed, "not the newest");
    assert_eq!(jobs::revert(&mut tx, id, 2, Some(2), day(5)).await.unwrap(), Moved::Changed, "an old version");
    assert_eq!(jobs::revert(&mut tx, id, 2, Some(3), day(5)).await.unwrap(), Moved::Done { version: 4 });
    assert_eq!(jobs::revert(&mut tx, id, 2, None, day(5)).await.unwrap(), Moved::Changed, "taken back already");
    let back = jobs::get(&mut tx, id).await.unwrap().unwrap().summary;
    assert_eq!((back.status.as_str(), back.rejection_stage, back.updated_at), ("approved", None, day(5)));
    assert_eq!(jobs::last_transition(&mut tx, id).await.unwrap().unwrap().sequence, 1);
    let history = jobs::history(&mut tx, id).await.unwrap();
    assert_eq!(
        history.iter().map(|entry| (entry.sequence, entry.reverted)).collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
}

pub async fn notes_are_guarded_by_the_version(fixture: &Fixture) {
    let job = new_job(posting(1));
    let id = job.id;
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    assert_eq!(jobs::update_notes(&mut tx, id, 1, "call Ines", day(2)).await.unwrap(), Some(2));
    assert_eq!(jobs::update_notes(&mut tx, id, 1, "lost", day(3)).await.unwrap(), None);
    assert_eq!(jobs::get(&mut tx, id).await.unwrap().unwrap().notes, "call Ines");
}

pub async fn older_scores_do_not_overwrite_newer_ones(fixture: &Fixture) {
    let job = new_job(posting(1));
    let id = job.id;
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    let key = key_of(&mut tx, id).await;
    let unknown = JobKey { number: key.number + 1, ..key };
    // As if the job had been purged and its number given to another.
    let successor = JobKey { id: Uuid::now_v7(), ..key };
    let scores = vec![(key, score(50.0, 2)), (unknown, score(1.0, 2)), (successor, score(2.0, 2))];
    assert_eq!(jobs::set_scores(&mut tx, scores).await.unwrap(), 1);
    assert_eq!(jobs::set_scores(&mut tx, vec![(key, score(60.0, 2))]).await.unwrap(), 1, "the same version again");
    assert_eq!(jobs::set_scores(&mut tx, vec![(key, score(99.0, 1))]).await.unwrap(), 0);
    let job = jobs::get(&mut tx, id).await.unwrap().unwrap();
    assert_eq!((job.summary.score, job.summary.profile_version), (Some(60.0), Some(2)));
    assert_eq!(job.score_document.as_deref(), Some(&[2][..]));
    assert_eq!(job.summary.version, 1, "a score is no change by the person");
}

pub async fn purged_postings_never_come_back(fixture: &Fixture) {
    let (mut pending, rejected) = (new_job(posting(1)), new_job(posting(2)));
    pending.snapshot.posting.title = "Zeppelin pilot".into();
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![pending.clone(), rejected.clone()], day(1)).await.unwrap();
    jobs::transition(&mut tx, &moving(rejected.id, 1, "pending", "rejected", 2)).await.unwrap();
    assert_eq!(jobs::purge(&mut tx, &[], day(3)).await.unwrap(), NONE);
    assert_eq!(jobs::purge(&mut tx, &["pending".into()], day(3)).await.unwrap(), [pending.id]);
    let back = jobs::NewJob { id: Uuid::now_v7(), ..pending.clone() };
    assert_eq!(jobs::insert_many_if_new(&mut tx, vec![back], day(4)).await.unwrap(), NONE);
    assert!(jobs::known_postings(&mut tx, &[pending.posting_id]).await.unwrap().contains(&pending.posting_id));
    let zeppelins = JobFilter { text: Some("zeppelin".into()), ..JobFilter::default() };
    assert_eq!(jobs::list(&mut tx, &zeppelins, JobOrder::Score, None, 5).await.unwrap().total, 0);
    assert_eq!(jobs::purge(&mut tx, &["rejected".into()], day(3)).await.unwrap(), [rejected.id]);
    assert!(jobs::count_by_status(&mut tx).await.unwrap().is_empty());
}

pub async fn archiving_moves_whole_statuses_with_history(fixture: &Fixture) {
    let added: Vec<_> = (1..5).map(|number| new_job(posting(number))).collect();
    let ids: Vec<Uuid> = added.iter().map(|job| job.id).collect();
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, added, day(1)).await.unwrap();
    jobs::transition(&mut tx, &moving(ids[0], 1, "pending", "approved", 2)).await.unwrap();
    assert_eq!(jobs::move_all(&mut tx, &[], "archived", day(3)).await.unwrap(), NONE);
    let statuses = ["pending".to_owned(), "archived".to_owned()];
    assert_eq!(jobs::move_all(&mut tx, &statuses, "archived", day(3)).await.unwrap(), ids[1..]);
    let counts = jobs::count_by_status(&mut tx).await.unwrap();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("approved".to_owned(), 1), ("archived".to_owned(), 3)]);
    let last = jobs::last_transition(&mut tx, ids[1]).await.unwrap().unwrap();
    assert_eq!((last.sequence, last.from.as_str()), (1, "pending"));
    assert_eq!(jobs::revert(&mut tx, ids[1], 1, None, day(4)).await.unwrap(), Moved::Done { version: 3 });
}

pub async fn decisions_leave_out_what_was_taken_back(fixture: &Fixture) {
    let added: Vec<_> = (1..5).map(|number| new_job(posting(number))).collect();
    let ids: Vec<Uuid> = added.iter().map(|job| job.id).collect();
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, added, day(1)).await.unwrap();
    for (index, to) in [(0, "rejected"), (1, "approved"), (2, "approved"), (3, "archived")] {
        jobs::transition(&mut tx, &moving(ids[index], 1, "pending", to, 2 + index as i64)).await.unwrap();
    }
    jobs::transition(&mut tx, &moving(ids[1], 2, "approved", "rejected", 9)).await.unwrap();
    jobs::revert(&mut tx, ids[2], 1, None, day(10)).await.unwrap();
    let decisions = jobs::decisions(&mut tx, "pending", &["approved", "rejected"]).await.unwrap();
    let found: Vec<_> = decisions.iter().map(|decision| (decision.job_id, decision.to.as_str())).collect();
    assert_eq!(found, [(ids[0], "rejected"), (ids[1], "approved")]);
}

pub async fn every_job_is_streamed(fixture: &Fixture) {
    let added: Vec<_> = (1..4).map(|number| new_job(posting(number))).collect();
    let ids: Vec<Uuid> = added.iter().map(|job| job.id).collect();
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, added, day(1)).await.unwrap();
    jobs::transition(&mut tx, &moving(ids[0], 1, "pending", "approved", 2)).await.unwrap();
    for (statuses, with_snapshots, expected) in
        [(vec![], true, &ids[..]), (vec!["pending".to_owned()], false, &ids[1..])]
    {
        let mut streamed = Vec::new();
        jobs::for_each(&mut tx, &statuses, with_snapshots, |job| {
            assert_eq!(job.snapshot.is_some(), with_snapshots);
            streamed.push(job.id);
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(streamed, expected);
    }
}

pub async fn snapshots_follow_the_posting(fixture: &Fixture) {
    let job = new_job(posting(1));
    let id = job.id;
    let mut snapshot = job.snapshot.clone();
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    let key = key_of(&mut tx, id).await;
    jobs::set_scores(&mut tx, vec![(key, score(50.0, 3))]).await.unwrap();
    assert!(unscored(&mut tx, 3).await.is_empty());
    snapshot.posting.title = "Glazier".into();
    snapshot.posting.description_text = "Cut windows.".into();
    jobs::update_snapshots(&mut tx, vec![(id, snapshot.clone())], day(2)).await.unwrap();
    assert_eq!(unscored(&mut tx, 3).await, [id], "the score was for what the posting said before");
    let job = jobs::get(&mut tx, id).await.unwrap().unwrap();
    assert_eq!(job.summary.score, Some(50.0), "until there is a better one");
    assert_eq!((job.snapshot, job.summary.title.as_str(), job.summary.version), (snapshot, "Glazier", 1));
    for (text, total) in [("engineer", 0), ("gauges", 0), ("windows glaz", 1)] {
        let filter = JobFilter { text: Some(text.into()), ..JobFilter::default() };
        assert_eq!(jobs::list(&mut tx, &filter, JobOrder::Score, None, 5).await.unwrap().total, total, "{text}");
    }
}

/// Jobs whose score is not for this version of the profile.
async fn unscored(tx: &mut Tx, version: i64) -> Vec<Uuid> {
    let mut found = Vec::new();
    jobs::for_scoring(tx, Some(version), |_, job| {
        found.push(job.id);
        Ok(())
    })
    .await
    .unwrap();
    found
}

async fn key_of(tx: &mut Tx, id: Uuid) -> JobKey {
    let mut found = None;
    jobs::for_scoring(tx, None, |_, job| {
        found = found.or((job.id == id).then_some(job));
        Ok(())
    })
    .await
    .unwrap();
    found.unwrap()
}
