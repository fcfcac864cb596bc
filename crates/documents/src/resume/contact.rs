//! Name, addresses and numbers: from the top of the résumé first, then from anywhere.

use std::sync::LazyLock;

use super::{
    Contact, Link, Sourced, Span, months,
    sections::{Kind, Part, Row},
    span::Piece,
    words::title_score,
};
use crate::extract::Extract;
use crate::pattern::{Pattern, pattern};

/// How many rows from the top may hold the name.
const TOP_ROWS: usize = 12;

static EMAIL: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)[a-z0-9][a-z0-9._%+'-]*@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,24}\b"));
static PHONE: LazyLock<Pattern> = LazyLock::new(|| pattern(r"(?:\+|\(|\b)[\d(][\d\s().\-/\u{a0}]{5,22}\d\b"));
static URL: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?ix)\bhttps?://[^\s<>()\[\]|,;]+
        | \bwww\.[^\s<>()\[\]|,;]+
        | \b(?:[a-z]{2,3}\.)?(?:linkedin\.com|xing\.com|github\.com|gitlab\.com|behance\.net|dribbble\.com|stackoverflow\.com|medium\.com|twitter\.com|x\.com|kaggle\.com|orcid\.org|bitbucket\.org)/[^\s<>()\[\]|,;]+
        | \b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.(?:dev|io|me|tech|design|page|net|org|com|eu|de|fr|es|ch|at|uk|ai|app|blog|space|xyz|site|website|codes|engineer)(?:/[^\s<>()\[\]|,;]*)?",
    )
});
static POSTCODE: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(r"(?:^|[\s,])(?:[A-Z]{1,2}-)?\d{4,5}\s+[\p{Lu}][\p{L}.\- ]+|[,\s][A-Z]{2}\s+\d{5}(?:-\d{4})?\b")
});
static LABEL: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:name|full name|nom|nombre|address|adresse|anschrift|direcci[oó]n|location|wohnort|ort|place|city|city of residence|residence|lieu|ville|ciudad|based in|lives? in)\s*[:.]\s*",
    )
});
static PLACE_SEPARATOR: LazyLock<Pattern> = LazyLock::new(|| pattern(r"[\t|•·]|\s/\s"));
static PLACE_LABEL: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[|\t•·])\s*(?:address|adresse|anschrift|direcci[oó]n|location|wohnort|ort|place|city of residence|residence|lieu|ville|ciudad|based in)\s*[:.]\s*(?P<place>[^|\t•·]+)",
    )
});
static NAME_LABEL: LazyLock<Pattern> =
    LazyLock::new(|| pattern(r"(?i)^(?:full\s+name|name|nom|nombre)\s*[:\t]\s*(?P<name>[^|\t•·,]{3,60})"));

