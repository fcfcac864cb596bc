//! Cookies. All of ours begin with `__Host-`: a browser takes them from this host alone, over TLS, for every path, so that
//! a neighbouring host can neither set nor shadow them.

use aerie_rpc::{ErrorCode, RpcError};
use http::{HeaderMap, HeaderValue, header};

/// Proves who is signed in; no script can read it.
pub(crate) const SESSION_COOKIE: &str = "__Host-aerie-session";
/// What the app's page sends along in a header; its script reads it here.
pub(crate) const FORGERY_COOKIE: &str = "__Host-aerie-csrf";
/// Longest value that is looked at.
const MOST_VALUE_BYTES: usize = 1024;

/// A cookie to be set. `value` has only characters that a cookie may have.
pub(crate) fn cookie(name: &str, value: &str, seconds: u64, for_scripts: bool) -> Option<HeaderValue> {
    let hidden = if for_scripts { "" } else { "; HttpOnly" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; SameSite=Lax{hidden}")).ok()
}

/// The same, taken back.
pub(crate) fn forget(name: &str) -> Option<HeaderValue> {
    cookie(name, "", 0, false)
}

/// The value of a cookie.
///
/// # Errors
/// It came twice, so that nobody can say which one counts.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, RpcError> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() {
        let message = "the session's cookie came twice; sign in again";
        return Err(RpcError::new(ErrorCode::Unauthenticated, "SESSION_INVALID", message));
    }
    Ok(first.filter(|value| value.len() <= MOST_VALUE_BYTES))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (header::COOKIE, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn a_cookie_counts_when_it_came_once() {
        assert_eq!(only(&headers(&["a=1; b=2", "c=3"]), "b").unwrap(), Some("2"));
        assert_eq!(only(&headers(&["ab=1"]), "b").unwrap(), None);
        assert_eq!(only(&headers(&["b=1;b"]), "b").unwrap(), Some("1"));
        assert!(only(&headers(&["b=1; b=1"]), "b").is_err());
        assert!(only(&headers(&["b=1", "b=2"]), "b").is_err());
    }

    #[test]
    fn ours_are_kept_to_this_host_and_from_scripts() {
        let session = cookie(SESSION_COOKIE, "v", 60, false).unwrap();
        let text = session.to_str().unwrap();
        for word in ["__Host-", "Path=/;", "Secure", "SameSite=Lax", "HttpOnly", "Max-Age=60"] {
            assert!(text.contains(word), "{text}");
        }
        assert!(!text.contains("Domain"));
        assert!(!cookie(FORGERY_COOKIE, "v", 60, true).unwrap().to_str().unwrap().contains("HttpOnly"));
        assert!(forget(SESSION_COOKIE).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }
}
