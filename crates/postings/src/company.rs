//! Company names: display form and comparison key.

use crate::text::{clean_field, fold};

/// Most characters of a company name that are kept.
pub const MAX_COMPANY_CHARACTERS: usize = 200;

/// The name as shown to people: entities decoded, one line, at most [`MAX_COMPANY_CHARACTERS`]. Empty when there is
/// no name ("N/A", "Confidential" and the like are kept: they are what the source says).
pub fn display_name(name: &str) -> String {
    clean_field(name, MAX_COMPANY_CHARACTERS)
}

/// The name for comparison: folded, without legal form ("Inc.", "GmbH", "S.A."), leading "The", remarks in
/// parentheses ("(YC W21)") and punctuation; "&" and "and" are one. Idempotent. Empty when nothing else is left.
///
/// `"The Acme & Söhne GmbH & Co. KG"` becomes `"acme and sohne"`.
pub fn company_key(name: &str) -> String {
    let folded = fold(name);
    let without_remarks = without_parentheses(&folded);
    let tokens = tokens(&without_remarks);
    let tokens = if tokens.is_empty() { self::tokens(&folded) } else { tokens };
    let words: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let mut key = without_legal_form(without_articles(&words)).join(" ");
    // "& Co" leaves its "and" behind.
    while let Some(rest) = key.strip_suffix("and").filter(|rest| rest.is_empty() || rest.ends_with(' ')) {
        key.truncate(rest.trim_end().len());
    }
    key
}

/// Text without parts in round or square brackets. An unclosed bracket is kept as text.
fn without_parentheses(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['(', '[']) {
        let (before, bracket) = rest.split_at(open);
        kept.push_str(before);
        kept.push(' ');
        match bracket.find([')', ']']) {
            Some(close) => rest = bracket.get(close + 1..).unwrap_or(""),
            None => rest = bracket.get(1..).unwrap_or(""),
        }
    }
    kept.push_str(rest);
    kept
}

/// Runs of letters and digits. Dots and apostrophes inside abbreviations vanish ("s.a." is "sa", "o'neill" "oneill"),
/// "&" and "+" become "and".
fn tokens(folded: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for piece in folded.split(|character: char| character.is_whitespace() || "-_/,;:|\"*!?".contains(character)) {
        let mut current = String::new();
        for part in split_dots(piece) {
            for character in part.chars() {
                match character {
                    '&' | '+' => {
                        push_token(&mut tokens, &mut current);
                        tokens.push("and".to_owned());
                    }
                    '\'' | '`' => {}
                    character if character.is_alphanumeric() => current.push(character),
                    _ => push_token(&mut tokens, &mut current),
                }
            }
            push_token(&mut tokens, &mut current);
        }
    }
    while tokens.last().is_some_and(|token| token == "and") {
        tokens.pop();
    }
    tokens
}

fn push_token(tokens: &mut Vec<String>, current: &mut String) {
    if !current.is_empty() {
        tokens.push(std::mem::take(current));
    }
}

/// Dots split words ("booking.com" is two) but not single letters ("s.a.r.l." is one).
fn split_dots(piece: &str) -> Vec<String> {
    let parts: Vec<&str> = piece.split('.').filter(|part| !part.is_empty()).collect();
    let mut joined: Vec<String> = Vec::new();
    let mut after_single = false;
    for part in parts {
        let single = part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        match joined.last_mut() {
            Some(last) if single && after_single => last.push_str(part),
            _ => joined.push(part.to_owned()),
        }
        after_single = single;
    }
    joined
}

/// Legal forms, longest first where one ends with another. Sources: the ISO 20275 list of entity legal forms and the
/// abbreviations in everyday use.
const LEGAL_FORMS: &[&[&str]] = &[
    &["gmbh", "and", "co", "kgaa"],
    &["gmbh", "and", "co", "kg"],
    &["ag", "and", "co", "kgaa"],
    &["ag", "and", "co", "kg"],
    &["se", "and", "co", "kgaa"],
    &["se", "and", "co", "kg"],
    &["sp", "z", "oo"],
    &["sp", "zoo"],
    &["s", "de", "rl", "de", "cv"],
    &["sa", "de", "cv"],
    &["sapi", "de", "cv"],
    &["pty", "ltd"],
    &["pty", "limited"],
    &["pvt", "ltd"],
    &["private", "limited"],
    &["pte", "ltd"],
    &["sdn", "bhd"],
    &["co", "ltd"],
    &["co", "inc"],
    &["and", "co", "kg"],
    &["and", "co"],
    &["and", "company"],
    &["kabushiki", "kaisha"],
    &["godo", "kaisha"],
    &["limited", "liability", "company"],
];

const LEGAL_WORDS: &[&str] = &[
    "inc",
    "incorporated",
    "llc",
    "llp",
    "lp",
    "lllp",
    "pllc",
    "pc",
    "ltd",
    "limited",
    "plc",
    "corp",
    "corporation",
    "co",
    "company",
    "gmbh",
    "mbh",
    "ggmbh",
    "ag",
    "kg",
    "kgaa",
    "ohg",
    "ug",
    "ev",
    "eg",
    "gbr",
    "se",
    "sa",
    "sas",
    "sasu",
    "sarl",
    "eurl",
    "snc",
    "sca",
    "scop",
    "spa",
    "srl",
    "srls",
    "sl",
    "slu",
    "slp",
    "sau",
    "bv",
    "nv",
    "vof",
    "bvba",
    "sprl",
    "ab",
    "hb",
    "as",
    "asa",
    "aps",
    "oy",
    "oyj",
    "ehf",
    "hf",
    "ou",
    "sia",
    "uab",
    "kk",
    "gk",
    "pty",
    "pte",
    "pvt",
    "bhd",
    "tbk",
    "pt",
    "jsc",
    "ooo",
    "oao",
    "zao",
    "pao",
    "doo",
    "dd",
    "ad",
    "ead",
    "eood",
    "ood",
    "kft",
    "zrt",
    "nyrt",
    "sro",
    "lda",
    "ltda",
    "eireli",
    "cv",
    "jsp",
    "fzco",
    "fze",
    "fzllc",
    "dmcc",
    "wll",
    "psc",
    "saog",
    "ae",
    "epe",
    "ike",
    "holdings",
    "holding",
    "group",
    "dac",
    "clg",
    "cic",
    "ulc",
];

/// Cuts legal forms off the end, always leaving at least one word.
fn without_legal_form<'a, 'b>(words: &'b [&'a str]) -> &'b [&'a str] {
    let mut rest = words;
    'cut: loop {
        for form in LEGAL_FORMS {
            if let Some(shorter) = rest.strip_suffix(*form)
                && !shorter.is_empty()
            {
                rest = shorter;
                continue 'cut;
            }
        }
        match rest.split_last() {
            Some((last, shorter)) if !shorter.is_empty() && (LEGAL_WORDS.contains(last) || *last == "and") => {
                rest = shorter;
            }
            _ => return rest,
        }
    }
}

fn without_articles<'a, 'b>(words: &'b [&'a str]) -> &'b [&'a str] {
    let mut rest = words;
    while let Some((&"the", shorter)) = rest.split_first() {
        if shorter.is_empty() {
            break;
        }
        rest = shorter;
    }
    rest
}

#[cfg(test)]
mod tests;
