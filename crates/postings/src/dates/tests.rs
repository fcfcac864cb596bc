#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-08-10T12:00:00Z").unwrap().to_utc()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn exact_and_relative_dates() {
    for (text, expected) in [
        ("2026-08-05T10:10:39Z", "2026-08-05T10:10:39Z"),
        ("2026-08-05T10:10:39+02:00", "2026-08-05T08:10:39Z"),
        ("2026-08-05T10:10:39-0400", "2026-08-05T14:10:39Z"),
        ("2026-08-05T10:10:39.123", "2026-08-05T10:10:39.123Z"),
        ("2026-08-05 10:10:39 UTC", "2026-08-05T10:10:39Z"),
        ("2026-08-05", "2026-08-05T00:00:00Z"),
        ("08/05/2026", "2026-08-05T00:00:00Z"),
        ("25/07/2026", "2026-07-25T00:00:00Z"),
        ("05.08.2026", "2026-08-05T00:00:00Z"),
        ("Wed, 05 Aug 2026 10:10:39 +0000", "2026-08-05T10:10:39Z"),
        ("Wed, 05 Aug 2026 10:10:39 GMT", "2026-08-05T10:10:39Z"),
        ("1786000000", "2026-08-06T07:06:40Z"),
        ("1786000000000", "2026-08-06T07:06:40Z"),
        ("August 5, 2026", "2026-08-05T00:00:00Z"),
        ("5. August 2026", "2026-08-05T00:00:00Z"),
        ("Aug 12", "2025-08-12T00:00:00Z"),
        ("Posted Today", "2026-08-10T12:00:00Z"),
        ("Posted Yesterday", "2026-08-09T12:00:00Z"),
        ("Posted 3 Days Ago", "2026-08-07T12:00:00Z"),
        ("Posted 30+ Days Ago", "2026-07-11T12:00:00Z"),
        ("just posted", "2026-08-10T12:00:00Z"),
        ("2 weeks ago", "2026-07-27T12:00:00Z"),
        ("3d ago", "2026-08-07T12:00:00Z"),
        ("3d", "2026-08-07T12:00:00Z"),
        ("an hour ago", "2026-08-10T11:00:00Z"),
        ("1 month ago", "2026-07-10T12:00:00Z"),
        ("vor 3 Tagen", "2026-08-07T12:00:00Z"),
        ("il y a 2 jours", "2026-08-08T12:00:00Z"),
    ] {
        let expected = DateTime::parse_from_rfc3339(expected).unwrap().to_utc();
        assert_eq!(parse_date(text, now()), Some(expected), "{text}");
    }
    for text in ["", "soon", "5 years of experience with 3 tools", "2026-13-45", "99/99/9999"] {
        assert_eq!(parse_date(text, now()), None, "{text}");
    }
}

#[test]
fn future_dates_are_no_posting_dates() {
    let text = |text: &str| RawDate::Text(text.to_owned());
    assert!(resolve_past(&text("2026-08-12"), now()).is_some());
    assert!(resolve_past(&text("2026-08-13"), now()).is_none());
    assert!(resolve(&text("2026-12-31"), now()).is_some());
    assert!(resolve(&RawDate::Day(day("1970-01-01")), now()).is_none());
}

#[test]
fn partial_dates_and_ranges() {
    use Precision::{Day, DayRange, Month, Season, Unknown, Year};
    let reference = day("2026-04-15");
    for (text, span, precision, upcoming, normalised) in [
        ("March 31, 2026", Some(("2026-03-31", "2026-03-31")), Day, false, "March 31, 2026"),
        ("April 20", Some(("2026-04-20", "2026-04-20")), Day, true, "April 20, 2026"),
        ("February", Some(("2027-02-01", "2027-02-28")), Month, true, "February 2027"),
        ("Spring 2026", Some(("2026-04-01", "2026-06-30")), Season, true, "Spring 2026"),
        ("Winter", Some(("2027-01-01", "2027-02-28")), Season, true, "Winter 2027"),
        ("April 3-5", Some(("2026-04-03", "2026-04-05")), DayRange, false, "April 3–5, 2026"),
        ("2026", Some(("2026-01-01", "2026-12-31")), Year, true, "2026"),
        ("TBD", None, Unknown, true, "TBD"),
        ("Opening soon", None, Unknown, true, "Opening soon"),
        ("April 28 – May 2", Some(("2026-04-28", "2026-05-02")), DayRange, true, "April 28 – May 2, 2026"),
        ("Maybe June", Some(("2026-06-01", "2026-06-30")), Month, true, "June 2026"),
        ("Feb 30, 2026", Some(("2026-02-01", "2026-02-28")), Month, false, "February 2026"),
        ("February 30", Some(("2027-02-01", "2027-02-28")), Month, true, "February 2027"),
        ("28 April – 2 May 2026", Some(("2026-04-28", "2026-05-02")), DayRange, true, "April 28 – May 2, 2026"),
        ("3-5 April", Some(("2026-04-03", "2026-04-05")), DayRange, false, "April 3–5, 2026"),
        ("Dec 30 – Jan 2", Some(("2026-12-30", "2027-01-02")), DayRange, true, "December 30, 2026 – January 2, 2027"),
        ("it may open in June", Some(("2026-06-01", "2026-06-30")), Month, true, "June 2026"),
        ("May 1st", Some(("2026-05-01", "2026-05-01")), Day, true, "May 1, 2026"),
        ("Q3 2026", Some(("2026-07-01", "2026-09-30")), Season, true, "Q3 2026"),
        ("2026-04-20", Some(("2026-04-20", "2026-04-20")), Day, true, "April 20, 2026"),
        ("May – July 2026", Some(("2026-05-01", "2026-07-31")), Month, true, "May – July 2026"),
    ] {
        let found = parse_fuzzy(text, reference);
        let expected = FuzzyDate {
            start: span.map(|(start, _)| day(start)),
            end: span.map(|(_, end)| day(end)),
            precision,
            upcoming,
            normalised: normalised.to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }
}

proptest! {
    #[test]
    fn ranges_are_in_order(text in "(April|May|Feb|Dec|Winter|Q2|20[0-9]{2}|[0-9]{1,2}|[ ,–-]|to |th){0,12}") {
        let found = parse_fuzzy(&text, day("2026-04-15"));
        prop_assert_eq!(found.start.is_some(), found.end.is_some());
        prop_assert!(found.start <= found.end);
        prop_assert_eq!(found.precision == Precision::Unknown, found.start.is_none());
    }

    #[test]
    fn any_input_is_survived(text in any::<String>(), digits in "[0-9:/. +-]{0,24}(ago|Z|UTC|d|am)?") {
        for text in [text, digits] {
            let _ = (parse_date(&text, now()), parse_fuzzy(&text, day("2026-04-15")));
            let past = resolve_past(&RawDate::Text(text), now());
            prop_assert!(past.is_none_or(|moment| moment <= now() + Duration::days(2)));
        }
    }
}