/// Reads the contact fields.
pub(super) fn read(extract: &Extract, parts: &[Part<'_>]) -> Contact {
    let text = &extract.text;
    let top: Vec<&Row<'_>> = parts
        .iter()
        .filter(|part| matches!(part.kind, None | Some(Kind::Contact | Kind::Links)))
        .flat_map(|part| &part.rows)
        .collect();
    let all: Vec<Piece<'_>> =
        top.iter().map(|row| row.piece).chain([Piece { text, span: Span { start: 0, end: text.len() } }]).collect();
    let email = all.iter().find_map(|piece| email(*piece));
    let phone = all.iter().find_map(|piece| phone(*piece));
    let mut contact = Contact { email, phone, links: links(&top, extract), ..Contact::default() };
    let mut head: Vec<&Row<'_>> = parts.first().map(|part| part.rows.iter().collect()).unwrap_or_default();
    // Where a side column comes first, the name stands somewhere below, in large letters.
    let large = parts.iter().skip(1).flat_map(|part| &part.rows).filter(|row| row.line.size > 1.4);
    head.truncate(TOP_ROWS);
    head.extend(large.take(3));
    contact.name = name(&head, parts, contact.email.as_ref());
    contact.headline = headline(&head, contact.name.as_ref());
    contact.place = place(&top, &contact);
    contact
}

fn email(piece: Piece<'_>) -> Option<Sourced> {
    let found = EMAIL.find(piece.text)?;
    Some(Sourced::at(found.as_str().to_owned(), piece.span.part(found.range())))
}

fn phone(piece: Piece<'_>) -> Option<Sourced> {
    PHONE.find_iter(piece.text).find_map(|found| {
        let whole = found.as_str();
        let start = piece.text[..found.start()].chars().next_back();
        let glued =
            start.is_some_and(|before| before.is_alphanumeric() || matches!(before, '/' | '@' | '_' | '.' | '='));
        let digits = whole.chars().filter(char::is_ascii_digit).count();
        let is_date = months::find(whole).iter().any(|period| period.is_range) || EMAIL.is_match(whole);
        let first_line = whole.split('\n').next().unwrap_or(whole).trim();
        let digits_there = first_line.chars().filter(char::is_ascii_digit).count();
        let is_number =
            !glued && digits >= 7 && (7..=15).contains(&digits_there) && !is_date && !is_year_list(first_line);
        let trimmed = first_line.trim_end_matches(['-', '/', '.', '(']).trim_end();
        is_number.then(|| {
            let range = found.start()..found.start() + trimmed.len();
            Sourced::at(trimmed.to_owned(), piece.span.part(range))
        })
    })
}

/// "2014 2019", "2014-2019", "12.2014 - 03": years are no telephone number.
fn is_year_list(text: &str) -> bool {
    let groups: Vec<&str> =
        text.split(|character: char| !character.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    let years = groups.iter().filter(|group| group.len() == 4 && (group.starts_with("19") || group.starts_with("20")));
    !text.starts_with('+') && years.count() * 2 >= groups.len()
}

fn links(top: &[&Row<'_>], extract: &Extract) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    // Addresses behind words stand at the very end of the text.
    let hidden = extract.lines.iter().rev().take_while(|line| {
        let words = line.span.of(&extract.text);
        words.starts_with("http") && !words.contains(' ')
    });
    let hidden: Vec<Piece<'_>> =
        hidden.map(|line| Piece { text: line.span.of(&extract.text), span: line.span }).collect();
    let pieces = top.iter().map(|row| row.piece).chain(hidden.into_iter().rev());
    for piece in pieces {
        for found in URL.find_iter(piece.text) {
            let before = piece.text[..found.start()].chars().next_back();
            let after = piece.text[found.end()..].chars().next();
            if before.is_some_and(|c| c == '@' || c == '.' || c == '_') || after == Some('@') {
                continue;
            }
            let address = found.as_str().trim_end_matches(['.', '/', ':']);
            let url = if address.starts_with("http") { address.to_owned() } else { format!("https://{address}") };
            let span = piece.span.part(found.start()..found.start() + address.len());
            let known = links.iter().any(|link| same_address(&link.url.value, &url));
            if !known && url::Url::parse(&url).is_ok() && is_plausible(address) {
                links.push(Link { network: network(&url), url: Sourced::at(url, span), extra: super::Extra::new() });
            }
        }
    }
    links
}

fn same_address(left: &str, right: &str) -> bool {
    let bare = |url: &str| {
        let url = url.to_lowercase();
        let url = url.split_once("://").map_or(url.clone(), |(_, rest)| rest.to_owned());
        url.trim_start_matches("www.").trim_end_matches('/').to_owned()
    };
    bare(left) == bare(right)
}

/// "Node.js", "ASP.net" and "B.Sc" look like hosts but are none.
fn is_plausible(address: &str) -> bool {
    let host = address.split("://").last().unwrap_or(address).split('/').next().unwrap_or("");
    let name = host.trim_start_matches("www.").split('.').next().unwrap_or("");
    let known = ["asp", "vb", "ado", "socket", "node", "vue", "next", "express"];
    name.len() >= 2 && !known.contains(&name.to_lowercase().as_str())
}

fn network(url: &str) -> Option<String> {
    let host = url::Url::parse(url).ok()?.host_str()?.to_owned();
    let known = [
        ("linkedin.com", "LinkedIn"),
        ("xing.com", "XING"),
        ("github.com", "GitHub"),
        ("gitlab.com", "GitLab"),
        ("stackoverflow.com", "Stack Overflow"),
        ("behance.net", "Behance"),
        ("dribbble.com", "Dribbble"),
        ("twitter.com", "Twitter"),
        ("x.com", "X"),
        ("medium.com", "Medium"),
        ("kaggle.com", "Kaggle"),
        ("orcid.org", "ORCID"),
    ];
    let found = known.iter().find(|(domain, _)| host == *domain || host.ends_with(&format!(".{domain}")));
    found.map(|(_, name)| (*name).to_owned())
}

fn name(head: &[&Row<'_>], parts: &[Part<'_>], email: Option<&Sourced>) -> Option<Sourced> {
    let labelled = parts.iter().flat_map(|part| &part.rows).take(TOP_ROWS * 2).find_map(|row| {
        let found = NAME_LABEL.captures(row.piece.text)?.name("name")?;
        let piece = row.piece.slice(found.range());
        is_name(piece.text).then(|| piece.sourced())
    });
    if labelled.is_some() {
        return labelled;
    }
    let mut best: Option<(f32, Piece<'_>)> = None;
    for (index, row) in head.iter().enumerate() {
        for cell in cells(row.piece) {
            let cell = without_title(cell);
            if !is_name(cell.text) {
                continue;
            }
            let mut score = row.line.size * 2.0 - index as f32 * 0.3;
            score += if row.line.heading == Some(1) { 3.0 } else { 0.0 } + if row.line.bold { 0.5 } else { 0.0 };
            score += email.map_or(0.0, |email| shared_letters(cell.text, &email.value) * 3.0);
            score -= if title_score(cell.text) > 0 { 4.0 } else { 0.0 };
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, cell));
            }
        }
    }
    let (score, piece) = best?;
    (score > 0.0).then(|| piece.sourced())
}

/// Cells of a row, and the parts of a line that rules and dots part.
fn cells(piece: Piece<'_>) -> Vec<Piece<'_>> {
    let mut cells = Vec::new();
    let mut start = 0;
    for (index, mark) in piece.text.match_indices(['\t', '|', '•', '·', '(', ',', '–']) {
        cells.push(piece.slice(start..index));
        start = index + mark.len();
    }
    cells.push(piece.slice(start..piece.text.len()));
    cells
}

/// "Dr. Jane Doe", "Jane Doe, PhD", "Curriculum Vitae Jane Doe": the name alone.
fn without_title(piece: Piece<'_>) -> Piece<'_> {
    let lower = piece.text.to_lowercase();
    let before = [
        "curriculum vitae",
        "lebenslauf",
        "résumé",
        "resume",
        "cv",
        "of",
        "de",
        "von",
        "dr.",
        "prof.",
        "mr.",
        "mrs.",
        "ms.",
        "herr",
        "frau",
    ];
    let prefix = before.iter().find(|word| lower.starts_with(&format!("{word} ")));
    match prefix {
        Some(word) if lower.len() == piece.text.len() => without_title(piece.slice(word.len()..piece.text.len())),
        _ => piece,
    }
}

fn is_name(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let allowed = |character: char| character.is_alphabetic() || matches!(character, ' ' | '.' | '\'' | '’' | '-');
    let small = [
        "de", "da", "del", "della", "der", "den", "van", "von", "zu", "la", "le", "bin", "al", "dos", "y", "e", "ter",
        "di",
    ];
    let large = |word: &&str| word.chars().next().is_some_and(char::is_uppercase) || small.contains(word);
    let no_head = [
        "resume",
        "résumé",
        "lebenslauf",
        "curriculum",
        "vitae",
        "profile",
        "contact",
        "summary",
        "cv",
        "page",
        "portfolio",
    ];
    (2..=5).contains(&words.len())
        && text.len() <= 60
        && text.chars().all(allowed)
        && words.iter().all(large)
        && words.first().is_some_and(|word| word.chars().next().is_some_and(char::is_uppercase))
        && !words.iter().any(|word| no_head.contains(&word.to_lowercase().as_str()))
        && words.iter().filter(|word| word.chars().count() > 1).count() >= 1
}

/// Share of the name's words that the address begins with or holds.
fn shared_letters(name: &str, email: &str) -> f32 {
    let local = email.split('@').next().unwrap_or("").to_lowercase();
    let folded = deunicode::deunicode(name).to_lowercase();
    let words: Vec<&str> = folded.split_whitespace().filter(|word| word.len() > 2).collect();
    let hits = words.iter().filter(|word| local.contains(**word)).count();
    if words.is_empty() { 0.0 } else { hits as f32 / words.len() as f32 }
}

/// The first short line after the name that is no address: what the person calls themselves.
fn headline(head: &[&Row<'_>], name: Option<&Sourced>) -> Option<Sourced> {
    let after = name.and_then(|name| name.span)?;
    let next = head.iter().filter(|row| row.piece.span.end > after.end).take(3).find_map(|row| {
        let cells = cells(row.piece);
        cells.into_iter().find(|cell| cell.span.start >= after.end && is_headline(cell.text))
    })?;
    Some(next.sourced())
}

fn is_headline(text: &str) -> bool {
    let words = text.split_whitespace().count();
    (1..=10).contains(&words)
        && title_score(text) > 0
        && !text.contains('@')
        && !text.chars().any(|character| character.is_ascii_digit())
        && !text.ends_with('.')
}

/// A labelled place, a line with a post code, or a cell that names a known place.
fn place(top: &[&Row<'_>], contact: &Contact) -> Option<Sourced> {
    let labelled = top.iter().find_map(|row| {
        let found = PLACE_LABEL.captures(row.piece.text)?.name("place")?;
        let piece = row.piece.slice(found.range());
        (!piece.text.is_empty()).then(|| piece.sourced())
    });
    if labelled.is_some() {
        return labelled;
    }
    let name = contact.name.as_ref().and_then(|name| name.span);
    let cells: Vec<Piece<'_>> = top
        .iter()
        .take(TOP_ROWS * 2)
        .flat_map(|row| place_cells(row.piece))
        .filter(|cell| name != Some(cell.span) && cell.text.len() <= 90 && !cell.text.contains('@'))
        .collect();
    let post = cells.iter().find(|cell| POSTCODE.is_match(cell.text));
    let known = || cells.iter().find(|cell| super::places::is_place(cell.text));
    post.or_else(known).map(|cell| cell.sourced())
}

fn place_cells(piece: Piece<'_>) -> Vec<Piece<'_>> {
    let piece = match LABEL.find(piece.text) {
        Some(label) => piece.slice(label.end()..piece.text.len()),
        None => piece,
    };
    let mut cells = Vec::new();
    let mut start = 0;
    for found in PLACE_SEPARATOR.find_iter(piece.text) {
        cells.push(piece.slice(start..found.start()));
        start = found.end();
    }
    cells.push(piece.slice(start..piece.text.len()));
    cells
}
