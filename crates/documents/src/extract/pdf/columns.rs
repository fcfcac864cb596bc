//! Reading order: columns are found as white gutters that many rows share, and read one after the other.
//!
//! A gutter beside right-aligned dates looks the same as one between columns. It is told apart by what stands beside it:
//! pieces that share their base lines with the text on the other side and are short, dated or set flush right belong to
//! their rows.

use super::rows::{Piece, Row, order, top};
use crate::extract::{
    ExtractError, TextBuilder,
    builder::{Look, starts_with_bullet},
};

/// Narrowest gutter, in sizes of the usual letters.
const GUTTER: f32 = 0.9;

/// A gap of this many sizes parts cells of a row; a narrower one is a wide blank.
const CELL_GAP: f32 = 1.8;

/// Fewest rows on either side of a gutter.
const FEWEST_ROWS: usize = 3;

/// Deepest division of columns within columns.
const DEEPEST: usize = 6;

/// Most rows of a page in which gutters are looked for; a page of text has a hundred.
const MOST_ROWS: usize = 1500;

/// Writes a page's rows in reading order.
pub(super) fn write(rows: Vec<Row>, usual: f32, builder: &mut TextBuilder) -> Result<(), ExtractError> {
    let deepest = if rows.len() > MOST_ROWS { 0 } else { DEEPEST };
    region(rows, usual, deepest, builder)
}

fn region(rows: Vec<Row>, usual: f32, depth: usize, builder: &mut TextBuilder) -> Result<(), ExtractError> {
    let division = if depth == 0 { None } else { divide(&rows, usual) };
    let Some(Division { first, last, x }) = division else { return lines(&rows, usual, builder) };
    let mut rows = rows;
    let below = rows.split_off(last + 1);
    let middle = rows.split_off(first);
    let (mut left, mut right): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    for row in middle {
        let (a, b): (Row, Row) = row.into_iter().partition(|piece| piece.x0 < x);
        left.push(a);
        right.push(b);
    }
    for side in [&mut left, &mut right] {
        side.retain(|row| !row.is_empty());
    }
    region(rows, usual, depth - 1, builder)?;
    for part in [left, right, below] {
        builder.block();
        region(part, usual, depth - 1, builder)?;
    }
    Ok(())
}

/// Rows `first` to `last` fall into two columns at `x`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Division {
    first: usize,
    last: usize,
    x: f32,
}

fn divide(rows: &[Row], usual: f32) -> Option<Division> {
    let mut edges: Vec<f32> = rows.iter().flatten().map(|piece| piece.x0).collect();
    edges.sort_by(|a, b| order(*a, *b));
    edges.dedup_by(|a, b| (*a - *b).abs() < 1.0);
    let mut best: Option<(usize, Division)> = None;
    for x in edges {
        for (first, last) in runs(rows, x, usual) {
            let (left, right) = sides(&rows[first..=last], x);
            // A column's lines begin at its edge; dates set flush right begin anywhere.
            let aligned = right.iter().filter(|piece| (piece.x0 - x).abs() < 1.0).count();
            let smaller = left.len().min(right.len()).min(aligned * 2);
            if smaller >= FEWEST_ROWS && best.is_none_or(|(most, _)| smaller > most) && !is_tabular(&left, &right) {
                best = Some((smaller, Division { first, last, x: x - 0.5 }));
            }
        }
    }
    best.map(|(_, division)| division)
}

/// Longest runs of rows that leave a gutter before `x` free.
fn runs(rows: &[Row], x: f32, usual: f32) -> Vec<(usize, usize)> {
    let crosses = |piece: &Piece| piece.x0 < x - 0.6 && piece.x1 > x - GUTTER * usual;
    let mut runs = Vec::new();
    let mut start = None;
    for index in 0..=rows.len() {
        let free = rows.get(index).is_some_and(|row| !row.iter().any(crosses));
        match (free, start) {
            (true, None) => start = Some(index),
            (false, Some(first)) => {
                let first = below_name(rows, first, index - 1, x, usual);
                runs.push((first, trimmed(rows, first, index - 1, x)));
                start = None;
            }
            _ => {}
        }
    }
    runs
}

/// A name in large letters over the right column belongs above both.
fn below_name(rows: &[Row], first: usize, last: usize, x: f32, usual: f32) -> usize {
    let run = rows.get(first..=last).unwrap_or_default();
    let left = run.iter().position(|row| row.iter().any(|piece| piece.x0 < x - 0.6)).unwrap_or(0);
    let is_large = run.iter().take(left).flatten().any(|piece| piece.size > usual * 1.4);
    if is_large { first + left } else { first }
}

