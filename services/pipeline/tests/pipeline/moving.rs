//! A person's data in motion: taken over from Peregrine, into a backup, and back on another machine.

use std::process::Command;

use aerie_proto::pipeline::v1 as pb;
use serde_json::json;
use tonic::Code;

use crate::{
    resumes::RESUME,
    world::{Options, World},
};

const PASSPHRASE: &str = "a loom, a lamp, a ladder";

/// The database that the text describes, made by Python; `None` where that is not installed.
fn staging() -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staging.db");
    let program = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.executescript(sys.argv[2]); db.close()";
    let made = Command::new("python3")
        .args(["-c", program])
        .arg(&path)
        .arg(include_str!("peregrine/staging.sql"))
        .status()
        .ok()?;
    assert!(made.success());
    Some(std::fs::read(path).unwrap())
}

fn file(name: &str, content: impl Into<Vec<u8>>) -> pb::ForeignFile {
    pb::ForeignFile { name: name.to_owned(), content: content.into() }
}

async fn import(world: &World, files: Vec<pb::ForeignFile>) -> Vec<pb::ForeignFileReport> {
    let request = pb::ImportPeregrineRequest { files };
    world.ada.moving().import_peregrine(request).await.unwrap().into_inner().reports
}

fn of<'a>(reports: &'a [pb::ForeignFileReport], name: &str) -> &'a pb::ForeignFileReport {
    reports.iter().find(|report| report.name == name).unwrap()
}

#[tokio::test]
async fn yaml_files_are_taken_over() {
    let world = World::new().await;
    let reports = import(
        &world,
        vec![
            file("user.yaml", "name: Ada Quill\nemail: ada@quill.example\ncareer_summary: Mends looms.\ncandidate_voice: Short.\n\
                nda_companies: [Omnicorp]\nmission_preferences: {music: I tune harps., health: ''}\ntier: paid\n"),
            file("search_profiles.yaml", "profiles:\n- name: looms\n  titles: [Weaver]\n  locations: [Leeds]\n  boards: [remotive, telepathy]\n"),
            file("resume_keywords.yaml", "skills: [Weaving, Dyeing]\ndomains: [textiles]\n"),
            file("blocklist.yaml", "companies: [Jobgether]\nindustries: []\nlocations: [Atlantis]\n"),
            file("plain_text_resume.yaml", "personal_information: {name: Ada, surname: Quill, email: ada@quill.example}\nexperience_details:\n\
                - {position: Weaver, company: Brightmill, employment_period: 03/2019 - Present, key_responsibilities: [{responsibility_1: Wove cloth}]}\n"),
            file("email.yaml", "password: hunter2"),
            file("llm.yaml", "backends: {}"),
            file("broken.yaml", "x"),
            file("settings.txt", "x"),
        ],
    )
    .await;
    let user = of(&reports, "user.yaml");
    assert!(user.taken.contains(&"1 causes".to_owned()), "{user:?}");
    assert!(user.left.iter().any(|words| words.starts_with("tier")), "{user:?}");
    assert!(of(&reports, "search_profiles.yaml").left[0].contains("telepathy"));
    assert!(of(&reports, "email.yaml").left[0].contains("aerie mail add"));
    assert!(of(&reports, "llm.yaml").left[0].contains("read as it is"));
    assert!(!format!("{reports:?}").contains("hunter2"));
    let profile =
        world.ada.profile().get_profile(pb::GetProfileRequest {}).await.unwrap().into_inner().profile.unwrap();
    assert_eq!((profile.full_name.as_str(), profile.summary.as_str()), ("Ada Quill", "Mends looms."));
    assert_eq!(
        (profile.skills, profile.keywords),
        (vec!["Weaving".to_owned(), "Dyeing".to_owned()], vec!["textiles".to_owned()])
    );
    assert_eq!((profile.blocked_companies[0].as_str(), profile.blocked_places[0].as_str()), ("Jobgether", "Atlantis"));
    let writing =
        world.ada.profile().get_writing(pb::GetWritingRequest {}).await.unwrap().into_inner().writing.unwrap();
    assert_eq!((writing.voice.as_str(), writing.confidential_employers[0].as_str()), ("Short.", "Omnicorp"));
    assert_eq!((writing.missions.len(), writing.missions[0].note.as_str()), (1, "I tune harps."));
    let resume = world.ada.profile().get_resume(pb::GetResumeRequest {}).await.unwrap().into_inner().resume.unwrap();
    let position = &resume.positions[0];
    assert_eq!(position.employer.as_ref().unwrap().value, "Brightmill");
    assert_eq!(position.period.as_ref().unwrap().start, "2019-03");
    assert_eq!(position.bullets[0].value, "Wove cloth");
    let searches =
        world.ada.profile().list_search_profiles(pb::ListSearchProfilesRequest {}).await.unwrap().into_inner();
    assert_eq!(searches.search_profiles[0].sources, ["remotive"]);
}

