//! Place texts: bounded lists of places that are never empty.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let parsed = aerie_postings::places::parse_places(data);
    assert!(parsed.places.len() <= aerie_postings::places::MAX_PLACES);
    for place in &parsed.places {
        assert_ne!(place, &aerie_postings::Place::default());
        let _ = aerie_postings::places::place_key(place);
    }
});
