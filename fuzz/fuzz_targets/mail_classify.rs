//! Any sender, subject and body: a label with a confidence in its range, a company, a title, and a link to a job.
#![no_main]

use aerie_mail::classify::{classify, guess_company, guess_title};
use aerie_mail::linking::{KnownJob, link};
use aerie_mail::Mail;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let mut pieces = data.splitn(3, '\n');
    let mut piece = || pieces.next().unwrap_or_default();
    let mail = Mail::from_fields(piece(), piece(), piece());
    let found = classify(&mail);
    assert!((0.0..=1.0).contains(&found.confidence), "{}", found.confidence);
    let job = KnownJob {
        id: "1".to_owned(),
        company: guess_company(&mail).unwrap_or_default(),
        title: guess_title(&mail).unwrap_or_default(),
        urls: mail.links.iter().map(|link| link.url.clone()).collect(),
        message_ids: Vec::new(),
    };
    let _ = link(&mail, &[job]);
});
