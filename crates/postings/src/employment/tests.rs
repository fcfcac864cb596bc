#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::RemoteKind;

#[test]
fn fields_of_sources() {
    use EmploymentType::{Contract, FullTime, Internship, Other, PartTime, PerDiem, Temporary, Volunteer};
    for (field, expected) in [
        ("FULL_TIME", vec![FullTime]),
        ("FullTime", vec![FullTime]),
        ("Full-time", vec![FullTime]),
        ("full_time", vec![FullTime]),
        ("Festanstellung, Vollzeit", vec![FullTime]),
        ("Teilzeit/Vollzeit", vec![FullTime, PartTime]),
        ("CONTRACTOR", vec![Contract]),
        ("Contract", vec![Contract]),
        ("Fixed-Term Contract", vec![Temporary]),
        ("Permanent contract", vec![FullTime]),
        ("CDI", vec![FullTime]),
        ("CDD", vec![Temporary]),
        ("Stage", vec![Internship]),
        ("INTERN", vec![Internship]),
        ("Werkstudent", vec![Internship]),
        ("PER_DIEM", vec![PerDiem]),
        ("VOLUNTEER", vec![Volunteer]),
        ("OTHER", vec![Other]),
        ("Multiple Schedules", vec![Other]),
        ("", vec![]),
    ] {
        assert_eq!(employment_types(field), expected, "{field}");
    }
}

#[test]
fn titles_name_types_by_whole_words() {
    use EmploymentType::{Contract, Internship, PartTime};
    for (title, expected) in [
        ("Software Engineering Intern", vec![Internship]),
        ("International Sales Rep", vec![]),
        ("Internal Auditor", vec![]),
        ("Werkstudent (m/w/d) IT", vec![Internship]),
        ("Contract Manager", vec![]),
        ("Java Developer (Contract)", vec![Contract]),
        ("Barista, Part-Time", vec![PartTime]),
        ("Intern Program Coordinator", vec![]),
    ] {
        assert_eq!(employment_types_of_title(title), expected, "{title}");
    }
}

#[test]
fn arrangement_in_titles_and_descriptions() {
    use RemoteKind::{Hybrid, OnSite, Remote, Unknown};
    for (title, expected) in [
        ("Rust Engineer (Remote)", Remote),
        ("Remote Sensing Engineer", Unknown),
        ("Hybrid Cloud Architect", Unknown),
        ("Nurse - Hybrid, 2 days", Hybrid),
        ("Developer (no remote)", OnSite),
        ("Site Reliability Engineer", Unknown),
        ("On-site Technician", OnSite),
    ] {
        assert_eq!(remote_kind_of_title(title), expected, "{title}");
    }
    for (text, expected) in [
        ("This is a fully remote role.", Remote),
        ("This is not a remote position.", OnSite),
        ("Experience with hybrid cloud and remote teams.", Unknown),
        ("Hybrid schedule, three days in the office.", Hybrid),
        ("We are a remote-first company.", Remote),
    ] {
        assert_eq!(remote_kind_of_description(text), expected, "{text}");
    }
    assert_eq!(remote_words("Remote US"), (Remote, "US".to_owned()));
    assert_eq!(remote_words("Hybrid – Aix-en-Provence"), (Hybrid, "Aix-en-Provence".to_owned()));
}

proptest! {
    #[test]
    fn any_input_is_survived(text in any::<String>()) {
        let types = employment_types(&text);
        prop_assert!(types.is_sorted());
        let _ = (employment_types_of_title(&text), remote_kind_of_title(&text));
        let _ = (remote_kind_of_description(&text), remote_words(&text));
    }
}
