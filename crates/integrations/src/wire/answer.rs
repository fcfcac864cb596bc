//! Answers, and what their statuses mean.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::PushError;

/// Longest piece of an answer that is shown to people, in characters.
const MOST_SAID: usize = 200;

/// An answer of a service.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) service: &'static str,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(super) now: DateTime<Utc>,
    pub(super) longest_wait: Duration,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer when its status is a success, else what the status means.
    pub(crate) fn success(self) -> Result<Self, PushError> {
        if self.is_success() { Ok(self) } else { Err(self.problem()) }
    }

    /// The body as JSON of a success.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, PushError> {
        let service = self.service;
        let answer = self.success()?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| PushError::refused(format!("the answer of {service} cannot be read: {error}")))
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How long the service asks to wait: seconds or a date (RFC 9110, 10.2.3), bounded.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        let asked = match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
                Duration::try_from_secs_f64(seconds).unwrap_or(self.longest_wait)
            }
            _ => {
                let at = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
                (at - self.now).to_std().unwrap_or_default()
            }
        };
        Some(asked.min(self.longest_wait))
    }

    /// What a status that is no success means.
    pub(crate) fn problem(&self) -> PushError {
        let (service, status) = (self.service, self.status);
        let said = said(&self.body);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        match status {
            401 | 403 => PushError::Credentials {
                reason: format!("{service} does not accept the credentials ({status}){said}; enter them again"),
            },
            429 => PushError::Again {
                after: self.retry_after(),
                reason: format!("{service} asks to wait ({status}){said}"),
            },
            408 | 425 | 500..=599 => {
                PushError::Again { after: self.retry_after(), reason: format!("{service} failed ({status}){said}") }
            }
            300..=399 => PushError::setting(
                "address",
                format!("{service} leads elsewhere ({status}); write the address that it leads to"),
            ),
            _ => PushError::refused(format!("{service} refused it ({status}){said}")),
        }
    }
}

/// What an answer says for people: the message of a JSON document, else the first words of a text.
pub(crate) fn said(body: &[u8]) -> String {
    let words = match serde_json::from_slice::<Value>(body) {
        Ok(json) => message(&json).unwrap_or_default(),
        // A page is of no use in a line.
        Err(_) if body.trim_ascii_start().starts_with(b"<") => String::new(),
        Err(_) => String::from_utf8_lossy(body.get(..1_000).unwrap_or(body)).into_owned(),
    };
    let words: Vec<&str> = words.split(|character: char| character.is_whitespace() || character.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MOST_SAID).collect()
}

fn message(json: &Value) -> Option<String> {
    let fields = json.as_object()?;
    let named = ["message", "error_description", "detail", "error"].iter().find_map(|name| fields.get(*name))?;
    match named {
        Value::String(text) => Some(text.clone()),
        Value::Object(_) => message(named),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::TimeZone;

    use super::*;

    fn answer(status: u16, retry_after: &str) -> Answer {
        let mut headers = HeaderMap::new();
        if !retry_after.is_empty() {
            headers.insert("retry-after", retry_after.parse().unwrap());
        }
        Answer {
            service: "Brass",
            status,
            headers,
            body: Bytes::from_static(br#"{"error":{"message":"no\nroom"}}"#),
            now: Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap(),
            longest_wait: Duration::from_secs(3_600),
        }
    }

    #[test]
    fn a_wait_is_read_in_each_form_and_bounded() {
        for (text, seconds) in [
            ("", None),
            ("7", Some(7)),
            ("1.5", Some(1)),
            ("Mon, 02 Mar 2026 09:02:00 GMT", Some(120)),
            ("Mon, 02 Mar 2026 08:02:00 GMT", Some(0)),
            ("99999999999999999999999", Some(3_600)),
            ("-3", None),
            ("soon", None),
        ] {
            let wait = answer(429, text).retry_after().map(|wait| wait.as_secs());
            assert_eq!(wait, seconds, "{text:?}");
        }
    }

    #[test]
    fn statuses_say_whether_to_try_again() {
        let kinds = [401, 403, 429, 500, 503, 302, 400, 404, 422].map(|status| match answer(status, "").problem() {
            PushError::Credentials { .. } => 'c',
            PushError::Again { .. } => 'a',
            PushError::Settings { .. } => 's',
            PushError::Refused { .. } => 'r',
            PushError::Uncertain { .. } => 'u',
        });
        assert_eq!(kinds.iter().collect::<String>(), "ccaaasrrr");
        assert!(answer(500, "").problem().to_string().ends_with("(500): no room"));
    }

    #[test]
    fn what_a_page_says_is_left_out_and_long_words_are_cut() {
        assert_eq!(said(b" <html><body>Internal"), "");
        assert_eq!(said("é".repeat(5_000).as_bytes()).chars().count(), MOST_SAID);
        assert_eq!(said(&[0xff, 0, b'x']), "\u{fffd} x");
    }
}
