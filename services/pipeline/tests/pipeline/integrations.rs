//! Pushing to other programs: what asks for a push, what is kept of it, and what is never told.

use std::collections::HashMap;

use aerie_proto::pipeline::v1::{self as pb, JobStatus, ReviewDecision, push_item_request::Item};
use aerie_store::accounts;
use aerie_testkit::{
    python_server::{PASSWORD, PythonServer, USER},
    service::{Asked, FakeService, Told},
};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;
use serde_json::{Value, json};
use tonic::Code;

use crate::world::{EventReader, Options, World, start_time};

/// What stands for every credential.
const MARKER: &str = "marker-0f9a7c-marker";

/// A world that may push to these addresses, with one job.
async fn world(allowed: &[String], endpoints: Value) -> (World, String, EventReader) {
    world_of(json!({ "integrations": { "allow_addresses": allowed, "endpoints": endpoints } })).await
}

/// A world with these settings and one job.
async fn world_of(settings: Value) -> (World, String, EventReader) {
    let world = World::with(Options { settings, ..Options::default() }).await;
    let row = json!({"title": "Loom Mechanic", "company": "Brasswick", "location": "Leeds, England",
        "description": "You mend looms.", "url": "https://work1.example.com/openings/1"});
    world.ada.import(&json!([row])).await;
    let job = world.ada.all_jobs().await.remove(0).id;
    let events = world.ada.events_from_start().await;
    (world, job, events)
}

/// The same with a service that answers so.
async fn with_service(
    answering: impl Fn(&Asked) -> Told + Send + Sync + 'static,
) -> (World, String, EventReader, FakeService) {
    let service = FakeService::start(answering).await.unwrap();
    let endpoints = json!({ "discord.com": service.url("/") });
    let (world, job, events) = world(&[service.address().to_string()], endpoints).await;
    (world, job, events, service)
}

async fn create(
    world: &World,
    kind: &str,
    settings: &[(&str, &str)],
    topics: &[pb::IntegrationTopic],
) -> pb::Integration {
    try_create(world, kind, settings, topics).await.unwrap()
}

