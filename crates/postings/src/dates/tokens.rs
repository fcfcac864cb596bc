//! Words and numbers of a date text.

/// One piece of a date text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// Month 1 to 12. `sure` is false for "may" and "march" in small letters, which may be verbs.
    Month { month: u32, sure: bool },
    /// A number of at most two digits.
    Small(u32),
    /// A year of four digits.
    Year(i32),
    /// A quarter of the year, 1 to 4; `season` when it was named as a season.
    Quarter { quarter: u32, season: bool },
    /// What joins two ends of a range.
    Dash,
    /// Anything else.
    Other,
}

const MONTHS: [(&str, u32); 52] = [
    ("january", 1),
    ("jan", 1),
    ("januar", 1),
    ("janvier", 1),
    ("enero", 1),
    ("february", 2),
    ("feb", 2),
    ("febr", 2),
    ("februar", 2),
    ("fevrier", 2),
    ("febrero", 2),
    ("march", 3),
    ("mar", 3),
    ("marz", 3),
    ("maerz", 3),
    ("mars", 3),
    ("marzo", 3),
    ("april", 4),
    ("apr", 4),
    ("avril", 4),
    ("abril", 4),
    ("may", 5),
    ("mai", 5),
    ("mayo", 5),
    ("june", 6),
    ("jun", 6),
    ("juni", 6),
    ("juin", 6),
    ("junio", 6),
    ("july", 7),
    ("jul", 7),
    ("juli", 7),
    ("juillet", 7),
    ("julio", 7),
    ("august", 8),
    ("aug", 8),
    ("aout", 8),
    ("agosto", 8),
    ("september", 9),
    ("sep", 9),
    ("sept", 9),
    ("septembre", 9),
    ("septiembre", 9),
    ("october", 10),
    ("oct", 10),
    ("oktober", 10),
    ("octobre", 10),
    ("november", 11),
    ("nov", 11),
    ("december", 12),
    ("dec", 12),
    ("dezember", 12),
];

/// English month names, for the normalised form.
pub(super) const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Splits a text into pieces. Months count as whole words only: "maybe" is not May.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let digits = run(rest, |character| character.is_ascii_digit());
            let suffix = ordinal_suffix(rest.get(digits..).unwrap_or(""));
            tokens.push(number(rest.get(..digits).unwrap_or("")));
            digits + suffix
        } else if first.is_alphabetic() {
            let letters = run(rest, char::is_alphanumeric);
            tokens.push(word(rest.get(..letters).unwrap_or("")));
            letters
        } else {
            if matches!(first, '-' | '–' | '—' | '~') {
                tokens.push(Token::Dash);
            }
            first.len_utf8()
        };
        rest = rest.get(length..).unwrap_or("");
    }
    doubt_verbs(&mut tokens);
    tokens
}

fn run(text: &str, keep: impl Fn(char) -> bool) -> usize {
    text.find(|character: char| !keep(character)).unwrap_or(text.len())
}

/// Bytes of "st", "nd", "rd" or "th" behind a number.
fn ordinal_suffix(text: &str) -> usize {
    let letters = run(text, char::is_alphabetic);
    let suffix = text.get(..letters).unwrap_or("").to_lowercase();
    if matches!(suffix.as_str(), "st" | "nd" | "rd" | "th" | "er") { letters } else { 0 }
}

fn number(digits: &str) -> Token {
    match (digits.len(), digits.parse::<i32>()) {
        (1 | 2, Ok(small)) => u32::try_from(small).map_or(Token::Other, Token::Small),
        (4, Ok(year)) if (1900..2200).contains(&year) => Token::Year(year),
        _ => Token::Other,
    }
}

fn word(word: &str) -> Token {
    let folded = crate::text::fold(word);
    if let Some((_, month)) = MONTHS.iter().find(|(name, _)| *name == folded) {
        let sure = !matches!(word, "may" | "march" | "mar");
        return Token::Month { month: *month, sure };
    }
    match folded.as_str() {
        "winter" => Token::Quarter { quarter: 1, season: true },
        "spring" => Token::Quarter { quarter: 2, season: true },
        "summer" => Token::Quarter { quarter: 3, season: true },
        "fall" | "autumn" => Token::Quarter { quarter: 4, season: true },
        "q1" => Token::Quarter { quarter: 1, season: false },
        "q2" => Token::Quarter { quarter: 2, season: false },
        "q3" => Token::Quarter { quarter: 3, season: false },
        "q4" => Token::Quarter { quarter: 4, season: false },
        "to" | "until" | "till" | "through" | "thru" | "bis" => Token::Dash,
        _ => Token::Other,
    }
}

/// "It may open in June": a doubtful month without a number beside it is a word when anything else names a time.
fn doubt_verbs(tokens: &mut [Token]) {
    let others =
        tokens.iter().filter(|token| matches!(token, Token::Month { sure: true, .. } | Token::Quarter { .. })).count();
    let has_words = tokens.contains(&Token::Other);
    for index in 0..tokens.len() {
        let Some(Token::Month { sure: false, .. }) = tokens.get(index) else { continue };
        let is_number = |at: Option<usize>| {
            at.and_then(|at| tokens.get(at)).is_some_and(|token| matches!(token, Token::Small(_) | Token::Year(_)))
        };
        let beside_number = is_number(index.checked_sub(1)) || is_number(Some(index + 1));
        if !beside_number
            && (others > 0 || has_words)
            && let Some(token) = tokens.get_mut(index)
        {
            *token = Token::Other;
        }
    }
}
