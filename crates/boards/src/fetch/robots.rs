//! robots.txt (RFC 9309): read once a day per host, asked before a web page is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use texting_robots::Robot;
use tokio::time::Instant;
use url::Url;

/// How long a file is believed.
const KEPT: Duration = Duration::from_secs(86_400);

/// Longest pause that a `Crawl-delay` can ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// Longest file that is read, bytes (RFC 9309 asks for at least 500 KiB).
pub const LIMIT_BYTES: usize = 512 * 1024;

/// The name in robots.txt by which this client is meant.
pub const AGENT: &str = "aerie";

/// The rules of one host.
pub struct Rules {
    robot: Option<Robot>,
    read: Instant,
}

impl Rules {
    /// Rules of a file; a file that cannot be read forbids nothing.
    pub fn of_file(file: &[u8]) -> Self {
        Self { robot: Robot::new(AGENT, file).ok(), read: Instant::now() }
    }

    /// No file: nothing is forbidden.
    pub fn none() -> Self {
        Self { robot: None, read: Instant::now() }
    }

    /// Whether a page may be read.
    pub fn allows(&self, url: &Url) -> bool {
        self.robot.as_ref().is_none_or(|robot| robot.allowed(url.as_str()))
    }

    /// The pause between two pages that the file asks for.
    pub fn delay(&self) -> Option<Duration> {
        let seconds = self.robot.as_ref()?.delay?;
        Duration::try_from_secs_f32(seconds).ok().map(|delay| delay.min(LONGEST_DELAY))
    }
}

/// The rules of all hosts met.
#[derive(Default)]
pub struct RobotsCache(Mutex<HashMap<String, Arc<Rules>>>);

impl RobotsCache {
    /// The rules of a host, when read within the last day.
    pub fn get(&self, host: &str) -> Option<Arc<Rules>> {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned()?;
        (rules.read.elapsed() < KEPT).then_some(rules)
    }

    /// Keeps the rules of a host.
    pub fn put(&self, host: &str, rules: Arc<Rules>) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= 1_024 {
            hosts.retain(|_, rules| rules.read.elapsed() < KEPT / 24);
        }
        hosts.insert(host.to_owned(), rules);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rules_for_everybody_and_for_us() {
        let page = |path: &str| Url::parse("https://careers.example").unwrap().join(path).unwrap();
        let rules = Rules::of_file(b"User-agent: *\nDisallow: /private\nCrawl-delay: 2\n");
        assert!(!rules.allows(&page("/private/x")) && rules.allows(&page("/jobs")));
        assert_eq!(rules.delay(), Some(Duration::from_secs(2)));
        let ours = Rules::of_file(b"User-agent: *\nDisallow: /\n\nUser-agent: aerie\nAllow: /jobs\nDisallow: /\n");
        assert!(ours.allows(&page("/jobs/1")) && !ours.allows(&page("/x")));
        assert!(Rules::of_file(b"\xff\xfe\x00garbage").allows(&page("/jobs")));
        assert!(Rules::none().allows(&page("/private")));
    }
}
