use proptest::prelude::*;

use super::*;

const COMPANIES: &[&str] = &["", "Aldbrook", "Aldbrook Robotics", "Veltraum GmbH", "Brightloom"];
const TITLES: &[&str] = &[
    "",
    "Software Engineer",
    "Software Engineer Intern",
    "Intern - Software Engineering - Fall 2032",
    "Data Engineer II",
    "New Grad: Software Engineer",
    "Senior Data Engineer (PhD)",
    "Embedded C++ Developer",
    "Software Developer",
];
const PLACES: &[&str] =
    &["", "Chicago, IL", "NYC", "Remote", "Remote in Canada", "United States", "London, UK; Dublin, Ireland"];

fn any_features() -> impl Strategy<Value = Features> {
    let day = prop::option::of(0_u32..200);
    (
        0_usize..4,
        0..COMPANIES.len(),
        0..TITLES.len(),
        prop::collection::vec(0..PLACES.len(), 0..3),
        day,
        prop::option::of(0_u32..6),
    )
        .prop_map(|(source, company, title, places, day, id)| {
            let url = id.map(|id| format!("https://boards.greenhouse.io/aldbrook/jobs/510000{id}"));
            let places: Vec<&str> = places.into_iter().map(|place| PLACES[place]).collect();
            Features::from_listing(&Listing {
                source: ["", "a", "b", "c"][source],
                url: url.as_deref(),
                company: COMPANIES[company],
                title: TITLES[title],
                places: &places,
                posted: day.map(|day| moment(f64::from(day) / 2.0)),
                description: "",
            })
        })
}

fn is_partition(labels: &[usize]) -> bool {
    labels.iter().enumerate().all(|(record, label)| *label <= record && labels[*label] == *label)
}

proptest! {
    #[test]
    fn comparison_is_symmetric(left in any_features(), right in any_features()) {
        let (one, other) = (compare(&left, &right), compare(&right, &left));
        prop_assert_eq!(one.verdict, other.verdict);
        prop_assert!((one.points - other.points).abs() < 1e-4);
        prop_assert!((0.0..=1.0).contains(&one.score));
    }

    #[test]
    fn any_text_is_read(company in ".{0,40}", title in ".{0,80}", place in ".{0,60}", url in ".{0,60}") {
        let places = [place.as_str()];
        let listing = Listing { source: &title, url: Some(&url), company: &company, title: &title, places: &places, posted: None, description: &title };
        let features = Features::from_listing(&listing);
        prop_assert!(blocking_keys(&features).len() <= blocking::MAX_KEYS);
        prop_assert!(compare(&features, &features).score.is_finite());
    }

    #[test]
    fn clusters_are_partitions_that_keep_decisions(
        records in prop::collection::vec(any_features(), 1..24),
        choices in prop::collection::vec((0_usize..24, 0_usize..24, any::<bool>()), 0..8),
    ) {
        let mut decisions = Decisions::none();
        for (left, right, join) in choices {
            if left >= records.len() || right >= records.len() { continue; }
            if join { decisions.join(left, right) } else { decisions.split(left, right) }
        }
        let clusters = cluster(&records, &decisions);
        prop_assert!(is_partition(&clusters.merge) && is_partition(&clusters.possible));
        for left in 0..records.len() {
            for right in 0..records.len() {
                if decisions.is_split(left, right) {
                    prop_assert_ne!(clusters.possible[left], clusters.possible[right]);
                }
                if clusters.merge[left] == clusters.merge[right] {
                    prop_assert_eq!(clusters.possible[left], clusters.possible[right], "possible is never finer");
                }
            }
        }
    }
}
