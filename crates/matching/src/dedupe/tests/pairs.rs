use super::*;

const LONG_TEXT: &str = "You will design and run the data pipelines of our wind farms from sensor to report. The team of nine \
    works in two week cycles and meets every morning. You write services in Rust and Python, review the work of others, \
    keep the night shift calm with good alerts, and explain trade-offs to people who own turbines. We offer thirty days of \
    leave, a budget for learning, an office by the river and trains to the sites. You bring four years of practice with \
    streaming systems, care for tests, and the patience to read old code before changing it.";

#[test]
fn one_opening_in_two_lists_is_merged() {
    let left =
        entry("north list", "Aldbrook Robotics, Inc.", "Software Engineering Internship - Summer 2032", CHICAGO, 0.0);
    let right = entry("south list", "Aldbrook Robotics", "Software Engineer Intern", &["Chicago, Illinois, USA"], 1.3);
    let outcome = judge(&left, &right);
    assert_eq!(outcome.verdict, Verdict::Same, "{outcome:?}");
    assert!(outcome.reasons.contains(&Reason::SameWork) && outcome.score > 0.8);
}

#[test]
fn a_name_that_is_part_of_the_other_is_the_same_company() {
    let left = entry("north list", "Aldbrook", "Embedded Firmware Engineer", CHICAGO, 0.0);
    let right = entry("south list", "Aldbrook Robotics", "Embedded Firmware Engineer", CHICAGO, 1.0);
    assert_eq!(judge(&left, &right).verdict, Verdict::Same);
}

#[test]
fn twins_in_other_cities_are_never_merged() {
    let left = entry("north list", "Aldbrook", "Quantitative Strategist", &["London, UK"], 0.0);
    let right = entry("south list", "Aldbrook", "Quantitative Strategist", &["Dublin, Ireland"], 0.0);
    let outcome = judge(&left, &right);
    assert_ne!(outcome.verdict, Verdict::Same);
    assert_eq!(outcome.veto(), Some(Veto::OtherPlaces));
}

#[test]
fn each_clash_forbids_the_merge() {
    let table = [
        ("Data Intern - Summer 2032", "Data Intern - Fall 2032", Veto::OtherSeason),
        ("Data Intern 2032", "Data Intern 2033", Veto::OtherYear),
        ("Data Intern 2033", "Data Intern", Veto::OtherYear),
        ("Data Engineer Intern", "New Grad Data Engineer", Veto::OtherKind),
        ("Research Scientist - PhD", "Research Scientist - BS", Veto::OtherDegree),
        ("Data Engineer I", "Data Engineer II", Veto::OtherGrade),
        ("Senior Data Engineer", "Data Engineer", Veto::OtherGrade),
        ("Senior Data Engineer", "Principal Data Engineer", Veto::OtherGrade),
    ];
    for (left, right, veto) in table {
        // A year after the dates of the entries is named: 2033 is more than a year and a half ahead of February 2031.
        let outcome =
            judge(&entry("a", "Aldbrook", left, CHICAGO, -200.0), &entry("b", "Aldbrook", right, CHICAGO, -200.0));
        assert_ne!(outcome.verdict, Verdict::Same, "{left} / {right}");
        assert_eq!(outcome.veto(), Some(veto), "{left} / {right}: {outcome:?}");
    }
}

#[test]
fn titles_with_words_of_their_own_on_both_sides_differ() {
    let outcome = judge(
        &entry("a", "Aldbrook", "Frontend Engineer", CHICAGO, 0.0),
        &entry("b", "Aldbrook", "Backend Engineer", CHICAGO, 0.0),
    );
    assert_ne!(outcome.verdict, Verdict::Same);
    assert!(outcome.reasons.contains(&Reason::TitlesDiffer));
}

#[test]
fn two_entries_of_one_source_and_two_ids_are_not_merged() {
    let title = "Hydraulics Test Engineer";
    let outcome = judge(&entry("a", "Aldbrook", title, CHICAGO, 0.0), &entry("a", "Aldbrook", title, CHICAGO, 1.0));
    assert_eq!(outcome.veto(), Some(Veto::SameSource));
    let left = entry("a", "Aldbrook", title, CHICAGO, 0.0).url("https://boards.greenhouse.io/aldbrook/jobs/5100001");
    let right = entry("b", "Aldbrook", title, CHICAGO, 0.0).url("https://boards.greenhouse.io/aldbrook/jobs/5100002");
    let outcome = judge(&left, &right);
    assert_eq!((outcome.verdict, outcome.veto()), (Verdict::Possible, Some(Veto::OtherKey)));
}

