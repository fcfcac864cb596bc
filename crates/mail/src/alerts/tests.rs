#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn fields(mail: &Mail) -> Vec<(String, String, String)> {
    postings(mail).into_iter().map(|posting| (posting.title, posting.company, posting.place)).collect()
}

fn of(title: &str, company: &str, place: &str) -> (String, String, String) {
    (title.to_owned(), company.to_owned(), place.to_owned())
}

#[test]
fn cards_of_lines_are_read() {
    let body = "Your job alert for data engineer\n30+ new jobs in Berlin match your preferences.\n\nData Engineer\nKranich Mobility\nBerlin, Germany\nEasy Apply\nView job: https://www.linkedin.com/comm/jobs/view/4011111111/?trackingId=abc&refId=x\n\n---------------------------------------------------------\n\nSenior Data Engineer\nSpreeblick Media\nBerlin, Germany (Hybrid)\n3 connections\nView job: https://www.linkedin.com/comm/jobs/view/4022222222/?trk=1\n\n---------------------------------------------------------\n\nSee all jobs on LinkedIn: https://www.linkedin.com/comm/jobs/search?keywords=data\nUnsubscribe: https://www.linkedin.com/comm/psettings/email-unsubscribe?x=1\n";
    let mail = Mail::from_fields("LinkedIn Job Alerts <jobalerts-noreply@linkedin.com>", "30+ new jobs", body);
    assert_eq!(
        fields(&mail),
        [
            of("Data Engineer", "Kranich Mobility", "Berlin, Germany"),
            of("Senior Data Engineer", "Spreeblick Media", "Berlin, Germany (Hybrid)"),
        ]
    );
    assert!(postings(&mail)[0].url.contains("/jobs/view/4011111111") && !postings(&mail)[0].url.contains("tracking"));
}

#[test]
fn links_on_titles_are_read() {
    let html = r#"<html><body><table>
        <tr><td><a href="https://www.indeed.com/rc/clk/dl?jk=1a2b&from=ja">Software Engineer</a></td></tr>
        <tr><td>Lone Pine Systems - Austin, TX</td></tr><tr><td>$110,000 - $135,000 a year</td></tr>
        <tr><td><a href="https://www.indeed.com/rc/clk/dl?jk=3c4d&from=ja">Backend Developer</a></td></tr>
        <tr><td>Bluebonnet Health</td></tr><tr><td>Round Rock, TX</td></tr><tr><td>Easily apply</td></tr>
        <tr><td><a href="https://www.indeed.com/alert/unsubscribe?x=1">Unsubscribe</a></td></tr></table></body></html>"#;
    let mail = Mail::from_fields("Indeed <alert@indeed.com>", "2 new jobs", html);
    assert_eq!(
        fields(&mail),
        [
            of("Software Engineer", "Lone Pine Systems", "Austin, TX"),
            of("Backend Developer", "Bluebonnet Health", "Round Rock, TX")
        ]
    );
}

#[test]
fn buttons_below_cards_and_lists_of_addresses_are_read() {
    let html = r#"<p>Fennel</p><p>Analyst</p><p>London</p><a href="https://www.glassdoor.com/partner/jobListing.htm?pos=1&jobListingId=1">Apply Now</a>
        <p>Insights Analyst</p><p>Cloudberry</p><p>Leeds</p><a href="https://www.glassdoor.com/partner/jobListing.htm?pos=2&jobListingId=2">Apply Now</a>"#;
    let mail = Mail::from_fields("Glassdoor <noreply@glassdoor.com>", "jobs", html);
    assert_eq!(fields(&mail)[1], of("Insights Analyst", "Cloudberry", "Leeds"));
    let list = "Monthly round-up:\n\n1. Compiler Engineer, Ligature Inc. https://ligature.example/jobs/12\n2. Graphics Engineer, Moraine https://moraine.example/careers/88\n";
    let mail = Mail::from_fields("a@b.example", "Jobs of the month", list);
    assert_eq!(fields(&mail), [of("Compiler Engineer", "Ligature Inc.", ""), of("Graphics Engineer", "Moraine", "")]);
}

#[test]
fn links_are_scored_by_registered_domain_and_path() {
    assert_eq!(score_link("https://boards.greenhouse.io/acme/jobs/1"), Some(LinkScore::Probable));
    assert_eq!(score_link("https://acme.example/careers/1"), Some(LinkScore::Probable));
    assert_eq!(score_link("https://notlinkedin.com.evil.example/x"), Some(LinkScore::Possible));
    for none in
        ["mailto:a@b", "https://x.example/unsubscribe", "https://x.example/a.png", "https://x.example/open?id=1"]
    {
        assert_eq!(score_link(none), None, "{none}");
    }
}

proptest! {
    #[test]
    fn any_body_gives_bounded_postings(body in "(.|\n|https://a\\.example/jobs/[0-9]|<a href='https://x\\.lever\\.co/a/[0-9]'>){0,300}") {
        let mail = Mail::from_fields("a@b.example", "jobs", &body);
        prop_assert!(postings(&mail).len() <= MAX_POSTINGS);
        let _ = scored_links(&mail);
    }
}
