//! The `grpc-timeout` header (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

use std::time::Duration;

use http::HeaderMap;

/// Name of the header.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

const MOST_DIGITS: usize = 8;

/// The time limit that the caller set; none when there is none or it cannot be read.
#[must_use]
pub fn parse_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// Writes a time limit in the finest unit that fits into eight digits.
#[must_use]
pub fn format_timeout(limit: Duration) -> String {
    let most = 10_u128.pow(MOST_DIGITS as u32) - 1;
    for (amount, unit) in [(limit.as_micros(), 'u'), (limit.as_millis(), 'm'), (u128::from(limit.as_secs()), 'S')] {
        if amount <= most {
            return format!("{amount}{unit}");
        }
    }
    format!("{}H", (u128::from(limit.as_secs()) / 3600).min(most))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<Duration> {
        parse_timeout(&HeaderMap::from_iter([(http::HeaderName::from_static(GRPC_TIMEOUT), text.parse().ok()?)]))
    }

    #[test]
    fn units_are_read_and_rubbish_is_not() {
        assert_eq!(parse("5S"), Some(Duration::from_secs(5)));
        assert_eq!(parse("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for text in ["", "S", "5", "-5S", "5s", "123456789S", "5 S", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_limits_read_back_to_the_unit(millis in 0_u64..10_000_000_000) {
            let limit = Duration::from_millis(millis);
            let read = parse(&format_timeout(limit)).unwrap();
            prop_assert!(read <= limit && limit - read < Duration::from_secs(1));
        }
    }
}
