//! Checking a recipe, so that what is wrong is said when it is written and not when it runs.

use super::definition::{Definition, FieldName, Format, PagingKind};
use super::{LARGEST_FILE, RecipeError};

/// Most pages of one search.
const MOST_PAGES: usize = 50;

/// Reads the YAML and checks everything that needs no compiled pattern.
pub(super) fn read(text: &str) -> Result<Definition, RecipeError> {
    let wrong = |field: &str, problem: String, remedy: &str| RecipeError {
        line: line_of(text, field),
        field: field.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    if text.len() > LARGEST_FILE {
        return Err(wrong("file", format!("it has {} bytes", text.len()), "a recipe has at most 64 KiB"));
    }
    let definition: Definition = serde_yaml_ng::from_str(text).map_err(|error| RecipeError {
        line: error.location().map(|location| location.line()),
        field: field_in(&error.to_string()),
        problem: error.to_string(),
        remedy: "see `docs/add-a-job-board.md` for every field".to_owned(),
    })?;
    check_name(&definition).map_err(|(problem, remedy)| wrong("name", problem, remedy))?;
    check_url(&definition).map_err(|(problem, remedy)| wrong("url", problem, remedy))?;
    check_paging(&definition).map_err(|(problem, remedy)| wrong("paging", problem, remedy))?;
    if definition.label.trim().is_empty() || definition.label.len() > 100 {
        return Err(wrong("label", "it is empty or over 100 letters".into(), "write the board's name for people"));
    }
    if definition.rows.is_empty() && matches!(definition.format, Format::Html | Format::Xml) {
        return Err(wrong(
            "rows",
            "it is missing".into(),
            "write a selector or element name that matches every posting",
        ));
    }
    for (name, label) in [(FieldName::Title, "title"), (FieldName::Url, "url")] {
        if !definition.fields.contains_key(&name) && definition.format != Format::Rss {
            return Err(wrong("fields", format!("`{label}` is missing"), "every posting needs a title and an address"));
        }
    }
    Ok(definition)
}

type Complaint = (String, &'static str);

fn check_name(definition: &Definition) -> Result<(), Complaint> {
    let name = &definition.name;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(2..=40).contains(&name.len()) || !name.bytes().all(plain) {
        return Err((format!("`{name}` is no usable name"), "use 2 to 40 small letters, digits and `-`"));
    }
    if crate::registry::by_name(name).is_some() {
        return Err((format!("`{name}` is a built-in source"), "choose another name"));
    }
    Ok(())
}

fn check_url(definition: &Definition) -> Result<(), Complaint> {
    let url = &definition.url;
    let host = host_of(url).ok_or_else(|| (format!("`{url}` is no address"), "write https://host/path"))?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err((format!("`{url}` is not https"), "write https://host/path"));
    }
    let authority_end = url.splitn(4, '/').take(3).map(|part| part.len() + 1).sum::<usize>();
    if url.find('{').is_some_and(|place| place < authority_end) || host.is_empty() {
        return Err(("the host is a placeholder".to_owned(), "placeholders may stand only after the host"));
    }
    let known = ["query", "place", "page", "offset", "cursor"];
    for part in url.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        if !known.contains(&name) {
            return Err((
                format!("placeholder {{{name}}} is unknown"),
                "use {query}, {place}, {page}, {offset} or {cursor}",
            ));
        }
    }
    Ok(())
}

fn check_paging(definition: &Definition) -> Result<(), Complaint> {
    let paging = &definition.paging;
    if paging.most == 0 || paging.most > MOST_PAGES {
        return Err((format!("`most` is {}", paging.most), "ask for 1 to 50 pages"));
    }
    let needed = match paging.kind {
        PagingKind::None | PagingKind::Link => None,
        PagingKind::Page => Some("{page}"),
        PagingKind::Offset => Some("{offset}"),
        PagingKind::Cursor => Some("{cursor}"),
    };
    if let Some(needed) = needed.filter(|needed| !definition.url.contains(needed)) {
        return Err((format!("the address has no {needed}"), "put the placeholder into `url`"));
    }
    if matches!(paging.kind, PagingKind::Cursor | PagingKind::Link) && paging.at.is_empty() {
        return Err(("`at` is missing".to_owned(), "say where the cursor or the link to the next page is"));
    }
    if paging.kind == PagingKind::Offset && paging.step == 0 {
        return Err(("`step` is 0".to_owned(), "write how many rows a page has"));
    }
    Ok(())
}

/// The host of an address that may hold placeholders.
pub(super) fn host_of(address: &str) -> Option<String> {
    let plain = address.replace(['{', '}'], "");
    url::Url::parse(&plain).ok()?.host_str().map(str::to_owned)
}

/// The line on which a field stands.
pub(super) fn line_of(text: &str, field: &str) -> Option<usize> {
    let key = format!("{field}:");
    text.lines().position(|line| line.trim_start().starts_with(&key)).map(|line| line + 1)
}

/// The field that a YAML error speaks of (`fields.title: …`, ``unknown field `x` ``).
fn field_in(message: &str) -> String {
    let path = message.split(':').next().unwrap_or_default();
    if !path.is_empty()
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'[' | b']'))
    {
        return path.to_owned();
    }
    message.split('`').nth(1).unwrap_or("file").to_owned()
}
