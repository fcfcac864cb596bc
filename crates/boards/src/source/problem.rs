//! What can go wrong, with words for the person: what happened, and what to do next.

use std::time::Duration;

/// Why an answer could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is something else.
    #[error("not in this source's format: {reason}")]
    NotThisFormat {
        /// What was found instead.
        reason: String,
    },
    /// It shows signs of postings, but none could be read.
    #[error("the page shows postings but none could be read ({reason}); the site has probably changed its format")]
    Broken {
        /// Which sign was seen.
        reason: String,
    },
    /// The answer says that access was refused (login wall, captcha).
    #[error("the page is a wall, not a list: {reason}")]
    Wall {
        /// What kind of wall.
        reason: String,
    },
}

impl ParseError {
    /// The answer is something else than expected.
    pub fn not_this(reason: impl Into<String>) -> Self {
        Self::NotThisFormat { reason: reason.into() }
    }
}

/// Why a source could not be searched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The host refuses this client.
    #[error(
        "{host} refused the request with status {status}; try again later from a home connection, or import the page by hand"
    )]
    Blocked {
        /// Host asked.
        host: String,
        /// HTTP status; 0 when a wall page came with status 200.
        status: u16,
    },
    /// The host asks to slow down for longer than a run waits.
    #[error("{host} limits requests{}; run the source less often", wait_hint(*.retry_after))]
    RateLimited {
        /// Host asked.
        host: String,
        /// What it asked for.
        retry_after: Option<Duration>,
    },
    /// There is no such board or page.
    #[error("{url} was not found; check the board's name, or remove it if the company closed it")]
    NotFound {
        /// Address asked.
        url: String,
    },
    /// No complete answer in time.
    #[error("{host} gave no complete answer within {seconds} s; it will be tried again on the next run")]
    Timeout {
        /// Host asked.
        host: String,
        /// Time allowed, seconds.
        seconds: u64,
    },
    /// The answer is longer than allowed.
    #[error("{host} sent more than {limit_bytes} bytes; raise the size limit if this board is really that large")]
    TooLarge {
        /// Host asked.
        host: String,
        /// Limit, bytes after decompression.
        limit_bytes: usize,
    },
    /// The address is refused: not https, or in a private network.
    #[error("{url} is refused: {reason}; name its host and port in discovery.allow_addresses if it is meant")]
    Address {
        /// Address asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// It redirects where this source may not go.
    #[error("{url} redirects to {to}, which this source does not follow; add that address itself if it is meant")]
    Redirect {
        /// Address asked.
        url: String,
        /// Where it leads.
        to: String,
    },
    /// The site's robots.txt asks not to read this page.
    #[error("robots.txt of {host} asks not to read {path}; open it in a browser and import the page")]
    Robots {
        /// Host asked.
        host: String,
        /// Path asked.
        path: String,
    },
    /// The answer could not be read.
    #[error("answer of {host}: {problem}")]
    BadFormat {
        /// Host asked.
        host: String,
        /// What the parser says.
        problem: ParseError,
    },
    /// The host failed or could not be reached.
    #[error("{host} could not be reached: {reason}; it will be tried again on the next run")]
    Network {
        /// Host asked.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The source is switched off.
    #[error("source {name} is off; switch it on with `aerie sources enable {name}`")]
    Disabled {
        /// Source.
        name: String,
    },
    /// A key is missing.
    #[error("source {name} needs {key}; get one at {obtain_at} and set it for this source")]
    MissingKey {
        /// Source.
        name: String,
        /// Missing value.
        key: String,
        /// Where to get it.
        obtain_at: String,
    },
    /// The query lacks what this source needs, or holds something it cannot use.
    #[error("source {name} cannot use this query: {reason}")]
    BadQuery {
        /// Source.
        name: String,
        /// What is wrong and what to write instead.
        reason: String,
    },
}

fn wait_hint(retry_after: Option<Duration>) -> String {
    retry_after.map(|wait| format!(" (asked to wait {} s)", wait.as_secs())).unwrap_or_default()
}

impl SourceError {
    /// Whether the same request may succeed later without anybody changing something.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Timeout { .. } | Self::Network { .. })
    }
}
