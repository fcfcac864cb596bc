//! RSS, RDF, Atom and JSON feeds.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(address) = "https://fuzz.example/feed".parse() else { return };
    let page = aerie_boards::Page::new(address, data.to_vec());
    for name in ["feed", "weworkremotely", "craigslist"] {
        if let Some(source) = aerie_boards::by_name(name) {
            let _ = source.parse(&page);
        }
    }
});
