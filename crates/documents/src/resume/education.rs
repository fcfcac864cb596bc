//! Schools and degrees.

use std::sync::LazyLock;

use super::{
    Education, Sourced,
    months::{self, Found},
    places::{cut, is_place},
    sections::Row,
    span::Piece,
    words::{degree_score, school_score},
};
use crate::pattern::{Pattern, pattern};

/// Longest line that can be the head of an entry, in words.
const LONGEST_HEAD: usize = 24;

static SEPARATOR: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"\t+|\s*[|•·]\s*|\s+[-–—―]\s+|\s*[—―]\s*|\s*ï¼\S{0,2}\s*|,\s+|;\s+|\s:\s|\s\(|\)\s*|\s+(?:at|from|an der|bei|à l['’])\s*\b",
    )
});
static SCORE: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:c?gpa|grade|note|abschlussnote|nota(?:\s+media)?|moyenne|mention|score|average)\s*[:=]?\s*(?P<score>[0-9](?:[.,]\d+)?(?:\s*/\s*\d+(?:[.,]\d+)?)?|tr[eè]s bien|bien|summa cum laude|magna cum laude|[A-F][+-]?\b)",
    )
});
static FIELD: LazyLock<Pattern> = LazyLock::new(|| pattern(r"(?i)\s(?:in|of|en|de|der|des|für)\s+|\s*[:–—]\s+|\s-\s"));

/// Reads the entries of a section.
pub(super) fn read(rows: &[Row<'_>]) -> Vec<Education> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for row in rows {
        let found = months::find(row.piece.text);
        let head = is_head(row, &found);
        let begins = entries.last().is_none_or(|entry| head && entry.is_followed_by(row, &found));
        if begins {
            entries.push(Entry::default());
        }
        if let Some(entry) = entries.last_mut() {
            entry.add(row, &found, head || begins);
        }
    }
    let entries = entries.into_iter().map(Entry::finish);
    entries.filter(|entry| entry.institution.is_some() || entry.degree.is_some()).collect()
}

fn is_head(row: &Row<'_>, found: &[Found]) -> bool {
    let text = row.piece.text;
    let says = degree_score(text) > 0 || school_score(text) > 0 || !found.is_empty();
    says && text.split_whitespace().count() <= LONGEST_HEAD
        && !(row.bullet && found.is_empty() && school_score(text) == 0)
}

#[derive(Default)]
struct Entry<'text> {
    institution: Option<Piece<'text>>,
    degree: Option<Piece<'text>>,
    place: Option<Piece<'text>>,
    period: Option<Sourced<super::Period>>,
    score: Option<Sourced>,
    rest: Vec<Piece<'text>>,
    notes: Vec<Sourced>,
}

impl<'text> Entry<'text> {
    /// Whether this line begins the next entry: it repeats what this one has, or stands apart from it.
    fn is_followed_by(&self, row: &Row<'_>, found: &[Found]) -> bool {
        let text = row.piece.text;
        let repeats_school = school_score(text) > 0 && self.institution.is_some();
        let repeats_degree = degree_score(text) > 0 && self.degree.is_some();
        let repeats_dates = !found.is_empty() && self.period.is_some();
        let is_full = self.institution.is_some() && (self.degree.is_some() || !self.rest.is_empty());
        (repeats_dates
            && (is_full || repeats_school || repeats_degree || self.institution.is_none() == self.degree.is_none()))
            || (repeats_school && (repeats_degree || self.degree.is_some() || self.period.is_some()))
            || (repeats_degree && (self.institution.is_some() || row.line.gap))
            || (row.line.gap && is_full)
    }

    fn add(&mut self, row: &Row<'text>, found: &[Found], head: bool) {
        let piece = row.piece;
        if let Some(score) = SCORE.captures(piece.text).and_then(|captures| captures.name("score"))
            && self.score.is_none()
        {
            self.score = Some(Sourced::at(score.as_str().to_owned(), piece.span.part(score.range())));
        }
        if !head {
            self.add_plain(row);
            return;
        }
        for period in found {
            let wanted = self.period.as_ref().is_none_or(|known| known.value.end.is_none() && period.is_range);
            if wanted {
                let mut value = period.period;
                // A single date is when it was finished.
                if !period.is_range {
                    value.end = value.start.take().map(super::End::At);
                }
                self.period = Some(Sourced::at(value, piece.span.part(period.range.clone())));
            }
        }
        let mut start = 0;
        for period in found {
            self.split(piece.slice(start..period.range.start.max(start)));
            start = period.range.end;
        }
        self.split(piece.slice(start..piece.text.len()));
    }

