use std::time::Instant;

use super::*;

const CITIES: &[&str] = &["Chicago, IL", "Austin, TX", "Berlin, Germany", "London, UK", "Remote", "Toronto, ON"];
const FIELDS: &[&str] =
    &["Payments", "Search", "Robotics", "Billing", "Vision", "Maps", "Growth", "Storage", "Identity", "Telemetry"];
const ROLES: &[&str] = &[
    "Software Engineer",
    "Data Engineer",
    "Backend Developer",
    "Product Manager",
    "Site Reliability Engineer",
    "Analyst",
];

fn catalogue(count: usize, source: &str, offset: usize) -> Vec<Features> {
    (0..count)
        .map(|number| {
            let number = number + offset;
            let company = format!("Company{} Works", number % 4001);
            let title = format!("{} - {}", ROLES[number / 7 % ROLES.len()], FIELDS[number / 3 % FIELDS.len()]);
            let places = [CITIES[number / 11 % CITIES.len()]];
            Features::from_listing(&Listing {
                source,
                url: None,
                company: &company,
                title: &title,
                places: &places,
                posted: Some(moment((number % 900) as f64 / 10.0)),
                description: "",
            })
        })
        .collect()
}

/// The bound is many times the measured time, so that a busy machine does not fail it; the printed figure is the result.
#[test]
fn ten_thousand_newcomers_meet_a_hundred_thousand() {
    let stored = catalogue(100_000, "a", 0);
    let newcomers = catalogue(10_000, "b", 50_000);
    let mut index = Index::default();
    for (number, features) in stored.iter().enumerate() {
        index.insert(number as u32, features);
    }
    let start = Instant::now();
    let (mut judged, mut found) = (0, 0);
    for newcomer in &newcomers {
        let candidates: Vec<&Features> =
            index.candidates(newcomer).iter().filter_map(|number| stored.get(*number as usize)).collect();
        judged += candidates.len();
        found += usize::from(assess(newcomer, &candidates).iter().any(|outcome| outcome.verdict == Verdict::Same));
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("10,000 newcomers, {judged} comparisons, {found} merged: {seconds:.3} s on one core");
    assert!(seconds < 10.0 && found > 0);
}

#[test]
fn a_batch_of_a_hundred_thousand_is_clustered() {
    let mut records = catalogue(50_000, "a", 0);
    records.extend(catalogue(50_000, "b", 0));
    let start = Instant::now();
    let clusters = cluster(&records, &Decisions::none());
    let seconds = start.elapsed().as_secs_f64();
    let merged = clusters.merge.iter().enumerate().filter(|(record, label)| record != *label).count();
    println!("100,000 records clustered, {merged} merged: {seconds:.3} s");
    assert!(seconds < 60.0 && merged > 1000);
}
