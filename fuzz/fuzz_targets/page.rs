//! Saved and pasted pages of any site, known or not.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let html = String::from_utf8_lossy(data);
    let _ = aerie_boards::page::extract(&html, None);
    let base = "https://fuzz.example/careers".parse().ok();
    let _ = aerie_boards::page::extract(&html, base.as_ref());
});