#[test]
fn a_shared_key_is_enough_and_an_aggregator_is_a_second_key() {
    let board = entry("a", "Aldbrook", "Hydraulics Test Engineer", CHICAGO, 0.0)
        .url("https://boards.greenhouse.io/aldbrook/jobs/5100001");
    let branded = entry("b", "", "Engineer (all genders)", AUSTIN, 300.0)
        .url("https://aldbrook.example/careers?gh_jid=5100001&utm_source=x");
    assert_eq!(judge(&board, &branded).reasons, [Reason::SharedKey]);
    let shared = entry("b", "Aldbrook", "Hydraulics Test Engineer", CHICAGO, 0.5)
        .url("https://www.linkedin.com/jobs/view/3900000001/");
    assert_eq!(judge(&board, &shared).verdict, Verdict::Same);
}

#[test]
fn no_address_is_no_key() {
    let left = entry("a", "Aldbrook", "Cook", CHICAGO, 0.0).url("N/A");
    let right = entry("b", "Veltraum", "Pilot", AUSTIN, 0.0).url("N/A");
    assert_eq!(judge(&left, &right).verdict, Verdict::Different);
}

#[test]
fn a_repost_by_an_agency_is_found_by_its_text() {
    let employer = entry("a", "Veltraum", "Data Platform Engineer", CHICAGO, 0.0).text(LONG_TEXT);
    let agency =
        entry("b", "Brightloom Staffing", "Data Engineer for a leading energy company", CHICAGO, 3.0).text(LONG_TEXT);
    let nameless = entry("c", "", "Data Platform Engineer", CHICAGO, 3.0).text(LONG_TEXT);
    let outcome = judge(&employer, &agency);
    assert_eq!(outcome.verdict, Verdict::Possible, "{outcome:?}");
    assert!(outcome.reasons.contains(&Reason::SameText));
    assert_eq!(judge(&employer, &nameless).verdict, Verdict::Same);
    assert_ne!(judge(&employer, &entry("c", "", "Data Platform Engineer", CHICAGO, 3.0)).verdict, Verdict::Same);
    let shared = blocking_keys(&employer.features());
    assert!(
        blocking_keys(&agency.features()).iter().any(|key| shared.contains(key)),
        "the text is a way to the candidate"
    );
}

#[test]
fn a_rival_that_fits_as_well_takes_the_certainty() {
    let newcomer = entry("a", "Aldbrook", "Software Engineer Intern", CHICAGO, 0.0).features();
    let one = entry("b", "Aldbrook", "Software Engineer Intern", CHICAGO, 0.5).features();
    let two = entry("b", "Aldbrook", "Software Engineer Intern", CHICAGO, 0.9).features();
    let alone = assess(&newcomer, &[&one]).remove(0);
    let crowded = assess(&newcomer, &[&one, &two]).remove(0);
    assert!(alone.points > crowded.points + 2.0);
    assert!(crowded.reasons.contains(&Reason::BetterRival));
}

#[test]
fn the_same_second_in_two_sources_is_a_copy() {
    let outcome =
        judge(&entry("a", "Aldbrook", "Analyst", CHICAGO, 5.0), &entry("b", "Aldbrook", "Analyst", CHICAGO, 5.0));
    assert!(outcome.reasons.contains(&Reason::SameMoment));
}

#[test]
fn the_same_opening_later_under_a_new_id_is_a_repost() {
    let first = entry("a", "Aldbrook", "Hydraulics Test Engineer", CHICAGO, 0.0).features();
    let again = entry("a", "Aldbrook", "Hydraulics Test Engineer", CHICAGO, 40.0).features();
    let elsewhere = entry("a", "Aldbrook", "Hydraulics Test Engineer", AUSTIN, 40.0).features();
    let other_year = entry("a", "Aldbrook", "Hydraulics Test Engineer 2019", CHICAGO, 40.0).features();
    assert!(is_repost(&first, &again));
    assert!(!is_repost(&again, &first), "order of time");
    assert!(!is_repost(&first, &elsewhere) && !is_repost(&first, &other_year));
}