#[tokio::test]
async fn jobs_come_with_their_stages_letters_and_people() {
    let Some(staging) = staging() else {
        println!("skipped: python3 is not installed");
        return;
    };
    let world = World::new().await;
    let reports = import(&world, vec![file("staging.db", staging.clone())]).await;
    let report = of(&reports, "staging.db");
    assert!(report.taken.contains(&"3 jobs".to_owned()), "{report:?}");
    assert!(report.left.iter().any(|words| words.starts_with("1 jobs without")), "{report:?}");
    let jobs = world.ada.all_jobs().await;
    let find = |company: &str| jobs.iter().find(|job| job.posting.as_ref().unwrap().company == company).unwrap();
    let job = find("Brasswick");
    assert_eq!(job.status(), pb::JobStatus::PhoneScreen, "what a mail says moves nothing");
    assert_eq!(find("Fernloom").status(), pb::JobStatus::Rejected);
    assert_eq!(find("Madder").status(), pb::JobStatus::Pending);
    let request = pb::GetLetterRequest { job_id: job.id.clone() };
    let letter = world.ada.letters().get_letter(request).await.unwrap().into_inner().letter.unwrap();
    assert!(letter.versions[0].text.contains("I mend looms."), "{letter:?}");
    let request = pb::ListQuestionsRequest { job_id: job.id.clone() };
    let questions = world.ada.letters().list_questions(request).await.unwrap().into_inner().questions;
    assert_eq!((questions[0].question.as_str(), questions[0].answer.as_str()), ("Why?", "Looms."));
    let request = pb::GetResearchRequest { job_id: job.id.clone() };
    let brief = world.ada.research().get_research(request).await.unwrap().into_inner().research.unwrap();
    assert_eq!((brief.sections[0].statements[0].text.as_str(), brief.has_web_sources), ("Founded in 1912", false));
    let request = pb::ListSurveysRequest { job_id: job.id.clone() };
    let surveys = world.ada.surveys().list_surveys(request).await.unwrap().into_inner().surveys;
    assert_eq!((surveys[0].name.as_str(), surveys[0].answers.as_str()), ("Fit", "1. B"));
    let request = pb::GetCourseRequest { job_id: job.id.clone() };
    let contacts = world.ada.interviews().get_course(request).await.unwrap().into_inner().contacts;
    let names: Vec<&str> = contacts.iter().map(|contact| contact.name.as_str()).collect();
    assert_eq!(names, ["Ines Okafor"]);

    let again = import(&world, vec![file("staging.db", staging)]).await;
    assert!(of(&again, "staging.db").left.iter().any(|words| words.starts_with("3 jobs that were known")), "{again:?}");
    assert_eq!(world.ada.all_jobs().await.len(), 3);
    let broken = import(&world, vec![file("staging.db", "SQLite format 3\0 and then nothing")]).await;
    assert!(
        of(&broken, "staging.db").left[0].contains("cannot")
            || of(&broken, "staging.db").left[0].contains("can be read")
    );
}

