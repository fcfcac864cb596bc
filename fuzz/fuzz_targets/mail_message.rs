//! Any bytes as a message: bounded, without markup that runs, and its alerts too.
#![no_main]

use aerie_mail::message::{MAX_FIELD_CHARACTERS, MAX_ITEMS, MAX_TEXT_BYTES, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mail = parse(data);
    assert!(mail.body.text.len() <= MAX_TEXT_BYTES + 8);
    assert!(mail.subject.chars().count() <= MAX_FIELD_CHARACTERS && !mail.subject.contains('\n'));
    assert!(mail.links.len() <= MAX_ITEMS && mail.attachments.len() <= MAX_ITEMS && mail.to.len() <= MAX_ITEMS);
    for link in &mail.links {
        assert!(link.url.starts_with("http://") || link.url.starts_with("https://"));
    }
    assert!(aerie_mail::alerts::postings(&mail).len() <= aerie_mail::alerts::MAX_POSTINGS);
});
