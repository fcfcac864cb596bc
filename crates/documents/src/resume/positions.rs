//! Positions: where one entry begins, which of its first lines say title, employer, place and dates, and what follows.

use super::{
    Period, Position, Sourced,
    months::{self, Found},
    sections::Row,
    span::Piece,
    words::{employer_score, title_score},
};

pub(super) mod body;
mod header;

use header::{Order, Reading};

/// Most lines above and below a line with dates that belong to the same entry's head.
const MOST_ABOVE: usize = 3;

/// Longest text beside the dates of an entry's head, in words.
const LONGEST_DATED: usize = 20;

/// Longest line without dates that can belong to an entry's head, in words.
const LONGEST_PLAIN: usize = 13;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Head,
    Bullet,
    Prose,
}

struct Scan<'row, 'text> {
    row: &'row Row<'text>,
    found: Vec<Found>,
    class: Class,
    anchor: bool,
}

/// The lines of one entry: its head, and where its text ends.
#[derive(Debug, Clone, Copy)]
struct Extent {
    start: usize,
    anchor: usize,
    head_end: usize,
}

/// Reads the positions of a section.
pub(super) fn read(rows: &[Row<'_>]) -> Vec<Position> {
    let scans = scan(rows);
    let extents = extents(&scans);
    let readings: Vec<Reading<'_>> = extents.iter().map(|extent| reading(&scans, extent)).collect();
    let order = Order::of(&readings);
    let mut positions = Vec::new();
    for (index, (extent, reading)) in extents.iter().zip(&readings).enumerate() {
        let end = extents.get(index + 1).map_or(scans.len(), |next| next.start);
        let head = reading.assign(order);
        let rows: Vec<&Row<'_>> = scans.get(extent.head_end..end).unwrap_or_default().iter().map(|s| s.row).collect();
        let (summary, bullets) = body::read(&rows);
        positions.push(Position {
            employer: head.employer.map(Piece::sourced),
            title: head.title.map(Piece::sourced),
            period: head.period,
            place: head.place.map(Piece::sourced),
            summary,
            bullets,
            ..Position::default()
        });
    }
    share_employers(&mut positions);
    positions.retain(|position| position.title.is_some() || position.employer.is_some());
    positions
}

fn scan<'row, 'text>(rows: &'row [Row<'text>]) -> Vec<Scan<'row, 'text>> {
    let mut scans: Vec<Scan<'row, 'text>> = rows
        .iter()
        .map(|row| {
            let found = months::find(row.piece.text);
            let class = classify(row, &found);
            let anchor = class == Class::Head && is_anchor(row, &found);
            Scan { row, found, class, anchor }
        })
        .collect();
    if !scans.iter().any(|scan| scan.anchor) {
        // Some people put bullets before the positions themselves.
        for scan in &mut scans {
            if scan.class == Class::Bullet && scan.found.iter().any(|found| found.is_range) && is_short(scan) {
                (scan.class, scan.anchor) = (Class::Head, true);
            }
        }
    }
    scans
}

fn is_short(scan: &Scan<'_, '_>) -> bool {
    words_beside(scan.row.piece.text, &scan.found) <= LONGEST_DATED
}

fn words_beside(text: &str, found: &[Found]) -> usize {
    let dated: usize = found.iter().filter_map(|found| text.get(found.range.clone())).map(count_words).sum();
    count_words(text).saturating_sub(dated)
}

fn count_words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

fn classify(row: &Row<'_>, found: &[Found]) -> Class {
    let text = row.piece.text;
    if row.bullet {
        return Class::Bullet;
    }
    let beside = words_beside(text, found);
    let has_range = found.iter().any(|found| found.is_range);
    let ends = text.ends_with('.') && !ends_with_abbreviation(text);
    let begins_small = text.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_lowercase);
    let is_head = if has_range {
        beside <= LONGEST_DATED && !(ends && beside > 6 && !ends_with_date(text, found))
    } else {
        beside <= LONGEST_PLAIN && !(ends && beside >= 5) && !begins_small
    };
    if is_head { Class::Head } else { Class::Prose }
}

fn ends_with_date(text: &str, found: &[Found]) -> bool {
    found.last().is_some_and(|found| text.len() - found.range.end <= 2)
}

fn ends_with_abbreviation(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit([' ', ',']).next().unwrap_or("");
    matches!(
        last.to_lowercase().as_str(),
        "inc" | "ltd" | "co" | "corp" | "llc" | "s.a" | "s.l" | "e.v" | "jr" | "sr" | "l.p" | "u.s" | "d.c"
    )
}

