//! Plain text, Markdown and JSON: spans lie within the text, and JSON Resume comes back as it was.
#![no_main]

use aerie_documents::{
    Limits, import,
    resume::{from_json_resume, to_json_resume},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    for name in ["a.txt", "a.md", "a.json"] {
        let Ok(imported) = import(name, data.as_bytes(), &Limits::default()) else { continue };
        for position in &imported.profile.positions {
            for field in [&position.employer, &position.title].into_iter().flatten() {
                let span = field.span.expect("an imported field has a span");
                assert!(imported.text.get(span.start..span.end).is_some());
            }
        }
        let json = to_json_resume(&imported.profile);
        let again = from_json_resume(&json.to_string()).map(|profile| to_json_resume(&profile));
        assert_eq!(again.ok(), Some(json));
    }
});
