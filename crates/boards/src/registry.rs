//! Every source, one line each.

use std::sync::{Arc, OnceLock};

use url::Url;

use crate::fetch::body;
use crate::lenient;
use crate::source::{Page, ParseError, Parsed, Sample, SharedSource};

/// How much a file's name counts beside what the content says (0 to 100).
const HINT: u16 = 20;

/// All built-in sources, in the order shown to people.
pub fn all() -> &'static [SharedSource] {
    static SOURCES: OnceLock<Vec<SharedSource>> = OnceLock::new();
    SOURCES.get_or_init(build)
}

/// The source of this name.
pub fn by_name(name: &str) -> Option<&'static SharedSource> {
    all().iter().find(|source| source.info().name == name)
}

/// One line a source: a new one is its file, its `mod` line in the crate root and its line here.
fn build() -> Vec<SharedSource> {
    vec![
        Arc::new(crate::greenhouse::Greenhouse::default()),
        Arc::new(crate::lever::Lever::default()),
        Arc::new(crate::ashby::Ashby::default()),
        Arc::new(crate::workable::Workable::default()),
        Arc::new(crate::smartrecruiters::SmartRecruiters::default()),
        Arc::new(crate::recruitee::Recruitee::default()),
        Arc::new(crate::personio::Personio::default()),
        Arc::new(crate::teamtailor::Teamtailor::default()),
        Arc::new(crate::bamboohr::BambooHr::default()),
        Arc::new(crate::workday::Workday::default()),
        Arc::new(crate::rippling::Rippling::default()),
        Arc::new(crate::pinpoint::Pinpoint::default()),
        Arc::new(crate::breezy::Breezy::default()),
        Arc::new(crate::oracle::Oracle::default()),
        Arc::new(crate::eightfold::Eightfold::default()),
        Arc::new(crate::neogov::Neogov::default()),
        Arc::new(crate::remoteok::RemoteOk::default()),
        Arc::new(crate::remotive::Remotive::default()),
        Arc::new(crate::arbeitnow::Arbeitnow::default()),
        Arc::new(crate::himalayas::Himalayas::default()),
        Arc::new(crate::jobicy::Jobicy::default()),
        Arc::new(crate::themuse::TheMuse::default()),
        Arc::new(crate::weworkremotely::WeWorkRemotely::default()),
        Arc::new(crate::hackernews::HackerNews::default()),
        Arc::new(crate::adzuna::Adzuna::default()),
        Arc::new(crate::usajobs::UsaJobs::default()),
        Arc::new(crate::craigslist::Craigslist::default()),
        Arc::new(crate::icims::Icims::default()),
        Arc::new(crate::jobvite::Jobvite::default()),
        Arc::new(crate::linkedin::LinkedIn::default()),
        Arc::new(crate::indeed::Indeed::default()),
        Arc::new(crate::glassdoor::Glassdoor::default()),
        Arc::new(crate::ziprecruiter::ZipRecruiter::default()),
        Arc::new(crate::googlejobs::GoogleJobs::default()),
        Arc::new(crate::theladders::TheLadders::default()),
        Arc::new(crate::seek::Seek::default()),
        Arc::new(crate::feed::Feed::default()),
        Arc::new(crate::page::WebPage::default()),
    ]
}

/// Reads a stored answer. The format is recognised from the content; the file's name (`greenhouse_acme.json`) is a hint
/// that decides between equals and names the board.
///
/// # Errors
/// [`ParseError`] when no source recognises it, or when the one that does cannot read it.
pub fn parse_recorded(file_name: &str, body: &[u8]) -> Result<(&'static str, Parsed), ParseError> {
    let placeholder = Url::parse("https://recorded.invalid/").map_err(|_| ParseError::not_this("no address"))?;
    let body = body::to_utf8(bytes::Bytes::copy_from_slice(body), None);
    let mut page = Page::new(placeholder.clone(), body);
    let text = page.text().into_owned();
    let json = lenient::parse_json(&text).ok();
    let sample = Sample { text: &text, json: json.as_ref() };

    let stem = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let stem = stem.split('.').next().unwrap_or(stem).to_ascii_lowercase();
    let mut candidates: Vec<(u16, &'static SharedSource)> = all()
        .iter()
        .map(|source| {
            let hint = if stem.starts_with(source.info().name.as_str()) { HINT } else { 0 };
            (u16::from(source.recognise(&sample).min(100)) + hint, source)
        })
        .filter(|(score, _)| *score > 0)
        .collect();
    candidates.sort_by_key(|(score, _)| std::cmp::Reverse(*score));

    let mut problem = ParseError::not_this("no source recognises this answer");
    for (number, (_, source)) in candidates.into_iter().enumerate() {
        let name = source.info().name.as_str();
        let token = stem.strip_prefix(name).unwrap_or(&stem).trim_matches(['_', '-']);
        page.url = source.recorded_url(token).unwrap_or_else(|| placeholder.clone());
        match source.parse(&page) {
            Ok(parsed) => return Ok((name, parsed)),
            // What the surest source says is of most use.
            Err(error) if number == 0 => problem = error,
            Err(_) => {}
        }
    }
    Err(problem)
}
