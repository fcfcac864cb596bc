//! Which job a mail belongs to: by thread, by address, by the company's domain, by the hiring system's own patterns, and
//! by names as whole words. Where two jobs fit there are candidates for a person to choose from, never a guess.

use aerie_postings::company::company_key;
use aerie_postings::identity::posting_key;
use aerie_postings::text::{contains_folded_words, fold, truncate_bytes};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::classify::{guess_company, guess_title, hiring_system};
use crate::message::{Mail, registrable_domain};

/// Most bytes of the body in which names are looked for.
const MAX_BODY_BYTES: usize = 4000;

/// Most candidates that are named.
pub const MAX_CANDIDATES: usize = 10;

/// A job that mail may belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KnownJob {
    /// The caller's own id.
    pub id: String,
    /// Employer.
    pub company: String,
    /// Title.
    pub title: String,
    /// Addresses of the posting, of the page to apply at, and of the company.
    pub urls: Vec<String>,
    /// Ids of messages that are linked to it already, received and sent.
    pub message_ids: Vec<String>,
}

/// By what a mail was linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It answers a message that is linked.
    Thread,
    /// It holds the posting's own address.
    Posting,
    /// It comes from the company's registered domain.
    Domain,
    /// It comes from a hiring system on the company's behalf.
    HiringSystem,
    /// It names the company.
    Name,
}

/// To what a mail was linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Linked {
    /// One job.
    Job {
        /// Its id.
        id: String,
        /// Why.
        by: Evidence,
    },
    /// Several fit, or one fits by a mention only; the ids in the order of the jobs.
    Candidates {
        /// Their ids, at most [`MAX_CANDIDATES`].
        ids: Vec<String>,
        /// Why.
        by: Evidence,
    },
    /// None fits.
    Nothing,
}

