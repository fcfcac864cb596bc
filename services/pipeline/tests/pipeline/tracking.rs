//! The course of applications: board, appointments, reminders, statistics, calendar, export.

use aerie_proto::pipeline::v1::{self as pb, JobStatus, ReviewDecision};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use serde_json::{Value, json};
use tonic::Code;

use crate::world::{World, start_time};

fn stamp(time: DateTime<Utc>) -> Option<Timestamp> {
    Some(Timestamp { seconds: time.timestamp(), nanos: 0 })
}

fn row(number: u32, title: &str, company: &str) -> Value {
    json!({"title": title, "company": company, "location": "Leeds, England", "description": "You mend looms.",
           "url": format!("https://work{number}.example.com/openings/{number}")})
}

async fn move_to(world: &World, id: &str, status: JobStatus) -> pb::Job {
    let request = pb::MoveJobRequest { job_id: id.to_owned(), status: status as i32 };
    world.ada.jobs().move_job(request).await.unwrap().into_inner().job.unwrap()
}

/// A world whose person applied to the first of these jobs; ids by title.
async fn applied(rows: &[Value]) -> (World, Vec<pb::Job>) {
    let world = World::new().await;
    world.ada.import(&json!(rows)).await;
    let mut jobs = world.ada.all_jobs().await;
    assert_eq!(jobs.len(), rows.len());
    jobs.sort_by_key(|job| job.posting.as_ref().unwrap().url.clone());
    world.ada.review(&jobs[0].id, ReviewDecision::Approve).await;
    move_to(&world, &jobs[0].id, JobStatus::Applied).await;
    (world, jobs)
}

async fn reminders(world: &World) -> Vec<pb::Reminder> {
    let request = pb::ListRemindersRequest { include_done: false };
    world.ada.interviews().list_reminders(request).await.unwrap().into_inner().reminders
}

fn interview(job: &str) -> pb::Appointment {
    pb::Appointment {
        job_id: job.to_owned(),
        kind: pb::AppointmentKind::Interview as i32,
        start_time: stamp(start_time() + TimeDelta::days(3)),
        time_zone: "Europe/London".to_owned(),
        location: "https://meet.example.com/loom".to_owned(),
        ..Default::default()
    }
}

async fn save(world: &World, appointment: pb::Appointment) -> Result<pb::Appointment, tonic::Status> {
    let request = pb::SaveAppointmentRequest { appointment: Some(appointment) };
    Ok(world.ada.interviews().save_appointment(request).await?.into_inner().appointment.unwrap())
}

#[tokio::test]
async fn applying_sets_a_follow_up_that_the_next_move_takes_away() {
    let (world, jobs) = applied(&[row(1, "Loom Mechanic", "Brasswick")]).await;
    let found = reminders(&world).await;
    assert_eq!((found.len(), found[0].text.as_str(), found[0].automatic), (1, "Follow up with Brasswick", true));
    assert_eq!(found[0].due_time, stamp(start_time() + TimeDelta::days(7)));
    move_to(&world, &jobs[0].id, JobStatus::PhoneScreen).await;
    assert_eq!(reminders(&world).await, []);
    let request = pb::RevertJobRequest { job_id: jobs[0].id.clone() };
    world.ada.jobs().revert_job(request).await.unwrap();
    assert_eq!(reminders(&world).await.len(), 1, "back in the stage that needs it");

    // What the person changed is theirs.
    let mine = pb::Reminder { text: "Call Ines".to_owned(), ..reminders(&world).await.remove(0) };
    let request = pb::SaveReminderRequest { reminder: Some(mine) };
    world.ada.interviews().save_reminder(request).await.unwrap();
    move_to(&world, &jobs[0].id, JobStatus::PhoneScreen).await;
    assert_eq!(reminders(&world).await.len(), 1);
}

#[tokio::test]
async fn the_board_shows_what_comes_next() {
    let rows = [row(1, "Loom Mechanic", "Brasswick"), row(2, "Weaver", "Hollin Mills"), row(3, "Dyer", "Madder & Co")];
    let (world, jobs) = applied(&rows).await;
    world.ada.review(&jobs[1].id, ReviewDecision::Approve).await;
    world.clock.advance(TimeDelta::hours(1));
    move_to(&world, &jobs[1].id, JobStatus::Applied).await;
    world.ada.review(&jobs[2].id, ReviewDecision::Reject).await;
    let saved = save(&world, interview(&jobs[1].id)).await.unwrap();
    assert_eq!(saved.title, "Interview: Hollin Mills");
    assert_eq!(saved.end_time, stamp(start_time() + TimeDelta::days(3) + TimeDelta::hours(1)), "an hour unless said");

    let request = pb::GetBoardRequest { include_rejected: true };
    let board = world.ada.interviews().get_board(request).await.unwrap().into_inner();
    let column = &board.columns[0];
    assert_eq!((column.status(), column.total_size), (JobStatus::Applied, 2));
    let titles: Vec<&str> =
        column.cards.iter().map(|card| card.job.as_ref().unwrap().posting.as_ref().unwrap().title.as_str()).collect();
    assert_eq!(titles, ["Weaver", "Loom Mechanic"], "the interview in three days is before the follow-up in seven");
    assert_eq!(column.cards[0].next_appointment.as_ref().unwrap().id, saved.id);
    assert_eq!(column.cards[0].stage_time, stamp(start_time() + TimeDelta::hours(1)));
    let rejected = board.columns.last().unwrap();
    assert_eq!((rejected.status(), rejected.total_size), (JobStatus::Rejected, 0), "turned down in review only");

    let course = pb::GetCourseRequest { job_id: jobs[1].id.clone() };
    let course = world.ada.interviews().get_course(course).await.unwrap().into_inner();
    assert_eq!((course.appointments.len(), course.reminders.len()), (1, 1));
    let others = world.ben.interviews().get_board(pb::GetBoardRequest::default()).await.unwrap().into_inner();
    assert!(others.columns.iter().all(|column| column.cards.is_empty()), "nobody sees another's board");
}

