#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

#[test]
fn folds_case_accents_and_space() {
    for (given, expected) in [
        ("Zürich –  Ingénieur", "zurich - ingenieur"),
        ("ＦＵＬＬ　Ｗｉｄｔｈ", "full width"),
        ("Łódź", "lodz"),
        ("Straße", "strasse"),
        ("🚀 Senior Engineer", "senior engineer"),
        ("so\u{AD}ft\u{200B}ware", "software"),
        ("  ", ""),
    ] {
        assert_eq!(fold(given), expected, "{given}");
    }
}

#[test]
fn words_keep_names_of_techniques() {
    let found: Vec<_> = words("C++/C#, .NET and Node.js; CI/CD. r&d, full-time (Python3.11) 3+ years").collect();
    assert_eq!(
        found,
        ["C++", "C#", ".NET", "and", "Node.js", "CI/CD", "r&d", "full", "time", "Python3", "11", "3", "years"]
    );
}

#[test]
fn phrases_match_whole_words_only() {
    for (text, phrase, expected) in [
        ("Salesforce Developer", "sales", false),
        ("Head of Sales", "sales", true),
        ("Full-Time, permanent", "full time", true),
        ("C++ Engineer", "c", false),
        ("C++/Java", "c++", true),
        ("Médecin du travail", "medecin", true),
        ("anything", "", false),
        ("new new york", "new york", true),
    ] {
        assert_eq!(contains_words(text, phrase), expected, "{phrase:?} in {text:?}");
    }
}

#[test]
fn repairs_double_encoded_text_and_leaves_the_rest() {
    for (given, expected) in [
        ("donâ€™t", "don’t"),
        ("MÃ¼nchen", "München"),
        ("weâ\u{80}\u{99}re", "we’re"),
        ("CafÃ\u{83}Â©", "Café"),
        ("São Paulo, NÃO", "São Paulo, NÃO"),
        ("«CAFÉ»", "«CAFÉ»"),
        ("plain", "plain"),
    ] {
        assert_eq!(repair_mojibake(given), expected, "{given}");
    }
}

#[test]
fn short_fields_are_decoded_and_bounded() {
    assert_eq!(clean_field(" R&amp;amp;D &#8211;\n Lead ", 300), "R&D – Lead");
    assert_eq!(clean_field("äöü", 2), "äö");
    assert_eq!(truncate_bytes("aä", 2), "a");
}

proptest! {
    #[test]
    fn folding_is_idempotent_and_ascii(text in "\\PC*") {
        let once = fold(&text);
        prop_assert!(once.is_ascii());
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    fn words_are_parts_of_the_text_in_order(text in any::<String>()) {
        let mut from = 0;
        for word in words(&text) {
            prop_assert!(!word.is_empty());
            let found = text.get(from..).and_then(|rest| rest.find(word));
            prop_assert!(found.is_some());
            from += found.unwrap_or(0) + word.len();
        }
    }

    #[test]
    fn lines_and_fields_hold_their_bounds(text in any::<String>(), limit in 0_usize..40) {
        let line = single_line(&text);
        prop_assert_eq!(single_line(&line), line.clone());
        prop_assert!(!line.contains(['\n', '\t']));
        prop_assert!(clean_field(&text, limit).chars().count() <= limit);
        prop_assert!(truncate_bytes(&text, limit).len() <= limit);
        let _ = repair_mojibake(&text);
        let _ = contains_words(&text, &line);
    }
}
