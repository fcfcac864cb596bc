//! Putting the parts of one segment together, by position.

use super::cities::City;
use super::part::Part;
use super::{ParsedPlaces, countries, regions, segments, stronger};
use crate::text::{clean_field, single_line};
use crate::{Place, RawPlace, RemoteKind};

/// Most characters of a city or region name.
const MAX_NAME: usize = 80;

/// Countries that a lone two-letter code means rather than the American state of that code.
const CODE_IS_COUNTRY: [&str; 5] = ["DE", "IN", "IL", "AR", "ID"];

#[derive(Default)]
struct Builder {
    places: Vec<Place>,
    current: Place,
    /// Whether the country of `current` was named rather than taken from the city table.
    country_named: bool,
    /// The city of the table behind `current.city`.
    known: Option<City>,
    /// Whether the region of `current` is only a name that stood behind the city and that no table has.
    region_guessed: bool,
}

/// What one segment says.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) places: Vec<Place>,
    pub(super) remote: RemoteKind,
    /// Countries, regions and parts of the world as written.
    pub(super) scope_words: Vec<String>,
    /// Whether a part of the world is named ("Europe").
    pub(super) names_area: bool,
    /// Whether the whole world is named.
    pub(super) worldwide: bool,
}

/// Reads one segment. `countries_around` says that other segments are countries, so that a lone "CA" is Canada.
pub(super) fn read_segment(text: &str, countries_around: bool) -> Segment {
    let (texts, coded) = segments::parts(text);
    let parts: Vec<Part> = texts.iter().enumerate().map(|(index, text)| Part::read(text, index > 0)).collect();
    let mut builder = Builder::default();
    let mut segment = Segment::default();
    for (index, part) in parts.iter().enumerate() {
        segment.remote = stronger(segment.remote, part.remote);
        segment.worldwide |= part.worldwide;
        segment.names_area |= part.area;
        if part.area || part.country.is_some() || !part.regions.is_empty() {
            segment.scope_words.push(part.text.clone());
        }
        let code_is_country = countries_around || (index == 0 && coded);
        builder.add(part, parts.get(index + 1), code_is_country);
    }
    builder.flush();
    segment.places = builder.places;
    segment
}

impl Builder {
    fn add(&mut self, part: &Part, next: Option<&Part>, code_is_country: bool) {
        if self.current.city.is_some() && self.add_behind_city(part) {
            return;
        }
        if self.current.city.is_none() && self.country_named && self.add_behind_country(part) {
            return;
        }
        if self.current != Place::default() && self.current.city.is_none() && self.add_behind_region(part) {
            return;
        }
        self.flush();
        self.begin(part, next, code_is_country);
    }

    /// A part behind a city: its region or country, when it can be.
    fn add_behind_city(&mut self, part: &Part) -> bool {
        let table_country = self.known.map(|city| city.country);
        if let Some(country) = part.country
            && !self.country_named
            && (table_country == Some(country) || part.regions.is_empty())
            && self.region_allows(country)
        {
            self.set_country(country);
            return true;
        }
        if self.country_named
            && part.country.is_some()
            && part.country == self.current.country.as_deref().and_then(known_code)
        {
            return true;
        }
        if let Some((country, region)) = self.fitting_region(part) {
            self.set_region(country, region);
            return true;
        }
        if part.unknown && part.city.is_none() && self.current.region.is_none() && !self.country_named {
            self.current.region = Some(clean_field(&part.text, MAX_NAME));
            self.region_guessed = true;
            return true;
        }
        false
    }

    /// The region that the part can be, given what is known of the current place.
    fn fitting_region(&self, part: &Part) -> Option<(&'static str, &'static str)> {
        let stated = self.current.country.as_deref();
        if self.current.region.is_some() && self.known.is_none() && !self.region_guessed {
            return None;
        }
        let by_country = |wanted: &str| part.regions.iter().copied().find(|(country, _)| *country == wanted);
        if self.country_named {
            return stated.and_then(by_country).filter(|_| self.current.region.is_none());
        }
        // A city that the table knows in the same country is not asked again for another region of it, unless the
        // text names one: "Portland, ME".
        self.known.and_then(|city| by_country(city.country)).or_else(|| part.regions.first().copied())
    }

