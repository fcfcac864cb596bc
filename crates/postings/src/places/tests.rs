#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

/// `city/region/country` of each place, joined by "; ".
fn shown(parsed: &ParsedPlaces) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    let places: Vec<String> = parsed
        .places
        .iter()
        .map(|place| format!("{}/{}/{}", part(&place.city), part(&place.region), part(&place.country)))
        .collect();
    places.join("; ")
}

#[test]
fn place_texts() {
    use RemoteKind::{Hybrid, OnSite, Remote, Unknown};
    let mut wrong = Vec::new();
    for (text, places, remote) in [
        ("San Francisco, CA", "San Francisco/CA/US", Unknown),
        ("San Francisco, California, United States", "San Francisco/CA/US", Unknown),
        ("Berlin, Germany", "Berlin//DE", Unknown),
        ("NYC", "New York/NY/US", Unknown),
        ("New York", "New York/NY/US", Unknown),
        ("New York, New York, USA", "New York/NY/US", Unknown),
        ("Remote - US", "//US", Remote),
        ("US Remote", "//US", Remote),
        ("Remote (Canada)", "//CA", Remote),
        ("London, UK; Remote", "London//GB", Remote),
        ("New York, NY or Austin, TX", "New York/NY/US; Austin/TX/US", Unknown),
        ("Hybrid - Dublin", "Dublin//IE", Hybrid),
        ("Distributed; Remote", "", Remote),
        ("Europe", "", Unknown),
        ("Anywhere", "", Remote),
        ("München", "Munich//DE", Unknown),
        ("DE-Berlin", "Berlin//DE", Unknown),
        ("Greater Boston Area", "Boston/MA/US", Unknown),
        ("3 Locations", "", Unknown),
        ("US-CA-San Jose", "San Jose/CA/US", Unknown),
        ("Flexible / Remote", "", Remote),
        ("Toronto, ON", "Toronto/ON/CA", Unknown),
        ("Toronto, CA", "Toronto/ON/CA", Unknown),
        ("Toronto, Ontario, Canada", "Toronto/ON/CA", Unknown),
        ("Vancouver, WA", "Vancouver/WA/US", Unknown),
        ("Paris, TX", "Paris/TX/US", Unknown),
        ("Cambridge, MA", "Cambridge/MA/US", Unknown),
        ("Portland, ME", "Portland/ME/US", Unknown),
        ("Tbilisi, Georgia", "Tbilisi//GE", Unknown),
        ("Atlanta, Georgia", "Atlanta/GA/US", Unknown),
        ("Bengaluru, Karnataka, India", "Bengaluru/Karnataka/IN", Unknown),
        ("Sydney, NSW", "Sydney/NSW/AU", Unknown),
        ("Berlin, Munich, Hamburg", "Berlin//DE; Munich//DE; Hamburg//DE", Unknown),
        ("Singapore", "Singapore//SG", Unknown),
        ("Singapore, Singapore", "Singapore//SG", Unknown),
        ("London, England, United Kingdom", "London/England/GB", Unknown),
        ("Washington, DC", "Washington/DC/US", Unknown),
        ("Seattle, Washington", "Seattle/WA/US", Unknown),
        ("USA, California", "/CA/US", Unknown),
        ("Remote, USA", "//US", Remote),
        ("Warsaw, Poland (Hybrid)", "Warsaw//PL", Hybrid),
        ("Kleinstadt, DE, Germany", "Kleinstadt//DE", Unknown),
        ("On-site: Lyon", "Lyon//FR", OnSite),
        ("UK,  USA", "//GB; //US", Unknown),
        ("Bosnia and Herzegovina", "//BA", Unknown),
        ("10115 Berlin", "Berlin//DE", Unknown),
        ("Remote in Germany or Austria", "//DE; //AT", Remote),
        ("San Francisco Bay Area", "San Francisco/CA/US", Unknown),
        ("Boston MA", "Boston/MA/US", Unknown),
        ("Atlanta, GA Chicago, IL Columbus, OH", "Atlanta/GA/US; Chicago/IL/US; Columbus/OH/US", Unknown),
        ("Purchase, NY <br> Plano, TX", "Purchase/NY/US; Plano/TX/US", Unknown),
        ("Philadelphia, Pa", "Philadelphia/PA/US", Unknown),
        ("Holland, MI", "Holland/MI/US", Unknown),
        ("New Brunswick, NJ", "New Brunswick/NJ/US", Unknown),
        ("Ontario, Canada", "/ON/CA", Unknown),
        ("UT - Smallville", "Smallville/UT/US", Unknown),
        ("Remote - US West", "//US", Remote),
        ("West Smallville, Smallville, CA", "West Smallville/CA/US", Unknown),
        ("LA", "Los Angeles/CA/US", Unknown),
        ("New Orleans, LA", "New Orleans/LA/US", Unknown),
        ("St. Louis, MO", "St. Louis/MO/US", Unknown),
        ("TBD", "", Unknown),
        ("", "", Unknown),
    ] {
        let parsed = parse_places(text);
        if (shown(&parsed).as_str(), parsed.remote) != (places, remote) {
            wrong.push(format!("{text:?}: {} {:?}, not {places} {remote:?}", shown(&parsed), parsed.remote));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn scope_of_remote_work() {
    for (text, scope) in [
        ("Remote - US", Some("US")),
        ("Remote, Europe", Some("Europe")),
        ("Remote US & Canada", Some("US, Canada")),
        ("Remote, Israel; Remote, United Kingdom", Some("Israel, United Kingdom")),
        ("Remote (EMEA only)", Some("EMEA")),
        ("Europe", Some("Europe")),
        ("Worldwide", Some("Worldwide")),
        ("Berlin; Remote", None),
        ("Remote", None),
    ] {
        assert_eq!(parse_places(text).scope.as_deref(), scope, "{text:?}");
    }
}

#[test]
fn typed_parts_win() {
    let place = |city: &str, region: &str, country: &str| RawPlace {
        text: None,
        city: Some(city.to_owned()),
        region: Some(region.to_owned()),
        country: Some(country.to_owned()),
    };
    for (raw, expected) in [
        (place("San Francisco", "California", "US"), "San Francisco/CA/US"),
        (place("Toronto", "ON", "CA"), "Toronto/ON/CA"),
        (place("Berlin", "", "de"), "Berlin//DE"),
        (place("Paris", "Texas", "United States"), "Paris/TX/US"),
        (place("", "", "Germany"), "//DE"),
        (place("Remote", "", "Germany"), "//DE"),
        (place("Dresden", "Sachsen", ""), "Dresden/Saxony/DE"),
    ] {
        assert_eq!(shown(&read_places(std::slice::from_ref(&raw))), expected, "{raw:?}");
    }
}

#[test]
fn countries_by_name_and_code() {
    for (text, code) in [
        ("USA", "US"),
        ("deutschland", "DE"),
        ("Côte d’Ivoire", "CI"),
        ("gb", "GB"),
        ("Türkiye", "TR"),
        ("Österreich", "AT"),
    ] {
        assert_eq!(country_code(text), Some(code), "{text}");
    }
    assert_eq!(country_code("Nowhere"), None);
    assert_eq!(country_name("DE"), Some("germany"));
}

proptest! {
    #[test]
    fn any_text_gives_bounded_places(text in "(Remote|Berlin|US|CA|Georgia|[,;/|() -]|or |\\PC){0,30}") {
        let parsed = parse_places(&text);
        prop_assert!(parsed.places.len() <= MAX_PLACES);
        for place in &parsed.places {
            prop_assert_ne!(place, &Place::default());
            prop_assert!(place.country.as_deref().is_none_or(|code| country_name(code).is_some()));
        }
    }

    #[test]
    fn any_input_is_survived(text in any::<String>(), city in any::<String>(), region in any::<String>(), country in any::<String>()) {
        let raw = RawPlace { text: Some(text), city: Some(city), region: Some(region), country: Some(country) };
        let _ = read_places(&[raw]);
    }
}
