#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

#[test]
fn titles() {
    use Seniority::{Director, Executive, Intern, Junior, Lead, Manager, Mid, Senior, VicePresident};
    for (title, expected) in [
        ("Director of Engineering", Some(Director)),
        ("Contractor", None),
        ("International Sales Rep", None),
        ("Vice President, Sales", Some(VicePresident)),
        ("SVP Marketing", Some(VicePresident)),
        ("CTO", Some(Executive)),
        ("Chief Technology Officer", Some(Executive)),
        ("Chief of Staff", None),
        ("Executive Assistant to the CEO", None),
        ("Co-Founder", Some(Executive)),
        ("Lead Generation Specialist", None),
        ("Lead Data Engineer", Some(Lead)),
        ("Staff Software Engineer", Some(Lead)),
        ("Staff Accountant", None),
        ("Member of Technical Staff", None),
        ("Principal Scientist", Some(Lead)),
        ("Sr. Rust Engineer", Some(Senior)),
        ("Software Engineer II", Some(Mid)),
        ("Software Engineer III", Some(Senior)),
        ("Phase III Trial Nurse", None),
        ("Product Manager", None),
        ("Senior Product Manager", Some(Senior)),
        ("Engineering Manager", Some(Manager)),
        ("Head of Growth", Some(Manager)),
        ("Senior Engineering Manager", Some(Manager)),
        ("Teamleiter (m/w/d) Logistik", Some(Manager)),
        ("Summer Internship Program", Some(Intern)),
        ("Internship Program Manager", None),
        ("Werkstudent Softwareentwicklung", Some(Intern)),
        ("Stage - Développeur web", Some(Intern)),
        ("Stagiaire marketing", Some(Intern)),
        ("Early Stage Investor", None),
        ("Associate Product Manager", Some(Junior)),
        ("Senior Associate", Some(Senior)),
        ("Graduate Engineer", Some(Junior)),
        ("Junior Developer", Some(Junior)),
        ("Software Engineer", None),
        ("", None),
    ] {
        assert_eq!(seniority_of_title(title), expected, "{title}");
    }
}

#[test]
fn fields() {
    for (field, expected) in [
        ("Mid-Senior level", Some(Seniority::Mid)),
        ("Entry level", Some(Seniority::Junior)),
        ("Internship", Some(Seniority::Intern)),
        ("Associate", Some(Seniority::Junior)),
        ("Director", Some(Seniority::Director)),
        ("Executive", Some(Seniority::Executive)),
        ("Senior Level", Some(Seniority::Senior)),
        ("experienced", Some(Seniority::Mid)),
        ("management", Some(Seniority::Manager)),
        ("Not Applicable", None),
        ("Any", None),
    ] {
        assert_eq!(seniority_of_field(field), expected, "{field}");
    }
}

proptest! {
    #[test]
    fn any_input_is_survived(text in any::<String>()) {
        let _ = (seniority_of_title(&text), seniority_of_field(&text));
    }
}
