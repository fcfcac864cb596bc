#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

const UUID: &str = "0a1b2c3d-4e5f-6789-abcd-ef0123456789";

#[test]
fn keys_of_hiring_systems() {
    for (url, key) in [
        ("https://boards.greenhouse.io/acme/jobs/4011616006?gh_src=1", "greenhouse:4011616006"),
        ("https://job-boards.eu.greenhouse.io/acme/jobs/4011616006", "greenhouse:4011616006"),
        ("https://boards.greenhouse.io/embed/job_app?for=acme&token=4011616006", "greenhouse:4011616006"),
        ("https://www.example.org/careers?gh_jid=4011616006&x=1", "greenhouse:4011616006"),
        ("https://jobs.lever.co/acme/0A1B2C3D-4e5f-6789-abcd-ef0123456789/apply?lever-source=x", "lever:<uuid>"),
        ("https://jobs.eu.lever.co/acme/<uuid>", "lever:<uuid>"),
        ("https://jobs.ashbyhq.com/acme/<uuid>/application", "ashby:<uuid>"),
        ("https://example.org/jobs?ashby_jid=<uuid>", "ashby:<uuid>"),
        (
            "https://acme.wd5.myworkdayjobs.com/en-US/Careers/job/Berlin/Engineer_JR-10234-1/apply",
            "workday:acme:jr-10234",
        ),
        ("https://acme.wd5.myworkdayjobs.com/Other/details/Engineer_jr-10234?q=x", "workday:acme:jr-10234"),
        (
            "https://wd5.myworkdaysite.com/en-US/recruiting/acme/Careers/job/Berlin/Engineer_JR-10234",
            "workday:acme:jr-10234",
        ),
        ("https://acme.wd1.myworkdayjobs.com/C/job/X/Intern_2024-1", "workday:acme:2024-1"),
        ("https://acme.wd1.myworkdayjobs.com/C/job/X/Intern_R10234-2", "workday:acme:r10234-2"),
        ("https://acme.jibeapply.com/jobs/3041?lang=en-us&icims=1", "jibe:acme:3041"),
        ("https://jobs.smartrecruiters.com/Acme/743999912345678-engineer", "smartrecruiters:743999912345678"),
        ("https://apply.workable.com/acme/j/AB12CD34EF/apply/", "workable:ab12cd34ef"),
        ("https://apply.workable.com/j/AB12CD34EF", "workable:ab12cd34ef"),
        ("https://careers-acme.icims.com/jobs/26236/engineer/job?mode=apply&iis=X", "icims:careers-acme:26236"),
        ("https://acme.jobs.personio.de/job/12345?language=de", "personio:acme:12345"),
        ("https://acme.bamboohr.com/careers/12", "bamboohr:acme:12"),
        ("https://acme.bamboohr.com/jobs/view.php?id=12", "bamboohr:acme:12"),
        (
            "https://abcd.fa.us2.oraclecloud.com/hcmUI/CandidateExperience/en/sites/CX_1/job/211169/?keyword=x",
            "oracle:abcd.fa.us2.oraclecloud.com:211169",
        ),
        ("https://ats.rippling.com/acme/jobs/<uuid>", "rippling:<uuid>"),
        ("https://de.linkedin.com/jobs/view/engineer-at-acme-3812345678?trk=x", "linkedin:3812345678"),
        ("https://www.linkedin.com/jobs/search/?currentJobId=3812345678", "linkedin:3812345678"),
        ("https://uk.indeed.com/viewjob?jk=0123456789abcdef&from=x", "indeed:0123456789abcdef"),
        ("https://www.indeed.com/jobs?q=x&vjk=0123456789ABCDEF", "indeed:0123456789abcdef"),
    ] {
        let url = url.replace("<uuid>", UUID);
        assert_eq!(posting_key(&url), Some(key.replace("<uuid>", UUID)), "{url}");
    }
}

#[test]
fn keys_of_other_hosts() {
    for (url, key) in [
        ("HTTPS://WWW.Example.org/Jobs/12/?utm_source=x&b=2&a=1#top", Some("example.org/jobs/12?a=1&b=2")),
        ("https://example.org/en-US/jobs/12/", Some("example.org/jobs/12")),
        ("https://example.org/jobs/12/apply", Some("example.org/jobs/12/apply")),
        ("https://jobs.lever.co/acme/team/apply", Some("jobs.lever.co/acme/team")),
        ("https://example.org/job/Dev-Town-FL/1212741000/?eresc=x", Some("example.org/job/dev-town-fl/1212741000")),
        ("https://example.org/company/123456/jobs?title=x", Some("example.org/company/123456/jobs?title=x")),
        ("https://example.org/careers/job/4711?cmpid=a", Some("example.org/careers/job/4711?cmpid=a")),
        ("https://example.org/jobs?src=7", Some("example.org/jobs?src=7")),
        ("https://example.org/#/job/12", Some("example.org#/job/12")),
        ("https://boards.greenhouse.io/acme", Some("boards.greenhouse.io/acme")),
        ("N/A", None),
        ("", None),
        ("mailto:a@example.org", None),
        ("javascript:alert(1)", None),
        ("/jobs/12", None),
    ] {
        assert_eq!(posting_key(url).as_deref(), key, "{url}");
    }
}