/// Where full-width text follows below the columns, its head and other short lines leave the gutter free too: the run
/// ends at the first row after the shorter column that stands apart or looks unlike the row before.
fn trimmed(rows: &[Row], first: usize, last: usize, x: f32) -> usize {
    if last + 1 >= rows.len() {
        return last;
    }
    let run = &rows[first..=last];
    let has = |row: &Row, right: bool| row.iter().any(|piece| (piece.x0 >= x - 0.6) == right);
    let ends = [false, true].map(|right| run.iter().rposition(|row| has(row, right)).unwrap_or(0));
    let shorter = ends[0].min(ends[1]);
    let step = usual_step(run).unwrap_or(f32::MAX);
    for (index, pair) in run.windows(2).enumerate().skip(shorter) {
        let [above, below] = pair else { continue };
        let look = |row: &Row| row.first().map(|piece| (piece.bold, piece.size));
        let (above_look, below_look) = (look(above), look(below));
        let alike = above_look.zip(below_look).is_some_and(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 0.5);
        if top(below) - top(above) > step * 1.4 || !alike {
            return first + index;
        }
    }
    last
}

fn sides(rows: &[Row], x: f32) -> (Vec<&Piece>, Vec<&Piece>) {
    let left = rows.iter().filter_map(|row| row.iter().rfind(|piece| piece.x0 < x - 0.6)).collect();
    let right = rows.iter().filter_map(|row| row.iter().find(|piece| piece.x0 >= x - 0.6)).collect();
    (left, right)
}

/// Whether the side with fewer rows only completes the rows of the other one.
fn is_tabular(left: &[&Piece], right: &[&Piece]) -> bool {
    let (minor, major) = if left.len() < right.len() { (left, right) } else { (right, left) };
    let count = |test: &dyn Fn(&Piece) -> bool| minor.iter().filter(|piece| test(piece)).count();
    let most = |number: usize| number * 10 >= minor.len() * 6;
    // Dates on the very base lines of the other side are the first column of a table, whatever heads stand among them.
    let dated_rows =
        count(&|piece| has_year(&piece.text) && major.iter().any(|other| (other.y - piece.y).abs() < piece.size * 0.1));
    if dated_rows * 10 >= minor.len() * 4 {
        return true;
    }
    let beside = count(&|piece| major.iter().any(|other| (other.y - piece.y).abs() < piece.size * 0.4));
    if beside * 10 < minor.len() * 8 {
        return false;
    }
    if most(count(&|piece| has_year(&piece.text))) {
        return true;
    }
    let is_right = left.len() >= right.len();
    let edge = |piece: &Piece| if is_right { piece.x1 } else { piece.x0 };
    let flush_right = is_right && {
        let furthest = minor.iter().map(|piece| piece.x1).fold(f32::MIN, f32::max);
        let starts = minor.iter().map(|piece| piece.x0).fold(f32::MAX, f32::min);
        most(count(&|piece| (edge(piece) - furthest).abs() < 2.0)) && !most(count(&|piece| piece.x0 - starts < 2.0))
    };
    let labels = minor.len() * 2 < major.len() && count(&|piece| piece.text.len() > 40) == 0;
    flush_right || labels
}

fn has_year(text: &str) -> bool {
    let digits = |word: &str| word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
    text.split(|character: char| !character.is_ascii_digit()).any(digits)
}

/// Rows as lines, their pieces parted by tabs.
fn lines(rows: &[Row], usual: f32, builder: &mut TextBuilder) -> Result<(), ExtractError> {
    let mut previous: Option<&Row> = None;
    let step = usual_step(rows).unwrap_or(usual * 1.2);
    for row in rows {
        if previous.is_some_and(|previous| top(row) - top(previous) > (step * 1.3).max(usual * 1.1)) {
            builder.gap();
        }
        let mut text = String::new();
        let mut end = f32::MIN;
        for piece in row {
            if !text.is_empty() {
                let after_bullet = text.chars().count() <= 2 && starts_with_bullet(&format!("{text} word"));
                let is_near = piece.x0 - end < CELL_GAP * piece.size;
                text.push(if after_bullet || is_near { ' ' } else { '\t' });
            }
            text.push_str(&piece.text);
            end = piece.x1;
        }
        let size = row.iter().map(|piece| piece.size).fold(0.0, f32::max) / usual.max(0.1);
        let bold = row.iter().filter(|piece| piece.bold).map(|piece| piece.text.len()).sum::<usize>() * 2
            > row.iter().map(|piece| piece.text.len()).sum();
        builder.line(&text, Look { size, bold, ..Look::default() })?;
        previous = Some(row);
    }
    Ok(())
}

/// The distance of base lines that the closer third of this region's rows keep.
fn usual_step(rows: &[Row]) -> Option<f32> {
    let steps = rows.windows(2).filter_map(|pair| Some(top(pair.get(1)?) - top(pair.first()?)));
    let mut steps: Vec<f32> = steps.filter(|step| *step > 0.0).collect();
    steps.sort_by(|a, b| order(*a, *b));
    steps.get(steps.len() / 3).copied()
}
