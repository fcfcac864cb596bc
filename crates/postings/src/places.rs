//! Places: city, region, country, several in one string.
