//! Private texts lie sealed in the server's tables.

use aerie_store::{
    Database, Sealed, ServerOptions, StoreError, Stores, jobs,
    mail::{self, MailAccount, MailDraft, MailRow, Suggestion},
    materials::{self, Material, Resume, Version},
    profiles, seal_existing,
    surveys::{self, Survey},
    tracking::{self, Appointment, Contact, Reminder},
};
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

/// Stands in every private text.
const MARKER: &str = "peregrination";

fn text(what: &str) -> String {
    format!("{MARKER} {what}")
}

/// Writes something private everywhere; returns the job and the mail.
async fn write_everything(database: &Database) -> (Uuid, Uuid) {
    let mut tx = database.begin().await.unwrap();
    let job = new_job(posting(1));
    let job_id = job.id;
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    jobs::update_notes(&mut tx, job_id, 1, &text("note"), day(1)).await.unwrap().unwrap();
    let document = format!("{{\"text\":\"{}\"}}", text("letter"));
    profiles::save_profile(&mut tx, &document, None, day(1)).await.unwrap();
    let material = Material {
        id: Uuid::now_v7(),
        job_id,
        kind: "letter".into(),
        state: "ready".into(),
        document: document.clone(),
        written_by: "template".into(),
        problem: String::new(),
        chosen: 1,
        created_at: day(1),
        updated_at: day(1),
    };
    materials::insert(&mut tx, &material).await.unwrap();
    let version = Version {
        number: 0,
        document: document.clone(),
        written_by: "template".into(),
        note: text("wish"),
        created_at: day(1),
    };
    materials::add_version(&mut tx, material.id, &version, 5).await.unwrap();
    let resume = Resume {
        format: "txt".into(),
        file_name: "me.txt".into(),
        source_text: text("résumé"),
        document: document.clone(),
        updated_at: day(1),
    };
    materials::save_resume(&mut tx, &resume).await.unwrap();
    materials::save_writing(&mut tx, &document, day(1)).await.unwrap();
    let appointment = Appointment {
        id: Uuid::now_v7(),
        job_id,
        kind: "talk".into(),
        title: "Talk".into(),
        starts_at: day(2),
        ends_at: day(3),
        zone: "UTC".into(),
        location: text("street"),
        notes: text("door"),
        updated_at: day(1),
    };
    tracking::save_appointment(&mut tx, &appointment).await.unwrap();
    let contact = Contact {
        id: Uuid::now_v7(),
        job_id,
        name: "Ana".into(),
        role: "lead".into(),
        email: text("mail"),
        phone: text("phone"),
        notes: text("kind"),
        updated_at: day(1),
    };
    tracking::save_contact(&mut tx, &contact).await.unwrap();
    let reminder = Reminder {
        id: Uuid::now_v7(),
        job_id,
        text: text("call"),
        due_at: day(2),
        done_at: None,
        automatic: false,
        updated_at: day(1),
    };
    tracking::save_reminder(&mut tx, &reminder).await.unwrap();
    let survey = Survey {
        id: Uuid::now_v7(),
        job_id,
        name: "Survey".into(),
        mode: "short".into(),
        state: "answered".into(),
        from_screenshot: false,
        questions: text("why"),
        answers: text("because"),
        answered_by: "you".into(),
        problem: String::new(),
        reported_score: String::new(),
        created_at: day(1),
        updated_at: day(1),
    };
    surveys::insert(&mut tx, &survey, None).await.unwrap();
    let mail = write_mail(&mut tx, job_id).await;
    tx.commit().await.unwrap();
    (job_id, mail)
}

