//! The web app: its files, held by the program, and the rules under which a browser runs them.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use tonic::body::Body;

use crate::{answer, restore};

/// Scripts and styles of our own files only, no markup made of text but by the two policies that the app declares, no
/// frames, no forms that leave the page. Pictures may be what the app itself was given (`data:`, `blob:`).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: \
                                       blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src \
                                       'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; \
                                       require-trusted-types-for 'script'; trusted-types aerie-posting aerie-worker";
/// Folder whose files carry a digest of their content in their name.
const NAMED_BY_CONTENT: &str = "/assets/";
const FIRST_PAGE: &str = "/index.html";
/// Addresses without a dot that are not the app's.
const RESERVED: [&str; 5] = ["/livez", "/readyz", "/metrics", "/status", restore::PATH];

/// A file of the app.
struct File {
    /// Where it is served.
    path: &'static str,
    /// What it is recognised by when a browser asks whether it changed.
    tag: &'static str,
    plain: &'static [u8],
    /// The same, packed.
    gzip: Option<&'static [u8]>,
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/web_files.rs"));

/// Whether the program was built with the app.
pub(crate) fn is_built() -> bool {
    !FILES.is_empty()
}

/// Whether an address is that of one of the app's pages: they have no dot, calls have several.
pub(crate) fn is_page(path: &str) -> bool {
    !path.contains('.') && !RESERVED.contains(&path) && !path.starts_with("/v1/")
}

/// The file at an address, or the app for an address of one of its pages that a browser opens.
pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let file = FILES.iter().find(|file| file.path == path).or_else(|| {
        let opens = is_page(path) && (path == "/" || accepts(headers, &header::ACCEPT, "text/html"));
        FILES.iter().find(|file| opens && file.path == FIRST_PAGE)
    })?;
    Some(respond(file, headers))
}

fn respond(file: &'static File, headers: &HeaderMap) -> Response<Body> {
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == file.tag.as_bytes());
    let packed = file.gzip.filter(|_| accepts(headers, &header::ACCEPT_ENCODING, "gzip"));
    let (status, bytes) = match packed {
        _ if is_known => (StatusCode::NOT_MODIFIED, Bytes::new()),
        Some(packed) => (StatusCode::OK, Bytes::from_static(packed)),
        None => (StatusCode::OK, Bytes::from_static(file.plain)),
    };
    let mut response = answer::content(status, content_type(file.path), bytes);
    let is_lasting = file.path.starts_with(NAMED_BY_CONTENT);
    let keep = if is_lasting { "public, max-age=31536000, immutable" } else { "no-cache" };
    let own = response.headers_mut();
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    own.insert(header::ETAG, HeaderValue::from_static(file.tag));
    own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    own.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    if packed.is_some() && !is_known {
        own.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether a list in a header names this, whatever preference it gives it.
fn accepts(headers: &HeaderMap, name: &header::HeaderName, wanted: &str) -> bool {
    let named = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .filter_map(|part| part.split(';').next())
                .any(|part| part.trim().eq_ignore_ascii_case(wanted))
        })
    };
    headers.get_all(name).iter().any(named)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn asking(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn pages_are_told_from_calls_and_files() {
        for page in ["/", "/review", "/jobs/0190/surveys"] {
            assert!(is_page(page), "{page}");
        }
        for other in [
            "/aerie.pipeline.v1.JobsService/ListJobs",
            "/calendar.ics",
            "/metrics",
            "/v1/models",
            "/a.js",
            "/backup/restore",
        ] {
            assert!(!is_page(other), "{other}");
        }
    }

    #[test]
    fn lists_in_headers_are_read_whatever_they_prefer() {
        assert!(accepts(&asking(header::ACCEPT_ENCODING, "br;q=1.0, GZIP;q=0.8"), &header::ACCEPT_ENCODING, "gzip"));
        assert!(!accepts(&asking(header::ACCEPT_ENCODING, "br, gzipped"), &header::ACCEPT_ENCODING, "gzip"));
        assert!(!accepts(&HeaderMap::new(), &header::ACCEPT, "text/html"));
    }

    #[test]
    fn a_file_is_sent_packed_plain_or_not_at_all() {
        static FILE: File = File { path: "/assets/a-1.js", tag: "\"1\"", plain: b"plain", gzip: Some(b"packed") };
        let plain = respond(&FILE, &HeaderMap::new());
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        let packed = respond(&FILE, &asking(header::ACCEPT_ENCODING, "gzip"));
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
        let known = respond(&FILE, &asking(header::IF_NONE_MATCH, "\"1\""));
        assert_eq!(
            (known.status(), known.headers()[header::ETAG].to_str().unwrap()),
            (StatusCode::NOT_MODIFIED, "\"1\"")
        );
    }

    #[test]
    fn the_policy_allows_nothing_inline() {
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe") && !CONTENT_SECURITY_POLICY.contains("  "));
    }
}
