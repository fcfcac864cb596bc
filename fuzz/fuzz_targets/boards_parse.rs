//! Any answer, given to every source: the first byte chooses the source, the rest is the answer.
#![no_main]

use aerie_boards::{CompanyBoard, Page, Sample, all};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Some((choice, body)) = data.split_first() else { return };
    let sources = all();
    let Some(source) = sources.get(usize::from(*choice) % sources.len().max(1)) else { return };
    let Some(url) = source.recorded_url("acme").or_else(|| Url::parse("https://acme.example/jobs/12").ok()) else {
        return;
    };
    let page = Page::new(url, body.to_vec()).with_board(&CompanyBoard::new("acme"));
    let text = page.text().into_owned();
    let json = page.json().ok();
    let _ = source.recognise(&Sample { text: &text, json: json.as_ref() });
    let _ = source.parse(&page);
});
