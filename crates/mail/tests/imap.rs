//! Syncing from a real Dovecot.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use aerie_mail::imap::{
    Account, Connection, Criterion, ImapError, MailboxState, Security, SyncOptions, encode_name, sent_mailbox,
};
use aerie_mail::message::parse;
use aerie_testkit::dovecot::{DovecotServer, PASSWORD, USER};

fn account(server: &DovecotServer, security: Security) -> Account {
    Account {
        host: "localhost".to_owned(),
        port: if security == Security::Tls { server.tls_port } else { server.port },
        security,
        user: USER.to_owned(),
        password: PASSWORD.to_owned(),
        extra_roots: server.certificate().unwrap(),
    }
}

fn message(number: usize, subject: &str) -> Vec<u8> {
    format!(
        "From: Ana <ana{number}@acme.example>\r\nTo: robin@example.net\r\nSubject: {subject}\r\nMessage-ID: <{number}@acme.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThank you for applying, number {number}.\r\n"
    )
    .into_bytes()
}

/// Ids of the messages that a sync gives, and the state behind it.
async fn sync(connection: &mut Connection, mailbox: &str, state: MailboxState) -> (Vec<String>, MailboxState, bool) {
    let options = SyncOptions { batch_messages: 7, ..SyncOptions::default() };
    let mut sync = connection.sync(mailbox, state, options).await.unwrap();
    let (renumbered, mut ids, mut state) = (sync.renumbered, Vec::new(), state);
    while let Some(batch) = sync.next_batch().await.unwrap() {
        assert!(batch.messages.len() <= 7);
        ids.extend(batch.messages.iter().map(|message| parse(&message.raw).message_id.unwrap_or_default()));
        state = batch.state;
    }
    (ids, state, renumbered)
}

#[tokio::test]
async fn every_message_is_downloaded_once_and_none_is_marked() {
    let Some(server) = DovecotServer::start().unwrap() else { return };
    let hostile =
        ["=?utf-8?B?4oCL?= \"{5}\" ) * BYE", "(((((", "=?utf-8?q?Vorstellungsgespr=C3=A4ch?=", "", "\\Seen ~{3}"];
    for number in 0..40 {
        server.deliver("INBOX", &message(number, hostile[number % hostile.len()])).unwrap();
    }
    let mut connection = Connection::open(&account(&server, Security::Tls)).await.unwrap();
    let (ids, state, renumbered) = sync(&mut connection, "INBOX", MailboxState::default()).await;
    assert_eq!(ids.len(), 40);
    assert_eq!((ids[0].as_str(), ids[39].as_str(), renumbered), ("0@acme.example", "39@acme.example", false));

    let (again, same, _) = sync(&mut connection, "INBOX", state).await;
    assert_eq!((again.len(), same), (0, state));
    server.deliver("INBOX", &message(40, "One more")).unwrap();
    let (more, state, _) = sync(&mut connection, "INBOX", state).await;
    assert_eq!(more, ["40@acme.example"]);

    let mut cut_off = connection
        .sync("INBOX", MailboxState::default(), SyncOptions { batch_messages: 10, ..SyncOptions::default() })
        .await
        .unwrap();
    let first = cut_off.next_batch().await.unwrap().unwrap();
    drop(cut_off);
    let (rest, _, _) = sync(&mut connection, "INBOX", first.state).await;
    assert_eq!((first.messages.len(), rest.len()), (10, 31));

    assert!(server.message_files("INBOX").unwrap().iter().all(|name| name.ends_with(":2,")));
    server.renumber("INBOX").unwrap();
    let mut connection = Connection::open(&account(&server, Security::Tls)).await.unwrap();
    let old = MailboxState { uid_validity: state.uid_validity.wrapping_sub(1), ..state };
    let (all, _, renumbered) = sync(&mut connection, "INBOX", old).await;
    assert_eq!((all.len(), renumbered), (41, true));
    connection.close().await.unwrap();
}

