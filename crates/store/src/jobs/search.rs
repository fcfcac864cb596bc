//! What a person types into the search field, as a full-text expression of either engine.

use crate::Engine;

/// Words beyond these are not looked at.
const MOST_WORDS: usize = 16;

/// Characters of a word beyond these are not looked at.
const LONGEST_WORD: usize = 64;

/// The words of a search in lower case: maximal runs of letters, digits and combining marks. Nothing else of the text
/// remains, so that none of it can be read as an operator.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !is_word_character(character))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MOST_WORDS)
        .map(|word| word.chars().take(LONGEST_WORD).flat_map(char::to_lowercase).collect())
        .collect()
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&character)
}

/// The expression that asks for every word, the last one as the beginning of a word; `None` when there is no word.
pub(super) fn expression(engine: Engine, text: &str) -> Option<String> {
    let words = words(text);
    let last = words.len().checked_sub(1)?;
    let terms = words.iter().enumerate().map(|(index, word)| match (engine, index == last) {
        (Engine::Sqlite, false) => format!("\"{word}\""),
        (Engine::Sqlite, true) => format!("\"{word}\"*"),
        (Engine::Postgres, false) => format!("'{word}'"),
        (Engine::Postgres, true) => format!("'{word}':*"),
    });
    let conjunction = match engine {
        Engine::Sqlite => " AND ",
        Engine::Postgres => " & ",
    };
    Some(terms.collect::<Vec<_>>().join(conjunction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_of_the_engines_are_not_words() {
        assert_eq!(words("C++ \"NEAR(\" -rust* OR title:x"), ["c", "near", "rust", "or", "title", "x"]);
        assert_eq!(expression(Engine::Sqlite, "Rust eng").as_deref(), Some("\"rust\" AND \"eng\"*"));
        assert_eq!(expression(Engine::Postgres, "Rust eng'").as_deref(), Some("'rust' & 'eng':*"));
        assert_eq!(expression(Engine::Sqlite, " *)(\" \u{301}"), None);
    }
}
