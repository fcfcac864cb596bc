//! Invented postings, varied like real ones and always the same for the same number.
//!
//! Each has a title of level, role and team, one of many employers and towns, and some two thousand characters of
//! sentences about the role. One in eight is another board's copy of an earlier one: another address, a title with an
//! addition, a text that is cut or has a preface, as aggregators have them.

use aerie_postings::{Place, Posting, RawDate, RawPlace, RawPosting, normalise};
use chrono::{DateTime, TimeDelta, Utc};

/// One in so many postings is a copy of an earlier one.
pub const COPY_EVERY: u64 = 8;
/// Different invented words in all texts together.
const WORDS: f64 = 20_000.0;
/// Postings of one employer on average.
const PER_COMPANY: u64 = 30;

const LEVELS: [&str; 8] = ["", "", "", "Senior ", "Junior ", "Lead ", "Principal ", "Staff "];
const TEAMS: [&str; 12] = [
    "",
    "",
    "",
    ", Payments",
    ", Platform",
    ", Growth",
    " - Field Operations",
    " (Night Shift)",
    ", EMEA",
    ", Mobile",
    ", Public Sector",
    " II",
];
const TOWNS: [(&str, &str); 24] = [
    ("Berlin", "Germany"),
    ("Hamburg", "Germany"),
    ("Munich", "Germany"),
    ("Leipzig", "Germany"),
    ("Vienna", "Austria"),
    ("Zurich", "Switzerland"),
    ("London", "United Kingdom"),
    ("Leeds", "United Kingdom"),
    ("Dublin", "Ireland"),
    ("Paris", "France"),
    ("Lyon", "France"),
    ("Madrid", "Spain"),
    ("Lisbon", "Portugal"),
    ("Amsterdam", "Netherlands"),
    ("Rotterdam", "Netherlands"),
    ("Stockholm", "Sweden"),
    ("Oslo", "Norway"),
    ("Warsaw", "Poland"),
    ("New York, NY", "United States"),
    ("Austin, TX", "United States"),
    ("Denver, CO", "United States"),
    ("Portland, OR", "United States"),
    ("Toronto, ON", "Canada"),
    ("Boston, MA", "United States"),
];

/// Roles with the skills that their postings name.
const ROLES: [(&str, &[&str]); 24] = [
    ("Backend Engineer", &["Rust", "PostgreSQL", "gRPC", "Docker", "Kubernetes", "Redis"]),
    ("Rust Engineer", &["Rust", "tokio", "Linux", "PostgreSQL", "observability", "WebAssembly"]),
    ("Platform Engineer", &["Kubernetes", "Terraform", "AWS", "Prometheus", "Go", "Helm"]),
    ("Data Engineer", &["Python", "SQL", "Airflow", "Spark", "dbt", "Snowflake"]),
    ("Machine Learning Engineer", &["Python", "PyTorch", "Docker", "SQL", "statistics", "MLflow"]),
    ("Frontend Developer", &["TypeScript", "React", "CSS", "accessibility", "GraphQL", "Next.js"]),
    ("Java Developer", &["Java", "Spring Boot", "Kafka", "Maven", "Oracle", "JUnit"]),
    ("Mobile Developer", &["Kotlin", "Swift", "Android", "iOS", "Firebase", "CI/CD"]),
    ("Security Engineer", &["incident response", "SIEM", "Python", "threat modelling", "AWS", "IAM"]),
    ("QA Engineer", &["test automation", "Playwright", "Python", "CI/CD", "API testing", "Selenium"]),
    ("Product Manager", &["roadmaps", "user research", "analytics", "Jira", "agile", "SQL"]),
    ("Product Designer", &["Figma", "user research", "prototyping", "design systems", "accessibility", "CSS"]),
    ("Accountant", &["bookkeeping", "Excel", "VAT", "financial reporting", "SAP", "IFRS"]),
    ("Registered Nurse", &["patient care", "triage", "CPR", "electronic health records", "medication", "ICU"]),
    ("Physiotherapist", &["rehabilitation", "patient care", "anatomy", "documentation", "manual therapy", "CPR"]),
    ("Warehouse Team Lead", &["forklift", "inventory management", "scheduling", "safety", "WMS", "SAP"]),
    ("Electrician", &["wiring", "fault finding", "PLC", "safety", "drawings", "maintenance"]),
    ("Truck Driver", &["CDL", "route planning", "safety", "loading", "navigation", "maintenance"]),
    ("Marketing Manager", &["SEO", "content marketing", "Google Analytics", "copywriting", "CRM", "budgets"]),
    ("Sales Representative", &["cold calling", "HubSpot", "negotiation", "CRM", "Salesforce", "presentations"]),
    ("Customer Support Specialist", &["troubleshooting", "Zendesk", "communication", "SQL", "onboarding", "CRM"]),
    ("HR Business Partner", &["recruiting", "labour law", "coaching", "Workday", "payroll", "mediation"]),
    ("Chef de Partie", &["menu planning", "HACCP", "pastry", "ordering", "team work", "grill"]),
    (
        "Teacher of Mathematics",
        &["curriculum", "classroom management", "algebra", "assessment", "tutoring", "geometry"],
    ),
];

