//! Every source, one line each.

use std::sync::OnceLock;

use url::Url;

use crate::lenient;
use crate::source::{Page, ParseError, Parsed, Sample, SharedSource};

/// All built-in sources, in the order shown to people.
pub fn all() -> &'static [SharedSource] {
    static SOURCES: OnceLock<Vec<SharedSource>> = OnceLock::new();
    SOURCES.get_or_init(build)
}

/// The source of this name.
pub fn by_name(name: &str) -> Option<&'static SharedSource> {
    all().iter().find(|source| source.info().name == name)
}

fn build() -> Vec<SharedSource> {
    vec![
        // One line a source: Arc::new(crate::greenhouse::Greenhouse::default()),
    ]
}

/// Reads a stored answer. The format is recognised from the content; the file's name (`greenhouse_acme.json`) is a hint
/// that decides between equals and names the board.
///
/// # Errors
/// [`ParseError`] when no source recognises it, or when the one that does cannot read it.
pub fn parse_recorded(file_name: &str, body: &[u8]) -> Result<(&'static str, Parsed), ParseError> {
    let placeholder = Url::parse("https://recorded.invalid/").map_err(|_| ParseError::not_this("no address"))?;
    let mut page = Page::new(placeholder, bytes::Bytes::copy_from_slice(body));
    let text = page.text().into_owned();
    let json = lenient::parse_json(&text).ok();
    let sample = Sample { text: &text, json: json.as_ref() };

    let stem = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let stem = stem.split('.').next().unwrap_or(stem).to_ascii_lowercase();
    let best = all()
        .iter()
        .map(|source| {
            let sure = u16::from(source.recognise(&sample).min(100));
            let hinted = stem.starts_with(source.info().name.as_str());
            (sure + if hinted { 20 } else { 0 }, source)
        })
        .max_by_key(|(score, _)| *score);
    let Some((score, source)) = best.filter(|(score, _)| *score > 0) else {
        return Err(ParseError::not_this("no source recognises this answer"));
    };
    tracing::debug!(source = source.info().name, score, "recognised a recorded answer");

    let token = stem.strip_prefix(source.info().name.as_str()).unwrap_or(&stem).trim_matches(['_', '-']);
    if let Some(url) = source.recorded_url(token) {
        page.url = url;
    }
    source.parse(&page).map(|parsed| (source.info().name.as_str(), parsed))
}
