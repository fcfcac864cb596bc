//! LinkedIn's data export: a zip archive of CSV tables, in whatever folder they lie.

use std::collections::HashMap;

use super::{
    Certificate, Contact, Education, End, Extra, Language, Link, Period, Position, Profile, Section, SkillGroup,
    Sourced, YearMonth, months,
};
use crate::extract::{Archive, ExtractError, Limits, decode, is_bullet};

const FORMAT: &str = "LinkedIn export";

/// Most rows of one table.
const MOST_ROWS: usize = 2_000;

type Record = HashMap<String, String>;

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Profile, ExtractError> {
    let mut export = Export { archive: Archive::open(bytes, FORMAT, limits)? };
    let person = export.table(&["profile"])?.into_iter().next();
    let mut profile = Profile::default();
    if let Some(person) = &person {
        profile.contact = contact(person);
        profile.summary = field(person, "summary");
    }
    profile.contact.email = export.email()?;
    profile.contact.phone = export.phone()?;
    profile.positions = export.table(&["positions", "position"])?.iter().map(position).collect();
    profile.education = export.table(&["education"])?.iter().map(education).collect();
    profile.skills = skills(&export.table(&["skills"])?);
    profile.certificates = export.table(&["certifications"])?.iter().filter_map(certificate).collect();
    profile.languages = export.table(&["languages"])?.iter().filter_map(language).collect();
    for (names, title) in [
        (&["projects"][..], "Projects"),
        (&["honors", "honors & awards"], "Awards"),
        (&["publications"], "Publications"),
        (&["volunteering", "volunteer experiences"], "Volunteering"),
        (&["courses"], "Courses"),
    ] {
        let lines: Vec<Sourced> = export.table(names)?.iter().filter_map(line).collect();
        if !lines.is_empty() {
            profile.sections.push(Section { title: Some(Sourced::given(title.to_owned())), lines });
        }
    }
    if person.is_none() && profile.positions.is_empty() && profile.education.is_empty() {
        return Err(ExtractError::broken(FORMAT, "Profile.csv and Positions.csv are missing"));
    }
    Ok(profile)
}

struct Export<'bytes> {
    archive: Archive<'bytes>,
}

impl Export<'_> {
    /// The rows of the first table with one of these names; none when the export has no such table.
    fn table(&mut self, names: &[&str]) -> Result<Vec<Record>, ExtractError> {
        let found = self.archive.names().into_iter().find(|path| {
            let file = path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase();
            names.iter().any(|name| file.strip_suffix(".csv") == Some(*name))
        });
        let Some(path) = found else { return Ok(Vec::new()) };
        let bytes = self.archive.read(&path)?.unwrap_or_default();
        let text = decode(&bytes)?;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let heads = reader.headers().map_err(|error| ExtractError::broken(FORMAT, error))?.clone();
        let mut rows = Vec::new();
        for row in reader.records() {
            if rows.len() >= MOST_ROWS {
                return Err(ExtractError::TooLarge { what: "rows in one table", limit: MOST_ROWS });
            }
            let row = row.map_err(|error| ExtractError::broken(FORMAT, error))?;
            let cells = heads.iter().zip(row.iter());
            rows.push(cells.map(|(head, cell)| (head.trim().to_lowercase(), cell.trim().to_owned())).collect());
        }
        Ok(rows)
    }

    fn email(&mut self) -> Result<Option<Sourced>, ExtractError> {
        let rows = self.table(&["email addresses", "emailaddresses"])?;
        let primary = rows.iter().find(|row| row.get("primary").is_some_and(|value| value.eq_ignore_ascii_case("yes")));
        Ok(primary.or(rows.first()).and_then(|row| field(row, "email address")))
    }

    fn phone(&mut self) -> Result<Option<Sourced>, ExtractError> {
        let rows = self.table(&["phonenumbers", "phone numbers"])?;
        Ok(rows.iter().find_map(|row| field(row, "number")))
    }
}

fn field(row: &Record, name: &str) -> Option<Sourced> {
    row.get(name).filter(|value| !value.is_empty()).map(|value| Sourced::given(value.clone()))
}

