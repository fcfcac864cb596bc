//! A résumé from file to profile: where each value stands, what a person corrects, what cannot be read.

use aerie_proto::pipeline::v1 as pb;
use tonic::Code;

use crate::world::World;

/// The résumé that the tests of letters write from.
pub const RESUME: &str = "# Ada Quill\n\nada@quill.example | +44 20 7946 0958 | Leeds, UK\n\n## Summary\n\n\
    Mends power looms and the software that runs them.\n\n## Experience\n\n\
    ### Loom Engineer, Brightmill Ltd.\nMarch 2019 - present\n\n\
    - Moved 12 ledgers to PostgreSQL, which cut the nightly report to 4 minutes\n\
    - Led a team of three menders\n\n\
    ### Apprentice, Oakweave Inc.\nSeptember 2015 - February 2019\n\n- Wrote a parser for loom cards in Rust\n\n\
    ## Education\n\nBSc Textile Engineering, University of Leeds, 2012 - 2015\n\n\
    ## Skills\n\nRust, PostgreSQL, Linux\n";

fn value(text: &Option<pb::SourcedText>) -> &str {
    text.as_ref().map_or("", |text| text.value.as_str())
}

#[tokio::test]
async fn every_value_says_where_it_was_read() {
    let world = World::new().await;
    let response = world.ada.import_resume("ada.md", RESUME.as_bytes()).await;
    let resume = response.resume.unwrap();
    assert_eq!((resume.format.as_str(), resume.file_name.as_str()), ("markdown", "ada.md"));
    let contact = resume.contact.clone().unwrap();
    assert_eq!((value(&contact.name), value(&contact.email)), ("Ada Quill", "ada@quill.example"));
    let employers: Vec<&str> = resume.positions.iter().map(|position| value(&position.employer)).collect();
    assert_eq!(employers, ["Brightmill Ltd.", "Oakweave Inc."]);
    let first = &resume.positions[0];
    let period = first.period.clone().unwrap();
    assert_eq!((period.start.as_str(), period.current), ("2019-03", true));
    for text in [&contact.name, &contact.email, &first.employer, &first.title] {
        let text = text.as_ref().unwrap();
        let span = text.source.as_ref().unwrap();
        assert_eq!(resume.source_text[span.start as usize..span.end as usize], text.value);
    }
    let json: serde_json::Value = serde_json::from_str(&resume.json_resume).unwrap();
    assert_eq!(json["work"][0]["name"], "Brightmill Ltd.");
    let profile = response.profile.unwrap();
    assert_eq!((profile.full_name.as_str(), profile.skills.len()), ("Ada Quill", 3));
    assert_ne!(response.rescore_task_id, "");
    let ben = world.ben.profile().get_resume(pb::GetResumeRequest {}).await.unwrap().into_inner();
    assert_eq!(ben.resume, None, "nobody else has it");
}

#[tokio::test]
async fn a_correction_keeps_the_source_of_what_it_does_not_touch() {
    let world = World::new().await;
    let mut resume = world.ada.import_resume("ada.md", RESUME.as_bytes()).await.resume.unwrap();
    let contact = resume.contact.as_mut().unwrap();
    contact.phone.as_mut().unwrap().value = "+44 20 7946 0000".to_owned();
    // A span that was made up is not believed.
    contact.headline =
        Some(pb::SourcedText { value: "Loom engineer".to_owned(), source: Some(pb::TextSpan { start: 0, end: 5 }) });
    let request = pb::UpdateResumeRequest { resume: Some(resume) };
    let saved = world.ada.profile().update_resume(request).await.unwrap().into_inner().resume.unwrap();
    let contact = saved.contact.clone().unwrap();
    assert_eq!((value(&contact.phone), &contact.phone.as_ref().unwrap().source), ("+44 20 7946 0000", &None));
    assert_eq!(contact.headline.unwrap().source, None);
    assert!(contact.email.unwrap().source.is_some());
    assert!(saved.positions[0].period.clone().unwrap().source.is_some(), "an untouched period keeps its place");
    let stored = world.ada.profile().get_resume(pb::GetResumeRequest {}).await.unwrap().into_inner();
    assert_eq!(stored.resume, Some(saved.clone()));

    let mut wrong = saved;
    wrong.positions[0].period.as_mut().unwrap().start = "spring".to_owned();
    let error = world.ada.profile().update_resume(pb::UpdateResumeRequest { resume: Some(wrong) }).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("positions[0].period.start") && error.message().contains("YYYY-MM"), "{error}");
}

#[tokio::test]
async fn json_resume_goes_out_as_it_came_in() {
    let world = World::new().await;
    let text = r#"{"basics": {"name": "Ada Quill", "x-badge": 7}, "work": [{"name": "Brightmill", "position": "Engineer",
        "startDate": "2019-03", "x-floor": "3"}], "meta": {"theme": "plain"}}"#;
    let resume = world.ada.import_resume("resume.json", text.as_bytes()).await.resume.unwrap();
    let saved = world.ada.profile().update_resume(pb::UpdateResumeRequest { resume: Some(resume) }).await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&saved.into_inner().resume.unwrap().json_resume).unwrap();
    assert_eq!(
        (&json["basics"]["x-badge"], &json["work"][0]["x-floor"], &json["meta"]["theme"]),
        (&serde_json::json!(7), &serde_json::json!("3"), &serde_json::json!("plain"))
    );
}

#[tokio::test]
async fn what_is_no_resume_is_refused_and_changes_nothing() {
    let world = World::new().await;
    world.ada.import_resume("ada.md", RESUME.as_bytes()).await;
    let before = world.ada.profile().get_resume(pb::GetResumeRequest {}).await.unwrap().into_inner();
    let cases: [(&[u8], &str, &str); 4] = [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0", "", "unknown kind of file"),
        (b"", "", "must be given"),
        (b"%PDF-1.7\nnothing", "", "cannot be read"),
        (b"x", "also text", "not both"),
    ];
    for (content, text, words) in cases {
        let request =
            pb::ImportResumeRequest { content: content.to_vec(), text: text.to_owned(), file_name: "cv".to_owned() };
        let error = world.ada.profile().import_resume(request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains(words), "{words:?} in {:?}", error.message());
    }
    let after = world.ada.profile().get_resume(pb::GetResumeRequest {}).await.unwrap().into_inner();
    assert_eq!(before, after);
}
