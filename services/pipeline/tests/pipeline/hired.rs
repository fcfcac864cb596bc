//! One person's whole way: from a résumé as a PDF to being hired, on either storage, without a model and with one.

use aerie_documents::{
    content::{Language, ResumeContent},
    resume::from_json_resume,
};
use aerie_proto::{llm::v1 as llm, pipeline::v1 as pb};
use aerie_rpc::ErrorCode;
use aerie_testkit::dovecot::{DovecotServer, PASSWORD, USER};
use aerie_typesetting::{Paper, Templates, Typesetter};

use crate::{
    router::{Answer, FakeRouter},
    world::{Options, World, title},
};

const NOBODY: Answer = Err((ErrorCode::FailedPrecondition, "NO_BACKEND"));

const RESUME: &str = r#"{"basics": {"name": "Ada Quill", "email": "ada@quill.example", "phone": "+44 20 7946 0958",
    "summary": "Builds reliable services in Rust."},
    "work": [{"name": "Brightmill", "position": "Backend Engineer", "startDate": "2019-03",
              "highlights": ["Moved 12 ledgers to PostgreSQL, which cut the nightly report to 4 minutes", "Wrote a parser in Rust"]},
             {"name": "Oakweave", "position": "Developer", "startDate": "2015-09", "endDate": "2019-02",
              "highlights": ["Kept Linux machines running"]}],
    "education": [{"institution": "University of Leeds", "studyType": "BSc", "area": "Computer Science", "endDate": "2015-06"}],
    "skills": [{"name": "Engineering", "keywords": ["Rust", "PostgreSQL", "Linux"]}]}"#;

/// A model that does each of the jobs it is asked for.
fn model(request: &llm::CompleteRequest) -> Answer {
    let system = &request.system;
    if request.chain == "cover_letter" {
        return Ok("I build reliable services in Rust, and your posting asks for just that kind of work. As Backend Engineer at \
                   Brightmill I moved 12 ledgers to PostgreSQL, which cut the nightly report to 4 minutes.\n\n\
                   I also wrote a parser in Rust there. I would be glad to bring this care to your team and to learn from it.");
    }
    if system.contains("sum up a practice interview") {
        return Ok("You were clear. Bring a number into every answer.");
    }
    if system.contains("the interviewer in a practice talk") {
        return Ok("SCORE: 4\nFEEDBACK: Clear and to the point.\nNEXT: What would you change about your last project?");
    }
    if system.contains("a brief on an employer") {
        return Ok("## Company overview\n- They hire engineers.\n## Questions to ask them\n- What comes next?");
    }
    NOBODY
}

fn resume_pdf() -> Vec<u8> {
    let profile = from_json_resume(RESUME).unwrap();
    let content = ResumeContent::of(&profile, Language::English);
    Typesetter::new(Templates::built_in()).resume(&content, "classic", Paper::A4).unwrap().pdf
}

/// An invitation with a calendar part, from somebody at the employer.
fn invitation(company: &str, title: &str) -> String {
    let text = format!(
        "Hi Ada,\n\nThank you for applying for the {title} position at {company}. We would like to invite you to an interview on \
         Wednesday at 10:30. Your interview is confirmed.\n\nKind regards\nAna Weaver\n{company}"
    );
    let message = format!(
        "From: \"Ana Weaver ({company})\" <ana@talent.example>\nTo: ada@quill.example\nSubject: Interview invitation: {title} at {company}\n\
         Message-ID: <invite@talent.example>\nDate: Mon, 2 Mar 2026 08:30:00 +0000\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=cut\n\n--cut\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--cut\n\
         Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\n\
         UID:screen@talent.example\nSEQUENCE:0\nSUMMARY:Phone screen\nDTSTART;TZID=Europe/London:20260304T103000\n\
         DTEND;TZID=Europe/London:20260304T110000\nEND:VEVENT\nEND:VCALENDAR\n--cut--\n"
    );
    message.replace('\n', "\r\n")
}

async fn move_to(world: &World, job: &str, status: pb::JobStatus) {
    let request = pb::MoveJobRequest { job_id: job.to_owned(), status: status as i32 };
    let moved = world.ada.jobs().move_job(request).await.unwrap().into_inner().job.unwrap();
    assert_eq!(moved.status(), status);
}

