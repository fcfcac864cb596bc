use aerie_postings::{PayPeriod, Place, Posting, RemoteKind, Salary, TextExtent};

use super::*;

fn posting(source: &str) -> Posting {
    Posting {
        source: source.to_owned(),
        source_id: Some("1".to_owned()),
        title: "Marine Biologist".to_owned(),
        company: "Veltraum".to_owned(),
        url: format!("https://{source}.example/1"),
        apply_url: None,
        places: vec![],
        remote: RemoteKind::Unknown,
        remote_scope: None,
        employment: vec![],
        seniority: None,
        salary: None,
        description_html: String::new(),
        description_text: String::new(),
        extent: TextExtent::TitleOnly,
        department: None,
        tags: vec![],
        language: None,
        posted_at: None,
        updated_at: None,
        expires_at: None,
        closed: false,
    }
}

fn place(city: Option<&str>, region: Option<&str>, country: Option<&str>) -> Place {
    Place { city: city.map(str::to_owned), region: region.map(str::to_owned), country: country.map(str::to_owned) }
}

fn pay(min: f64, max: f64, predicted: bool) -> Salary {
    Salary { min: Some(min), max: Some(max), currency: Some("USD".to_owned()), period: PayPeriod::Year, predicted }
}

#[test]
fn the_more_precise_value_wins() {
    let mut old = posting("north");
    old.places = vec![place(None, None, Some("US"))];
    old.salary = Some(pay(90_000.0, 120_000.0, true));
    old.posted_at = DateTime::from_timestamp(1_945_987_200, 0);
    old.tags = vec!["Ocean".to_owned()];
    let mut new = posting("south");
    new.places = vec![place(Some("Chicago"), Some("IL"), Some("US"))];
    new.salary = Some(pay(95_000.0, 110_000.0, false));
    new.posted_at = DateTime::from_timestamp(1_945_987_200 + 30_000, 0);
    new.tags = vec!["ocean".to_owned(), "Boats".to_owned()];
    new.description_text = "Count whales.".to_owned();
    new.extent = TextExtent::Snippet;
    let merged = merge_with_changes(&old, &new);
    assert_eq!(merged.posting.places, new.places);
    assert_eq!(merged.posting.salary, new.salary);
    assert_eq!(merged.posting.posted_at, new.posted_at, "a time of day over the bare day");
    assert_eq!(merged.posting.tags, ["Ocean", "Boats"]);
    assert_eq!(merged.posting.url, old.url, "the existing record keeps its identity");
    assert_eq!(merged.posting.apply_url.as_deref(), Some(new.url.as_str()));
    assert!(merged.changed.contains(&ChangedField::Description) && merged.changed.contains(&ChangedField::Salary));
    assert!(!merged.changed.contains(&ChangedField::Company));
}

#[test]
fn a_vaguer_record_changes_nothing() {
    let mut old = posting("north");
    old.places = vec![place(Some("Chicago"), Some("IL"), Some("US"))];
    old.salary = Some(pay(95_000.0, 110_000.0, false));
    old.description_text = "Count whales and write down how many there are.".to_owned();
    old.extent = TextExtent::FullText;
    old.apply_url = Some("https://north.example/apply".to_owned());
    let mut new = posting("south");
    new.places = vec![place(None, None, Some("US"))];
    new.salary = Some(pay(1.0, 2.0, true));
    new.description_text = "Count whales and write down how many there are, and then".to_owned();
    new.extent = TextExtent::Snippet;
    assert_eq!(merge_with_changes(&old, &new).changed, []);
    assert_eq!(merge(&old, &new), old);
}

#[test]
fn a_newer_state_of_the_same_page_replaces_and_may_close() {
    let mut old = posting("north");
    old.description_text = "A long first text with an error in it.".to_owned();
    old.extent = TextExtent::FullText;
    let mut new = old.clone();
    new.description_text = "A corrected text.".to_owned();
    new.closed = true;
    let merged = merge_with_changes(&old, &new);
    assert_eq!(merged.changed, [ChangedField::Description, ChangedField::Closed]);
}

#[test]
fn closing_one_of_two_sources_closes_nothing() {
    let mut new = posting("south");
    new.closed = true;
    assert!(!merge(&posting("north"), &new).closed);
}

#[test]
fn merging_twice_changes_nothing_more() {
    let mut new = posting("south");
    new.places = vec![place(Some("Chicago"), None, Some("US")), place(Some("Austin"), Some("TX"), None)];
    let once = merge(&posting("north"), &new);
    assert_eq!(merge_with_changes(&once, &new).changed, []);
}
