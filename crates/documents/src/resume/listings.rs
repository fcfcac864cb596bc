//! Skills, languages and certificates: lists of short items.

use std::sync::LazyLock;

use super::{
    Certificate, Extra, Language, SkillGroup, Sourced, months, sections::Row, span::Piece, words::is_language,
};
use crate::pattern::{Pattern, pattern};

/// Longest skill, in words; longer items are sentences and stay whole.
const LONGEST_SKILL: usize = 8;

/// Most words of a group's name.
const LONGEST_LABEL: usize = 5;

static ITEM_SEPARATOR: LazyLock<Pattern> = LazyLock::new(|| pattern(r"[,;|•·▪●\t]\s*|\s+[–—]\s+"));
static LEVEL: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)\b(?:native|mother\s+tongue|bilingual|fluent|fluently|proficient|proficiency|advanced|intermediate|upper[\s-]intermediate|elementary|basic|beginner|conversational|professional|working|full\s+professional|limited|business|good|very\s+good|excellent|
        muttersprache|muttersprachlich|flie(?:ß|ss)end|verhandlungssicher|sehr\s+gut|gute?|grundkenntnisse|
        langue\s+maternelle|maternelle|courant|bilingue|interm[ée]diaire|notions|scolaire|d[ée]butant|
        nativ[oa]|lengua\s+materna|fluido|avanzado|intermedio|b[áa]sico|alto|medio|
        [abc][12]\+?)\b",
    )
});

