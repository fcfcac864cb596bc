//! What the PDF files hold, by another program's eyes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{path::Path, process::Command};

use aerie_documents::{
    Limits,
    content::{EntryContent, GroupContent, Language, LetterContent, LinkContent, ResumeContent},
    import,
    output::{letter_docx, letter_markdown, resume_docx, resume_markdown},
    resume::from_json_resume,
};
use aerie_typesetting::{Kind, Paper, Templates, TypesetError, Typesetter};

/// Everything that typst would read as markup or code.
const MARKS: &str = r##"Saved $4.2M and 30% #import "x" *bold* _it_ @ref <label> \\ \n `raw` = head [x] {y} "quoted" // c /* d */ ~ -- $x$ #let"##;

fn letter() -> LetterContent {
    LetterContent {
        language: Language::English,
        title: "Letter to Fernwood Robotics".to_owned(),
        name: "Zoë Quillfeather".to_owned(),
        headline: "Embedded engineer".to_owned(),
        contact: ["zoe@quillfeather.example", "+44 20 7946 0991", "Leeds, United Kingdom"].map(str::to_owned).to_vec(),
        recipient: ["Fernwood Robotics", "Hiring team"].map(str::to_owned).to_vec(),
        date: "9 March 2026".to_owned(),
        subject: "Firmware engineer".to_owned(),
        salutation: "Dear hiring team,".to_owned(),
        paragraphs: vec![
            "FIRST paragraph about the work on motor controllers that I did for six years, in which a lot went well."
                .to_owned(),
            MARKS.to_owned(),
            "LAST paragraph with a thank you.".to_owned(),
        ],
        closing: "Kind regards,".to_owned(),
        signature: "Zoë Quillfeather".to_owned(),
    }
}

fn resume() -> ResumeContent {
    let json = r#"{"basics": {"name": "Zoë Quillfeather", "label": "Embedded engineer", "email": "zoe@quillfeather.example",
        "phone": "+44 20 7946 0991", "summary": "Writes firmware that runs for years.", "location": {"address": "Leeds, United Kingdom"},
        "profiles": [{"network": "GitHub", "url": "https://github.com/zquillfeather"}]},
        "work": [
          {"name": "Marlowe Motion Ltd", "position": "Firmware Engineer", "startDate": "2020-03", "location": "Leeds, United Kingdom",
           "highlights": ["Saved $4.2M with #define tricks *and* @home tests", "Cut the boot time from 9 s to 800 ms"]},
          {"name": "Tansy Instruments", "position": "Junior Engineer", "startDate": "2016-09", "endDate": "2020-02", "location": "York, United Kingdom",
           "highlights": ["Wrote drivers for six sensors"]}],
        "education": [{"institution": "University of Hull", "studyType": "BEng", "area": "Electronic Engineering", "startDate": "2013", "endDate": "2016"}],
        "skills": [{"name": "Languages", "keywords": ["C", "Rust", "Python"]}, {"name": "Tools", "keywords": ["JTAG", "Zephyr"]}],
        "languages": [{"language": "English", "fluency": "native"}],
        "certificates": [{"name": "Functional Safety Engineer", "issuer": "TÜV", "date": "2022-05"}]}"#;
    ResumeContent::of(&from_json_resume(json).unwrap(), Language::English)
}

fn typesetter() -> Typesetter {
    Typesetter::new(Templates::built_in())
}

fn text_of(pdf: &[u8]) -> Option<String> {
    command("pdftotext", pdf, &["-"])
}

fn command(program: &str, pdf: &[u8], arguments: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.pdf");
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new(program).arg(&file).args(arguments).output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            println!("skipped: {program} is not installed");
            None
        }
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Templates that are there to look at; `cargo test -- --nocapture` says where.
fn keep(name: &str, pdf: &[u8]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join(name), pdf).unwrap();
    println!("{}", folder.join(name).display());
}