    /// A line that is no head: the field or school while one is missing, else a note.
    fn add_plain(&mut self, row: &Row<'text>) {
        let words = row.piece.text.split_whitespace().count();
        let is_missing = self.institution.is_none() || self.degree.is_none();
        if !row.bullet && is_missing && words <= 10 && !row.piece.text.ends_with('.') && self.notes.is_empty() {
            self.split(row.piece);
        } else {
            self.notes.push(Sourced::at(row.piece.text.replace('\t', " "), row.piece.span));
        }
    }

    fn split(&mut self, piece: Piece<'text>) {
        let mut start = 0;
        let mut parts = Vec::new();
        for found in SEPARATOR.find_iter(piece.text) {
            parts.push(piece.slice(start..found.start()));
            start = found.end();
        }
        parts.push(piece.slice(start..piece.text.len()));
        for part in parts.into_iter().filter(|part| !part.text.is_empty()) {
            self.part(part);
        }
    }

    fn part(&mut self, part: Piece<'text>) {
        let (school, degree) = (school_score(part.text), degree_score(part.text));
        if SCORE.is_match(part.text) && school == 0 {
            return;
        }
        if school > 0 && self.institution.is_none() && school >= degree {
            self.institution = Some(part);
        } else if degree > 0 && self.degree.is_none() {
            self.degree = Some(part);
        } else if self.place.is_none() && school == 0 && is_place(part.text) {
            self.place = Some(part);
        } else if part.text.chars().any(char::is_alphabetic) {
            self.rest.push(part);
        }
    }

    fn finish(mut self) -> Education {
        let mut field = None;
        if let Some((degree, found)) = self.degree.and_then(split_field) {
            (self.degree, field) = (Some(degree), Some(found));
        }
        let mut rest = self.rest.into_iter();
        if self.degree.is_some() && field.is_none() {
            field = rest.next();
        }
        if self.institution.is_none() {
            self.institution = rest.next();
        }
        let mut institution = self.institution;
        if let Some(piece) = institution {
            let (piece, place) = cut(piece, false);
            (institution, self.place) = (Some(piece), self.place.or(place));
        }
        let mut notes: Vec<Sourced> = rest.map(Piece::sourced).collect();
        notes.extend(self.notes);
        Education {
            institution: institution.map(Piece::sourced),
            degree: self.degree.map(Piece::sourced),
            field: field.map(Piece::sourced),
            period: self.period,
            place: self.place.map(Piece::sourced),
            score: self.score,
            notes,
            ..Education::default()
        }
    }
}

/// "Master of Science in Statistics" and "BSc Computer Science" as degree and field.
fn split_field(degree: Piece<'_>) -> Option<(Piece<'_>, Piece<'_>)> {
    let names_degree = |text: &str| {
        let names = [
            "science",
            "arts",
            "applied science",
            "business administration",
            "engineering",
            "laws",
            "education",
            "fine arts",
            "philosophy",
            "commerce",
            "technology",
            "public health",
            "social work",
        ];
        let lower = text.to_lowercase();
        names.iter().any(|name| lower.starts_with(name))
    };
    for joint in FIELD.find_iter(degree.text) {
        let (left, right) = (degree.slice(0..joint.start()), degree.slice(joint.end()..degree.text.len()));
        if !names_degree(right.text) && degree_score(left.text) > 0 && !right.text.is_empty() {
            return Some((left, right));
        }
    }
    let (first, _) = degree.text.split_once(' ')?;
    let (left, right) = (degree.slice(0..first.len()), degree.slice(first.len()..degree.text.len()));
    let is_whole = right.text.to_lowercase().starts_with("of ") || right.text.to_lowercase().starts_with("degree");
    (degree_score(left.text) > 0 && degree_score(right.text) == 0 && !is_whole).then_some((left, right))
}
