//! schema.org data in pages: any bytes are read without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let html = String::from_utf8_lossy(data);
    let base = "https://fuzz.example/jobs/1".parse().ok();
    let _ = aerie_boards::jsonld::postings_in_page(&html, "page", base.as_ref());
    // The JSON reader is reached more often without the page around it.
    let script = format!("<script type=\"application/ld+json\">{html}</script>");
    let _ = aerie_boards::jsonld::postings_in_page(&script, "page", base.as_ref());
});