async fn write_mail(tx: &mut aerie_store::Tx, job_id: Uuid) -> Uuid {
    let account = MailAccount {
        id: Uuid::now_v7(),
        name: "work".into(),
        host: "imap.example.com".into(),
        port: 993,
        security: "tls".into(),
        login: "robin".into(),
        password: Sealed(vec![1]),
        certificates: String::new(),
        mailboxes: vec![],
        since_days: 1,
        automatic: true,
        synced_at: None,
        problem: String::new(),
        created_at: day(1),
        updated_at: day(1),
    };
    mail::insert_account(tx, &account).await.unwrap();
    let row = MailRow {
        id: Uuid::now_v7(),
        account: account.id,
        key: "key".into(),
        mailbox: "INBOX".into(),
        message_id: Some("1@acme.example".into()),
        thread: vec![],
        sent: false,
        subject: text("subject"),
        from_name: text("name"),
        from_address: text("address"),
        recipients: vec![text("recipient")],
        received_at: day(1),
        body: text("body"),
        label: "neutral".into(),
        confidence: 0.5,
        certain: false,
        labelled_by: "rules".into(),
        asked: false,
        evidence: text("evidence"),
        job_id: Some(job_id),
        linked_by: "thread".into(),
        candidates: vec![],
        event: Some(text("event")),
        postings: text("postings"),
        created_at: day(1),
        updated_at: day(1),
    };
    assert!(mail::insert_new(tx, &row).await.unwrap());
    assert_eq!(mail::get(tx, row.id).await.unwrap(), Some(row.clone()));
    let suggestion = Suggestion {
        id: Uuid::now_v7(),
        mail_id: row.id,
        job_id,
        label: "invitation".into(),
        status: String::new(),
        state: "open".into(),
        certain: true,
        event: Some(text("suggested")),
        event_uid: "1@acme".into(),
        appointment: None,
        created_at: day(1),
        decided_at: None,
    };
    mail::insert_suggestion(tx, &suggestion).await.unwrap();
    let draft = MailDraft {
        id: Uuid::now_v7(),
        mail_id: row.id,
        wish: text("thank them"),
        state: "drafted".into(),
        subject: text("re"),
        body: text("dear"),
        written_by: "template".into(),
        problem: String::new(),
        created_at: day(1),
        updated_at: day(1),
    };
    mail::insert_draft(tx, &draft).await.unwrap();
    row.id
}

/// Every row of every table, as whoever holds the server's files could read them.
fn raw(fixture: &Fixture) -> String {
    let postgres = fixture.postgres.as_ref().unwrap();
    let tables = postgres
        .administer("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
        .unwrap();
    tables.lines().map(|table| postgres.administer(&format!("select {table}::text from {table}")).unwrap()).collect()
}

#[tokio::test]
async fn nothing_private_lies_in_the_clear() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let (job, mail) = write_everything(&fixture.database).await;
    let raw = raw(&fixture);
    assert!(raw.contains("Engineer 1"), "the rows were read");
    let around = raw.find(MARKER).map(|at| raw[at.saturating_sub(80)..].chars().take(160).collect::<String>());
    assert_eq!(around, None);
    assert!(raw.matches("aerie1:").count() >= 25, "{}", raw.matches("aerie1:").count());
    // Its person reads everything.
    let mut tx = fixture.database.read().await.unwrap();
    assert_eq!(jobs::get(&mut tx, job).await.unwrap().unwrap().notes, text("note"));
    assert_eq!(mail::get(&mut tx, mail).await.unwrap().unwrap().body, text("body"));
    assert_eq!(tracking::reminders(&mut tx, true).await.unwrap()[0].text, text("call"));
    let listed = mail::list_suggestions(&mut tx, &Default::default(), 5).await.unwrap();
    assert_eq!((listed[0].subject.clone(), listed[0].evidence.clone()), (text("subject"), text("evidence")));
}

#[tokio::test]
async fn rows_of_before_stay_readable_and_are_sealed_later() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let (_, id) = write_everything(&fixture.database).await;
    let postgres = fixture.postgres.as_ref().unwrap();
    postgres.administer(&format!("update mail set body = '{MARKER} of before', subject = ''")).unwrap();
    let body = async || mail::get(&mut fixture.database.read().await.unwrap(), id).await.unwrap().unwrap().body;
    assert_eq!(body().await, text("of before"));
    let stranger = fixture.stores.person(Uuid::now_v7()).await.unwrap();
    assert_eq!(seal_existing(&stranger).await.unwrap(), 0, "only one's own rows");
    assert_eq!(seal_existing(&fixture.database).await.unwrap(), 1);
    assert_eq!(seal_existing(&fixture.database).await.unwrap(), 0, "once");
    assert_eq!(body().await, text("of before"));
    assert!(!raw(&fixture).contains(MARKER));
}

#[tokio::test]
async fn a_program_with_another_secret_stops_before_it_writes() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let postgres = fixture.postgres.as_ref().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let stores = Stores::open(postgres.stores_config(elsewhere.path())).await.unwrap();
    let error = stores.person(fixture.person).await.unwrap_err();
    assert!(
        matches!(error, StoreError::OtherSecret { .. }) && error.to_string().contains("store.secret_file"),
        "{error}"
    );
    let options =
        |file: &str| ServerOptions { secret_file: Some(fixture.stores.data().join(file)), ..ServerOptions::default() };
    let shared = Stores::open_with(postgres.stores_config(elsewhere.path()), options("secret.key")).await.unwrap();
    shared.person(fixture.person).await.unwrap();
    let absent = Stores::open_with(postgres.stores_config(elsewhere.path()), options("absent")).await.unwrap();
    let error = absent.person(fixture.person).await.unwrap_err();
    assert!(error.to_string().contains("absent"), "a named secret is not made: {error}");
}
