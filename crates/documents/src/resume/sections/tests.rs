#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::{Format, Limits};

fn kinds(text: &str) -> Vec<Kind> {
    let extract = crate::extract::extract(text.as_bytes(), Format::PlainText, &Limits::default()).unwrap();
    divide(&extract).iter().filter_map(|part| part.kind).collect()
}

#[test]
fn heads_in_four_languages() {
    for (text, kind) in [
        ("Professional Experience", Kind::Experience),
        ("EMPLOYMENT HISTORY", Kind::Experience),
        ("Work History", Kind::Experience),
        ("Work", Kind::Experience),
        ("Beruflicher Werdegang", Kind::Experience),
        ("EXPÉRIENCE PROFESSIONNELLE", Kind::Experience),
        ("Experiencia laboral", Kind::Experience),
        ("Education and Training", Kind::Education),
        ("Schulische Ausbildung", Kind::Education),
        ("Formation", Kind::Education),
        ("Formación académica", Kind::Education),
        ("Core Qualifications", Kind::Skills),
        ("IT-Kenntnisse", Kind::Skills),
        ("Compétences techniques", Kind::Skills),
        ("E D U C A T I O N", Kind::Education),
        ("Summary of Qualifications", Kind::Summary),
        ("About Me", Kind::Summary),
        ("Über mich", Kind::Summary),
        ("Licenses & Certifications", Kind::Certificates),
        ("Fremdsprachen", Kind::Languages),
        ("Centres d'intérêt", Kind::Interests),
        ("Professional Affiliations", Kind::Other),
        ("ACCOMPLISHMENTS.", Kind::Awards),
        ("Skills: Rust, Go", Kind::Skills),
        ("Volunteer Experience", Kind::Volunteering),
    ] {
        assert_eq!(kinds(text), [kind], "{text}");
    }
}

#[test]
fn other_lines_are_no_heads() {
    for text in [
        "- Skills",
        "experience.",
        "Training Engineer",
        "Project Manager",
        "Experience with Rust and Go",
        "Education Manager, Hull Museums",
        "Team leadership",
        "Staff training and development",
        "Languages2",
    ] {
        assert_eq!(kinds(text), [], "{text}");
    }
}

#[test]
fn labels_under_skills_stay_groups() {
    assert_eq!(kinds("Skills\nLanguages: Java, Go\nTools: Git"), [Kind::Skills]);
}
