//! Places as a comparison sees them: cities with their region and country, broad areas, and "remote".

use aerie_postings::places::parse_places;
use aerie_postings::text::fold;
use aerie_postings::{Place, Posting, RemoteKind};
use serde::{Deserialize, Serialize};

use super::title::hash_word;

/// Most places of one posting that are compared.
const MAX_PLACES: usize = 40;

/// One place; 0 stands for a part that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlaceParts {
    /// Hash of the city's folded name.
    pub city: u32,
    /// Hash of the region's postal code or folded name.
    pub region: u32,
    /// Hash of the country code in lower case.
    pub country: u32,
}

/// All places of a posting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceForm {
    /// Places in order, without repetition.
    pub places: Vec<PlaceParts>,
    /// Whether the work may be done remotely.
    pub remote: bool,
}

/// How two sets of places relate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlaceRelation {
    /// Share of the places that both name, 0 to 1; "remote" counts as a place.
    pub overlap: f32,
    /// Both name cities or countries and none can be the same.
    pub disjoint: bool,
    /// The two sets are equal and not empty.
    pub equal: bool,
    /// At least one side names nothing.
    pub unknown: bool,
}

impl PlaceForm {
    /// Places as written in a list ("Chicago, IL", "Remote in USA", "Berlin, Germany; Paris").
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut form = Self::default();
        for text in texts.into_iter().take(MAX_PLACES) {
            let parsed = parse_places(text);
            form.remote |= parsed.remote == RemoteKind::Remote;
            form.places.extend(parsed.places.iter().map(parts));
        }
        form.finish()
    }

    /// The typed places of a posting.
    pub fn from_posting(posting: &Posting) -> Self {
        let mut form = Self { remote: posting.remote == RemoteKind::Remote, ..Self::default() };
        form.places.extend(posting.places.iter().take(MAX_PLACES).map(parts));
        form.finish()
    }

    fn finish(mut self) -> Self {
        self.places.retain(|place| *place != PlaceParts::default());
        self.places.sort_unstable();
        self.places.dedup();
        self.places.truncate(MAX_PLACES);
        // A broad place says nothing beside a city in it.
        let all = self.places.clone();
        self.places
            .retain(|place| place.city != 0 || !all.iter().any(|other| other.city != 0 && compatible(place, other)));
        self
    }

    pub(super) fn relation(&self, other: &Self) -> PlaceRelation {
        if (self.places.is_empty() && !self.remote) || (other.places.is_empty() && !other.remote) {
            return PlaceRelation { overlap: 0.0, disjoint: false, equal: false, unknown: true };
        }
        let both_remote = self.remote && other.remote;
        let matched = self.places.iter().filter(|place| other.places.iter().any(|found| same(place, found))).count();
        let meets = self.places.iter().any(|place| other.places.iter().any(|found| compatible(place, found)));
        let remote_places = usize::from(self.remote || other.remote);
        let union = self.places.len() + other.places.len() - matched.min(other.places.len()) + remote_places;
        let shared = matched + usize::from(both_remote);
        // Without a country, "remote" may be anywhere.
        let placeless = |form: &Self| form.remote && form.places.is_empty();
        let open = both_remote && (matched > 0 || self.places.is_empty() || other.places.is_empty());
        let vague = placeless(self) || placeless(other) || self.remote_reaches(other) || other.remote_reaches(self);
        let overlap = shared as f32 / union.max(1) as f32;
        PlaceRelation {
            overlap: overlap.min(1.0),
            disjoint: !meets && !open && !vague,
            equal: self == other,
            unknown: false,
        }
    }

    /// A remote posting bound to a country meets every place of that country.
    fn remote_reaches(&self, other: &Self) -> bool {
        self.remote
            && self.places.iter().any(|place| {
                place.city == 0
                    && other
                        .places
                        .iter()
                        .any(|found| place.country == 0 || found.country == 0 || found.country == place.country)
            })
    }

    /// Hashes of the cities, for blocking.
    pub(super) fn cities(&self) -> impl Iterator<Item = u32> + '_ {
        self.places.iter().map(|place| place.city).filter(|city| *city != 0)
    }
}

fn agree(left: u32, right: u32) -> bool {
    left == 0 || right == 0 || left == right
}

/// The same city, or the same broad place.
fn same(left: &PlaceParts, right: &PlaceParts) -> bool {
    left.city == right.city && agree(left.region, right.region) && agree(left.country, right.country)
}

/// May be the same place: one side may be broader.
fn compatible(left: &PlaceParts, right: &PlaceParts) -> bool {
    agree(left.city, right.city) && agree(left.region, right.region) && agree(left.country, right.country)
}

fn parts(place: &Place) -> PlaceParts {
    let hash = |part: &Option<String>| part.as_deref().map(|part| hash_word(&fold(part))).unwrap_or_default();
    PlaceParts { city: hash(&place.city), region: hash(&place.region), country: hash(&place.country) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(texts: &[&str]) -> PlaceForm {
        PlaceForm::from_texts(texts.iter().copied())
    }

    #[test]
    fn spellings_of_one_city_are_equal() {
        for (left, right) in [
            ("NYC", "New York, NY"),
            ("SF", "San Francisco, California"),
            ("Minneapolis MN", "Minneapolis, MN"),
            ("USA, WA, Seattle", "Seattle, WA"),
            ("Montréal, Canada", "Montreal, QC, Canada"),
            ("Springfield (Capital Area), Illinois", "Springfield, IL"),
            ("St. Louis, MO", "Saint Louis, MO"),
        ] {
            let relation = form(&[left]).relation(&form(&[right]));
            assert!(!relation.disjoint && relation.overlap > 0.9, "{left} / {right}: {relation:?}");
        }
    }

    #[test]
    fn other_cities_are_disjoint_even_with_one_name() {
        for (left, right) in
            [("Dublin, Ireland", "London, UK"), ("Portland, OR", "Portland, ME"), ("Cambridge, MA", "Cambridge, UK")]
        {
            assert!(form(&[left]).relation(&form(&[right])).disjoint, "{left} / {right}");
        }
    }

    #[test]
    fn broad_and_remote_places_are_not_disjoint() {
        for (left, right) in [
            ("United States", "Austin, TX"),
            ("Remote", "Austin, TX"),
            ("Remote in USA", "Denver, CO"),
            ("Texas", "Austin, TX"),
        ] {
            assert!(!form(&[left]).relation(&form(&[right])).disjoint, "{left} / {right}");
        }
        assert!(form(&["Remote in Canada"]).relation(&form(&["Austin, TX"])).disjoint);
        assert!(form(&["Remote in Canada"]).relation(&form(&["Remote in USA"])).disjoint);
    }

    #[test]
    fn several_places_in_one_string_are_several() {
        assert_eq!(form(&["Des Moines, IA Denver, CO"]), form(&["Denver, CO", "Des Moines, IA"]));
        assert_eq!(form(&["Purchase, NY <br> Plano, TX"]).places.len(), 2);
    }
}
