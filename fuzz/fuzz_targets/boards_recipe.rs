//! Any text as a recipe, and any answer read by one.
#![no_main]

use aerie_boards::recipe::Recipe;
use aerie_boards::{Page, Source};
use libfuzzer_sys::fuzz_target;
use url::Url;

const JSON: &str = "name: fuzz-json\nlabel: Fuzz\nurl: https://jobs.example/api\nformat: json\nrows: /jobs\n\
    fields: { title: /t, url: /u, place: /p, salary_min: { at: /s, regex: '([0-9]+)' }, posted: { at: /d, date: '%d.%m.%Y' } }\n";
const HTML: &str = "name: fuzz-html\nlabel: Fuzz\nurl: https://jobs.example/\nformat: html\nrows: li\n\
    fields: { title: a, url: { at: a, attribute: href }, description: div }\n";
const RSS: &str = "name: fuzz-rss\nlabel: Fuzz\nurl: https://jobs.example/rss\nformat: rss\nfields: {}\n";

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Recipe::from_yaml(text);
    }
    let Ok(url) = Url::parse("https://jobs.example/") else { return };
    for recipe in [JSON, HTML, RSS] {
        if let Ok(recipe) = Recipe::from_yaml(recipe) {
            let _ = recipe.parse(&Page::new(url.clone(), data.to_vec()));
        }
    }
});