/// Reads groups of skills: "Databases: PostgreSQL, SQLite", or items without a name.
pub(super) fn skills(rows: &[Row<'_>]) -> Vec<SkillGroup> {
    let mut groups: Vec<SkillGroup> = Vec::new();
    let mut open: Option<String> = None;
    for row in rows {
        let (label, rest) = label(row.piece);
        if let Some(label) = label {
            groups.push(SkillGroup { name: Some(label.sourced()), ..SkillGroup::default() });
        } else if groups.is_empty() {
            groups.push(SkillGroup::default());
        }
        let Some(group) = groups.last_mut() else { continue };
        let begins_small = rest.text.chars().next().is_some_and(char::is_lowercase);
        let goes_on =
            label.is_none() && !row.bullet && open.as_ref().is_some_and(|open| open.ends_with(',') || begins_small);
        let mut items = items(rest).into_iter();
        if goes_on
            && !open.as_ref().is_some_and(|open| open.ends_with(','))
            && let (Some(last), Some(first)) = (group.skills.last_mut(), items.next())
        {
            last.value = format!("{} {}", last.value, first.text);
            last.span = last.span.map(|span| span.to(first.span));
        }
        group.skills.extend(items.map(Piece::sourced));
        open = Some(row.piece.text.to_owned());
    }
    groups.retain(|group| !group.skills.is_empty());
    groups
}

fn label(piece: Piece<'_>) -> (Option<Piece<'_>>, Piece<'_>) {
    let cut = piece.text.find(':').or_else(|| {
        // Two cells: the first names what the second lists.
        let tab = piece.text.find('\t')?;
        piece.text[tab..].contains(',').then_some(tab)
    });
    let Some(at) = cut else { return (None, piece) };
    let name = piece.slice(0..at);
    let is_label = (1..=LONGEST_LABEL).contains(&name.text.split_whitespace().count()) && !name.text.contains(',');
    if is_label { (Some(name), piece.slice(at + 1..piece.text.len())) } else { (None, piece) }
}

fn items(piece: Piece<'_>) -> Vec<Piece<'_>> {
    if piece.text.ends_with('.') && piece.text.split_whitespace().count() > LONGEST_SKILL * 2 {
        return vec![piece];
    }
    let mut items = Vec::new();
    let mut start = 0;
    for found in ITEM_SEPARATOR.find_iter(piece.text) {
        // A comma within brackets parts nothing: "AWS (S3, EC2)".
        if depth(&piece.text[..found.start()]) > 0 {
            continue;
        }
        items.push(piece.slice(start..found.start()));
        start = found.end();
    }
    items.push(piece.slice(start..piece.text.len()));
    let bare = |item: Piece<'_>| !item.text.is_empty() && item.text.chars().any(char::is_alphanumeric);
    items.into_iter().map(without_stop).filter(|item| bare(*item)).collect()
}

fn without_stop(piece: Piece<'_>) -> Piece<'_> {
    match piece.text.strip_suffix('.') {
        Some(bare) if !bare.contains('.') => piece.slice(0..bare.len()),
        _ => piece,
    }
}

fn depth(text: &str) -> usize {
    text.matches('(').count().saturating_sub(text.matches(')').count())
}

/// Reads languages with how well they are spoken.
pub(super) fn languages(rows: &[Row<'_>]) -> Vec<Language> {
    let mut languages: Vec<Language> = Vec::new();
    for row in rows {
        for item in items(row.piece) {
            add_language(&mut languages, item);
        }
    }
    languages
}

fn add_language(languages: &mut Vec<Language>, item: Piece<'_>) {
    let name_end = item
        .text
        .find(|character: char| !(character.is_alphabetic() || matches!(character, ' ' | '\'' | '-')))
        .unwrap_or(item.text.len());
    let mut name = item.slice(0..name_end);
    if let Some(level) = LEVEL.find(name.text) {
        name = if level.start() == 0 { item.slice(level.end()..name_end) } else { item.slice(0..level.start()) };
    }
    let level = level(item);
    // Under this head an unknown word with a level is a language too.
    let is_named = is_language(name.text) || (level.is_some() && name.text.chars().count() > 3);
    if is_named && name.text.split_whitespace().count() <= 3 {
        languages.push(Language { name: name.sourced(), level, extra: Extra::new() });
    } else if let (Some(last), Some(level)) = (languages.last_mut(), level)
        && last.level.is_none()
    {
        // The level stands in a cell or on a line of its own.
        last.level = Some(level);
    }
}

fn level(item: Piece<'_>) -> Option<Sourced> {
    let first = LEVEL.find(item.text)?;
    let last = LEVEL.find_iter(item.text).last().unwrap_or(first);
    let closed = item.text[first.start()..last.end()].contains('(') && item.text[last.end()..].starts_with(')');
    Some(item.slice(first.start()..last.end() + usize::from(closed)).sourced())
}

/// Reads certificates: name, issuer and date.
pub(super) fn certificates(rows: &[Row<'_>]) -> Vec<Certificate> {
    rows.iter().filter_map(|row| certificate(row.piece)).collect()
}

fn certificate(piece: Piece<'_>) -> Option<Certificate> {
    let found = months::find(piece.text);
    let date = found.first().and_then(|found| {
        let month = found.period.start.or(found.period.end_month())?;
        Some(Sourced::at(month, piece.span.part(found.range.clone())))
    });
    let mut parts: Vec<Piece<'_>> = Vec::new();
    let mut start = 0;
    for found in &found {
        parts.extend(certificate_parts(piece.slice(start..found.range.start.max(start))));
        start = found.range.end;
    }
    parts.extend(certificate_parts(piece.slice(start..piece.text.len())));
    let mut parts = parts.into_iter().filter(|part| part.text.chars().any(char::is_alphabetic));
    let name = parts.next()?;
    Some(Certificate { name: name.sourced(), issuer: parts.next().map(Piece::sourced), date, extra: Extra::new() })
}

static CERTIFICATE_SEPARATOR: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"\t+|\s*[|•·]\s*|\s+[-–—―]\s+|,\s+|\s\(|\)|\s+(?:by|from|von|par|por)\s+"));

fn certificate_parts(piece: Piece<'_>) -> Vec<Piece<'_>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for found in CERTIFICATE_SEPARATOR.find_iter(piece.text) {
        parts.push(piece.slice(start..found.start()));
        start = found.end();
    }
    parts.push(piece.slice(start..piece.text.len()));
    parts
}
