//! Metropolitan areas of Craigslist and the places they serve.

/// Subdomain and the names under which people know its area, in lower case.
pub const METROS: &[(&str, &[&str])] = &[
    (
        "sfbay",
        &[
            "san francisco",
            "sf",
            "bay area",
            "sf bay area",
            "oakland",
            "berkeley",
            "san jose",
            "palo alto",
            "mountain view",
            "silicon valley",
            "san mateo",
        ],
    ),
    ("losangeles", &["los angeles", "la", "santa monica", "pasadena", "long beach", "burbank"]),
    ("newyork", &["new york", "new york city", "nyc", "manhattan", "brooklyn", "queens"]),
    ("seattle", &["seattle", "bellevue", "redmond", "tacoma"]),
    ("portland", &["portland"]),
    ("austin", &["austin"]),
    ("boston", &["boston", "cambridge, ma", "somerville"]),
    ("chicago", &["chicago"]),
    ("denver", &["denver"]),
    ("boulder", &["boulder"]),
    ("sandiego", &["san diego"]),
    ("sacramento", &["sacramento"]),
    ("phoenix", &["phoenix", "scottsdale", "tempe"]),
    ("dallas", &["dallas", "fort worth", "plano"]),
    ("houston", &["houston"]),
    ("sanantonio", &["san antonio"]),
    ("atlanta", &["atlanta"]),
    ("miami", &["miami", "fort lauderdale"]),
    ("orlando", &["orlando"]),
    ("tampa", &["tampa", "st. petersburg, fl"]),
    ("washingtondc", &["washington dc", "washington, dc", "washington d.c.", "dc", "arlington, va"]),
    ("baltimore", &["baltimore"]),
    ("philadelphia", &["philadelphia"]),
    ("pittsburgh", &["pittsburgh"]),
    ("minneapolis", &["minneapolis", "st. paul", "saint paul"]),
    ("detroit", &["detroit"]),
    ("annarbor", &["ann arbor"]),
    ("cleveland", &["cleveland"]),
    ("columbus", &["columbus"]),
    ("cincinnati", &["cincinnati"]),
    ("indianapolis", &["indianapolis"]),
    ("stlouis", &["st. louis", "st louis", "saint louis"]),
    ("kansascity", &["kansas city"]),
    ("milwaukee", &["milwaukee"]),
    ("madison", &["madison"]),
    ("nashville", &["nashville"]),
    ("charlotte", &["charlotte"]),
    ("raleigh", &["raleigh", "durham", "chapel hill"]),
    ("saltlakecity", &["salt lake city"]),
    ("lasvegas", &["las vegas"]),
    ("honolulu", &["honolulu", "oahu"]),
    ("vancouver", &["vancouver"]),
    ("toronto", &["toronto"]),
    ("montreal", &["montreal", "montréal"]),
    ("calgary", &["calgary"]),
    ("ottawa", &["ottawa"]),
    ("london", &["london"]),
    ("berlin", &["berlin"]),
    ("paris", &["paris"]),
    ("amsterdam", &["amsterdam"]),
    ("sydney", &["sydney"]),
    ("melbourne", &["melbourne"]),
    ("tokyo", &["tokyo"]),
    ("singapore", &["singapore"]),
];

/// The metropolitan area that a place typed by a person belongs to: its whole text or its part before the comma.
pub fn metro_of(place: &str) -> Option<&'static str> {
    let place = place.trim().to_lowercase();
    let city = place.split(',').next().unwrap_or_default().trim();
    let find = |wanted: &str| METROS.iter().find(|(metro, names)| names.contains(&wanted) || *metro == wanted);
    find(&place).or_else(|| find(city)).map(|(metro, _)| *metro)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_city() {
        assert_eq!(metro_of("Oakland, CA"), Some("sfbay"));
        assert_eq!(metro_of(" NYC "), Some("newyork"));
        assert_eq!(metro_of("sfbay"), Some("sfbay"));
        assert_eq!(metro_of("Nowhere"), None);
    }
}
