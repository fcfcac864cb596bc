//! How level, place, pay and age of a posting fit a profile; and what rules a posting out whatever its score.

use aerie_postings::{RemoteKind, Seniority};
use serde::{Deserialize, Serialize};

use crate::features::{PlaceKey, PostingFeatures, YearlyPay};
use crate::profile::{PreparedProfile, RemotePreference};
use crate::weights;

/// A reason that speaks against applying however good the match. Shown beside the score, never part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocker {
    /// The work is at a place that is none of the person's.
    Place,
    /// Remote, but only from countries that are none of the person's.
    RemoteScope,
    /// On site, where the person wants to work remotely.
    OnSite,
    /// It sponsors nobody or wants a citizenship, and the person needs sponsorship.
    Permit,
    /// Far above or below the person's level.
    Seniority,
}

/// Everything that rules a posting out for a profile.
pub(crate) fn blockers(profile: &PreparedProfile, posting: &PostingFeatures) -> Vec<Blocker> {
    let mut found = Vec::new();
    if profile.remote == RemotePreference::Remote && matches!(posting.remote, RemoteKind::OnSite | RemoteKind::Hybrid) {
        found.push(Blocker::OnSite);
    }
    if place_is_out_of_reach(profile, posting) {
        found.push(Blocker::Place);
    }
    if scope_excludes(profile, posting) {
        found.push(Blocker::RemoteScope);
    }
    if profile.needs_sponsorship && (posting.demands.no_sponsorship || posting.demands.citizenship) {
        found.push(Blocker::Permit);
    }
    if let (Some(own), Some(asked)) = (profile.seniority, posting.seniority)
        && is_far_off(own, asked)
    {
        found.push(Blocker::Seniority);
    }
    found
}

/// Two steps above a beginner, or three in any direction. A manager's level is no step above a lead's for this.
fn is_far_off(own: Seniority, asked: Seniority) -> bool {
    let steps = level(asked) - level(own);
    steps >= 3 || steps <= -3 || (own <= Seniority::Junior && steps >= 2)
}

fn level(seniority: Seniority) -> i32 {
    match seniority {
        Seniority::Intern => 0,
        Seniority::Junior => 1,
        Seniority::Mid => 2,
        Seniority::Senior => 3,
        Seniority::Lead | Seniority::Manager => 4,
        Seniority::Director => 5,
        Seniority::VicePresident => 6,
        Seniority::Executive => 7,
    }
}

/// 1 for the same level, falling faster upwards than downwards is comfortable; `None` when the posting names no level.
pub(crate) fn seniority(own: Seniority, asked: Option<Seniority>) -> Option<f32> {
    let value = match level(asked?) - level(own) {
        0 => 1.0,
        1 => 0.75,
        -1 => 0.65,
        2 => 0.35,
        -2 => 0.3,
        _ => 0.05,
    };
    Some(value)
}

/// How near a posted place is to a wanted one: 1 same place, 0 another country; `None` when it cannot be told.
fn nearness(wanted: &PlaceKey, posted: &PlaceKey) -> Option<f32> {
    let both = |left: u32, right: u32| left != 0 && right != 0;
    if wanted.country != [0, 0] && posted.country != [0, 0] && wanted.country != posted.country {
        return Some(0.0);
    }
    if both(wanted.city, posted.city) {
        if wanted.city == posted.city {
            return Some(1.0);
        }
        return Some(if both(wanted.region, posted.region) && wanted.region == posted.region { 0.6 } else { 0.2 });
    }
    if both(wanted.region, posted.region) {
        return Some(if wanted.region == posted.region { 0.9 } else { 0.25 });
    }
    if wanted.country == posted.country && wanted.country != [0, 0] {
        // A person who named only the country can work anywhere in it.
        return Some(if wanted.city == 0 && wanted.region == 0 { 1.0 } else { 0.6 });
    }
    None
}

fn best_nearness(profile: &PreparedProfile, posting: &PostingFeatures) -> Option<f32> {
    let pairs =
        profile.places.iter().flat_map(|wanted| posting.places.iter().map(move |posted| nearness(wanted, posted)));
    pairs.flatten().max_by(f32::total_cmp)
}

fn scope_excludes(profile: &PreparedProfile, posting: &PostingFeatures) -> bool {
    let mut countries =
        profile.places.iter().map(|place| place.country).filter(|country| *country != [0, 0]).peekable();
    posting.remote == RemoteKind::Remote
        && !posting.scope.is_empty()
        && countries.peek().is_some()
        && !countries.any(|country| posting.scope.contains(&country))
}

fn place_is_out_of_reach(profile: &PreparedProfile, posting: &PostingFeatures) -> bool {
    let Some(nearness) = best_nearness(profile, posting) else { return false };
    match posting.remote {
        RemoteKind::Remote => false,
        RemoteKind::OnSite | RemoteKind::Hybrid => nearness < 0.5,
        // Silent about remote work: only another country is out of reach for sure.
        RemoteKind::Unknown => nearness <= 0.0,
    }
}

/// Place and remote work together; `None` when the posting says nothing that could be held against the wish.
pub(crate) fn place(profile: &PreparedProfile, posting: &PostingFeatures) -> Option<f32> {
    if posting.remote == RemoteKind::Remote {
        if scope_excludes(profile, posting) {
            return Some(0.0);
        }
        return Some(if profile.remote == RemotePreference::OnSite { 0.4 } else { 1.0 });
    }
    let manner = match (profile.remote, posting.remote) {
        (RemotePreference::Any, _) | (_, RemoteKind::Unknown | RemoteKind::Remote) => None,
        (RemotePreference::Remote, RemoteKind::OnSite) => Some(0.0),
        (RemotePreference::Remote, RemoteKind::Hybrid) => Some(0.2),
        (RemotePreference::Hybrid, RemoteKind::OnSite) => Some(0.4),
        (RemotePreference::Hybrid, RemoteKind::Hybrid) | (RemotePreference::OnSite, RemoteKind::OnSite) => Some(1.0),
        (RemotePreference::OnSite, RemoteKind::Hybrid) => Some(0.8),
    };
    match (best_nearness(profile, posting), manner) {
        (Some(nearness), Some(manner)) => Some(nearness.min(manner)),
        (nearness, manner) => nearness.or(manner),
    }
}

/// 1 when the posting pays the wish, falling to 0 at three fifths of it; `None` without pay or in another currency.
pub(crate) fn pay(wish: (f32, [u8; 3]), offered: Option<YearlyPay>) -> Option<f32> {
    let offered = offered?;
    let (minimum, currency) = wish;
    if currency != [0; 3] && offered.currency != [0; 3] && currency != offered.currency {
        return None;
    }
    if offered.min >= minimum {
        return Some(1.0);
    }
    if offered.max >= minimum {
        let span = (offered.max - offered.min).max(1.0);
        return Some(0.7 + 0.3 * (offered.max - minimum) / span);
    }
    Some((0.7 * (offered.max / minimum - 0.6) / 0.4).clamp(0.0, 0.7))
}

/// Halves every two weeks; `None` without a date. A date in the future counts as now.
pub(crate) fn recency(posted: Option<i64>, now: i64) -> Option<f32> {
    let days = now.saturating_sub(posted?).max(0) as f32 / 86_400.0;
    Some(0.5_f32.powf(days / weights::RECENCY_HALF_LIFE_DAYS))
}
