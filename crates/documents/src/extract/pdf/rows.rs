//! From single glyphs to pieces of text on common base lines.

use std::cmp::Ordering;

use super::Glyph;

/// Share of the letters' size by which base lines of one row may differ: raised letters, mixed sizes.
const SAME_LINE: f32 = 0.35;

/// A gap of this share of the size parts words.
const WORD_GAP: f32 = 0.15;

/// A gap of this many sizes parts pieces: cells, columns, a date set to the right.
const PIECE_GAP: f32 = 1.2;

/// A piece of text without wide gaps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub text: String,
    pub x0: f32,
    pub x1: f32,
    pub y: f32,
    pub size: f32,
    pub bold: bool,
}

/// The pieces on one base line, from left to right.
pub(super) type Row = Vec<Piece>;

/// Rows from top to bottom; turned text follows after the level one.
pub(super) fn gather(glyphs: Vec<Glyph>) -> Vec<Row> {
    let mut turned: [Vec<Glyph>; 4] = Default::default();
    for glyph in glyphs {
        if let Some(same) = turned.get_mut(usize::from(glyph.turn)) {
            same.push(glyph);
        }
    }
    turned.into_iter().flat_map(level_rows).collect()
}

fn level_rows(mut glyphs: Vec<Glyph>) -> Vec<Row> {
    glyphs.sort_by(|a, b| order(a.y, b.y).then(order(a.x0, b.x0)));
    let mut rows: Vec<Vec<Glyph>> = Vec::new();
    for glyph in glyphs {
        match rows.last_mut() {
            Some(row) if same_line(row, &glyph) => row.push(glyph),
            _ => rows.push(vec![glyph]),
        }
    }
    let mut rows: Vec<Row> = rows.into_iter().map(pieces).filter(|row| !row.is_empty()).collect();
    rows.sort_by(|a, b| order(top(a), top(b)));
    rows
}

/// Compares with the row's largest letter, so that a raised one does not draw the next line after it.
fn same_line(row: &[Glyph], glyph: &Glyph) -> bool {
    let Some(base) = row.iter().filter(|other| !other.text.trim().is_empty()).max_by(|a, b| order(a.size, b.size))
    else {
        return row.last().is_some_and(|last| (last.y - glyph.y).abs() < glyph.size * SAME_LINE);
    };
    (glyph.y - base.y).abs() <= base.size.max(glyph.size) * SAME_LINE
}

fn pieces(mut row: Vec<Glyph>) -> Row {
    row.sort_by(|a, b| order(a.x0, b.x0));
    let mut pieces: Row = Vec::new();
    let mut blank = false;
    let mut bold = 0;
    let mut previous: Option<Glyph> = None;
    for glyph in row {
        if glyph.text.trim().is_empty() {
            blank = true;
            continue;
        }
        if previous.as_ref().is_some_and(|previous| is_shadow(previous, &glyph)) {
            continue;
        }
        let gap = pieces.last().map_or(f32::MAX, |piece| glyph.x0 - piece.x1);
        match pieces.last_mut() {
            Some(piece) if gap < PIECE_GAP * glyph.size.max(piece.size) => {
                if blank || gap > WORD_GAP * glyph.size {
                    piece.text.push(' ');
                }
                piece.text.push_str(&glyph.text);
                piece.x1 = piece.x1.max(glyph.x1);
                piece.size = piece.size.max(glyph.size);
                bold += i32::from(glyph.bold);
                piece.bold = bold * 2 > i32::try_from(piece.text.len()).unwrap_or(i32::MAX);
            }
            _ => {
                bold = i32::from(glyph.bold);
                let Glyph { text, x0, x1, y, size, bold, .. } = glyph.clone();
                pieces.push(Piece { text, x0, x1, y, size, bold });
            }
        }
        blank = false;
        previous = Some(glyph);
    }
    pieces
}

/// The same letter drawn again a hair beside itself, which is how some writers make bold.
fn is_shadow(previous: &Glyph, glyph: &Glyph) -> bool {
    previous.text == glyph.text
        && (previous.x0 - glyph.x0).abs() < glyph.size * 0.12
        && (previous.y - glyph.y).abs() < glyph.size * 0.12
}

pub(super) fn top(row: &Row) -> f32 {
    row.iter().map(|piece| piece.y).fold(f32::MAX, f32::min)
}

/// The size that most letters have.
pub(super) fn usual_size<'rows>(rows: impl Iterator<Item = &'rows Row>) -> f32 {
    let mut weights: Vec<(f32, usize)> = Vec::new();
    for piece in rows.flatten() {
        match weights.iter_mut().find(|(size, _)| (*size - piece.size).abs() < 0.3) {
            Some((_, weight)) => *weight += piece.text.len(),
            None => weights.push((piece.size, piece.text.len())),
        }
    }
    weights.into_iter().max_by_key(|(_, weight)| *weight).map_or(10.0, |(size, _)| size)
}

pub(super) fn order(a: f32, b: f32) -> Ordering {
    a.total_cmp(&b)
}