#[tokio::test]
async fn starttls_names_in_any_script_and_the_sent_mailbox_work() {
    let Some(server) = DovecotServer::start().unwrap() else { return };
    let name = "Bewerbungen für 日本 & \"x\"";
    server.create_mailbox(&encode_name(name)).unwrap();
    server.deliver(&encode_name(name), &message(1, "=?utf-8?q?Gespr=C3=A4ch_bei_Z=C3=BCrich?=")).unwrap();
    server.deliver(&encode_name(name), &message(2, "Other \"quoted\" words")).unwrap();
    let mut connection = Connection::open(&account(&server, Security::StartTls)).await.unwrap();
    let mailboxes = connection.mailboxes().await.unwrap();
    assert!(mailboxes.iter().any(|mailbox| mailbox.name == name), "{mailboxes:?}");
    assert_eq!(sent_mailbox(&mailboxes).unwrap().name, "Ausgang");
    let (ids, _, _) = sync(&mut connection, name, MailboxState::default()).await;
    assert_eq!(ids.len(), 2);

    let subject = |words: &str| Criterion::Subject(words.to_owned());
    assert_eq!(connection.search(&[subject("zürich")]).await.unwrap(), [1]);
    assert_eq!(
        connection.search(&[subject("\"quoted\" words"), Criterion::From("ana2".to_owned())]).await.unwrap(),
        [2]
    );
    // Words that would be commands if they were pasted into the line.
    for words in ["x\" ALL", "a)\r\nA1 LOGOUT", "{3}", "\\"] {
        assert_eq!(connection.search(&[subject(words)]).await.unwrap(), Vec::<u32>::new(), "{words:?}");
    }
    let missing = connection.sync("No such\r\nA1 DELETE INBOX", MailboxState::default(), SyncOptions::default()).await;
    assert!(matches!(missing.err(), Some(ImapError::Mailbox { .. } | ImapError::Protocol(_))));
}

#[tokio::test]
async fn large_messages_are_cut_and_new_mail_wakes_the_wait() {
    let Some(server) = DovecotServer::start().unwrap() else { return };
    let mut large = message(1, "Large");
    large.extend("x ".repeat(100_000).bytes());
    server.deliver("INBOX", &large).unwrap();
    let mut connection = Connection::open(&account(&server, Security::Tls)).await.unwrap();
    let options = SyncOptions { message_bytes: 1000, ..SyncOptions::default() };
    let mut sync = connection.sync("INBOX", MailboxState::default(), options).await.unwrap();
    let batch = sync.next_batch().await.unwrap().unwrap();
    assert_eq!(batch.messages[0].raw.len(), 1000);
    assert!(batch.messages[0].size > 200_000);
    drop(sync);

    let wait = tokio::spawn(connection.wait_for_mail(Duration::from_secs(60)));
    let deliver = async {
        while !wait.is_finished() {
            server.deliver("INBOX", &message(2, "New")).unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(50), deliver).await.expect("new mail is told");
    let (mut connection, told) = wait.await.unwrap().unwrap();
    assert!(told);
    let state = batch.state;
    let mut sync = connection.sync("INBOX", state, SyncOptions::default()).await.unwrap();
    assert!(!sync.next_batch().await.unwrap().unwrap().messages.is_empty());
}

#[tokio::test]
async fn strangers_certificates_and_wrong_passwords_are_refused() {
    let Some(server) = DovecotServer::start().unwrap() else { return };
    let unknown = Account { extra_roots: Vec::new(), ..account(&server, Security::Tls) };
    assert!(matches!(Connection::open(&unknown).await.err(), Some(ImapError::Tls { .. })));
    let wrong = Account { password: "wrong".to_owned(), ..account(&server, Security::StartTls) };
    let error = Connection::open(&wrong).await.expect_err("refused");
    assert!(matches!(error, ImapError::Login { .. }), "{error}");
    assert!(!format!("{wrong:?}").contains("wrong"));
}
