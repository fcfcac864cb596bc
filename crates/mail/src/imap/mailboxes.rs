//! Which mailboxes there are, and which one holds sent mail.

use aerie_postings::text::fold;
use async_imap::types::NameAttribute;
use futures::TryStreamExt;

use super::{Connection, ImapError, answer, decode_name};

/// Most mailboxes of one account that are listed.
const MAX_MAILBOXES: usize = 2000;

/// Names of the mailbox for sent mail where the server does not mark it, folded, the last part of the path only.
const SENT_NAMES: &[&str] = &[
    "sent mail",
    "sent",
    "sent items",
    "sent messages",
    "gesendet",
    "gesendete elemente",
    "gesendete objekte",
    "gesendete nachrichten",
    "envoyes",
    "elements envoyes",
    "messages envoyes",
    "enviados",
    "elementos enviados",
    "mensajes enviados",
    "posta inviata",
    "verzonden items",
    "verzonden",
    "enviadas",
    "itens enviados",
    "wyslane",
    "skickat",
    "sendt",
];

/// One mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxInfo {
    /// Name as people read it.
    pub name: String,
    /// Mark between the parts of a name.
    pub delimiter: Option<String>,
    /// Whether it can be opened.
    pub selectable: bool,
    /// Whether the server says that it holds sent mail (RFC 6154).
    pub sent: bool,
}

impl Connection {
    /// Lists the account's mailboxes, at most 2,000.
    ///
    /// # Errors
    /// When the server does not answer, or not in the protocol.
    pub async fn mailboxes(&mut self) -> Result<Vec<MailboxInfo>, ImapError> {
        let listed = answer(async {
            let names = self.session.list(Some(""), Some("*")).await?;
            names
                .try_fold(Vec::new(), |mut listed, name| async move {
                    if listed.len() < MAX_MAILBOXES {
                        let has = |attribute: &NameAttribute<'_>| name.attributes().contains(attribute);
                        listed.push(MailboxInfo {
                            name: decode_name(&unquoted(name.name())),
                            delimiter: name.delimiter().map(str::to_owned),
                            selectable: !has(&NameAttribute::NoSelect),
                            sent: has(&NameAttribute::Sent),
                        });
                    }
                    Ok(listed)
                })
                .await
        });
        listed.await
    }
}

/// The parser hands quoted names on with their escapes.
fn unquoted(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = (character == '\\').then(|| characters.next_if(|next| matches!(next, '"' | '\\'))).flatten();
        plain.push(escaped.unwrap_or(character));
    }
    plain
}

/// The mailbox of sent mail: the one that the server marks, else the first that is named like one.
pub fn sent_mailbox(mailboxes: &[MailboxInfo]) -> Option<&MailboxInfo> {
    let usable = || mailboxes.iter().filter(|mailbox| mailbox.selectable);
    usable().find(|mailbox| mailbox.sent).or_else(|| {
        SENT_NAMES.iter().find_map(|name| {
            usable().find(|mailbox| {
                let mark = mailbox.delimiter.as_deref().filter(|mark| !mark.is_empty());
                let last = mark.and_then(|mark| mailbox.name.rsplit(mark).next()).unwrap_or(&mailbox.name);
                fold(last) == *name
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str, sent: bool) -> MailboxInfo {
        MailboxInfo { name: name.to_owned(), delimiter: Some("/".to_owned()), selectable: true, sent }
    }

    #[test]
    fn the_servers_mark_comes_before_names() {
        let mailboxes = [mailbox("INBOX", false), mailbox("Sent", false), mailbox("Ausgang", true)];
        assert_eq!(sent_mailbox(&mailboxes).map(|found| found.name.as_str()), Some("Ausgang"));
        let mailboxes = [mailbox("INBOX", false), mailbox("Post/Éléments envoyés", false)];
        assert_eq!(sent_mailbox(&mailboxes).map(|found| found.name.as_str()), Some("Post/Éléments envoyés"));
        assert_eq!(sent_mailbox(&[mailbox("Presentations", false)]), None);
    }
}
