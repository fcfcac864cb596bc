//! Whether words name a place that is known, and cutting one off the end of a text.

use std::sync::LazyLock;

use aerie_postings::{Place, RemoteKind, places::parse_places};

use super::span::Piece;
use crate::pattern::{Pattern, pattern};

/// "Springfield, IL", "Toronto, ON": the city need not be known where the state is.
static STATE: LazyLock<Pattern> = LazyLock::new(|| {
    pattern(
        r"^[\p{L}.'’\- ]{2,40},\s*(?:AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|AB|BC|MB|NB|NL|NS|ON|PE|QC|SK|UK|USA|U\.S\.A?\.?)(?:,?\s*(?:USA|US|Canada))?$",
    )
});

/// Whether all of these words name a place, or say that the work was remote.
pub(crate) fn is_place(text: &str) -> bool {
    let text = text.trim().trim_matches(['(', ')', '.']);
    if text.len() > 80 || text.len() < 2 || !text.chars().next().is_some_and(|c| c.is_uppercase()) {
        return false;
    }
    if STATE.is_match(text) || text == "City , State" || text == "City, State" {
        return true;
    }
    if text.chars().any(|character| character.is_ascii_digit()) || text.split_whitespace().count() > 6 {
        return false;
    }
    let pieces: Vec<&str> = text.split(',').map(str::trim).collect();
    if pieces.iter().any(|piece| ends_like_a_firm(piece)) || is_behind_something(&pieces) {
        return false;
    }
    let parsed = parse_places(text);
    if parsed.remote != RemoteKind::Unknown && text.split_whitespace().count() <= 3 {
        return true;
    }
    let is_known = |place: &Place| place.country.is_some();
    !parsed.places.is_empty() && parsed.places.iter().all(is_known)
}

/// "Fjordline AB", "Papierwerke AG": legal forms that are postal codes elsewhere.
fn ends_like_a_firm(piece: &str) -> bool {
    let last = piece.rsplit(' ').next().unwrap_or("");
    let forms = ["AB", "AG", "AS", "BV", "CO", "Co", "KG", "LP", "NV", "OY", "Oy", "PC", "SA", "SC", "SE", "SL"];
    piece.contains(' ') && forms.contains(&last)
}

/// "Care Home, Racine, WI": the last two pieces are a whole place, so that the first is something else.
fn is_behind_something(pieces: &[&str]) -> bool {
    let [_, city, rest @ ..] = pieces else { return false };
    let tail = std::iter::once(city).chain(rest).copied().collect::<Vec<_>>().join(", ");
    !rest.is_empty() && parse_places(&tail).places.iter().any(|place| place.city.is_some())
}

/// Cuts a place off the end of "Acme Corp, Berlin, Germany". A last unknown name of up to three words counts as one
/// where `guess` is set.
pub(super) fn cut<'text>(piece: Piece<'text>, guess: bool) -> (Piece<'text>, Option<Piece<'text>>) {
    let commas: Vec<usize> = piece.text.match_indices([',', '(']).map(|(index, _)| index).collect();
    for index in commas.iter().rev().take(3).rev() {
        let (head, tail) = (piece.slice(0..*index), piece.slice(*index + 1..piece.text.len()));
        let tail = bracketless(tail);
        if !head.text.is_empty() && is_place(tail.text) {
            return (head, Some(tail));
        }
    }
    if guess && let Some(index) = commas.last() {
        let (head, tail) = (piece.slice(0..*index), bracketless(piece.slice(*index + 1..piece.text.len())));
        let words = tail.text.split_whitespace().count();
        let is_named = tail.text.chars().next().is_some_and(char::is_uppercase);
        let is_plain = tail.text.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '.' | '\''));
        let is_other = super::words::employer_score(tail.text) > 0
            || super::words::title_score(tail.text) > 0
            || super::words::is_field(tail.text)
            || is_legal_form(tail.text);
        if (1..=3).contains(&words) && is_named && is_plain && !is_other && !head.text.is_empty() {
            return (head, Some(tail));
        }
    }
    (piece, None)
}

fn bracketless<'text>(piece: Piece<'text>) -> Piece<'text> {
    match piece.text.strip_suffix(')') {
        Some(inner) if !inner.contains('(') => piece.slice(0..inner.len()),
        _ => piece,
    }
}

fn is_legal_form(text: &str) -> bool {
    let bare: String = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let forms =
        ["inc", "llc", "ltd", "gmbh", "ag", "sa", "plc", "corp", "co", "lp", "llp", "sl", "sarl", "sas", "bv", "nv"];
    forms.contains(&bare.as_str())
}
