//! Searching on the server. Words go as literals with their length in front: nothing in them can be a command, and they
//! may hold any character.

use async_imap::imap_proto::{MailboxDatum, Response, Status};
use chrono::NaiveDate;

use super::{Connection, ImapError, answer};

/// Most matches that are taken.
const MAX_MATCHES: usize = 1_000_000;

/// One condition; a message must meet all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Criterion {
    /// Arrived on this day or later.
    Since(NaiveDate),
    /// Has this number or a later one.
    FromUid(u32),
    /// The sender's name or address holds these words.
    From(String),
    /// A recipient's name or address holds these words.
    To(String),
    /// The subject holds these words.
    Subject(String),
    /// The header or the text holds these words.
    Text(String),
}

impl Criterion {
    /// The part of the command, and the words that follow it as a literal.
    fn parts(&self) -> (String, Option<&str>) {
        match self {
            Self::Since(day) => (format!("SINCE {}", day.format("%-d-%b-%Y")), None),
            Self::FromUid(uid) => (format!("UID {uid}:*"), None),
            Self::From(words) => ("FROM".to_owned(), Some(words)),
            Self::To(words) => ("TO".to_owned(), Some(words)),
            Self::Subject(words) => ("SUBJECT".to_owned(), Some(words)),
            Self::Text(words) => ("TEXT".to_owned(), Some(words)),
        }
    }
}

impl Connection {
    /// Numbers of the messages of the opened mailbox that meet all criteria, in order.
    ///
    /// # Errors
    /// When the server refuses the search, or the connection breaks.
    pub async fn search(&mut self, criteria: &[Criterion]) -> Result<Vec<u32>, ImapError> {
        let mut line = "UID SEARCH CHARSET UTF-8".to_owned();
        let mut tag = None;
        for criterion in criteria {
            let (part, words) = criterion.parts();
            line.push(' ');
            line.push_str(&part);
            let Some(words) = words else { continue };
            line.push_str(&format!(" {{{}}}", words.len()));
            tag = Some(self.send(&line, tag).await?);
            self.continuation().await?;
            words.clone_into(&mut line);
        }
        let tag = self.send(&line, tag).await?;
        answer(self.matches(&tag)).await
    }

    /// Sends a line, with a tag when it begins a command.
    async fn send(&mut self, line: &str, tag: Option<String>) -> Result<String, ImapError> {
        match tag {
            Some(tag) => {
                answer(self.session.run_command_untagged(line)).await?;
                Ok(tag)
            }
            None => Ok(answer(self.session.run_command(line)).await?.0),
        }
    }

    async fn continuation(&mut self) -> Result<(), ImapError> {
        let wait = async {
            while let Some(response) = self.session.read_response().await.map_err(async_imap::error::Error::Io)? {
                match response.parsed() {
                    Response::Continue { .. } => return Ok(()),
                    Response::Done { outcome, .. } => {
                        let said = outcome.information.as_deref().unwrap_or("refused");
                        return Err(ImapError::Protocol(async_imap::error::Error::No(said.to_owned())));
                    }
                    _ => {}
                }
            }
            Err(ImapError::Closed)
        };
        answer(wait).await
    }

    async fn matches(&mut self, tag: &str) -> Result<Vec<u32>, ImapError> {
        let mut found = Vec::new();
        while let Some(response) = self.session.read_response().await.map_err(async_imap::error::Error::Io)? {
            match response.parsed() {
                Response::MailboxData(MailboxDatum::Search(uids)) => {
                    let room = MAX_MATCHES.saturating_sub(found.len());
                    found.extend(uids.iter().take(room));
                }
                Response::Done { tag: answered, status, outcome } if answered.0 == tag => {
                    found.sort_unstable();
                    found.dedup();
                    let said = outcome.information.as_deref().unwrap_or("refused").to_owned();
                    return match status {
                        Status::Ok => Ok(found),
                        _ => Err(ImapError::Protocol(async_imap::error::Error::No(said))),
                    };
                }
                _ => {}
            }
        }
        Err(ImapError::Closed)
    }
}
