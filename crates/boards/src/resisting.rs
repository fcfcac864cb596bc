//! What boards that resist automatic reading have in common: walls are named as walls, and refusals as refusals.
//!
//! None of them is searched unless a person switches it on, none uses a key that belongs to somebody else, and for all
//! of them a saved or pasted page is read.

use scraper::ElementRef;

use crate::html_select::{text_at, truncate};
use crate::source::{ParseError, SourceError, SourceInfo, SourceKind};

/// The description of such a board.
pub(crate) fn info(name: &str, label: &str, hosts: &[&str]) -> SourceInfo {
    SourceInfo::new(name, label, SourceKind::Resisting, hosts).with_terms(
        "Its terms forbid automatic reading; prefer saving a page in the browser and `aerie import page.html`.",
    )
}

/// The wall that a page is, if it is one: login, captcha, browser check.
pub(crate) fn wall(root: ElementRef<'_>, html: &str) -> Option<ParseError> {
    let title = text_at(root, "title").unwrap_or_default().to_lowercase();
    let start = truncate(html, 20_000).to_lowercase();
    let titles = [
        "just a moment",
        "attention required",
        "access denied",
        "security check",
        "are you a robot",
        "verify you are human",
        "pardon our interruption",
        "log in or sign up",
        "sign up | linkedin",
        "linkedin login",
        "security | glassdoor",
        "blocked - indeed",
        "robot check",
        "human verification",
    ];
    if let Some(sign) = titles.iter().find(|sign| title.contains(**sign)) {
        return Some(ParseError::Wall { reason: format!("its title says \"{sign}\"") });
    }
    let marks = [
        "cf-challenge",
        "challenge-platform",
        "/sorry/index",
        "unusual traffic from your computer",
        "px-captcha",
        "g-recaptcha-response",
        "hcaptcha.com/1",
        "/authwall?",
        "uas/login-submit",
        "enablejs?sei=",
    ];
    marks.iter().find(|mark| start.contains(**mark)).map(|mark| ParseError::Wall { reason: format!("it holds {mark}") })
}

/// Names a refusal as such: a redirect to a login page, a wall served as a page.
pub(crate) fn as_refusal(error: SourceError) -> SourceError {
    match error {
        SourceError::Redirect { url, to } if leads_to_wall(&to) => {
            let host = url::Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or(url);
            SourceError::Blocked { host, status: 302 }
        }
        SourceError::BadFormat { host, problem: ParseError::Wall { .. } } => SourceError::Blocked { host, status: 0 },
        other => other,
    }
}

fn leads_to_wall(address: &str) -> bool {
    let address = address.to_lowercase();
    [
        "/authwall",
        "/signup",
        "/login",
        "/checkpoint",
        "/sorry/",
        "/account/login",
        "/auth?",
        "captcha",
        "secure.indeed.com",
    ]
    .iter()
    .any(|sign| address.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html_select::parse_document;

    #[test]
    fn a_login_redirect_is_a_refusal() {
        let error = SourceError::Redirect {
            url: "https://www.linkedin.com/jobs-guest/x".into(),
            to: "https://www.linkedin.com/authwall?trk=x".into(),
        };
        assert_eq!(as_refusal(error), SourceError::Blocked { host: "www.linkedin.com".into(), status: 302 });
        let other = SourceError::NotFound { url: "x".into() };
        assert_eq!(as_refusal(other.clone()), other);
    }

    #[test]
    fn a_browser_check_is_a_wall() {
        let html = "<html><head><title>Just a moment...</title></head></html>";
        assert!(wall(parse_document(html).root_element(), html).is_some());
        let html = "<title>Captain wanted</title><p>Apply now</p>";
        assert!(wall(parse_document(html).root_element(), html).is_none());
    }
}
