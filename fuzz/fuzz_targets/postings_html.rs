//! Hostile HTML: text and safe HTML keep their promises.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let text = aerie_postings::html::html_to_text(data);
    assert!(!text.contains("\n\n\n"));
    assert_eq!(text.trim(), text);
    let safe = aerie_postings::html::safe_html(data).to_lowercase();
    assert!(!safe.contains("<script") && !safe.contains("<iframe") && !safe.contains("<svg"));
    let _ = aerie_postings::html::decode_entities(data);
});
