//! Names of files that a person downloads.
//!
//! The pattern is `Name_Kind_Company_Title_YYYY-MM-DD.ending`; parts that are empty are left out. Each part holds only
//! `A`–`Z`, `a`–`z`, `0`–`9` and single hyphens between them, letters of other scripts written in ASCII, and is cut at a
//! hyphen after at most forty characters. Such a name means the same on every system and needs no quoting anywhere.

use chrono::NaiveDate;

/// Longest part, in characters.
const LONGEST_PART: usize = 40;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// A letter.
    Letter,
    /// A résumé.
    Resume,
}

/// The name of a file for these parts; `ending` comes without its dot.
pub fn file_name(kind: DocumentKind, person: &str, company: &str, title: &str, day: NaiveDate, ending: &str) -> String {
    let kind = match kind {
        DocumentKind::Letter => "Letter",
        DocumentKind::Resume => "Resume",
    };
    let mut parts: Vec<String> = [person, kind, company, title].iter().map(|part| safe(part)).collect();
    parts.push(day.format("%Y-%m-%d").to_string());
    parts.retain(|part| !part.is_empty());
    format!("{}.{}", parts.join("_"), safe(ending))
}

fn safe(part: &str) -> String {
    let ascii = deunicode::deunicode(part);
    let words: Vec<&str> =
        ascii.split(|character: char| !character.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let mut safe = String::new();
    for word in words {
        if safe.len() + word.len() + 1 > LONGEST_PART {
            if safe.is_empty() {
                safe.extend(word.chars().take(LONGEST_PART));
            }
            break;
        }
        if !safe.is_empty() {
            safe.push('-');
        }
        safe.push_str(word);
    }
    safe
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_hold_only_safe_characters() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        let name = |company: &str| {
            file_name(DocumentKind::Letter, "Zoë O’Neill-Müller", company, "C++ / Go Engineer", day, "pdf")
        };
        assert_eq!(name("Acme & Söhne GmbH"), "Zoe-O-Neill-Muller_Letter_Acme-Sohne-GmbH_C-Go-Engineer_2026-03-09.pdf");
        assert_eq!(name("../../etc"), "Zoe-O-Neill-Muller_Letter_etc_C-Go-Engineer_2026-03-09.pdf");
        assert_eq!(name(""), "Zoe-O-Neill-Muller_Letter_C-Go-Engineer_2026-03-09.pdf");
    }

    proptest! {
        #[test]
        fn any_parts_give_a_safe_name(person in "\\PC{0,80}", company in "\\PC{0,80}", title in "\\PC{0,80}") {
            let day = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
            let name = file_name(DocumentKind::Resume, &person, &company, &title, day, "docx");
            let is_safe = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
            prop_assert!(name.len() <= 150 && name.chars().all(is_safe) && !name.contains(".."), "{name}");
        }
    }
}