async fn try_create(
    world: &World,
    kind: &str,
    settings: &[(&str, &str)],
    topics: &[pb::IntegrationTopic],
) -> Result<pb::Integration, tonic::Status> {
    let request = pb::CreateIntegrationRequest {
        kind: kind.to_owned(),
        name: String::new(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        topics: topics.iter().map(|topic| *topic as i32).collect(),
        enabled: None,
    };
    Ok(world.ada.integrations().create_integration(request).await?.into_inner().integration.unwrap())
}

async fn webhook(world: &World, service: &FakeService, topics: &[pb::IntegrationTopic]) -> pb::Integration {
    create(world, "webhook", &[("address", &service.url("/hook")), ("secret", MARKER)], topics).await
}

async fn list(world: &World) -> Vec<pb::Integration> {
    let request = pb::ListIntegrationsRequest {};
    world.ada.integrations().list_integrations(request).await.unwrap().into_inner().integrations
}

async fn deliveries(world: &World, integration: &str) -> Vec<pb::Delivery> {
    let request = pb::ListDeliveriesRequest { integration_id: integration.to_owned(), page_size: 0 };
    world.ada.integrations().list_deliveries(request).await.unwrap().into_inner().deliveries
}

async fn push(world: &World, integration: &str, item: Item) -> (pb::Task, pb::Delivery) {
    let request = pb::PushItemRequest { integration_id: integration.to_owned(), item: Some(item) };
    let pushed = world.ada.integrations().push_item(request).await.unwrap().into_inner();
    let task = world.ada.task_ended(&pushed.task_id).await;
    let id = pushed.delivery.unwrap().id;
    let delivery = deliveries(world, integration).await.into_iter().find(|one| one.id == id).unwrap();
    (task, delivery)
}

async fn move_to(world: &World, id: &str, status: JobStatus) {
    let request = pb::MoveJobRequest { job_id: id.to_owned(), status: status as i32 };
    world.ada.jobs().move_job(request).await.unwrap();
}

fn stamp(time: DateTime<Utc>) -> Option<Timestamp> {
    Some(Timestamp { seconds: time.timestamp(), nanos: 0 })
}

async fn save(world: &World, appointment: pb::Appointment) -> pb::Appointment {
    let request = pb::SaveAppointmentRequest { appointment: Some(appointment) };
    world.ada.interviews().save_appointment(request).await.unwrap().into_inner().appointment.unwrap()
}

fn interview(job: &str) -> pb::Appointment {
    pb::Appointment {
        job_id: job.to_owned(),
        kind: pb::AppointmentKind::Interview as i32,
        start_time: stamp(start_time() + TimeDelta::days(30)),
        time_zone: "Europe/Berlin".to_owned(),
        location: "Mill Lane 4".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_move_is_pushed_once_and_its_result_is_seen() {
    let (world, job, mut events, service) = with_service(|_| Told::status(204)).await;
    let made = webhook(&world, &service, &[pb::IntegrationTopic::Jobs]).await;
    assert_eq!((made.name.as_str(), made.enabled), ("Webhook", true));
    assert_eq!((made.secrets_set.as_slice(), made.settings.len()), (["secret".to_owned()].as_slice(), 1));
    world.ada.review(&job, ReviewDecision::Approve).await;
    events.next("integration.delivered").await;
    let asked = service.take();
    assert_eq!(asked.len(), 1);
    let data = asked[0].json()["data"].clone();
    assert_eq!(
        (&data["job_id"], &data["status"], &data["title"]),
        (&json!(job), &json!("approved"), &json!("Loom Mechanic"))
    );
    assert_eq!(data["move"], json!({ "from": "pending", "to": "approved", "reverted": false }));

    let seen = list(&world).await.remove(0);
    let last = seen.last_delivery.unwrap();
    assert_eq!((last.state(), last.detail.as_str(), last.attempts), (pb::DeliveryState::Delivered, "created", 1));
    assert_eq!(last.headline, "Loom Mechanic, Brasswick: approved");

    let request = pb::RevertJobRequest { job_id: job.clone() };
    world.ada.jobs().revert_job(request).await.unwrap();
    events.next("integration.delivered").await;
    assert_eq!(service.take()[0].json()["data"]["move"]["reverted"], true);
    assert_eq!(deliveries(&world, &made.id).await.len(), 2);
}

#[tokio::test]
async fn what_review_turns_down_and_what_is_switched_off_is_not_pushed() {
    let (world, job, mut events, service) = with_service(|_| Told::status(204)).await;
    let made = webhook(&world, &service, &[pb::IntegrationTopic::Jobs]).await;
    world.ada.review(&job, ReviewDecision::Reject).await;
    world.ada.jobs().revert_job(pb::RevertJobRequest { job_id: job.clone() }).await.unwrap();
    let off =
        pb::UpdateIntegrationRequest { integration_id: made.id.clone(), enabled: Some(false), ..Default::default() };
    let changed = world.ada.integrations().update_integration(off).await.unwrap().into_inner().integration.unwrap();
    assert_eq!((changed.enabled, changed.secrets_set.len()), (false, 1), "what is not given stays");
    world.ada.review(&job, ReviewDecision::Approve).await;
    assert!(deliveries(&world, &made.id).await.is_empty() && service.take().is_empty());
    // By hand it is pushed all the same.
    let (_, delivery) = push(&world, &made.id, Item::JobId(job)).await;
    assert_eq!(delivery.state(), pb::DeliveryState::Delivered);
    events.next("integration.delivered").await;
    assert_eq!(service.take().len(), 1);
}

#[tokio::test]
async fn a_service_that_asks_to_wait_is_given_the_time() {
    let (world, job, mut events, service) = with_service(|_| Told::status(503).with("retry-after", "600")).await;
    let made = webhook(&world, &service, &[]).await;
    world.ada.review(&job, ReviewDecision::Approve).await;
    let is_retry = |event: &pb::SubscribeResponse| {
        event.kind == "task.queued" && event.data.as_ref().is_some_and(|data| data.fields.contains_key("run_at"))
    };
    events.until(is_retry).await;
    let waiting = deliveries(&world, &made.id).await.remove(0);
    assert_eq!((waiting.state(), waiting.attempts), (pb::DeliveryState::Retrying, 1));
    assert!(waiting.detail.contains("503"), "{}", waiting.detail);
    world.clock.advance(TimeDelta::seconds(590));
    service.answer(|_| Told::status(200));
    assert_eq!(service.take().len(), 1, "not before its time");
    world.clock.advance(TimeDelta::seconds(90));
    events.next("integration.delivered").await;
    let done = deliveries(&world, &made.id).await.remove(0);
    assert_eq!((done.state(), done.attempts), (pb::DeliveryState::Delivered, 2));
    assert_eq!(service.take()[0].header("aerie-delivery"), format!("{}:2", done.subject), "the same id at every try");
}

#[tokio::test]
async fn a_full_queue_of_pushes_stops_no_job() {
    let service = FakeService::start(|_| Told::status(503).with("retry-after", "600")).await.unwrap();
    let settings = json!({
        "integrations": { "allow_addresses": [service.address().to_string()] },
        "tasks": { "limits": { "integration.push": { "queue_depth": 1 } } },
    });
    let (world, job, _) = world_of(settings).await;
    let made = webhook(&world, &service, &[]).await;
    world.ada.review(&job, ReviewDecision::Approve).await;
    // The same push by hand is the one that is under way.
    let request = pb::PushItemRequest { integration_id: made.id.clone(), item: Some(Item::JobId(job.clone())) };
    let pushed = world.ada.integrations().push_item(request).await.unwrap().into_inner();
    let known = deliveries(&world, &made.id).await;
    assert_eq!((known.len(), &known[0].id), (1, &pushed.delivery.unwrap().id));
    move_to(&world, &job, JobStatus::Applied).await;
    assert_eq!(world.ada.job(&job).await.status(), JobStatus::Applied);
    let left_out = deliveries(&world, &made.id).await.remove(0);
    assert_eq!(left_out.state(), pb::DeliveryState::Failed);
    assert!(left_out.detail.contains("queue depth"), "{}", left_out.detail);
    let request = pb::PushItemRequest { integration_id: made.id, item: Some(Item::JobId(job)) };
    let error = world.ada.integrations().push_item(request).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "a person is told");
}

#[tokio::test]
async fn refused_credentials_end_the_push_and_are_seen() {
    let (world, job, mut events, service) = with_service(|_| Told::status(401)).await;
    let made = webhook(&world, &service, &[]).await;
    world.ada.review(&job, ReviewDecision::Approve).await;
    events.next("integration.failed").await;
    let failed = list(&world).await.remove(0).last_delivery.unwrap();
    assert_eq!(failed.state(), pb::DeliveryState::Failed);
    assert!(failed.detail.contains("does not accept the credentials"), "{}", failed.detail);
    assert_eq!(service.take().len(), 1);
    let request = pb::TestIntegrationRequest { integration_id: made.id };
    let tested = world.ada.integrations().test_integration(request).await.unwrap().into_inner();
    assert_eq!((tested.works, tested.problem()), (false, pb::IntegrationProblem::Credentials));
}

#[tokio::test]
async fn a_message_whose_end_is_not_known_is_not_sent_twice() {
    let (world, job, mut events, service) = with_service(|_| Told::status(429).with("retry-after", "60")).await;
    let settings = [("webhook", "https://discord.com/api/webhooks/1/marker-0f9a7c-marker")];
    let made = create(&world, "discord", &settings, &[]).await;
    world.ada.review(&job, ReviewDecision::Approve).await;
    events
        .until(|event| {
            event.kind == "task.queued" && event.data.as_ref().is_some_and(|data| data.fields.contains_key("run_at"))
        })
        .await;
    // As a process leaves it that died after it had begun to send.
    let mut tx = world.stores.platform().read().await.unwrap();
    let ada = accounts::people(&mut tx).await.unwrap().remove(0).id;
    drop(tx);
    let mut tx = world.stores.person(ada).await.unwrap().begin().await.unwrap();
    tx.execute("update integration_delivery set state = 'sending'", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    service.take();
    service.answer(|_| Told::json(&json!({ "id": "1" })));
    world.clock.advance(TimeDelta::minutes(5));
    events.next("integration.failed").await;
    let failed = deliveries(&world, &made.id).await.remove(0);
    assert!(failed.detail.contains("may have arrived or not"), "{}", failed.detail);
    assert!(service.take().is_empty());
    // A person looks, and pushes it again.
    let (_, delivery) = push(&world, &made.id, Item::JobId(job.clone())).await;
    assert_eq!(delivery.state(), pb::DeliveryState::Delivered, "{}", delivery.detail);
    assert_eq!(service.take().len(), 1);
    let (_, again) = push(&world, &made.id, Item::JobId(job)).await;
    assert_eq!(again.detail, "unchanged");
    assert!(service.take().is_empty());
}

#[tokio::test]
async fn an_interview_is_kept_in_a_real_calendar_in_its_zone() {
    let Some(server) = PythonServer::caldav().unwrap() else { return };
    let address = format!("127.0.0.1:{}", server.port);
    let (world, job, mut events) = world(std::slice::from_ref(&address), json!({})).await;
    let settings = [("address", &*format!("http://{address}/robin/talks/")), ("user", USER), ("password", PASSWORD)];
    let made = create(&world, "caldav", &settings, &[]).await;
    let request = pb::TestIntegrationRequest { integration_id: made.id.clone() };
    let tested = world.ada.integrations().test_integration(request).await.unwrap().into_inner();
    assert!(tested.works, "{tested:?}\n{}", server.log());

    let saved = save(&world, interview(&job)).await;
    events.next("integration.delivered").await;
    let event = server.folder().join(format!("collections/collection-root/robin/talks/aerie-{}.ics", saved.id));
    let text = std::fs::read_to_string(&event).unwrap();
    // 9:00 UTC on 1 April is 11:00 in Berlin: summer time has begun since the test's day.
    assert!(text.contains("DTSTART;TZID=Europe/Berlin:20260401T110000"), "{text}");
    assert!(text.contains("BEGIN:VTIMEZONE") && text.contains("LOCATION:Mill Lane 4"), "{text}");

    let later = stamp(start_time() + TimeDelta::days(30) + TimeDelta::hours(2));
    world.clock.advance(TimeDelta::minutes(1));
    save(&world, pb::Appointment { start_time: later, end_time: None, ..saved.clone() }).await;
    events.next("integration.delivered").await;
    assert!(std::fs::read_to_string(&event).unwrap().contains("DTSTART;TZID=Europe/Berlin:20260401T130000"));
    let (_, unchanged) = push(&world, &made.id, Item::AppointmentId(saved.id.clone())).await;
    assert_eq!(unchanged.detail, "unchanged");
    events.next("integration.delivered").await;

    let request = pb::DeleteAppointmentRequest { appointment_id: saved.id };
    world.ada.interviews().delete_appointment(request).await.unwrap();
    events.next("integration.delivered").await;
    assert!(!event.exists());
    let details: Vec<String> = deliveries(&world, &made.id).await.into_iter().map(|one| one.detail).collect();
    assert_eq!(details, ["removed", "unchanged", "updated", "created"]);
}

#[tokio::test]
async fn appointments_of_jobs_that_are_deleted_are_cancelled() {
    let (world, job, mut events, service) = with_service(|_| Told::status(204)).await;
    webhook(&world, &service, &[pb::IntegrationTopic::Appointments]).await;
    save(&world, interview(&job)).await;
    events.next("integration.delivered").await;
    assert_eq!(service.take()[0].json()["data"]["change"], "scheduled");
    world.ada.review(&job, ReviewDecision::Reject).await;
    let request = pb::PurgeJobsRequest { statuses: vec![JobStatus::Rejected as i32] };
    world.ada.jobs().purge_jobs(request).await.unwrap();
    events.next("integration.delivered").await;
    let data = service.take()[0].json()["data"].clone();
    assert_eq!((&data["change"], &data["title"]), (&json!("cancelled"), &json!("Interview: Brasswick")));
    assert_eq!(data["job"]["title"], "Loom Mechanic");
}

#[tokio::test]
async fn the_digest_comes_every_day_and_by_hand() {
    let (world, job, mut events, service) = with_service(|_| Told::status(204)).await;
    let made = webhook(&world, &service, &[pb::IntegrationTopic::Digests]).await;
    world.ada.review(&job, ReviewDecision::Approve).await;
    move_to(&world, &job, JobStatus::Applied).await;
    save(&world, pb::Appointment { start_time: stamp(start_time() + TimeDelta::days(3)), ..interview(&job) }).await;
    let (_, by_hand) = push(&world, &made.id, Item::Digest(true)).await;
    assert_eq!((by_hand.state(), by_hand.subject.as_str()), (pb::DeliveryState::Delivered, "digest:2026-03-02"));
    let text = service.take()[0].json()["data"]["text"].as_str().unwrap().to_owned();
    for line in [
        "Coming up\n- Thu 5 March 2026, 10:00 (Europe/Berlin): Interview: Brasswick (Loom Mechanic, Brasswick)",
        "Moved\n- Loom Mechanic, Brasswick: applied",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    events.next("integration.delivered").await;
    // It is nine in the morning; the next digest comes at six.
    world.clock.advance(TimeDelta::hours(22));
    events.next("integration.delivered").await;
    let asked = service.take();
    assert_eq!((asked.len(), &asked[0].json()["data"]["day"]), (1, &json!("2026-03-03")));
}

#[tokio::test]
async fn files_are_pushed_by_hand_and_forgotten_here() {
    let (world, job, _, service) = with_service(|_| Told::status(204)).await;
    let made = webhook(&world, &service, &[pb::IntegrationTopic::Documents]).await;
    let file = pb::IntegrationFile {
        name: "Brief – Müller.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        content: b"%PDF-1.7".to_vec(),
    };
    let (_, delivery) = push(&world, &made.id, Item::File(file.clone())).await;
    assert_eq!(delivery.headline, "Brief – Müller.pdf");
    let data = service.take()[0].json()["data"].clone();
    assert_eq!(
        data,
        json!({ "name": "Brief – Müller.pdf", "media_type": "application/pdf", "content_base64": "JVBERi0xLjc=" })
    );
    let mut tx = world.stores.platform().read().await.unwrap();
    let ada = accounts::people(&mut tx).await.unwrap().remove(0).id;
    let mut tx = world.stores.person(ada).await.unwrap().read().await.unwrap();
    let left = tx.fetch_one("select count(*) as found from integration_file", vec![]).await.unwrap();
    assert_eq!(left.int("found").unwrap(), 0);

    for (name, content, words) in [
        ("../x.pdf", b"x".to_vec(), "file.name"),
        ("x.pdf", vec![], "file.content"),
        ("x.pdf", vec![0; (8 << 20) + 1], "8 MiB"),
    ] {
        let file = pb::IntegrationFile { name: name.to_owned(), content, ..file.clone() };
        let request = pb::PushItemRequest { integration_id: made.id.clone(), item: Some(Item::File(file)) };
        let error = world.ada.integrations().push_item(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains(words), "{words:?} in {:?}", error.message());
    }
    let caldav = [("address", "https://calendar.example/"), ("user", "robin"), ("password", MARKER)];
    let calendar = create(&world, "caldav", &caldav, &[]).await;
    let request = pb::PushItemRequest { integration_id: calendar.id, item: Some(Item::JobId(job)) };
    let error = world.ada.integrations().push_item(request).await.unwrap_err();
    assert_eq!((error.code(), error.message().contains("takes no jobs")), (Code::InvalidArgument, true), "{error}");
}

#[tokio::test]
async fn wrong_settings_are_named_with_what_to_write() {
    let (world, ..) = world(&[], json!({})).await;
    let error = try_create(&world, "notoin", &[], &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("\"notoin\"") && error.message().contains("notion"), "{error}");
    let error = try_create(&world, "notion", &[("tokne", MARKER)], &[]).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    for words in ["settings.tokne", "settings.token", "settings.database_id"] {
        assert!(error.message().contains(words), "{words} in {error}");
    }
    assert!(!format!("{error:?}").contains(MARKER), "{error:?}");
    let good = [("address", "https://hooks.example/"), ("secret", MARKER)];
    create(&world, "webhook", &good, &[]).await;
    assert_eq!(try_create(&world, "webhook", &good, &[]).await.unwrap_err().code(), Code::AlreadyExists);
    let missing = "00000000-0000-7000-8000-000000000000".to_owned();
    let request = pb::TestIntegrationRequest { integration_id: missing };
    assert_eq!(world.ada.integrations().test_integration(request).await.unwrap_err().code(), Code::NotFound);
    // A private address is refused when it is used: the settings of this Aerie decide.
    let made = create(&world, "home_assistant", &[("address", "http://127.0.0.1:1/"), ("token", MARKER)], &[]).await;
    let request = pb::TestIntegrationRequest { integration_id: made.id };
    let tested = world.ada.integrations().test_integration(request).await.unwrap().into_inner();
    assert_eq!((tested.works, tested.problem()), (false, pb::IntegrationProblem::Settings));
    assert!(tested.message.contains("integrations.allow_addresses"), "{}", tested.message);
}

#[tokio::test]
async fn every_kind_lists_its_settings() {
    let (world, ..) = world(&[], json!({})).await;
    let request = pb::ListIntegrationKindsRequest {};
    let kinds = world.ada.integrations().list_integration_kinds(request).await.unwrap().into_inner().kinds;
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    for name in [
        "webhook",
        "caldav",
        "google_calendar",
        "notion",
        "airtable",
        "google_sheets",
        "slack",
        "discord",
        "home_assistant",
        "webdav",
        "s3",
        "email",
    ] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let email = kinds.iter().find(|kind| kind.name == "email").unwrap();
    assert!(!email.starts_enabled, "mail waits until a person switches it on");
    let security = email.fields.iter().find(|field| field.name == "security").unwrap();
    assert_eq!((security.r#type(), security.choices.len()), (pb::IntegrationFieldType::Choice, 2));
    assert!(kinds.iter().all(|kind| kind.fields.iter().any(|field| field.secret)));
}

/// Everything that can be read about a person over the interface, as text.
async fn everything(world: &World, events: &mut EventReader) -> String {
    let mut all = format!("{:?}", list(world).await);
    all += &format!("{:?}", deliveries(world, "").await);
    let tasks = world.ada.tasks().list_tasks(pb::ListTasksRequest::default()).await.unwrap().into_inner();
    for task in tasks.tasks {
        let request = pb::GetTaskRequest { task_id: task.id };
        all += &format!("{:?}", world.ada.tasks().get_task(request).await.unwrap().into_inner());
    }
    let request = pb::ExportJobsRequest { statuses: vec![], format: pb::ExportFormat::Json as i32 };
    let export = world.ada.interviews().export_jobs(request).await.unwrap().into_inner();
    all += &String::from_utf8_lossy(&export.content);
    let calendar = world.ada.interviews().get_calendar(pb::GetCalendarRequest {}).await.unwrap().into_inner();
    all += &calendar.calendar;
    // Every event up to one that is made now.
    let row = json!([{"title": "Last one", "company": "X", "location": "Y", "description": "Z",
        "url": "https://last.example.com/1"}]);
    world.ada.import(&row).await;
    let mut added = 0;
    while added < 2 {
        let event = events.until(|_| true).await;
        added += usize::from(event.kind == "jobs.added");
        all += &format!("{event:?}");
    }
    all
}

#[tokio::test]
async fn credentials_are_in_nothing_that_can_be_read_or_copied() {
    // A service that says back what it was told.
    let (world, job, mut events, service) = with_service(|asked: &Asked| {
        let told = format!("{} {:?}", asked.header("authorization"), asked.headers);
        Told::json(&json!({ "message": told })).and(400)
    })
    .await;
    let bearer = create(&world, "home_assistant", &[("address", &service.url("/")), ("token", MARKER)], &[]).await;
    let settings = [("address", &*service.url("/")), ("user", "robin"), ("password", MARKER)];
    let basic = create(&world, "webdav", &settings, &[]).await;
    let created = pb::CreateIntegrationRequest {
        settings: HashMap::from([("token".to_owned(), MARKER.to_owned())]),
        ..Default::default()
    };
    assert!(!format!("{created:?}").contains(MARKER), "requests may be logged");
    world.ada.review(&job, ReviewDecision::Approve).await;
    events.next("integration.failed").await;
    let file = pb::IntegrationFile { name: "x.pdf".to_owned(), content: b"x".to_vec(), ..Default::default() };
    push(&world, &basic.id, Item::File(file)).await;
    let (task, delivery) = push(&world, &bearer.id, Item::JobId(job)).await;
    assert!(delivery.detail.contains("Home Assistant refused it (400)"), "{}", delivery.detail);
    assert!(service.take().iter().any(|asked| asked.header("authorization").contains(MARKER)), "it was sent, though");
    let mut all = everything(&world, &mut world.ada.events_from_start().await).await;
    all += &format!("{task:?}");

    // What a copy of the store would hold.
    let mut tx = world.stores.platform().read().await.unwrap();
    let ada = accounts::people(&mut tx).await.unwrap().remove(0).id;
    let mut tx = world.stores.person(ada).await.unwrap().read().await.unwrap();
    let tables = tx
        .fetch_all("select name from sqlite_master where type = 'table' and name not like 'job_words%'", vec![])
        .await
        .unwrap();
    for table in tables {
        let table = table.text("name").unwrap();
        let columns = tx.fetch_all(format!("select name from pragma_table_info('{table}')"), vec![]).await.unwrap();
        for column in columns {
            let column = column.text("name").unwrap();
            let sql = format!("select cast(coalesce(\"{column}\", '') as blob) as value from \"{table}\"");
            for row in tx.fetch_all(sql, vec![]).await.unwrap() {
                all += &String::from_utf8_lossy(&row.bytes("value").unwrap());
            }
        }
    }
    assert!(all.contains("home_assistant"), "everything was looked at");
    // In the clear, and as it stands in a header of user and password.
    for secret in [MARKER, "cm9iaW46bWFya2VyLT"] {
        let before = all.find(secret).map(|at| all[..at].chars().rev().take(200).collect::<String>());
        assert!(before.is_none(), "{secret} stands behind (in reverse) {before:?}");
    }
}

#[tokio::test]
async fn nobody_sees_the_integrations_of_another() {
    let (world, _, _, service) = with_service(|_| Told::status(204)).await;
    let made = webhook(&world, &service, &[]).await;
    let ben = world.ben.integrations().list_integrations(pb::ListIntegrationsRequest {}).await.unwrap().into_inner();
    assert!(ben.integrations.is_empty());
    let request = pb::DeleteIntegrationRequest { integration_id: made.id.clone() };
    assert_eq!(world.ben.integrations().delete_integration(request.clone()).await.unwrap_err().code(), Code::NotFound);
    world.ada.integrations().delete_integration(request).await.unwrap();
    assert!(list(&world).await.is_empty());
}