    fn region_allows(&self, country: &str) -> bool {
        match (&self.current.region, self.known) {
            // The region came from the table with the city: another country simply drops it.
            (Some(_), Some(_)) => true,
            (Some(region), None) => {
                let code = regions::WITH_CODES.iter().find(|code| regions::by_code(region, code).is_some());
                code.is_none()
                    || self.current.country.as_deref() == Some(country)
                    || region.eq_ignore_ascii_case(country)
            }
            (None, _) => true,
        }
    }

    fn add_behind_country(&mut self, part: &Part) -> bool {
        let Some(stated) = self.current.country.as_deref().and_then(known_code) else { return false };
        let region = part.regions.iter().copied().find(|(country, _)| *country == stated);
        // "US, New York": a city in a country rather than the state.
        if let Some(city) = part.city {
            if city.country == stated {
                if region.is_some() && self.current.region.is_none() && !city.name.eq_ignore_ascii_case(&part.text) {
                    return false;
                }
                self.set_city(city);
                return true;
            }
            return self.name_city(part);
        }
        if let Some((country, region)) = region
            && self.current.region.is_none()
        {
            self.set_region(country, region);
            return true;
        }
        part.unknown && self.name_city(part)
    }

    /// An unknown name behind a country is a city of it; a city that the table knows elsewhere is not.
    fn name_city(&mut self, part: &Part) -> bool {
        if part.city.is_some() || part.country.is_some() {
            return false;
        }
        self.current.city = Some(clean_field(&part.text, MAX_NAME));
        true
    }

    /// A part behind a region that stands first ("Bavaria, Germany").
    fn add_behind_region(&mut self, part: &Part) -> bool {
        if self.current.region.is_none() || self.country_named {
            return false;
        }
        if part.country.is_some() && part.country == self.current.country.as_deref().and_then(known_code) {
            self.country_named = true;
            return true;
        }
        // "UT - Cottonwood Heights".
        if part.unknown {
            self.current.city = Some(clean_field(&part.text, MAX_NAME));
        }
        part.unknown
    }

    fn begin(&mut self, part: &Part, next: Option<&Part>, code_is_country: bool) {
        // "Holland, MI" and "New Brunswick, NJ" are towns that bear the name of a country or another state.
        if part.city.is_none()
            && !part.by_code
            && part.text.len() > 3
            && next.is_some_and(|next| is_state_elsewhere(part, next))
        {
            self.current.city = Some(clean_field(&part.text, MAX_NAME));
            return;
        }
        let code_means_country = part.by_code
            && !part.regions.is_empty()
            && (code_is_country
                || part.country.is_some_and(|code| CODE_IS_COUNTRY.contains(&code))
                || next.is_some_and(|next| {
                    next.regions.iter().any(|(country, _)| Some(*country) == part.country) && next.city.is_none()
                }));
        if let Some(country) = part.country
            && (part.regions.is_empty() || code_means_country)
        {
            if let Some(city) = part.city.filter(|city| city.country == country && is_city_state(country)) {
                self.set_city(city);
            }
            self.set_country(country);
            return;
        }
        if let Some(city) = part.city {
            self.set_city(city);
            return;
        }
        if let Some((country, region)) = part.regions.first() {
            self.set_region(country, region);
            return;
        }
        if part.unknown {
            self.current.city = Some(clean_field(&part.text, MAX_NAME));
        }
    }

    fn set_city(&mut self, city: City) {
        self.current.city = Some(city.name.to_owned());
        self.known = Some(city);
        if !self.country_named {
            self.current.country = Some(city.country.to_owned());
        }
        if self.current.region.is_none() && !city.region.is_empty() {
            self.current.region = Some(city.region.to_owned());
        }
    }

    fn set_region(&mut self, country: &str, region: &str) {
        self.current.region = Some(region.to_owned());
        self.current.country = Some(country.to_owned());
        self.known = None;
        self.region_guessed = false;
    }

    fn set_country(&mut self, country: &str) {
        let changed = self.current.country.as_deref().is_some_and(|known| known != country);
        if changed && self.known.is_some() {
            self.current.region = None;
            self.known = None;
        }
        // "Kleinstadt, DE, Germany": the code was the country and not Delaware.
        if changed && self.current.region.as_deref().is_some_and(|region| region.eq_ignore_ascii_case(country)) {
            self.current.region = None;
        }
        self.current.country = Some(country.to_owned());
        self.country_named = true;
    }

