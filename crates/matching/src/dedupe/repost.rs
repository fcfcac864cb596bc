//! The same opening advertised again under a new id.

use super::comparison::{Reason, Veto, points, shares_key};
use super::features::Features;

/// Shortest time between an advertisement and its repetition, in seconds: one day.
const SHORTEST_GAP: i64 = 86_400;

/// Whether `later` advertises again what `earlier` did: same company, work and place, a new id, a later date. Nothing
/// but the id, the source and the time may speak against it; both dates must be known.
pub fn is_repost(earlier: &Features, later: &Features) -> bool {
    let (Some(first), Some(second)) = (earlier.posted, later.posted) else { return false };
    if shares_key(earlier, later) || second.saturating_sub(first) < SHORTEST_GAP {
        return false;
    }
    let same_work =
        earlier.title.words == later.title.words && earlier.company != 0 && earlier.company == later.company;
    let places = earlier.places.relation(&later.places);
    let (_, reasons) = points(earlier, later);
    let other_opening = reasons.iter().any(|reason| match reason {
        Reason::Vetoed(veto) => !matches!(veto, Veto::OtherKey | Veto::SameSource | Veto::LongAgo),
        Reason::OtherText => true,
        _ => false,
    });
    same_work && places.overlap > 0.0 && !other_opening
}
