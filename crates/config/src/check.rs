//! Collects what is wrong with values that have the right type.

use std::fmt::Display;

/// One finding: the dotted key, what is wrong, and what to write instead.
pub(crate) struct Finding {
    pub(crate) key: String,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// The findings so far.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) findings: Vec<Finding>,
}

impl Checks {
    /// Notes a finding unless `holds`.
    pub(crate) fn require(&mut self, holds: bool, key: &str, what: impl FnOnce() -> String, remedy: &str) {
        if !holds {
            self.findings.push(Finding { key: key.into(), what: what(), remedy: remedy.into() });
        }
    }

    /// Notes a finding unless `minimum <= value <= maximum`.
    pub(crate) fn range<T: PartialOrd + Display + Copy>(&mut self, key: &str, value: T, minimum: T, maximum: T) {
        self.require(
            value >= minimum && value <= maximum,
            key,
            || format!("is {value}, which is out of range"),
            &format!("choose a value from {minimum} to {maximum}"),
        );
    }

    /// Notes a finding unless `value` is an absolute http or https address.
    pub(crate) fn http_address(&mut self, key: &str, value: &str) {
        let rest = value.strip_prefix("http://").or_else(|| value.strip_prefix("https://"));
        let has_host = rest.is_some_and(|rest| {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            !host.is_empty() && !host.contains(char::is_whitespace) && !host.contains('@')
        });
        self.require(
            has_host,
            key,
            || format!("is \"{value}\", which is not a web address"),
            "write http://host:port or https://host:port without a user name",
        );
    }
}
