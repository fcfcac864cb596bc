use aerie_store::{
    jobs,
    tracking::{self, Appointment, Contact, Reminder},
};
use chrono::Duration;
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

async fn two_jobs(fixture: &Fixture) -> (Uuid, Uuid) {
    let (first, second) = (new_job(posting(1)), new_job(posting(2)));
    let ids = (first.id, second.id);
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![first, second], day(1)).await.unwrap();
    tx.commit().await.unwrap();
    ids
}

fn appointment(job_id: Uuid, on: i64) -> Appointment {
    Appointment {
        id: Uuid::now_v7(),
        job_id,
        kind: "interview".into(),
        title: "Interview".into(),
        starts_at: day(on),
        ends_at: day(on) + Duration::hours(1),
        zone: "Europe/Berlin".into(),
        location: "Hall 4".into(),
        notes: "bring \0 pencils".into(),
        updated_at: day(1),
    }
}

fn reminder(job_id: Uuid, on: i64, automatic: bool) -> Reminder {
    Reminder {
        id: Uuid::now_v7(),
        job_id,
        text: format!("on day {on}"),
        due_at: day(on),
        done_at: None,
        automatic,
        updated_at: day(1),
    }
}

pub async fn appointments_are_kept_in_order_of_time(fixture: &Fixture) {
    let (first, second) = two_jobs(fixture).await;
    let mut tx = fixture.database.begin().await.unwrap();
    let (late, early) = (appointment(first, 9), appointment(second, 5));
    for one in [&late, &early] {
        assert!(tracking::save_appointment(&mut tx, one).await.unwrap());
    }
    let nobody = appointment(Uuid::now_v7(), 5);
    assert!(!tracking::save_appointment(&mut tx, &nobody).await.unwrap(), "a job that does not exist");
    let ids = |found: Vec<Appointment>| found.into_iter().map(|one| one.id).collect::<Vec<_>>();
    let all = tracking::appointments(&mut tx, day(1), None).await.unwrap();
    assert_eq!(all[0].notes, "bring  pencils", "the one character that PostgreSQL cannot keep is left out on both");
    assert_eq!(ids(all), [early.id, late.id]);
    assert_eq!(ids(tracking::appointments(&mut tx, day(1), Some(day(9))).await.unwrap()), [early.id]);
    assert_eq!(ids(tracking::appointments(&mut tx, day(6), None).await.unwrap()), [late.id]);
    assert_eq!(ids(tracking::appointments_of(&mut tx, first).await.unwrap()), [late.id]);

    let moved = Appointment { starts_at: day(3), ends_at: day(4), ..late.clone() };
    assert!(tracking::save_appointment(&mut tx, &moved).await.unwrap());
    assert_eq!(tracking::appointment(&mut tx, late.id).await.unwrap().unwrap().starts_at, day(3));
    assert!(tracking::delete_appointment(&mut tx, late.id).await.unwrap());
    assert!(!tracking::delete_appointment(&mut tx, late.id).await.unwrap());
}

pub async fn reminders_that_a_move_set_go_and_others_stay(fixture: &Fixture) {
    let (first, second) = two_jobs(fixture).await;
    let mut tx = fixture.database.begin().await.unwrap();
    let (own, automatic, of_other) = (reminder(first, 4, false), reminder(first, 3, true), reminder(second, 2, true));
    let done = Reminder { done_at: Some(day(2)), ..reminder(first, 1, true) };
    for one in [&own, &automatic, &of_other, &done] {
        assert!(tracking::save_reminder(&mut tx, one).await.unwrap());
    }
    let texts = |found: Vec<Reminder>| found.into_iter().map(|one| one.text).collect::<Vec<_>>();
    assert_eq!(texts(tracking::reminders(&mut tx, false).await.unwrap()), ["on day 2", "on day 3", "on day 4"]);
    assert_eq!(texts(tracking::reminders_of(&mut tx, first).await.unwrap()), ["on day 3", "on day 4", "on day 1"]);
    tracking::clear_automatic_reminders(&mut tx, first).await.unwrap();
    assert_eq!(texts(tracking::reminders(&mut tx, true).await.unwrap()), ["on day 2", "on day 4", "on day 1"]);
}

pub async fn a_joined_job_hands_everything_over_and_a_purged_one_takes_it_along(fixture: &Fixture) {
    let (first, second) = two_jobs(fixture).await;
    let mut tx = fixture.database.begin().await.unwrap();
    let contact = Contact {
        id: Uuid::now_v7(),
        job_id: first,
        name: "Ines Okafor".into(),
        role: "recruiter".into(),
        email: "ines@larkspur.example".into(),
        phone: String::new(),
        notes: String::new(),
        updated_at: day(1),
    };
    assert!(tracking::save_contact(&mut tx, &contact).await.unwrap());
    assert!(tracking::save_appointment(&mut tx, &appointment(first, 5)).await.unwrap());
    tracking::hand_over(&mut tx, first, second).await.unwrap();
    assert_eq!(tracking::contacts_of(&mut tx, first).await.unwrap(), []);
    let expected = Contact { job_id: second, ..contact.clone() };
    assert_eq!(tracking::contacts_of(&mut tx, second).await.unwrap(), [expected]);
    assert_eq!(tracking::appointments_of(&mut tx, second).await.unwrap().len(), 1);

    assert_eq!(jobs::purge(&mut tx, &["pending".to_owned()], day(2)).await.unwrap().len(), 2);
    assert_eq!(tracking::contact(&mut tx, contact.id).await.unwrap(), None);
    assert_eq!(tracking::appointments(&mut tx, day(1), None).await.unwrap(), []);
}
