//! Any page and any address, asked for the board behind it.
#![no_main]

use aerie_boards::fetch::body::to_utf8;
use aerie_boards::recognise::{board_of_address, boards_in_page};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let body = to_utf8(data.to_vec().into(), None);
    let text = String::from_utf8_lossy(&body);
    if let Ok(base) = Url::parse("https://careers.acme.example/") {
        let _ = boards_in_page(&text, &base);
    }
    if let Ok(url) = Url::parse(&text) {
        let _ = board_of_address(&url);
    }
});