fn contact(person: &Record) -> Contact {
    let name: Vec<&str> =
        ["first name", "last name"].iter().filter_map(|part| person.get(*part)).map(String::as_str).collect();
    let name = name.join(" ").trim().to_owned();
    let websites = person.get("websites").map(String::as_str).unwrap_or_default();
    let links = websites.trim_matches(['[', ']']).split(',').filter_map(|site| {
        // "[PERSONAL:https://example.org]"
        let at = site.find("http")?;
        Some(Link { network: None, url: Sourced::given(site[at..].trim().to_owned()), extra: Extra::new() })
    });
    Contact {
        name: (!name.is_empty()).then(|| Sourced::given(name)),
        headline: field(person, "headline"),
        place: field(person, "geo location").or_else(|| field(person, "address")),
        links: links.collect(),
        ..Contact::default()
    }
}

fn month(row: &Record, name: &str) -> Option<YearMonth> {
    months::find(row.get(name)?).first()?.period.start
}

/// A position that was begun and not finished goes on.
fn period(row: &Record, start: &str, end: &str) -> Option<Sourced<Period>> {
    let (start, finish) = (month(row, start), month(row, end));
    let end = finish.map(End::At).or(start.map(|_| End::Present));
    (start.is_some() || end.is_some()).then(|| Sourced::given(Period { start, end }))
}

fn position(row: &Record) -> Position {
    let description = row.get("description").map(String::as_str).unwrap_or_default();
    Position {
        employer: field(row, "company name").or_else(|| field(row, "company")),
        title: field(row, "title"),
        period: period(row, "started on", "finished on"),
        place: field(row, "location"),
        bullets: points(description),
        ..Position::default()
    }
}

/// LinkedIn keeps a description's lines, and some exports part them by two blanks only.
fn points(description: &str) -> Vec<Sourced> {
    let lines =
        description.split(['\n', '\r']).flat_map(|line| line.split(is_bullet)).flat_map(|line| line.split("  "));
    let bare = lines.map(|line| line.trim().trim_start_matches(['-', '*']).trim());
    bare.filter(|line| !line.is_empty()).map(|line| Sourced::given(line.to_owned())).collect()
}

fn education(row: &Record) -> Education {
    let degree = row.get("degree name").map(String::as_str).unwrap_or_default();
    let (degree, area) = degree.split_once(',').unwrap_or((degree, ""));
    let given = |text: &str| (!text.trim().is_empty()).then(|| Sourced::given(text.trim().to_owned()));
    let mut period = period(row, "start date", "end date");
    // A school without an end date is not being attended for ever.
    if let Some(period) = &mut period
        && period.value.end == Some(End::Present)
    {
        period.value.end = None;
    }
    Education {
        institution: field(row, "school name"),
        degree: given(degree),
        field: given(area),
        period,
        notes: ["notes", "activities"].iter().filter_map(|name| field(row, name)).collect(),
        ..Education::default()
    }
}

fn skills(rows: &[Record]) -> Vec<SkillGroup> {
    let skills: Vec<Sourced> = rows.iter().filter_map(|row| field(row, "name")).collect();
    if skills.is_empty() { Vec::new() } else { vec![SkillGroup { skills, ..SkillGroup::default() }] }
}

fn certificate(row: &Record) -> Option<Certificate> {
    Some(Certificate {
        name: field(row, "name")?,
        issuer: field(row, "authority"),
        date: month(row, "started on").map(Sourced::given),
        extra: Extra::new(),
    })
}

fn language(row: &Record) -> Option<Language> {
    Some(Language { name: field(row, "name")?, level: field(row, "proficiency"), extra: Extra::new() })
}

fn line(row: &Record) -> Option<Sourced> {
    let title = ["title", "name", "role"].iter().find_map(|name| field(row, name))?;
    let more = ["organization", "company name", "publisher", "description"].iter().filter_map(|name| field(row, name));
    let parts: Vec<String> = std::iter::once(title).chain(more).map(|part| part.value).collect();
    Some(Sourced::given(parts.join(", ")))
}
