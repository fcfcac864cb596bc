//! Addresses: canonical form and key are stable.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let canonical = aerie_postings::identity::canonical_url(data);
    let key = aerie_postings::identity::posting_key(data);
    assert_eq!(canonical.is_some(), key.is_some());
    if let Some(canonical) = canonical {
        assert_eq!(aerie_postings::identity::posting_key(&canonical), key);
        assert_eq!(aerie_postings::identity::canonical_url(&canonical).as_ref(), Some(&canonical));
    }
    let _ = aerie_postings::identity::text_fingerprint(data);
    let _ = aerie_postings::identity::title_key(data);
});
