//! Which lines are heads, and what stands under each.

use std::{collections::HashMap, collections::HashSet, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::{
    Sourced, Span,
    span::Piece,
    words::{HEAD_FILLERS, HEAD_KEYS, is_language, words},
};
use crate::extract::{Extract, Line, is_bullet};

/// What a section is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    Contact,
    Summary,
    Experience,
    Education,
    Skills,
    Certificates,
    Languages,
    Links,
    Projects,
    Volunteering,
    Publications,
    Awards,
    Interests,
    References,
    Other,
}

/// A head that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// What stands under it.
    pub kind: Kind,
    /// Its words, and where they are.
    pub title: Sourced,
}

/// A line's text without its bullet, and how it looked.
#[derive(Debug, Clone)]
pub(super) struct Row<'text> {
    pub piece: Piece<'text>,
    pub line: &'text Line,
    pub bullet: bool,
}

/// A head and its lines; the first section of a résumé has none.
#[derive(Debug)]
pub(super) struct Part<'text> {
    pub kind: Option<Kind>,
    pub head: Option<Piece<'text>>,
    pub rows: Vec<Row<'text>>,
    /// Heads that stand as items of its lists: they part nothing.
    pub inner: Vec<(Kind, Piece<'text>)>,
}

/// Most words of a head.
const MOST_WORDS: usize = 6;

/// Parts the text at its heads.
pub(super) fn divide(extract: &Extract) -> Vec<Part<'_>> {
    let mut parts = vec![Part { kind: None, head: None, rows: Vec::new(), inner: Vec::new() }];
    for line in &extract.lines {
        let row = row(&extract.text, line);
        let current = parts.last().and_then(|part| part.kind);
        if let Some(kind) = listed_head(&row, current)
            && let Some(part) = parts.last_mut()
        {
            part.inner.push((kind, row.piece));
        }
        let Some((kind, head, rest)) = split_head(&row, current) else {
            if let Some(part) = parts.last_mut() {
                part.rows.push(row);
            }
            continue;
        };
        let rows = if rest.text.is_empty() { Vec::new() } else { vec![Row { piece: rest, ..row }] };
        parts.push(Part { kind: Some(kind), head: Some(head), rows, inner: Vec::new() });
    }
    parts
}

pub(super) fn row<'text>(text: &'text str, line: &'text Line) -> Row<'text> {
    let whole = line.span.of(text);
    let is_mark = |character: char| is_bullet(character) || character.is_whitespace();
    let mut bare = whole.trim_start_matches(is_mark);
    let marked = bare.len() < whole.len() || line.bullet;
    if marked {
        for mark in ["- ", "* ", "– ", "— ", "+ ", "o "] {
            bare = bare.strip_prefix(mark).unwrap_or(bare);
        }
    }
    let start = line.span.start + (whole.len() - bare.len());
    // Edges stay here: a final full stop or an opening bracket belongs to the words.
    let span = Span { start, end: start + bare.trim_end().len() };
    Row { piece: Piece { text: bare.trim_end(), span }, line, bullet: marked }
}

/// A head alone on its line, in the first cell of it, or before a colon; with what follows on the line.
fn split_head<'text>(row: &Row<'text>, current: Option<Kind>) -> Option<(Kind, Piece<'text>, Piece<'text>)> {
    let piece = row.piece;
    if row.bullet && row.line.heading.is_none() && !is_pasted_head(row, current) {
        return None;
    }
    let end = piece.slice(piece.text.len()..piece.text.len());
    if let Some(kind) = head_kind(piece.text, row.line) {
        return Some((kind, piece.slice(0..piece.text.len()), end));
    }
    if let Some((cell, _)) = piece.text.split_once('\t')
        && let Some(kind) = head_kind(cell, row.line)
    {
        return Some((kind, piece.slice(0..cell.len()), piece.slice(cell.len()..piece.text.len())));
    }
    let (label, rest) = piece.text.split_once(':')?;
    let kind = head_kind(label, row.line)?;
    let fits = match current {
        // "Languages: Java, Go" under Skills names a group, and so does "Tools: ..." in a position.
        Some(Kind::Skills | Kind::Experience | Kind::Projects) => {
            row.line.gap && kind != Kind::Skills && (kind != Kind::Languages || is_language(rest))
        }
        Some(Kind::Contact) | None => kind != Kind::Links && !rest.contains('@'),
        Some(Kind::Education) => kind != Kind::Awards && kind != Kind::Certificates,
        _ => true,
    };
    let is_short = label.split_whitespace().count() <= 3 && !rest.trim().is_empty();
    (fits && is_short).then(|| (kind, piece.slice(0..label.len()), piece.slice(label.len()..piece.text.len())))
}