async fn way(world: &World, mailbox: &DovecotServer, has_model: bool) {
    let ada = &world.ada;
    let by = if has_model { "home (m)" } else { "rules" };

    // Who she is.
    let resume = ada.import_resume("ada-quill.pdf", &resume_pdf()).await.resume.unwrap();
    let value = |text: &Option<pb::SourcedText>| text.as_ref().map(|text| text.value.clone()).unwrap_or_default();
    let employers: Vec<String> = resume.positions.iter().map(|one| value(&one.employer)).collect();
    assert_eq!((resume.format.as_str(), employers), ("pdf", vec!["Brightmill".to_owned(), "Oakweave".to_owned()]));
    assert_eq!(value(&resume.contact.unwrap().email), "ada@quill.example");

    // What there is.
    let search = ada.save_search(world.whole_search()).await;
    let run = ada.run(&search).await;
    assert!(run.new_jobs > 0, "{run:?}");
    let job = ada.all_jobs().await.into_iter().find(|job| !job.posting.as_ref().unwrap().company.is_empty()).unwrap();
    let (id, company) = (job.id.clone(), job.posting.as_ref().unwrap().company.clone());
    assert!(job.score.is_some(), "she sees how well it fits");
    assert_eq!(ada.review(&id, pb::ReviewDecision::Approve).await.status(), pb::JobStatus::Approved);

    // What she sends.
    let request = pb::GenerateLetterRequest { job_id: id.clone(), ..Default::default() };
    let task = ada.letters().generate_letter(request).await.unwrap().into_inner().task_id;
    assert_eq!(ada.task_ended(&task).await.state(), pb::TaskState::Completed);
    let request = pb::GetLetterRequest { job_id: id.clone() };
    let letter = ada.letters().get_letter(request).await.unwrap().into_inner().letter.unwrap();
    let author = if has_model { pb::Author::Model } else { pb::Author::Template };
    assert_eq!((letter.versions[0].author(), letter.unsupported.len()), (author, 0), "{letter:?}");
    let request = pb::RenderDocumentRequest {
        kind: pb::DocumentKind::Letter as i32,
        job_id: id.clone(),
        ..Default::default()
    };
    let file = ada.letters().render_document(request).await.unwrap().into_inner();
    assert!(file.content.starts_with(b"%PDF-") && file.file_name.starts_with("Ada-Quill_Letter_"), "{}", file.file_name);
    move_to(world, &id, pb::JobStatus::Applied).await;

    // What comes back.
    let account = pb::MailAccount {
        host: "localhost".to_owned(),
        port: i32::from(mailbox.tls_port),
        user: USER.to_owned(),
        certificates: String::from_utf8(mailbox.certificate().unwrap()).unwrap(),
        ..pb::MailAccount::default()
    };
    let request = pb::CreateMailAccountRequest { account: Some(account), password: PASSWORD.to_owned() };
    ada.mail().create_mail_account(request).await.unwrap();
    mailbox.deliver("INBOX", invitation(&company, title(&job)).as_bytes()).unwrap();
    let tasks = ada.mail().sync_mail(pb::SyncMailRequest::default()).await.unwrap().into_inner().task_ids;
    assert_eq!(ada.task_ended(&tasks[0]).await.state(), pb::TaskState::Completed);
    let request = pb::ListSuggestionsRequest { state: pb::SuggestionState::Open as i32, job_id: id.clone() };
    let suggestions = ada.mail().list_suggestions(request).await.unwrap().into_inner().suggestions;
    let suggestion = suggestions.first().unwrap_or_else(|| panic!("the mail of {company} suggests nothing"));
    assert_eq!(suggestion.status(), pb::JobStatus::PhoneScreen);
    assert_eq!(ada.job(&id).await.status(), pb::JobStatus::Applied, "a mail moves nothing");
    let request = pb::AcceptSuggestionRequest { suggestion_id: suggestion.id.clone(), ..Default::default() };
    let accepted = ada.mail().accept_suggestion(request).await.unwrap().into_inner();
    assert_eq!(accepted.job.unwrap().status(), pb::JobStatus::PhoneScreen);
    assert_eq!(accepted.appointment.unwrap().time_zone, "Europe/London");

    // What she prepares: the brief was begun by the move.
    let mut events = ada.events_from_start().await;
    let is_ready_brief = |event: &pb::SubscribeResponse| {
        let data = format!("{:?}", event.data);
        event.kind == "material.changed" && data.contains("\"research\"") && data.contains("\"ready\"")
    };
    events.until(is_ready_brief).await;
    let request = pb::GetResearchRequest { job_id: id.clone() };
    let brief = ada.research().get_research(request).await.unwrap().into_inner().research.unwrap();
    assert_eq!((brief.written_by.as_str(), brief.has_web_sources), (by, false));
    let request = pb::StartMockInterviewRequest { job_id: id.clone(), question_count: 1 };
    let started = ada.research().start_mock_interview(request).await.unwrap().into_inner();
    let interview_id = started.interview.unwrap().id;
    ada.task_ended(&started.task_id).await;
    let answer = "When the report was slow at Brightmill, I moved 12 ledgers to PostgreSQL; it took 4 minutes in the end.";
    let request = pb::AnswerMockInterviewRequest { interview_id: interview_id.clone(), answer: answer.to_owned() };
    let task = ada.research().answer_mock_interview(request).await.unwrap().into_inner().task_id;
    ada.task_ended(&task).await;
    let request = pb::GetMockInterviewRequest { interview_id };
    let interview = ada.research().get_mock_interview(request).await.unwrap().into_inner().interview.unwrap();
    assert!(interview.finished && interview.score >= 1.0 && !interview.summary.is_empty(), "{interview:?}");
    assert_eq!(interview.turns[0].written_by, by);

    // How it ends.
    for status in [pb::JobStatus::Interviewing, pb::JobStatus::Offer, pb::JobStatus::Hired] {
        move_to(world, &id, status).await;
    }
    let board = ada.interviews().get_board(pb::GetBoardRequest::default()).await.unwrap().into_inner();
    let hired = board.columns.iter().find(|column| column.status() == pb::JobStatus::Hired).unwrap();
    assert_eq!(hired.cards.len(), 1);
    // Nothing of it is anybody else's.
    assert!(world.ben.all_jobs().await.is_empty());
}

/// `None` where a server that it needs is not installed.
async fn walk(on_postgres: bool, has_model: bool) -> Option<()> {
    let mailbox = DovecotServer::start().unwrap()?;
    let fake = FakeRouter::new(NOBODY, if has_model { model } else { |_| NOBODY });
    let options = Options { router: Some(fake.backend().await), ..Options::default() };
    let world = if on_postgres { World::on_postgres(options).await? } else { World::with(options).await };
    way(&world, &mailbox, has_model).await;
    Some(())
}

#[tokio::test]
async fn embedded_without_a_model() {
    walk(false, false).await;
}

#[tokio::test]
async fn embedded_with_a_model() {
    walk(false, true).await;
}

#[tokio::test]
async fn on_postgresql_without_a_model() {
    walk(true, false).await;
}

#[tokio::test]
async fn on_postgresql_with_a_model() {
    walk(true, true).await;
}