/// Whether the dates of a line are those of an entry: a range, a month, or a year beside a title or employer.
fn is_anchor(row: &Row<'_>, found: &[Found]) -> bool {
    let text = row.piece.text;
    let at_edge = |found: &&Found| found.range.start <= 2 || text.len() - found.range.end.min(text.len()) <= 2;
    found.iter().any(|found| found.is_range)
        || found.iter().any(|found| {
            let with_month = found.period.start.is_some_and(|start| start.month.is_some());
            (with_month && words_beside(text, std::slice::from_ref(found)) <= 12)
                || (at_edge(&found) && (title_score(text) > 0 || employer_score(text) > 0 || text.len() <= 6))
        })
}

fn extents(scans: &[Scan<'_, '_>]) -> Vec<Extent> {
    let anchors: Vec<usize> =
        (0..scans.len()).filter(|index| scans.get(*index).is_some_and(|scan| scan.anchor)).collect();
    let mut extents: Vec<Extent> = Vec::new();
    let mut usual_above = None;
    let mut index = 0;
    while let Some(&anchor) = anchors.get(index) {
        let floor = extents.last().map_or(0, |last: &Extent| last.head_end);
        let most = usual_above.unwrap_or(MOST_ABOVE);
        let start = head_start(scans, anchor, floor, most);
        let above = anchor - start;
        usual_above.get_or_insert(above);
        let mut extent = Extent { start, anchor, head_end: anchor + 1 };
        extent = complete(scans, extent, floor);
        // Dates on a line of their own right after a dated line are the same entry's.
        let joined = anchors.iter().skip(index + 1).take_while(|next| **next < extent.head_end).count();
        extents.push(extent);
        index += 1 + joined;
    }
    extents
}

/// Goes up from the line with dates over lines that can be a head, at most as many as the first entry has.
fn head_start(scans: &[Scan<'_, '_>], anchor: usize, floor: usize, most: usize) -> usize {
    let mut start = anchor;
    while start > floor && anchor - start < most {
        let (Some(above), Some(below)) = (scans.get(start - 1), scans.get(start)) else { break };
        let ends_block = below.row.line.gap && anchor - start > 0;
        if above.class != Class::Head || above.anchor || ends_block || below.row.line.block {
            break;
        }
        start -= 1;
    }
    start
}

/// Takes further lines into the head while title or employer is missing.
fn complete(scans: &[Scan<'_, '_>], extent: Extent, floor: usize) -> Extent {
    let mut extent = extent;
    for _ in 0..2 {
        let reading = reading(scans, &extent);
        let next = scans.get(extent.head_end).filter(|next| next.class == Class::Head && !next.anchor);
        let names_place = next.is_some_and(|next| super::places::is_place(next.row.piece.text));
        let brings_place = names_place && !reading.has_place();
        if reading.is_complete() && !brings_place {
            break;
        }
        match next {
            Some(next) if !next.row.line.gap || extent.anchor == extent.start => extent.head_end += 1,
            _ => break,
        }
    }
    let reading = reading(scans, &extent);
    let above = extent.start.checked_sub(1).filter(|above| *above >= floor).and_then(|above| scans.get(above));
    if !reading.is_complete()
        && above.is_some_and(|above| above.class == Class::Head && !above.anchor && above.row.line.gap)
    {
        extent.start -= 1;
    }
    extent
}

fn reading<'text>(scans: &[Scan<'_, 'text>], extent: &Extent) -> Reading<'text> {
    let mut reading = Reading::default();
    for scan in scans.get(extent.start..extent.head_end).unwrap_or_default() {
        reading.add(scan.row.piece, &scan.found);
    }
    reading
}

/// One employer over several titles: an entry with an employer only is the head of those that follow with titles only.
fn share_employers(positions: &mut Vec<Position>) {
    let mut shared: Option<(Sourced, Option<Sourced>)> = None;
    let mut heads = Vec::new();
    for index in 0..positions.len() {
        let next_has_title_only =
            positions.get(index + 1).is_some_and(|next| next.employer.is_none() && next.title.is_some());
        let Some(position) = positions.get_mut(index) else { continue };
        match (&position.employer, &position.title) {
            (Some(employer), title) => {
                shared = Some((employer.clone(), position.place.clone()));
                if title.is_none() && position.bullets.is_empty() && next_has_title_only {
                    heads.push(index);
                }
            }
            (None, Some(_)) => {
                if let Some((employer, place)) = &shared {
                    position.employer = Some(employer.clone());
                    position.place = position.place.take().or_else(|| place.clone());
                }
            }
            (None, None) => {}
        }
    }
    for index in heads.into_iter().rev() {
        positions.remove(index);
    }
}

/// A period with its place in the text.
fn sourced_period(piece: Piece<'_>, found: &Found) -> Sourced<Period> {
    Sourced::at(found.period, piece.slice(found.range.clone()).span)
}
