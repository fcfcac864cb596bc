//! Several hundred invented postings, the same ones every time.

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;

/// An invented employer with the hiring system that it uses.
#[derive(Debug, Clone, Deserialize)]
pub struct SampleCompany {
    /// Name.
    pub name: String,
    /// Token of its board.
    pub token: String,
    /// Hiring system.
    pub system: String,
    /// City of its office.
    pub city: String,
    /// Region of its office.
    pub region: String,
    /// ISO 3166-1 alpha-2 country of its office.
    pub country: String,
    /// What it does.
    pub about: String,
}

#[derive(Debug, Deserialize)]
struct Role {
    title: String,
    department: String,
    pay: u32,
    skills: Vec<String>,
    duties: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Material {
    companies: Vec<SampleCompany>,
    roles: Vec<Role>,
    levels: Vec<String>,
    openings: Vec<String>,
    closings: Vec<String>,
}

/// An invented posting, before it is written in a board's format.
#[derive(Debug, Clone)]
pub struct SamplePosting {
    /// Number, unique over all boards; ids of every format are derived from it.
    pub number: u32,
    /// Employer.
    pub company: SampleCompany,
    /// Title.
    pub title: String,
    /// Department.
    pub department: String,
    /// `remote`, `hybrid` or `onsite`.
    pub workplace: &'static str,
    /// Lowest and highest yearly pay; `None` when the posting keeps silent.
    pub pay: Option<(u32, u32)>,
    /// Currency of the pay.
    pub currency: &'static str,
    /// Skills asked for.
    pub skills: Vec<String>,
    /// Description as HTML.
    pub html: String,
    /// When it was posted.
    pub posted: DateTime<Utc>,
    /// Whether aggregators list it too.
    pub syndicated: bool,
}

impl SamplePosting {
    /// A UUID-shaped id for the formats that use one.
    pub fn uuid(&self) -> String {
        format!("5a3c0de0-0000-4000-8000-{:012x}", self.number)
    }

    /// The place as one string.
    pub fn place(&self) -> String {
        format!("{}, {}", self.company.city, country_name(&self.company.country))
    }
}

/// English name of the few countries that the samples use.
pub fn country_name(code: &str) -> &'static str {
    match code {
        "DE" => "Germany",
        "US" => "United States",
        "GB" => "United Kingdom",
        "CA" => "Canada",
        "PT" => "Portugal",
        "FR" => "France",
        "NL" => "Netherlands",
        "SE" => "Sweden",
        _ => "",
    }
}

/// All sample postings; dates count back from `now`.
///
/// # Errors
/// When the embedded material cannot be read, which a test rules out.
pub fn sample_postings(now: DateTime<Utc>) -> Result<Vec<SamplePosting>, serde_yaml_ng::Error> {
    let material: Material = serde_yaml_ng::from_str(include_str!("../data/sample.yaml"))?;
    let mut postings = Vec::new();
    for (company_index, company) in material.companies.iter().enumerate() {
        for (role_index, role) in material.roles.iter().enumerate() {
            for variant in 0..2 {
                let number = (company_index * 100 + role_index * 2 + variant) as u32 + 1_000;
                // A fixed mixing of the number replaces chance, so that every run makes the same boards.
                let mixed = number.wrapping_mul(2_654_435_761) >> 7;
                if mixed % 10 < 2 {
                    continue;
                }
                postings.push(posting(&material, company, role, number, mixed, now));
            }
        }
    }
    Ok(postings)
}

fn pick<T>(list: &[T], mixed: u32) -> Option<&T> {
    list.get(mixed as usize % list.len().max(1))
}

fn posting(
    material: &Material,
    company: &SampleCompany,
    role: &Role,
    number: u32,
    mixed: u32,
    now: DateTime<Utc>,
) -> SamplePosting {
    let level = pick(&material.levels, mixed >> 3).map_or("", String::as_str);
    let levelled = role.title.contains("Senior") || role.title.contains("Manager") || role.title.contains("Student");
    let mut title = if levelled { role.title.clone() } else { format!("{level}{}", role.title) };
    // Two openings of one role differ in their team, as they do on real boards.
    if number % 2 == 1 {
        let team = ["Payments", "Field Tools", "Growth", "Core", "Partners"];
        title = format!("{title}, {}", pick(&team, mixed >> 5).copied().unwrap_or("Core"));
    }
    let workplace = ["onsite", "hybrid", "remote", "hybrid"][(mixed >> 9) as usize % 4];
    let factor = if title.starts_with("Senior") {
        12
    } else if title.starts_with("Junior") {
        8
    } else {
        10
    };
    let low = role.pay / 10 * factor / 1000 * 1000;
    let currency = match company.country.as_str() {
        "US" => "USD",
        "GB" => "GBP",
        "CA" => "CAD",
        "SE" => "SEK",
        _ => "EUR",
    };
    let skills: Vec<String> = role
        .skills
        .iter()
        .enumerate()
        .filter(|(index, _)| *index < 3 || !(mixed >> (index + 4)).is_multiple_of(3))
        .map(|(_, skill)| skill.clone())
        .collect();
    SamplePosting {
        number,
        company: company.clone(),
        department: role.department.clone(),
        workplace,
        pay: (!mixed.is_multiple_of(3)).then_some((low, low + low / 5)),
        currency,
        html: description(material, company, role, &title, &skills, mixed),
        title,
        skills,
        posted: now - Duration::hours(i64::from(mixed % 900) + 2),
        syndicated: mixed.is_multiple_of(4),
    }
}

fn description(
    material: &Material,
    company: &SampleCompany,
    role: &Role,
    title: &str,
    skills: &[String],
    mixed: u32,
) -> String {
    let opening = pick(&material.openings, mixed >> 11).map_or("", String::as_str);
    let closing = pick(&material.closings, mixed >> 13).map_or("", String::as_str);
    let duties: String = role.duties.iter().map(|duty| format!("<li>You {duty}.</li>")).collect();
    let (required, welcome) = skills.split_at(skills.len().min(3));
    let list = |skills: &[String]| skills.iter().map(|skill| format!("<li>{skill}</li>")).collect::<String>();
    let years = 1 + mixed % 6;
    let extra =
        if welcome.is_empty() { String::new() } else { format!("<h3>Nice to have</h3><ul>{}</ul>", list(welcome)) };
    format!(
        "<p>{about} {opening}</p><h3>What you do</h3><p>As {title} in our {department} team in {city}:</p>\
         <ul>{duties}</ul><h3>What you bring</h3><ul><li>{years}+ years of relevant work</li>{required}</ul>{extra}\
         <p>{closing}</p>",
        about = company.about,
        department = role.department,
        city = company.city,
        required = list(required),
    )
}
