//! `Retry-After` (RFC 9110, section 10.2.3) and its millisecond relative.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, header};

/// OpenAI's, in milliseconds.
const MILLISECONDS: HeaderName = HeaderName::from_static("retry-after-ms");
/// Longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How long the provider asks to wait. A date is taken against the answer's own `Date`, so that no clock need agree
/// with ours; `now` serves when there is none.
pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
    if let Some(milliseconds) = text(&MILLISECONDS).and_then(number) {
        return Some(bounded(milliseconds / 1_000.0));
    }
    let value = text(&header::RETRY_AFTER)?;
    if let Some(seconds) = number(value) {
        return Some(bounded(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let now = text(&header::DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(date.duration_since(now).unwrap_or_default().min(LONGEST))
}

fn bounded(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read_from(lines: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        read(&headers.collect(), httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:00 GMT").unwrap())
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read_and_bounded() {
        let seconds = |seconds: f64| Some(Duration::from_secs_f64(seconds));
        assert_eq!(read_from(&[]), None);
        assert_eq!(read_from(&[("retry-after", "7")]), seconds(7.0));
        assert_eq!(read_from(&[("retry-after", "0.5")]), seconds(0.5));
        assert_eq!(read_from(&[("retry-after", "7"), ("retry-after-ms", "1500")]), seconds(1.5));
        assert_eq!(read_from(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), seconds(37.0));
        let own_clock = ("date", "Sun, 06 Nov 1994 08:49:30 GMT");
        assert_eq!(read_from(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), own_clock]), seconds(7.0));
        assert_eq!(read_from(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), seconds(0.0));
        assert_eq!(read_from(&[("retry-after", "1e300")]), seconds(86_400.0));
        for nonsense in ["-1", "soon", "nan", ""] {
            assert_eq!(read_from(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }
}
