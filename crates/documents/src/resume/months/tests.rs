#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use proptest::prelude::*;

use super::*;

fn one(text: &str) -> String {
    let found = find(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    crate::resume::write::period_text(&found[0].period)
}

#[test]
fn ranges_in_four_languages() {
    for (text, meant) in [
        ("March 2018 – present", "2018-03 – present"),
        ("Mar. 2018 - Aug. 2020", "2018-03 – 2020-08"),
        ("Mar – Aug 2018", "2018-03 – 2018-08"),
        ("Sept '19 to Jan '21", "2019-09 – 2021-01"),
        ("03/2018-08/2020", "2018-03 – 2020-08"),
        ("03/18 – 08/20", "2018-03 – 2020-08"),
        ("2015–18", "2015 – 2018"),
        ("2018/19", "2018 – 2019"),
        ("2015 - 2018", "2015 – 2018"),
        ("2018-03 – 2020-08", "2018-03 – 2020-08"),
        ("01.04.2019 bis heute", "2019-04 – present"),
        ("seit März 2020", "2020-03 – present"),
        ("Januar 2015 bis Dezember 2017", "2015-01 – 2017-12"),
        ("depuis janvier 2021", "2021-01 – present"),
        ("août 2016 à juin 2019", "2016-08 – 2019-06"),
        ("févr. 2016 - aujourd’hui", "2016-02 – present"),
        ("enero de 2018 - actualidad", "2018-01 – present"),
        ("septiembre de 2011 hasta diciembre de 2017", "2011-09 – 2017-12"),
        ("(June 2015 to Current)", "2015-06 – present"),
        ("2014\t2019", "2014 – 2019"),
        ("2021 now", "2021 – present"),
        ("since 2019", "2019 – present"),
        ("bis 03/2017", "2017-03"),
        ("2019 –", "2019 – present"),
        ("Jan 5, 2018 – Feb 7, 2019", "2018-01 – 2019-02"),
        ("1. Oktober 2018 – 30. April 2019", "2018-10 – 2019-04"),
    ] {
        assert_eq!(one(text), meant, "{text}");
    }
}

#[test]
fn single_dates_and_no_dates() {
    assert_eq!(one("Certified in May 2019."), "2019-05");
    assert_eq!(one("Graduated 2015"), "2015");
    for text in
        ["$2000", "2,000 users", "1999ers", "2020+ hosts", "in May", "ext. 20190", "ISO 9001", "raised 2,018 units"]
    {
        assert_eq!(find(text), Vec::new(), "{text}");
    }
}

#[test]
fn two_ranges_on_a_line_stay_two() {
    assert_eq!(find("2010 – 2012, 2014 – 2015").len(), 2);
    assert_eq!(find("2012 – 2010").len(), 2);
}

proptest! {
    #[test]
    fn any_text_gives_ranges_within_it(text in "\\PC{0,60}") {
        for found in find(&text) {
            prop_assert!(text.get(found.range.clone()).is_some());
        }
    }

    #[test]
    fn date_like_texts_do_no_harm(text in "[0-9a-zäé./'’–() -]{0,40}") {
        for found in find(&text) {
            prop_assert!(text.get(found.range.clone()).is_some());
            if let (Some(start), Some(end)) = (found.period.start, found.period.end_month()) {
                prop_assert!(start.year <= end.year);
            }
        }
    }
}
