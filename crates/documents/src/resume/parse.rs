//! Lines to a profile: parts it at its heads and gives each part to its reader.

use super::{
    Head, Profile, Section, Sourced, contact, education, listings,
    positions::{self, body},
    sections::{Kind, Part, divide},
};
use crate::extract::Extract;

/// Reads a profile, and the heads it was parted at.
pub(super) fn parse(extract: &Extract) -> (Profile, Vec<Head>) {
    let mut parts = divide(extract);
    let mut profile = Profile { contact: contact::read(extract, &parts), ..Profile::default() };
    let heads = parts.iter().flat_map(heads).collect();
    for part in &mut parts {
        without_links(part);
        read(part, &mut profile);
    }
    if profile.summary.is_none() {
        profile.summary = parts.first().and_then(introduction);
    }
    (profile, heads)
}

fn heads(part: &Part<'_>) -> Vec<Head> {
    let own = part.kind.zip(part.head);
    own.into_iter()
        .chain(part.inner.iter().copied())
        .map(|(kind, piece)| Head { kind, title: piece.sourced() })
        .collect()
}

/// Addresses behind words stand at the end of the text and belong to the contact, not to the last section.
fn without_links(part: &mut Part<'_>) {
    part.rows.retain(|row| !row.piece.text.starts_with("http") || row.piece.text.contains(' '));
}

fn read(part: &Part<'_>, profile: &mut Profile) {
    let rows = &part.rows;
    match part.kind {
        None | Some(Kind::Contact | Kind::Links) => {}
        Some(Kind::Summary) if profile.summary.is_none() => profile.summary = body::joined(rows),
        Some(Kind::Experience) => profile.positions.extend(positions::read(rows)),
        Some(Kind::Education) => profile.education.extend(education::read(rows)),
        Some(Kind::Skills) => profile.skills.extend(listings::skills(rows)),
        Some(Kind::Certificates) => profile.certificates.extend(listings::certificates(rows)),
        Some(Kind::Languages) => profile.languages.extend(listings::languages(rows)),
        Some(_) => {
            let lines = body::read(&rows.iter().collect::<Vec<_>>());
            let lines: Vec<Sourced> = lines.0.into_iter().chain(lines.1).collect();
            if !lines.is_empty() {
                profile.sections.push(Section { title: part.head.map(super::span::Piece::sourced), lines });
            }
        }
    }
}

/// A paragraph at the top without a head.
fn introduction(part: &Part<'_>) -> Option<Sourced> {
    let is_prose = |row: &&super::sections::Row<'_>| {
        row.piece.text.split_whitespace().count() >= 8 && !row.piece.text.contains('@') && !row.piece.text.contains('|')
    };
    let first = part.rows.iter().position(|row| is_prose(&row))?;
    let end =
        part.rows.iter().skip(first + 1).position(|row| row.line.gap).map_or(part.rows.len(), |at| first + 1 + at);
    body::joined(part.rows.get(first..end)?)
}
