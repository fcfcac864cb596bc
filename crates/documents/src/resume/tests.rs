#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use serde_json::{Value, json};

use super::*;

#[test]
fn json_resume_comes_back_as_it_was() {
    let resume = json!({
        "basics": {"name": "Ada Quill", "label": "Engineer", "email": "ada@quill.example", "url": "https://quill.example",
            "location": {"city": "Hull", "countryCode": "GB"}, "image": "face.png",
            "profiles": [{"network": "GitHub", "username": "aq", "url": "https://github.com/aq"}]},
        "work": [
            {"name": "Acme", "position": "Engineer", "startDate": "2019-03-15", "highlights": ["One", "Two"], "url": "https://a.example"},
            {"name": "Oak", "position": "Clerk", "startDate": "2015", "endDate": "2018-12"}],
        "education": [{"institution": "Hull", "area": "Physics", "studyType": "BSc", "endDate": "2014", "courses": ["Optics"]}],
        "skills": [{"name": "Rust", "level": "Master"}, {"keywords": ["C", "Go"]}],
        "languages": [{"language": "English", "fluency": "native"}],
        "certificates": [{"name": "CPA", "issuer": "Board", "date": "2020-01-31", "url": "https://c.example"}],
        "projects": [{"name": "P", "highlights": ["x"]}],
        "meta": {"version": "v1.0.0"}
    });
    let profile = from_json_resume(&resume.to_string()).unwrap();
    assert!(profile.positions[0].period.as_ref().unwrap().value.is_current());
    assert_eq!(profile.all_skills().collect::<Vec<_>>(), ["Rust", "C", "Go"]);
    assert_eq!(to_json_resume(&profile), resume);
}

#[test]
fn every_imported_profile_survives_json_resume() {
    let text = "Ada Quill\nada@quill.example\n\nExperience\nEngineer, Acme Corp, 03/2019\n- One\nClerk, Oak Inc., 2015 - 2018\n\
                \nEducation\nBSc Physics, University of Hull, 2014\n\nSkills\nTools: Rust, Go\nSQL\n\nProjects\n- A thing\n";
    let mut profile = import("a.txt", text.as_bytes(), &Limits::default()).unwrap().profile;
    assert_eq!(profile.positions.len(), 2);
    let again = from_json_resume(&to_json_resume(&profile).to_string()).unwrap();
    without_spans(&mut profile);
    assert_eq!(again, profile);
}

/// Spans are of a text that JSON Resume does not carry.
fn without_spans(profile: &mut Profile) {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.remove("span");
                object.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(&*profile).unwrap();
    strip(&mut value);
    *profile = serde_json::from_value(value).unwrap();
}

#[test]
fn spans_of_a_json_resume_point_into_the_text_that_is_written_for_it() {
    let resume = json!({"basics": {"name": "Ada Quill"}, "work": [{"name": "Acme", "position": "Engineer", "startDate": "2019"}]});
    let imported = import("a.json", resume.to_string().as_bytes(), &Limits::default()).unwrap();
    assert_eq!(imported.text, "Ada Quill\n\nExperience\nEngineer\t2019 – present\nAcme\n");
    let employer = imported.profile.positions[0].employer.as_ref().unwrap();
    assert_eq!(employer.span.unwrap().of(&imported.text), "Acme");
}

#[test]
fn what_is_no_json_resume_says_so() {
    for (text, message) in [
        ("{", "this is no JSON: EOF while parsing an object at line 1 column 1"),
        ("{}", "this is JSON, but no JSON Resume: it has none of basics, work, education and skills"),
    ] {
        assert_eq!(import("a.json", text.as_bytes(), &Limits::default()).unwrap_err().to_string(), message);
    }
}
