use super::*;

fn features(entries: &[Entry]) -> Vec<Features> {
    entries.iter().map(Entry::features).collect()
}

#[test]
fn lists_are_matched_one_to_one() {
    let records = features(&[
        entry("a", "Aldbrook", "Software Engineer Intern - Embedded", CHICAGO, 0.0),
        entry("a", "Aldbrook", "Software Engineer Intern - Payments", CHICAGO, 0.0),
        entry("b", "Aldbrook", "Embedded Software Engineer Intern", CHICAGO, 1.0),
        entry("b", "Aldbrook", "Software Engineer Intern, Payments", CHICAGO, 1.0),
        entry("b", "Veltraum", "Software Engineer Intern, Payments", CHICAGO, 1.0),
    ]);
    assert_eq!(cluster(&records, &Decisions::none()).merge, [0, 1, 0, 1, 4]);
}

#[test]
fn a_chain_of_likenesses_does_not_merge_twins() {
    // The middle entry names both cities and fits both ends; the ends are twins.
    let records = features(&[
        entry("a", "Aldbrook", "Quantitative Strategist", &["London, UK"], 0.0),
        entry("b", "Aldbrook", "Quantitative Strategist", &["London, UK", "Dublin, Ireland"], 0.0),
        entry("c", "Aldbrook", "Quantitative Strategist", &["Dublin, Ireland"], 0.0),
    ]);
    let clusters = cluster(&records, &Decisions::none());
    assert_ne!(clusters.merge[0], clusters.merge[2]);
}

#[test]
fn decisions_of_the_person_override() {
    let records = features(&[
        entry("a", "Aldbrook", "Marine Biologist", CHICAGO, 0.0),
        entry("b", "Aldbrook", "Marine Biologist", CHICAGO, 0.2),
        entry("c", "Veltraum", "Harbour Pilot", AUSTIN, 0.0),
    ]);
    let mut decisions = Decisions::none();
    assert_eq!(cluster(&records, &decisions).merge, [0, 0, 2]);
    decisions.split(1, 0);
    let clusters = cluster(&records, &decisions);
    assert_ne!(clusters.merge[0], clusters.merge[1]);
    assert_ne!(clusters.possible[0], clusters.possible[1], "not even shown as possible");
    decisions.join(0, 2);
    assert_eq!(cluster(&records, &decisions).merge, [0, 1, 0]);
    decisions.join(0, 1);
    assert_eq!(cluster(&records, &decisions).merge, [0, 0, 0]);
}

#[test]
fn a_split_holds_against_a_shared_key() {
    let url = "https://boards.greenhouse.io/aldbrook/jobs/5100001";
    let records = features(&[
        entry("a", "Aldbrook", "Marine Biologist", CHICAGO, 0.0).url(url),
        entry("b", "Aldbrook", "Marine Biologist", CHICAGO, 0.0).url(url),
    ]);
    let mut decisions = Decisions::none();
    assert_eq!(cluster(&records, &decisions).merge, [0, 0]);
    decisions.split(0, 1);
    assert_eq!(cluster(&records, &decisions).merge, [0, 1]);
}

#[test]
fn rare_blocks_are_read_first_and_the_number_is_bounded() {
    let chosen = choose_blocks(&[(1, 5000), (2, 3), (3, 0), (4, 90), (5, 200)], 256);
    assert_eq!(chosen, [2, 4]);
    assert_eq!(choose_blocks(&[(1, 300)], 256), [1], "a lone larger block is still read");
    assert!(choose_blocks(&[(1, 5000)], 256).is_empty());
}

#[test]
fn features_survive_serialisation() {
    let features = entry("a", "Aldbrook", "Senior Marine Biologist II", CHICAGO, 0.0).features();
    let text = serde_json::to_string(&features).unwrap();
    assert_eq!(serde_json::from_str::<Features>(&text).unwrap(), features);
}

#[test]
fn tables_of_other_things_are_clustered_by_name_and_address() {
    let row = |name: &str, address: &str, locality: &str| entity::Entity {
        name: name.to_owned(),
        address: address.to_owned(),
        locality: locality.to_owned(),
        category: String::new(),
    };
    let rows = [
        row("The Copper Kettle", "12 W. Third St.", "Lakeport"),
        row("copper kettle", "12 3rd street", "lakeport city"),
        row("Copper Kettle Too", "15 3rd Street", "Lakeport"),
        row("Blue Heron Tavern", "12 W. Third St.", "Lakeport"),
        row("Fabrizio's Trattoria", "9 Elm Ave.", "Lakeport"),
        row("Fabrizio's", "9 Elm Avenue", "Lakeport"),
    ];
    let pairs = entity::score_entities(&rows);
    assert_eq!(entity::cluster_entities(rows.len(), &pairs).merge, [0, 0, 2, 3, 4, 4]);
}
