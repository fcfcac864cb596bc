//! Time zones by their IANA names.

use chrono_tz::Tz;

/// The zone of this name; UTC for an empty one, `None` for one that does not exist.
pub(crate) fn parse(name: &str) -> Option<Tz> {
    if name.is_empty() { Some(Tz::UTC) } else { name.parse().ok() }
}
