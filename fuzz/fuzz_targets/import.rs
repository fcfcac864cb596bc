//! Files that people bring: tables, JSON, JSON Lines, lists of addresses, pages.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for name in ["file.csv", "file.json", "file.html", "file"] {
        if let Ok((_, imported)) = aerie_boards::import::read(name, data) {
            assert!(imported.errors.len() <= imported.rejected);
        }
    }
});