#[test]
fn every_template_sets_letters_with_all_words_in_order() {
    let typesetter = typesetter();
    assert_eq!(typesetter.templates().names(Kind::Letter), ["classic", "compact", "modern"]);
    for template in typesetter.templates().names(Kind::Letter) {
        for paper in [Paper::A4, Paper::UsLetter] {
            let set = typesetter.letter(&letter(), template, paper).unwrap();
            assert_eq!((set.pages, set.missing.as_slice()), (1, &[][..]), "{template}");
            keep(&format!("letter-{template}-{paper:?}.pdf"), &set.pdf);
            let Some(text) = text_of(&set.pdf) else { return };
            let text = squeezed(&text);
            // A hyphen at the end of a line is taken for a division by pdftotext.
            let bare = |text: &str| squeezed(text).replace('-', "");
            assert!(bare(&text).contains(&bare(MARKS)), "{template}: {text}");
            let order = ["ZoëQuillfeather", "FernwoodRobotics", "Dearhiringteam", "FIRST", "LAST", "Kindregards"];
            let places: Vec<Option<usize>> = order.iter().map(|word| text.find(word)).collect();
            assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{template}: {places:?}");
        }
    }
}

#[test]
fn every_template_sets_resumes_that_can_be_imported_again() {
    let typesetter = typesetter();
    assert_eq!(typesetter.templates().names(Kind::Resume), ["classic", "compact", "modern"]);
    for template in typesetter.templates().names(Kind::Resume) {
        for paper in [Paper::A4, Paper::UsLetter] {
            let set = typesetter.resume(&resume(), template, paper).unwrap();
            assert_eq!((set.pages, set.missing.as_slice()), (1, &[][..]), "{template}");
            keep(&format!("resume-{template}-{paper:?}.pdf"), &set.pdf);
            let profile = import("a.pdf", &set.pdf, &Limits::default()).unwrap().profile;
            check(&profile, template);
            if let Some(text) = text_of(&set.pdf) {
                assert!(squeezed(&text).contains("Saved$4.2Mwith#definetricks*and*@hometests"), "{template}: {text}");
            }
        }
    }
}

fn check(profile: &aerie_documents::Profile, what: &str) {
    assert_eq!(profile.name(), "Zoë Quillfeather", "{what}");
    assert_eq!(profile.contact.email.as_ref().unwrap().value, "zoe@quillfeather.example", "{what}");
    assert_eq!(profile.contact.phone.as_ref().unwrap().value, "+44 20 7946 0991", "{what}");
    let positions: Vec<(String, String, String)> = profile
        .positions
        .iter()
        .map(|position| {
            let period = position.period.as_ref().unwrap().value;
            (
                position.employer.as_ref().unwrap().value.clone(),
                position.title.as_ref().unwrap().value.clone(),
                format!("{} {:?}", period.start.unwrap(), period.end_month().map(|month| month.to_string())),
            )
        })
        .collect();
    let wanted = [
        ("Marlowe Motion Ltd", "Firmware Engineer", "2020-03 None"),
        ("Tansy Instruments", "Junior Engineer", "2016-09 Some(\"2020-02\")"),
    ];
    let wanted = wanted.map(|(employer, title, period)| (employer.to_owned(), title.to_owned(), period.to_owned()));
    assert_eq!(positions, wanted, "{what}");
    assert!(profile.all_skills().any(|skill| skill == "Zephyr"), "{what}");
    assert_eq!(profile.education[0].institution.as_ref().unwrap().value, "University of Hull", "{what}");
}

#[test]
fn docx_and_markdown_hold_the_same_and_can_be_imported_again() {
    let resume = resume();
    check(&import("a.docx", &resume_docx(&resume).unwrap(), &Limits::default()).unwrap().profile, "docx");
    check(&import("a.md", resume_markdown(&resume).as_bytes(), &Limits::default()).unwrap().profile, "markdown");
    let docx = import("letter.docx", &letter_docx(&letter()).unwrap(), &Limits::default()).unwrap();
    assert!(squeezed(&docx.text).contains(&squeezed(MARKS)), "{}", docx.text);
    let markdown = import("letter.md", letter_markdown(&letter()).as_bytes(), &Limits::default()).unwrap();
    assert!(squeezed(&markdown.text).contains(&squeezed(MARKS)), "{}", markdown.text);
}