/// Links a mail to one of `jobs`. The strongest evidence that any job has decides; weaker evidence is not asked.
pub fn link(mail: &Mail, jobs: &[KnownJob]) -> Linked {
    let seen = Seen::of(mail);
    let threads: Vec<&str> = mail.thread_ids().collect();
    type Test<'a> = Box<dyn Fn(&KnownJob) -> bool + 'a>;
    let tests: [(Evidence, Test<'_>); 5] = [
        (Evidence::Thread, Box::new(|job| job.message_ids.iter().any(|id| threads.contains(&id.as_str())))),
        (Evidence::Posting, Box::new(|job| seen.has_address_of(job))),
        (Evidence::Domain, Box::new(|job| seen.is_from_domain_of(job))),
        (Evidence::HiringSystem, Box::new(|job| seen.is_sent_for(job))),
        (Evidence::Name, Box::new(|job| seen.names(job))),
    ];
    for (by, test) in &tests {
        let fitting: Vec<&KnownJob> = jobs.iter().filter(|job| test(job)).collect();
        if !fitting.is_empty() {
            return seen.decide(fitting, *by);
        }
    }
    Linked::Nothing
}

/// What of a mail is compared, computed once.
struct Seen {
    /// Sender's registered domain, unless it belongs to a hiring system or a mailbox provider.
    domain: Option<String>,
    /// Whether a hiring system sent it.
    by_system: bool,
    /// Company in one word, as a hiring system's local part has it.
    local: String,
    /// Comparison key of the company that the mail names.
    company: String,
    /// Title that the mail names, folded.
    title: String,
    /// Sender's name and subject, folded.
    head: String,
    /// As `head`, with its capitals: short names count only as they are written.
    head_written: String,
    /// Subject and beginning of the body, folded.
    text: String,
    /// Keys of the postings that links lead to.
    postings: Vec<String>,
    /// Boards that links lead to, such as `greenhouse:acme`.
    boards: Vec<String>,
}

impl Seen {
    fn of(mail: &Mail) -> Self {
        let from = mail.from.clone().unwrap_or_default();
        let reply = mail.reply_to.iter().find(|mailbox| hiring_system(mailbox.host()).is_none());
        let system = hiring_system(from.host());
        // A hiring system often sends, and the recruiter's own address stands in Reply-To.
        let host = if system.is_some() { reply.map_or("", |reply| reply.host()) } else { from.host() };
        let local = from.local_part().split(['+', '.']).next().unwrap_or("");
        let in_local = system.is_some_and(|system| system.company_in_local_part);
        let head_written = format!("{} | {}", from.name, mail.subject);
        let body = truncate_bytes(&mail.body.text, MAX_BODY_BYTES);
        Self {
            domain: registrable_domain(host).map(str::to_ascii_lowercase),
            by_system: system.is_some(),
            local: if in_local { squashed(local) } else { String::new() },
            company: guess_company(mail).map(|name| company_key(&name)).unwrap_or_default(),
            title: guess_title(mail).map(|title| fold(&title)).unwrap_or_default(),
            head: fold(&head_written),
            head_written,
            text: fold(&format!("{} | {body}", mail.subject)),
            postings: mail.links.iter().filter_map(|link| posting_key(&link.url)).collect(),
            boards: mail.links.iter().filter_map(|link| board(&link.url)).collect(),
        }
    }

    fn has_address_of(&self, job: &KnownJob) -> bool {
        job.urls
            .iter()
            .filter(|url| is_deep(url))
            .filter_map(|url| posting_key(url))
            .any(|key| self.postings.contains(&key))
    }

    fn is_from_domain_of(&self, job: &KnownJob) -> bool {
        let Some(domain) = &self.domain else { return false };
        let key = squashed(&company_key(&job.company));
        let label = domain.split('.').next().unwrap_or("");
        let of_url = |url: &String| {
            let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_ascii_lowercase));
            host.is_some_and(|host| registrable_domain(&host) == Some(domain.as_str()) && board_host(&host).is_none())
        };
        job.urls.iter().any(of_url) || (key.len() >= 3 && squashed(label) == key)
    }

    fn is_sent_for(&self, job: &KnownJob) -> bool {
        let key = company_key(&job.company);
        let by_board = job.urls.iter().filter_map(|url| board(url)).any(|board| self.boards.contains(&board));
        let by_local = self.local.len() >= 3 && self.local == squashed(&key);
        self.by_system && !key.is_empty() && (by_board || by_local || self.company == key)
    }

    /// Whole words, never a part of one. A name of three letters or fewer counts only with its own capitals.
    fn names(&self, job: &KnownJob) -> bool {
        let key = company_key(&job.company);
        if key.is_empty() {
            return false;
        }
        if key.len() <= 3 {
            let words = self.head_written.split(|character: char| !character.is_alphanumeric());
            return words.into_iter().any(|word| word == job.company.trim());
        }
        self.company == key || contains_folded_words(&self.text, &key) || contains_folded_words(&self.head, &key)
    }

    fn decide(&self, fitting: Vec<&KnownJob>, by: Evidence) -> Linked {
        let narrowed: Vec<&KnownJob> = if fitting.len() > 1 { self.by_title(&fitting) } else { fitting };
        // A name somewhere in the text is a mention; a name at the head of the mail, or the only one, is the subject.
        let is_mention = |job: &KnownJob| {
            let key = company_key(&job.company);
            by == Evidence::Name && self.company != key && !(key.len() > 3 && contains_folded_words(&self.head, &key))
        };
        match narrowed.as_slice() {
            [job] if !is_mention(job) => Linked::Job { id: job.id.clone(), by },
            jobs => {
                Linked::Candidates { ids: jobs.iter().take(MAX_CANDIDATES).map(|job| job.id.clone()).collect(), by }
            }
        }
    }

    /// Jobs whose title the mail names; of several, the longest. All of them when it names none.
    fn by_title<'a>(&self, jobs: &[&'a KnownJob]) -> Vec<&'a KnownJob> {
        let named = |job: &&&KnownJob| {
            let title = fold(&job.title);
            !title.is_empty() && (self.title == title || contains_folded_words(&self.text, &title))
        };
        let named: Vec<&KnownJob> = jobs.iter().filter(named).copied().collect();
        let longest = named.iter().map(|job| fold(&job.title).len()).max().unwrap_or(0);
        let best: Vec<&KnownJob> = named.into_iter().filter(|job| fold(&job.title).len() == longest).collect();
        if best.is_empty() { jobs.to_vec() } else { best }
    }
}

fn squashed(text: &str) -> String {
    fold(text).chars().filter(char::is_ascii_alphanumeric).collect()
}

/// An address with a path of its own: a company's front page is no posting.
fn is_deep(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.path().trim_matches('/').len() > 2 || url.query().is_some())
}

/// Hosts at which every company has a board, with where its name stands.
fn board_host(host: &str) -> Option<Board> {
    let domain = registrable_domain(host)?;
    let board = match domain {
        "greenhouse.io" | "lever.co" | "ashbyhq.com" | "smartrecruiters.com" | "workable.com" | "rippling.com" => {
            Board::Path
        }
        "myworkdayjobs.com" | "recruitee.com" | "bamboohr.com" | "breezy.hr" | "teamtailor.com" | "personio.de"
        | "personio.com" | "icims.com" | "jobvite.com" | "taleo.net" => Board::Host,
        "linkedin.com" | "indeed.com" | "glassdoor.com" | "ziprecruiter.com" => Board::None,
        _ => return None,
    };
    Some(board)
}

#[derive(Clone, Copy)]
enum Board {
    Path,
    Host,
    None,
}

/// The board of an address, such as `lever.co:acme`.
fn board(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.to_ascii_lowercase();
    let domain = registrable_domain(&host)?;
    let token = match board_host(&host)? {
        Board::Path => {
            url.path_segments()?.find(|segment| !matches!(*segment, "" | "embed" | "api" | "v1" | "boards"))?.to_owned()
        }
        Board::Host => host.strip_suffix(domain)?.trim_end_matches('.').split('.').next()?.to_owned(),
        Board::None => return None,
    };
    (!token.is_empty() && token != "www").then(|| format!("{domain}:{}", token.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests;
