//! Building a board's addresses out of its token, which a person typed or a page held: nothing in a token may lead to
//! another host or path.

use url::Url;

use crate::source::{Page, SourceError, SourceInfo};

/// An address at a fixed host: `segments` and the values of `query` are encoded.
pub(crate) fn path_url(
    info: &SourceInfo,
    base: &str,
    segments: &[&str],
    query: &[(&str, &str)],
) -> Result<Url, SourceError> {
    let unusable = |reason: &str| SourceError::BadQuery { name: info.name.clone(), reason: reason.to_owned() };
    let mut url = Url::parse(base).map_err(|error| unusable(&format!("{base}: {error}")))?;
    {
        let mut path = url.path_segments_mut().map_err(|()| unusable("the address has no path"))?;
        path.pop_if_empty();
        for segment in segments {
            if segment.is_empty() || matches!(*segment, "." | "..") {
                return Err(unusable("the board's name is empty; write it as in the board's address"));
            }
            path.push(segment);
        }
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// The host of a tenant: `acme` becomes `acme.<suffix>`; a token that is a whole host name stays as it is.
pub(crate) fn tenant_host(info: &SourceInfo, token: &str, suffix: &str) -> Result<String, SourceError> {
    let token = token.trim().trim_start_matches("https://").split('/').next().unwrap_or_default().to_ascii_lowercase();
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if !token.split('.').all(label) {
        let reason = format!("`{token}` is no board name; write the first part of the board's host, or its whole host");
        return Err(SourceError::BadQuery { name: info.name.clone(), reason });
    }
    Ok(if token.contains('.') { token } else { format!("{token}.{suffix}") })
}

/// `https://<host>/<path>`, with a path of our own making.
pub(crate) fn host_url(info: &SourceInfo, host: &str, path: &str) -> Result<Url, SourceError> {
    Url::parse(&format!("https://{host}{path}"))
        .map_err(|error| SourceError::BadQuery { name: info.name.clone(), reason: format!("{host}{path}: {error}") })
}

/// The host that a page came from.
pub(crate) fn host_of(page: &Page) -> &str {
    page.url.host_str().unwrap_or_default()
}

/// An address without its query and fragment, for recorded answers of a tenant.
pub(crate) fn recorded(token: &str, suffix: &str, path: &str) -> Option<Url> {
    let label: String = token
        .split('_')
        .find(|word| !matches!(*word, "" | "list" | "detail" | "feed" | "board" | "small" | "page" | "postings"))
        .unwrap_or("board")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(60)
        .collect();
    let label = if label.is_empty() { "board".to_owned() } else { label };
    Url::parse(&format!("https://{label}.{suffix}{path}")).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::source::SourceKind;

    #[test]
    fn tokens_stay_in_their_place() {
        let info = SourceInfo::new("x", "X", SourceKind::CompanyBoard, &[]);
        let url = path_url(&info, "https://api.example/v1", &["a/../b?c", "jobs"], &[("q", "a&b")]).unwrap();
        assert_eq!(url.as_str(), "https://api.example/v1/a%2F..%2Fb%3Fc/jobs?q=a%26b");
        assert!(path_url(&info, "https://api.example/v1", &[".."], &[]).is_err());
        assert_eq!(tenant_host(&info, "Acme", "boards.example").unwrap(), "acme.boards.example");
        assert_eq!(tenant_host(&info, "jobs.acme.example", "boards.example").unwrap(), "jobs.acme.example");
        for bad in ["", "a b", "a@evil.example", "a:8080", "a..b", "a?b", "a#b"] {
            assert!(tenant_host(&info, bad, "boards.example").is_err(), "{bad}");
        }
    }
}
