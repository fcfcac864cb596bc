#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use proptest::prelude::*;

use super::*;

fn known(address: &str) -> Option<(&'static str, String, bool)> {
    board_of_address(&Url::parse(address).unwrap()).map(|board| (board.source, board.token, board.certain))
}

#[test]
fn every_system_is_known_by_its_address() {
    let table = [
        ("https://boards.greenhouse.io/acme", "greenhouse", "acme"),
        ("https://job-boards.eu.greenhouse.io/acme/jobs/4001", "greenhouse", "acme"),
        ("https://boards.greenhouse.io/embed/job_app?for=acme&token=4001", "greenhouse", "acme"),
        ("https://boards-api.greenhouse.io/v1/boards/acme/jobs?content=true", "greenhouse", "acme"),
        ("https://jobs.lever.co/acme/0e4e5d0e-5d1c-4e0c-8d1c-0e4e5d0e5d1c/apply", "lever", "acme"),
        ("https://jobs.eu.lever.co/acme", "lever", "eu:acme"),
        ("https://jobs.ashbyhq.com/Acme%20Labs/1", "ashby", "Acme Labs"),
        ("https://apply.workable.com/acme/j/ABCDEF1234/", "workable", "acme"),
        ("https://acme.workable.com/", "workable", "acme"),
        ("https://jobs.smartrecruiters.com/AcmeInc/744000138728139-engineer", "smartrecruiters", "AcmeInc"),
        ("https://acme.recruitee.com/o/engineer", "recruitee", "acme"),
        ("https://acme.jobs.personio.de/job/12", "personio", "acme"),
        ("https://acme.jobs.personio.com/", "personio", "acme.jobs.personio.com"),
        ("https://acme.teamtailor.com/jobs/123-x", "teamtailor", "acme"),
        ("https://acme.na.teamtailor.com/jobs", "teamtailor", "acme.na.teamtailor.com"),
        ("https://acme.bamboohr.com/careers/12", "bamboohr", "acme"),
        (
            "https://acme.wd5.myworkdayjobs.com/en-US/External/job/Berlin/x_R1",
            "workday",
            "acme.wd5.myworkdayjobs.com/External",
        ),
        ("https://acme.wd1.myworkdayjobs.com/wday/cxs/acme/Jobs/jobs", "workday", "acme.wd1.myworkdayjobs.com/Jobs"),
        ("https://wd5.myworkdaysite.com/en-US/recruiting/acme/Jobs", "workday", "wd5.myworkdaysite.com/acme/Jobs"),
        ("https://ats.rippling.com/en-GB/acme/jobs/1", "rippling", "acme"),
        ("https://acme.breezy.hr/p/1-x", "breezy", "acme"),
        ("https://acme.pinpointhq.com/en/postings/1", "pinpoint", "acme"),
        (
            "https://abcd.fa.us2.oraclecloud.com/hcmUI/CandidateExperience/en/sites/CX_1/job/1",
            "oracle",
            "abcd.fa.us2.oraclecloud.com/CX_1",
        ),
        ("https://acme.eightfold.ai/careers?domain=acme.example", "eightfold", "acme/acme.example"),
        ("https://careers-acme.icims.com/jobs/12/x/job", "icims", "careers-acme"),
        ("https://www.governmentjobs.com/careers/acmecounty/jobs/1", "neogov", "acmecounty"),
        ("https://jobs.jobvite.com/acme/job/o1", "jobvite", "acme"),
    ];
    for (address, source, token) in table {
        assert_eq!(known(address), Some((source, token.to_owned(), true)), "{address}");
    }
    assert_eq!(known("https://careers.acme.example/jobs?gh_jid=400"), Some(("greenhouse", "acme".into(), false)));
    for other in [
        "https://acme.example/",
        "https://www.workable.com/",
        "https://apply.workable.com/j/ABC",
        "ftp://jobs.lever.co/acme",
    ] {
        assert_eq!(known(other), None, "{other}");
    }
}

#[test]
fn a_career_page_shows_its_board() {
    let base = Url::parse("https://careers.acme.example/").unwrap();
    let embedded = r#"<a href="https://boards.greenhouse.io/other">x</a>
        <script src="https://boards.greenhouse.io/embed/job_board/js?for=acme"></script>
        <script>var api = "https:\/\/boards-api.greenhouse.io\/v1\/boards\/acme\/jobs";</script>"#;
    assert_eq!(boards_in_page(embedded, &base).first().map(|board| board.token.as_str()), Some("acme"));
    let frame = r#"<iframe src="//acme.wd3.myworkdayjobs.com/en-US/Careers"></iframe>"#;
    assert_eq!(boards_in_page(frame, &base)[0].token, "acme.wd3.myworkdayjobs.com/Careers");
    let branded = r#"<link rel="stylesheet" href="https://assets-aws.teamtailor-cdn.com/x.css">
        <link rel="alternate" type="application/rss+xml" title="Jobs" href="/jobs.rss">"#;
    let boards = boards_in_page(branded, &base);
    assert_eq!((boards[0].source, boards[0].token.as_str()), ("teamtailor", "careers.acme.example"));
    assert_eq!((boards[1].source, boards[1].token.as_str()), ("feed", "https://careers.acme.example/jobs.rss"));
    assert!(boards_in_page("<p>nothing</p>", &base).is_empty());
}

proptest! {
    #[test]
    fn never_panics(html in ".{0,300}", path in "[ -~]{0,60}") {
        let base = Url::parse("https://acme.example/").unwrap();
        boards_in_page(&html, &base);
        boards_in_page(&format!("<a href='https://x.myworkdayjobs.com/{path}'>"), &base);
        if let Ok(url) = Url::parse(&format!("https://boards.greenhouse.io/{path}")) {
            board_of_address(&url);
        }
    }
}