/// A head that was pasted into a list: "• Core Strengths".
fn listed_head(row: &Row<'_>, current: Option<Kind>) -> Option<Kind> {
    let kind = head_kind(row.piece.text, row.line)?;
    let words = words(&row.piece.text.replace(['/', '&', '-'], " "));
    let ends_with_key = words.last().is_some_and(|word| KEYS.contains_key(word.as_str()));
    let is_capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let listed = row.bullet && row.line.heading.is_none() && !is_pasted_head(row, current);
    let stands_out = words.len() > 1 && row.piece.text.split_whitespace().all(is_capital);
    (listed && ends_with_key && (stands_out || is_capitals(row.piece.text))).then_some(kind)
}

/// "• PROFESSIONAL SUMMARY" outside of positions, where such a line only heads a few of their points.
fn is_pasted_head(row: &Row<'_>, current: Option<Kind>) -> bool {
    let text = row.piece.text;
    current != Some(Kind::Experience)
        && text.contains(' ')
        && !text.contains(':')
        && is_capitals(text)
        && head_kind(text, row.line).is_some()
}

fn is_capitals(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.chars().any(char::is_lowercase)
}

/// What kind of head these words are, if they are one.
fn head_kind(text: &str, line: &Line) -> Option<Kind> {
    let text = text.trim().trim_end_matches([':', '.', '-', '–']).trim();
    let is_named = line.heading.is_some();
    let collapsed = collapse_spaced(text);
    let text = collapsed.as_deref().unwrap_or(text);
    let begins_large = text.chars().find(|character| character.is_alphabetic())?.is_uppercase();
    let has_digits = text.chars().any(|character| character.is_ascii_digit());
    if has_digits || text.len() > 70 || !(begins_large || is_named) || text.contains(['\t', ',', '|', '@']) {
        return None;
    }
    let words = words(&text.replace(['/', '&', '-', '\'', '’'], " "));
    if words.is_empty() || words.len() > MOST_WORDS {
        return None;
    }
    let alone = match words.join(" ").as_str() {
        "work" => Some(&Kind::Experience),
        "about me" | "uber mich" | "ueber mich" | "sobre mi" | "a propos" => Some(&Kind::Summary),
        _ => None,
    };
    let kind = alone.or_else(|| words.iter().find_map(|word| KEYS.get(word.as_str())))?;
    let known = |word: &String| KEYS.contains_key(word.as_str()) || FILLERS.contains(word.as_str());
    let all_known = words.iter().all(known);
    // "Retail Experience": one strange word is let through where the line looks like a head.
    let is_loud = is_named || line.size > 1.1 || is_capitals(text) || (line.bold && line.gap);
    let strange = words.iter().filter(|word| !known(word)).count();
    let ends_with_key = words.last().is_some_and(|word| KEYS.contains_key(word.as_str()));
    let accepted = all_known || (is_loud && strange == 1 && words.len() <= 3 && ends_with_key && !is_role(&words));
    accepted.then_some(*kind)
}

/// "Project Manager" ends with no key, but "Manager Projects" would; "Training Engineer" must stay a title.
fn is_role(words: &[String]) -> bool {
    super::words::title_score(&words.join(" ")) > 0
}

/// "E X P E R I E N C E" as "EXPERIENCE"; words are parted by wider room, which is lost, so that only one word works.
fn collapse_spaced(text: &str) -> Option<String> {
    let letters: Vec<&str> = text.split(' ').collect();
    let spaced = letters.len() >= 4 && letters.iter().all(|letter| letter.chars().count() == 1);
    spaced.then(|| letters.concat())
}

static KEYS: LazyLock<HashMap<&'static str, Kind>> = LazyLock::new(|| {
    let mut keys = HashMap::new();
    for (kind, words) in HEAD_KEYS {
        for word in words.split_whitespace() {
            // Words that only support another key ("about me", "Ziel") count as fillers where they are short.
            if !matches!(word, "me" | "mi" | "uber" | "mich" | "sobre" | "a" | "other" | "work") {
                keys.entry(word).or_insert(*kind);
            }
        }
    }
    keys
});

static FILLERS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| HEAD_FILLERS.split_whitespace().chain(["me", "mi", "uber", "mich", "sobre", "about"]).collect());

#[cfg(test)]
mod tests;