#[tokio::test]
async fn the_calendar_has_appointments_and_open_reminders() {
    let (world, jobs) = applied(&[row(1, "Loom Mechanic", "Brasswick")]).await;
    let saved = save(&world, interview(&jobs[0].id)).await.unwrap();
    let later = pb::Appointment { start_time: stamp(start_time() + TimeDelta::days(4)), end_time: None, ..saved };
    save(&world, later).await.unwrap();
    let calendar = world.ada.interviews().get_calendar(pb::GetCalendarRequest {}).await.unwrap().into_inner().calendar;
    let count = |line: &str| calendar.lines().filter(|found| *found == line).count();
    assert_eq!((count("BEGIN:VEVENT"), count("BEGIN:VTODO")), (1, 1), "a moved appointment stays one\n{calendar}");
    let start = (start_time() + TimeDelta::days(4)).format("DTSTART:%Y%m%dT%H%M%SZ").to_string();
    assert_eq!(count(&start), 1, "{start} in\n{calendar}");
}

#[tokio::test]
async fn mistakes_are_named_and_change_nothing() {
    let (world, jobs) = applied(&[row(1, "Loom Mechanic", "Brasswick")]).await;
    let job = jobs[0].id.as_str();
    let missing = "00000000-0000-7000-8000-000000000000".to_owned();
    let cases: [(pb::Appointment, Code, &str); 6] = [
        (pb::Appointment { time_zone: "Berlin".into(), ..interview(job) }, Code::InvalidArgument, "Europe/Berlin"),
        (pb::Appointment { start_time: None, ..interview(job) }, Code::InvalidArgument, "start_time"),
        (
            pb::Appointment { end_time: stamp(start_time()), ..interview(job) },
            Code::InvalidArgument,
            "appointment.end_time",
        ),
        (pb::Appointment { kind: 77, ..interview(job) }, Code::InvalidArgument, "appointment.kind"),
        (interview(&missing), Code::NotFound, "does not exist"),
        (pb::Appointment { id: missing.clone(), ..interview(job) }, Code::NotFound, "appointment 00000000"),
    ];
    for (appointment, code, words) in cases {
        let error = save(&world, appointment).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(words), "{words:?} in {:?}", error.message());
    }
    let time = Some(Timestamp { seconds: i64::MAX, nanos: -1 });
    let error = save(&world, pb::Appointment { start_time: time, ..interview(job) }).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let listed = world.ada.interviews().list_appointments(pb::ListAppointmentsRequest::default()).await.unwrap();
    assert_eq!(listed.into_inner().appointments, []);
    let request = pb::DeleteContactRequest { contact_id: missing };
    assert_eq!(world.ada.interviews().delete_contact(request).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn an_opening_applied_to_elsewhere_is_pointed_out() {
    let rows = [
        row(1, "Loom Mechanic", "Brasswick Ltd"),
        json!({"title": "Loom Mechanic (m/f/d)", "company": "Brasswick", "location": "Hull, England",
               "description": "Looms.", "url": "https://work2.example.com/openings/9"}),
        row(3, "Accountant", "Brasswick"),
    ];
    let (world, jobs) = applied(&rows).await;
    let title = |job: &pb::Job| job.posting.as_ref().unwrap().title.clone();
    for job in &jobs {
        let found = world.ada.job(&job.id).await;
        let expected: &[String] = if title(job) == "Loom Mechanic (m/f/d)" { &[applied_id(&world).await] } else { &[] };
        assert_eq!(found.earlier_application_ids, expected, "{}", title(job));
    }
}

async fn applied_id(world: &World) -> String {
    let request = pb::ListJobsRequest { statuses: vec![JobStatus::Applied as i32], ..Default::default() };
    world.ada.list(request).await.remove(0).id
}

#[tokio::test]
async fn jobs_are_exported_with_their_stage_times() {
    let (world, jobs) =
        applied(&[row(1, "=HYPERLINK(\"x\")", "Brasswick"), row(2, "Weaver, \"night\"", "Hollin")]).await;
    let export = |format: pb::ExportFormat| {
        let mut client = world.ada.interviews();
        async move {
            let request = pb::ExportJobsRequest { statuses: vec![], format: format as i32 };
            client.export_jobs(request).await.unwrap().into_inner()
        }
    };
    let file = export(pb::ExportFormat::Json).await;
    assert_eq!(file.count, 2);
    let lines: Vec<Value> = serde_json::from_slice(&file.content).unwrap();
    let first = lines.iter().find(|line| line["id"] == jobs[0].id.as_str()).unwrap();
    assert_eq!((first["status"].as_str(), first["title"].as_str()), (Some("applied"), Some("=HYPERLINK(\"x\")")));
    assert_eq!(first["applied_at"], start_time().format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let csv = String::from_utf8(export(pb::ExportFormat::Csv).await.content).unwrap();
    assert!(csv.starts_with("id,status,title,company,"), "{csv}");
    assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\")\""), "no spreadsheet runs it: {csv}");
    assert!(csv.contains("\"Weaver, \"\"night\"\"\""), "{csv}");
    let request = pb::GetStatisticsRequest { weeks: 2 };
    let statistics = world.ada.interviews().get_statistics(request).await.unwrap().into_inner();
    assert_eq!(statistics.answers.unwrap().applied, 1);
    assert_eq!((statistics.weeks.len(), statistics.weeks[1].applied), (2, 1));
}