const BEGINNINGS: [&str; 16] = [
    "You build",
    "You look after",
    "Together with two colleagues you plan",
    "Every week you review",
    "You own",
    "In your first months you improve",
    "You document",
    "With the team you measure",
    "You explain to others",
    "You take over",
    "On quiet days you tidy",
    "You are asked when it comes to",
    "You test",
    "Once a month you present",
    "You decide on",
    "You keep an eye on",
];
const MATTERS: [&str; 24] = [
    "the systems that our customers rely on",
    "the shift plans of a team of twelve",
    "what goes wrong at night",
    "the numbers behind the monthly report",
    "the tools that new colleagues start with",
    "requests from other branches",
    "the quality of everything that leaves the house",
    "a backlog that three departments share",
    "the interfaces to our suppliers",
    "the training of apprentices",
    "the budget of the year",
    "audits and their findings",
    "the first hour with a new client",
    "deliveries that cannot wait",
    "the handover between shifts",
    "a catalogue of nine thousand articles",
    "the safety of people and machines",
    "contracts that are about to end",
    "the way from idea to release",
    "complaints that nobody else could solve",
    "the archive and its search",
    "measurements from the field",
    "our presence at fairs",
    "the questions of the works council",
];
const ENDINGS: [&str; 12] = [
    "and you say openly what is missing.",
    "so that others can build on it.",
    "with care and without haste.",
    "and leave it better than you found it.",
    "from the first sketch to daily use.",
    "even when plans change.",
    "in German and English.",
    "and report to the head of the department.",
    "with tools of your choice.",
    "while the business grows.",
    "and know when to ask.",
    "as somebody whom people trust.",
];
const SYLLABLES: [&str; 28] = [
    "bel", "cor", "dan", "fer", "gal", "hol", "jun", "kar", "lam", "mer", "nor", "oss", "pel", "quin", "ral", "sel",
    "tor", "ulm", "ver", "wend", "xan", "yar", "zel", "brand", "field", "stone", "mark", "ridge",
];

