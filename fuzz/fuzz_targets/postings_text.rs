//! Folding, words, company keys, levels and employment types of any text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let folded = aerie_postings::text::fold(data);
    assert!(folded.is_ascii());
    assert_eq!(aerie_postings::text::fold(&folded), folded);
    let key = aerie_postings::company::company_key(data);
    assert_eq!(aerie_postings::company::company_key(&key), key);
    let _ = aerie_postings::text::repair_mojibake(data);
    let _ = aerie_postings::text::contains_words(data, &folded);
    let _ = aerie_postings::seniority::seniority_of_title(data);
    let _ = aerie_postings::seniority::seniority_of_field(data);
    let _ = aerie_postings::employment::employment_types(data);
    let _ = aerie_postings::employment::employment_types_of_title(data);
    let _ = aerie_postings::employment::remote_words(data);
    let _ = aerie_postings::employment::remote_kind_of_description(data);
});