#[tokio::test]
async fn a_name_with_a_folder_is_refused() {
    let world = World::new().await;
    let request = pb::ImportPeregrineRequest { files: vec![file("../user.yaml", "name: x")] };
    let error = world.ada.moving().import_peregrine(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
}

async fn back_up(world: &World) -> Vec<u8> {
    let request = pb::CreateBackupRequest { passphrase: PASSPHRASE.to_owned() };
    let mut pieces = world.ada.moving().create_backup(request).await.unwrap().into_inner();
    let mut content = Vec::new();
    while let Some(piece) = pieces.message().await.unwrap() {
        content.extend(piece.content);
    }
    content
}

fn pieces(content: &[u8], passphrase: &str, replace: bool) -> Vec<pb::RestoreBackupRequest> {
    let mut pieces: Vec<pb::RestoreBackupRequest> = content
        .chunks(100_000)
        .map(|piece| pb::RestoreBackupRequest { content: piece.to_vec(), ..Default::default() })
        .collect();
    pieces.insert(0, pb::RestoreBackupRequest { passphrase: passphrase.to_owned(), replace, content: vec![] });
    pieces
}

async fn restore(
    world: &World,
    content: &[u8],
    passphrase: &str,
    replace: bool,
) -> Result<pb::RestoreBackupResponse, tonic::Status> {
    let stream = futures::stream::iter(pieces(content, passphrase, replace));
    world.ada.moving().restore_backup(stream).await.map(tonic::Response::into_inner)
}

async fn with_data() -> (World, String) {
    let world = World::with(Options::default()).await;
    world.ada.import_resume("ada.md", RESUME.as_bytes()).await;
    let row = json!([{"title": "Loom Mechanic", "company": "Brasswick", "location": "Leeds", "description": "Mending looms.",
                      "url": "https://work.example.com/openings/1"}]);
    world.ada.import(&row).await;
    let job = world.ada.all_jobs().await.remove(0).id;
    let request = pb::SaveLetterRequest { job_id: job.clone(), text: "I mend looms.".to_owned() };
    world.ada.letters().save_letter(request).await.unwrap();
    (world, job)
}

#[tokio::test]
async fn a_backup_is_restored_on_another_machine() {
    let (home, job) = with_data().await;
    let content = back_up(&home).await;
    let hay = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
    assert!(!hay(b"SQLite format") && !hay(b"Ada Quill") && !hay(b"mend looms"), "nothing of it can be read");

    let other = World::new().await;
    let restored = restore(&other, &content, PASSPHRASE, false).await.unwrap();
    let jobs = restored.tables.iter().find(|table| table.table == "job").unwrap();
    assert_eq!(jobs.rows, 1);
    let request = pb::GetLetterRequest { job_id: job.clone() };
    let letter = other.ada.letters().get_letter(request).await.unwrap().into_inner().letter.unwrap();
    assert!(letter.versions[0].text.contains("I mend looms."));
    let found = other.ada.list(pb::ListJobsRequest { query: "mending".to_owned(), ..Default::default() }).await;
    assert_eq!(found.len(), 1, "the full-text index came along");
    let resume = other.ada.profile().get_resume(pb::GetResumeRequest {}).await.unwrap().into_inner().resume.unwrap();
    assert_eq!(resume.file_name, "ada.md");
    // It goes on working, and can be backed up again.
    other.ada.review(&job, pb::ReviewDecision::Approve).await;
    assert!(!back_up(&other).await.is_empty());
}

#[tokio::test]
async fn what_is_no_backup_changes_nothing() {
    let (home, job) = with_data().await;
    let content = back_up(&home).await;
    let mut damaged = content.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for (bytes, passphrase, replace, words) in [
        (&content[..], "another passphrase", true, "passphrase is wrong"),
        (&content, PASSPHRASE, false, "holds 1 jobs already"),
        (&damaged, PASSPHRASE, true, "damaged"),
        (&content[..4096], PASSPHRASE, true, ""),
        (b"hello", PASSPHRASE, true, "does not open"),
        (b"", PASSPHRASE, true, ""),
    ] {
        let error = restore(&home, bytes, passphrase, replace).await.unwrap_err();
        assert!(error.message().contains(words), "{words:?} in {:?}", error.message());
        assert_ne!(error.code(), Code::Internal, "{error}");
    }
    assert_eq!(home.ada.all_jobs().await[0].id, job);
    let request = pb::CreateBackupRequest { passphrase: "short".to_owned() };
    let error = home.ada.moving().create_backup(request).await.unwrap_err();
    assert!(error.message().contains("10 characters"), "{error}");
    // Replacing what is there by what was there.
    home.ada.review(&job, pb::ReviewDecision::Approve).await;
    restore(&home, &content, PASSPHRASE, true).await.unwrap();
    assert_eq!(home.ada.job(&job).await.status(), pb::JobStatus::Pending);
}
