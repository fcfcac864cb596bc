//! What stands under the head of an entry.

use crate::resume::{Sourced, Span, sections::Row};

/// Text before the first bullet, and the bullets with the lines that continue them. Where there are no bullets, each
/// paragraph or sentence line is a point.
pub(crate) fn read(rows: &[&Row<'_>]) -> (Option<Sourced>, Vec<Sourced>) {
    let has_bullets = rows.iter().any(|row| row.bullet);
    let mut summary: Option<Point> = None;
    let mut points: Vec<Point> = Vec::new();
    let mut previous: Option<&Row<'_>> = None;
    for row in rows {
        let continues = previous.is_some_and(|previous| continues(previous, row, has_bullets));
        match (points.last_mut(), &mut summary) {
            (Some(point), _) if continues && !row.bullet => point.join(row),
            (None, Some(summary)) if has_bullets && !row.bullet => summary.join(row),
            (None, None) if has_bullets && !row.bullet => summary = Some(Point::of(row)),
            _ => points.push(Point::of(row)),
        }
        previous = Some(row);
    }
    (summary.map(Point::sourced), points.into_iter().map(Point::sourced).collect())
}

/// Whether a line without a bullet goes on with the one before.
fn continues(previous: &Row<'_>, row: &Row<'_>, has_bullets: bool) -> bool {
    let begins_small = row.piece.text.chars().next().is_some_and(|c| c.is_lowercase() || c == '(');
    let ended = previous.piece.text.ends_with(['.', '!', '?', ';']);
    let is_long = previous.piece.text.chars().count() >= 60;
    begins_small || (!row.line.gap && !row.line.block && !ended && (is_long || has_bullets))
}

struct Point {
    text: String,
    span: Span,
}

impl Point {
    fn of(row: &Row<'_>) -> Self {
        Self { text: row.piece.text.replace('\t', " "), span: row.piece.span }
    }

    fn join(&mut self, row: &Row<'_>) {
        self.text.push(' ');
        self.text.push_str(&row.piece.text.replace('\t', " "));
        self.span = self.span.to(row.piece.span);
    }

    fn sourced(self) -> Sourced {
        Sourced::at(self.text.trim().to_owned(), self.span)
    }
}

/// Paragraphs joined to one text.
pub(crate) fn joined(rows: &[Row<'_>]) -> Option<Sourced> {
    let mut rows = rows.iter();
    let mut text = Point::of(rows.next()?);
    for row in rows {
        text.join(row);
    }
    Some(text.sourced())
}