/// A well-mixed number (the finaliser of SplitMix64).
fn mixed(number: u64, salt: u64) -> u64 {
    let mut mixed = number.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn pick<T: Copy>(list: &[T], number: u64, salt: u64) -> T {
    list[(mixed(number, salt) % list.len() as u64) as usize]
}

fn company(number: u64, universe: u64) -> String {
    let id = mixed(number, 1) % (universe / PER_COMPANY).max(1);
    let form = pick(&["GmbH", "Ltd", "Inc.", "AG", "", ""], id, 2);
    let name = format!("{}{}{}", pick(&SYLLABLES, id, 3), pick(&SYLLABLES, id, 4), pick(&SYLLABLES, id, 5));
    let trade = pick(&["Works", "Health", "Logistics", "Labs", "Systems", "Foods", "Energy", "Group"], id, 6);
    let mut letters = name.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{} {trade} {form}", letters.as_str()).trim_end().to_owned()
}

/// A few invented words, common ones more often (Zipf's law), as names, products and terms of the trade make them.
fn unusual_words(number: u64, salt: u64) -> String {
    let word = |index: u64| {
        let random = mixed(number, salt * 8 + index);
        // The logarithm of a uniform number makes the rank's frequency fall as one by the rank.
        let rank = (((random >> 11) as f64 / (1_u64 << 53) as f64) * WORDS.ln()).exp() as u64;
        let letters = mixed(rank, 1_000);
        format!("{}{}", pick(&SYLLABLES, letters, 1), pick(&SYLLABLES, letters, 2))
            + pick(&["", "er", "ing", "s"], letters, 3)
    };
    (0..5).map(word).collect::<Vec<_>>().join(" ")
}

fn text(number: u64, role: &str, skills: &[&str], company: &str, town: &str) -> String {
    let sentence = |salt: u64| {
        format!(
            "<li>{} {} {} {}</li>",
            pick(&BEGINNINGS, number, salt),
            pick(&MATTERS, number, salt + 40),
            unusual_words(number, salt + 120),
            pick(&ENDINGS, number, salt + 80)
        )
    };
    let duties: String = (100..110).map(sentence).collect();
    let more: String = (110..115).map(sentence).collect();
    let known = 3 + (mixed(number, 7) % 3) as usize;
    let wanted: String = skills.iter().take(known).map(|skill| format!("<li>{skill}</li>")).collect();
    format!(
        "<p>{company} looks for a {role} in {town}. Our reference is {}-{}.</p><h3>What you do</h3><ul>{duties}</ul>\
         <h3>What you bring</h3><ul><li>{}+ years of experience</li>{wanted}</ul><h3>What else</h3><ul>{more}</ul>",
        pick(&SYLLABLES, number, 8).to_uppercase(),
        mixed(number, 9) % 100_000,
        1 + mixed(number, 10) % 8,
    )
}

/// The raw posting of this number; `universe` is the size of the whole catalogue, which decides how many employers there
/// are.
pub fn raw_posting(number: u64, universe: u64, now: DateTime<Utc>) -> RawPosting {
    let is_copy = number % COPY_EVERY == COPY_EVERY - 1;
    // A copy is of something earlier, anywhere in the catalogue.
    let original = if is_copy { original_of(mixed(number, 11) % number.max(1)) } else { number };
    let (role, skills) = pick(&ROLES, original, 12);
    let (town, country) = pick(&TOWNS, original, 13);
    let title = format!("{}{role}{}", pick(&LEVELS, original, 14), pick(&TEAMS, original, 15));
    let company = company(original, universe);
    let html = text(original, role, skills, &company, town);
    let posted = now - TimeDelta::minutes((mixed(original, 16) % 60_000) as i64);
    let (source, url, title, html) = if is_copy {
        let preface = if number.is_multiple_of(3) { "<p>Seen on our partner site.</p>" } else { "" };
        let title = if number.is_multiple_of(2) { title } else { format!("{title} (m/f/d)") };
        (
            "remotive",
            format!("https://remotive.com/remote-jobs/all/position-{number}"),
            title,
            format!("{preface}{html}"),
        )
    } else {
        let slug = company.split(' ').next().unwrap_or_default().to_lowercase();
        ("greenhouse", format!("https://boards.greenhouse.io/{slug}/jobs/{}", 4_000_000_000 + number), title, html)
    };
    RawPosting {
        source: source.to_owned(),
        source_id: Some(number.to_string()),
        url: Some(url),
        title: Some(title),
        company: Some(company),
        places: vec![RawPlace::text(format!("{town}, {country}"))],
        description_html: Some(html),
        posted: Some(RawDate::At(posted)),
        ..RawPosting::default()
    }
}

/// The nearest number at or below this one that is no copy.
fn original_of(number: u64) -> u64 {
    if number % COPY_EVERY == COPY_EVERY - 1 { number - 1 } else { number }
}

/// Normalised postings of a range.
pub fn postings(range: std::ops::Range<u64>, universe: u64, now: DateTime<Utc>) -> Vec<Posting> {
    range.filter_map(|number| normalise(raw_posting(number, universe, now), now).ok()).collect()
}

/// Where somebody lives who reads these postings.
pub fn home() -> Place {
    Place { city: Some("Berlin".to_owned()), region: None, country: Some("DE".to_owned()) }
}