#[test]
fn files_are_tagged_and_say_title_author_and_language() {
    let set = typesetter().letter(&letter(), "modern", Paper::A4).unwrap();
    let Some(info) = command("pdfinfo", &set.pdf, &[]) else { return };
    for part in ["Letter to Fernwood Robotics", "Zoë Quillfeather", "Tagged:          yes", "A4"] {
        assert!(info.contains(part), "{part}: {info}");
    }
    assert!(memchr_find(&set.pdf, b"/Lang(en)") || memchr_find(&set.pdf, b"/Lang (en)"));
    let fonts = command("pdffonts", &set.pdf, &[]).unwrap();
    for font in fonts.lines().skip(2) {
        assert!(font.contains("yes yes yes"), "not embedded, cut and readable: {font}");
    }
}

fn memchr_find(file: &[u8], words: &[u8]) -> bool {
    file.windows(words.len()).any(|window| window == words)
}

#[test]
fn long_documents_break_over_pages() {
    let mut long = resume();
    let entry = long.positions[0].clone();
    long.positions =
        (0..40).map(|number| EntryContent { title: format!("Position {number}"), ..entry.clone() }).collect();
    long.sections = vec![GroupContent { name: "Projects".to_owned(), items: vec!["A project".to_owned(); 30] }];
    for template in ["classic", "modern", "compact"] {
        let set = typesetter().resume(&long, template, Paper::A4).unwrap();
        assert!(set.pages > 3, "{template}");
        if let Some(text) = text_of(&set.pdf) {
            assert!(squeezed(&text).contains("Position39"), "{template}");
        }
    }
}

#[test]
fn empty_and_strange_content_still_sets() {
    let typesetter = typesetter();
    for template in ["classic", "modern", "compact"] {
        typesetter.letter(&LetterContent::default(), template, Paper::A4).unwrap();
        typesetter.resume(&ResumeContent::default(), template, Paper::A4).unwrap();
        let strange = LetterContent { paragraphs: vec!["\u{0}\u{7}a\tb\nc 字 🦀".to_owned()], ..letter() };
        let set = typesetter.letter(&strange, template, Paper::A4).unwrap();
        assert!(set.missing.contains(&'字'));
    }
    assert!(LinkContent::of("javascript:alert(1)").is_none());
    let huge = LetterContent { paragraphs: vec!["a ".repeat(1 << 20)], ..letter() };
    assert!(matches!(typesetter.letter(&huge, "modern", Paper::A4), Err(TypesetError::TooLong { .. })));
}

#[test]
fn a_persons_own_template_is_used_and_sees_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "letter-mine.typ",
        "#let d = json(\"/data.json\")\n#set document(title: d.content.title)\nMINE #d.content.name #read(\"note.txt\")",
    );
    write("letter-thief.typ", "#read(\"/etc/passwd\")");
    write("letter-network.typ", "#import \"@preview/example:0.1.0\": *");
    write("letter-endless.typ", "#while true { }");
    write("note.txt", "NOTE");
    let typesetter = Typesetter::new(Templates::built_in().with_folder(folder.path()).unwrap());
    let set = typesetter.letter(&letter(), "mine", Paper::A4).unwrap();
    if let Some(text) = text_of(&set.pdf) {
        assert!(text.contains("MINE Zoë Quillfeather NOTE"), "{text}");
    }
    for template in ["thief", "network", "endless"] {
        let error = typesetter.letter(&letter(), template, Paper::A4).unwrap_err();
        println!("{error}");
        assert!(matches!(error, TypesetError::Template { .. }), "{template}");
    }
    let error = typesetter.letter(&letter(), "absent", Paper::A4).unwrap_err();
    assert!(
        error.to_string().starts_with("there is no template \"absent\"; there are classic, compact, endless"),
        "{error}"
    );
}