#[test]
fn canonical_addresses_still_open_the_posting() {
    for (url, expected) in [
        ("https://Example.ORG/Jobs/Dev?utm_medium=a&id=3&trk=b#x", "https://example.org/Jobs/Dev?id=3"),
        ("https://jobs.lever.co/acme/x/apply?lever-source%5B%5D=L", "https://jobs.lever.co/acme/x"),
        (
            "https://www.linkedin.com/jobs/view/dev-at-acme-3812345678/?refId=x",
            "https://www.linkedin.com/jobs/view/3812345678/",
        ),
        ("https://www.linkedin.com/jobs/search/?currentJobId=55667788", "https://www.linkedin.com/jobs/view/55667788/"),
        ("https://user:secret@example.org/a/", "https://example.org/a"),
    ] {
        assert_eq!(canonical_url(url).as_deref(), Some(expected), "{url}");
    }
    assert_eq!(canonical_url("ftp://example.org/x"), None);
}

#[test]
fn fingerprints_of_like_texts_are_near() {
    let text = "We build tools for people who look after bridges and roads. You will design services in Rust, talk to \
                inspectors, and keep the data of twenty thousand structures in order for many years to come."
        .repeat(2);
    let edited = text.replace("twenty thousand", "thirty thousand").to_uppercase();
    let other =
        "Our restaurant group seeks a pastry chef who loves sourdough, early mornings and teaching apprentices the \
                 craft in a calm kitchen near the harbour with fair hours and good pay for all."
            .repeat(2);
    assert_eq!(hamming(text_fingerprint(&text), text_fingerprint(&format!("  {text}"))), 0);
    assert!(hamming(text_fingerprint(&text), text_fingerprint(&edited)) <= 12);
    assert!(hamming(text_fingerprint(&text), text_fingerprint(&other)) >= 18);
    assert_eq!(text_fingerprint(""), 0);
}

#[test]
fn titles_for_comparison() {
    for (title, key) in [
        ("Sr. Software Engineer (m/w/d)", "senior software engineer"),
        ("Software Engineering Internship", "software engineering intern"),
        ("VP of Sales", "vice president sales"),
        ("C++ Dev", "c++ developer"),
    ] {
        assert_eq!(title_key(title), key, "{title}");
    }
}

proptest! {
    #[test]
    fn canonical_forms_are_stable(
        host in "(www\\.)?(example\\.org|jobs\\.lever\\.co|acme\\.wd1\\.myworkdayjobs\\.com|linkedin\\.com|boards\\.greenhouse\\.io)",
        path in "(/[A-Za-z0-9_-]{1,8}|/apply|/en-US|/jobs|/view|/123456){0,5}/?",
        query in "(\\?((utm_x|id|gh_jid|src|b\\[\\])=[a-z0-9%]{0,4}&?){0,3})?(#[a-z/]{0,4})?",
    ) {
        let url = format!("https://{host}{path}{query}");
        if let Some(canonical) = canonical_url(&url) {
            let again = canonical_url(&canonical);
            prop_assert_eq!(again.as_deref(), Some(canonical.as_str()));
            prop_assert_eq!(posting_key(&url), posting_key(&canonical));
        }
    }

    #[test]
    fn any_input_is_survived(url in any::<String>(), tail in "\\PC{0,40}", text in any::<String>()) {
        for url in [url, format!("https://www.linkedin.com/{tail}"), format!("https://a.b/{tail}")] {
            prop_assert_eq!(posting_key(&url).is_some(), canonical_url(&url).is_some());
        }
        let _ = (text_fingerprint(&text), title_key(&text));
    }
}

/// Pairs of records with one key, as unordered pairs of positions.
fn clusters<T: std::hash::Hash + Eq>(keys: impl Iterator<Item = Option<T>>) -> HashMap<T, Vec<usize>> {
    let mut clusters: HashMap<T, Vec<usize>> = HashMap::new();
    for (index, key) in keys.enumerate() {
        if let Some(key) = key {
            clusters.entry(key).or_default().push(index);
        }
    }
    clusters
}

fn pairs(clusters: &HashMap<String, Vec<usize>>) -> std::collections::HashSet<(usize, usize)> {
    let of = |members: &Vec<usize>| {
        let members = members.clone();
        (0..members.len()).flat_map(move |left| {
            let members = members.clone();
            (left + 1..members.len()).map(move |right| (members[left], members[right]))
        })
    };
    clusters.values().flat_map(of).collect::<Vec<_>>().into_iter().collect()
}

fn shared_data() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("AERIE_SHARED_DATA") {
        return Some(PathBuf::from(folder));
    }
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().map(|folder| folder.join("shared/data")).find(|folder| folder.is_dir())
}

#[test]
fn keys_find_the_duplicates_of_real_lists() {
    let Some(text) =
        shared_data().and_then(|data| std::fs::read_to_string(data.join("postings/dedupe_lists.jsonl")).ok())
    else {
        println!("skipped: no folder shared/data above the crate");
        return;
    };
    let records: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let field = |name: &'static str| records.iter().map(move |record| record[name].as_str().map(str::to_owned));
    let gold = pairs(&clusters(field("key")));
    let found = pairs(&clusters(field("url").map(|url| posting_key(&url?))));
    let right = gold.intersection(&found).count() as f64;
    let (precision, recall) = (right / found.len() as f64, right / gold.len() as f64);
    let f1 = 2.0 * precision * recall / (precision + recall);
    println!(
        "pairs: gold {}, found {}, precision {precision:.4}, recall {recall:.4}, F1 {f1:.4}",
        gold.len(),
        found.len()
    );
    if std::env::var_os("AERIE_SHOW_MISSES").is_some() {
        for (what, one, other) in [("missed", &gold, &found), ("wrong", &found, &gold)] {
            for (left, right) in one.difference(other) {
                println!("{what}: {} | {}", records[*left]["url"], records[*right]["url"]);
            }
        }
    }
    assert!(precision >= 0.999 && f1 >= 0.995, "precision {precision}, F1 {f1}");
}