    fn flush(&mut self) {
        let place = std::mem::take(&mut self.current);
        self.country_named = false;
        self.known = None;
        self.region_guessed = false;
        if place != Place::default() {
            self.places.push(place);
        }
    }
}

fn known_code(code: &str) -> Option<&'static str> {
    countries::by_code(code)
}

/// Whether `next` is a state's postal code that cannot stand behind the country or region `part`.
fn is_state_elsewhere(part: &Part, next: &Part) -> bool {
    let is_code = next.text.len() == 2 && next.city.is_none_or(|_| !next.regions.is_empty());
    let named = part.country.is_some() || !part.regions.is_empty();
    let (Some((country, _)), true, true) = (next.regions.first(), is_code, named) else { return false };
    let within = part.country == Some(*country) || part.country.is_some() && part.country == next.country;
    let of_same_country = next.country.is_some_and(|code| part.regions.iter().any(|(of, _)| *of == code));
    !within && !of_same_country && !part.regions.contains(&next.regions.first().copied().unwrap_or_default())
}

/// Countries that are one city.
fn is_city_state(country: &str) -> bool {
    matches!(country, "SG" | "HK" | "MO" | "MC" | "GI")
}

/// Reads a place from typed parts.
pub(super) fn read_parts(raw: &RawPlace) -> ParsedPlaces {
    let mut found = ParsedPlaces::default();
    let mut place = Place { country: read_country(raw.country.as_deref(), &mut found), ..Place::default() };
    if let Some(text) = usable(raw.region.as_deref()) {
        read_region(text, &mut place);
    }
    if let Some(text) = usable(raw.city.as_deref()) {
        let parsed = super::parse_places(text);
        found.remote = stronger(found.remote, parsed.remote);
        if parsed.places.len() > 1 {
            found.places = parsed.places;
            return found;
        }
        if let Some(city) = parsed.places.into_iter().next() {
            merge_city(&mut place, city, text);
        }
    }
    if place != Place::default() {
        found.places.push(place);
    }
    found
}

fn usable(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn read_country(text: Option<&str>, found: &mut ParsedPlaces) -> Option<String> {
    let text = usable(text)?;
    if let Some(code) = countries::country_code(text) {
        return Some(code.to_owned());
    }
    let parsed = super::parse_places(text);
    found.remote = parsed.remote;
    found.scope = parsed.scope;
    parsed.places.into_iter().find_map(|place| place.country)
}

fn read_region(text: &str, place: &mut Place) {
    let within = |country: &str| regions::by_code(text, country);
    let by_name = regions::by_name(&super::lookup_key(text));
    let found = match place.country.as_deref() {
        Some(country) => within(country).or(by_name.filter(|(of, _)| *of == country).map(|(_, region)| region)),
        None => by_name
            .or_else(|| regions::WITH_CODES.iter().find_map(|country| Some((*country, within(country)?))))
            .map(|(country, region)| {
                place.country = Some(country.to_owned());
                region
            }),
    };
    place.region = found.map(str::to_owned).or_else(|| {
        let name = clean_field(text, MAX_NAME);
        (!name.is_empty() && countries::country_code(&name).is_none()).then_some(name)
    });
}

/// Takes the city of its own field, unless what was found there is the country or region again.
fn merge_city(place: &mut Place, found: Place, text: &str) {
    let Some(name) = found.city else {
        // A city field that holds "New York" or "Luxembourg" is still a city.
        if place.country.is_none() {
            place.country = found.country;
        }
        if place.region.is_none() {
            place.region = found.region;
        }
        return;
    };
    let fits = found.country.is_none() || place.country.is_none() || found.country == place.country;
    if !fits {
        // The table knows a namesake elsewhere; the typed country wins and the name stays as written.
        place.city = Some(single_line(text)).filter(|city| city.chars().count() <= MAX_NAME).or(Some(name));
        return;
    }
    place.city = Some(name);
    place.country = place.country.take().or(found.country);
    place.region = place.region.take().or(found.region);
}
