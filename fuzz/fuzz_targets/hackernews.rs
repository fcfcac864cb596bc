//! Comments of hiring threads.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data).into_owned();
    let comment = aerie_boards::hackernews::Comment { id: "1".to_owned(), text, ..Default::default() };
    for posting in aerie_boards::hackernews::postings_of(&comment) {
        assert!(posting.title.is_some() && posting.url.is_some());
    }
});
