use super::*;

fn job(id: &str, company: &str, title: &str, url: &str) -> KnownJob {
    KnownJob {
        id: id.into(),
        company: company.into(),
        title: title.into(),
        urls: vec![url.into()],
        message_ids: Vec::new(),
    }
}

fn jobs() -> Vec<KnownJob> {
    vec![
        KnownJob {
            message_ids: vec!["m1@acme.example".into()],
            ..job("acme", "Acme Robotics GmbH", "Rust Engineer", "https://careers.acme-robotics.com/jobs/1")
        },
        job("birch1", "Birchwood", "Data Engineer", "https://boards.greenhouse.io/birchwood/jobs/11"),
        job("birch2", "Birchwood", "Senior Data Engineer", "https://boards.greenhouse.io/birchwood/jobs/12"),
        job("hp", "HP", "Analyst", "https://hp.wd5.myworkdayjobs.com/x/job/1"),
        job("cobalt", "Cobalt Air", "Scheduler", "https://jobs.lever.co/cobalt/abc-def"),
    ]
}

fn to(id: &str, by: Evidence) -> Linked {
    Linked::Job { id: id.into(), by }
}

#[test]
fn threads_come_first() {
    let mut mail = Mail::from_fields("Ana <ana@birchwood.com>", "Re: Birchwood", "Thursday works.");
    mail.references = vec!["m1@acme.example".to_owned()];
    assert_eq!(link(&mail, &jobs()), to("acme", Evidence::Thread));
}

#[test]
fn a_company_is_known_by_its_registered_domain_never_by_a_host_label() {
    let mail = Mail::from_fields("Ana <ana@mail.acme-robotics.com>", "Hello", "Can we talk?");
    assert_eq!(link(&mail, &jobs()), to("acme", Evidence::Domain));
    let mail =
        Mail::from_fields("Careers <careers@other.example>", "Careers at Other", "boards jobs careers greenhouse");
    assert_eq!(link(&mail, &jobs()), Linked::Nothing);
}

#[test]
fn hiring_systems_name_the_company_in_their_own_way() {
    let mail = Mail::from_fields(
        "no-reply@us.greenhouse-mail.io",
        "Thank you for applying to Birchwood",
        "Your application for the Senior Data Engineer role is here.",
    );
    assert_eq!(link(&mail, &jobs()), to("birch2", Evidence::HiringSystem));
    let mail =
        Mail::from_fields("no-reply@us.greenhouse-mail.io", "Thank you for applying to Birchwood", "We have it.");
    assert_eq!(
        link(&mail, &jobs()),
        Linked::Candidates { ids: vec!["birch1".into(), "birch2".into()], by: Evidence::HiringSystem }
    );
    let mail = Mail::from_fields("cobaltair@myworkday.com", "Application received", "Thank you.");
    assert_eq!(link(&mail, &jobs()), to("cobalt", Evidence::HiringSystem));
}

#[test]
fn a_posting_is_known_by_its_address() {
    let mail = Mail::from_fields(
        "x@y.example",
        "Next step",
        "See https://boards.greenhouse.io/birchwood/jobs/11?gh_src=abc for details",
    );
    assert_eq!(link(&mail, &jobs()), to("birch1", Evidence::Posting));
}

#[test]
fn names_count_as_whole_words_and_a_mention_is_only_a_candidate() {
    let mail = Mail::from_fields("Recruiter <r@agency.example>", "Cobalt Air: a quick question", "Hi, about the role.");
    assert_eq!(link(&mail, &jobs()), to("cobalt", Evidence::Name));
    let mail =
        Mail::from_fields("News <n@paper.example>", "Markets", "Shares of Cobalt Air fell. Cobaltair is not meant.");
    assert_eq!(link(&mail, &jobs()), Linked::Candidates { ids: vec!["cobalt".into()], by: Evidence::Name });
    let mail = Mail::from_fields("x@y.example", "The php workshop", "graph hp hp");
    assert_eq!(link(&mail, &jobs()), Linked::Nothing);
}
