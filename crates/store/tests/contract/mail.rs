use aerie_store::{
    Sealed, jobs,
    mail::{self, MailAccount, MailDraft, MailFilter, MailRow, MailboxRow, Suggestion, SuggestionFilter},
};
use uuid::Uuid;

use crate::fixture::{Fixture, day, new_job, posting};

fn account(fixture: &Fixture) -> MailAccount {
    let id = Uuid::now_v7();
    MailAccount {
        id,
        name: "work".into(),
        host: "imap.example.com".into(),
        port: 993,
        security: "tls".into(),
        login: "robin".into(),
        password: Sealed(
            fixture.stores.seal(fixture.person, &format!("mail_account:{id}"), "p\"ä\\ss".as_bytes()).unwrap(),
        ),
        certificates: String::new(),
        mailboxes: vec!["INBOX".into(), "Entwürfe".into()],
        since_days: 90,
        automatic: true,
        synced_at: None,
        problem: String::new(),
        created_at: day(1),
        updated_at: day(1),
    }
}

fn row(account: Uuid, number: i64) -> MailRow {
    MailRow {
        id: Uuid::now_v7(),
        account,
        key: format!("key {number}"),
        mailbox: "INBOX".into(),
        message_id: Some(format!("{number}@acme.example")),
        thread: vec!["0@acme.example".into()],
        sent: false,
        subject: "Ihre Bewerbung \" {3}".into(),
        from_name: "Ana".into(),
        from_address: "ana@acme.example".into(),
        recipients: vec!["robin@example.net".into()],
        received_at: day(number),
        body: "Hello".into(),
        label: "neutral".into(),
        confidence: 0.5,
        certain: false,
        labelled_by: "rules".into(),
        asked: false,
        evidence: "Hello".into(),
        job_id: None,
        linked_by: String::new(),
        candidates: vec![Uuid::now_v7()],
        event: Some("{}".into()),
        postings: String::new(),
        created_at: day(9),
        updated_at: day(9),
    }
}

async fn with_account(fixture: &Fixture) -> MailAccount {
    let account = account(fixture);
    let mut tx = fixture.database.begin().await.unwrap();
    mail::insert_account(&mut tx, &account).await.unwrap();
    tx.commit().await.unwrap();
    account
}

async fn a_job(fixture: &Fixture, number: u32) -> Uuid {
    let job = new_job(posting(number));
    let id = job.id;
    let mut tx = fixture.database.begin().await.unwrap();
    jobs::insert_many_if_new(&mut tx, vec![job], day(1)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub async fn accounts_keep_their_password_sealed_and_their_state(fixture: &Fixture) {
    let mut account = with_account(fixture).await;
    let mut tx = fixture.database.begin().await.unwrap();
    assert_eq!(mail::accounts(&mut tx).await.unwrap(), [account.clone()]);
    let purpose = format!("mail_account:{}", account.id);
    assert!(!account.password.0.windows(4).any(|bytes| bytes == b"\\ss"), "the password is not readable");
    let open = |person, purpose: &str, sealed: &Sealed| fixture.stores.unseal(person, purpose, "a password", &sealed.0);
    assert_eq!(open(fixture.person, &purpose, &account.password).unwrap(), "p\"ä\\ss".as_bytes());
    // Neither another person nor another account opens it, and a flipped bit is noticed.
    assert!(open(Uuid::now_v7(), &purpose, &account.password).is_err());
    assert!(open(fixture.person, "mail_account:other", &account.password).is_err());
    let mut flipped = account.password.clone();
    flipped.0[14] ^= 1;
    assert!(open(fixture.person, &purpose, &flipped).is_err());
    assert!(open(fixture.person, &purpose, &Sealed(vec![1, 2])).is_err());

    let mut state = MailboxRow { name: "Entwürfe".into(), uid_validity: u32::MAX, last_uid: 7, modseq: Some(9) };
    mail::save_mailbox_state(&mut tx, account.id, &state).await.unwrap();
    state.last_uid = 8;
    mail::save_mailbox_state(&mut tx, account.id, &state).await.unwrap();
    assert_eq!(mail::mailbox_states(&mut tx, account.id).await.unwrap(), [state]);
    mail::synced(&mut tx, account.id, Some(day(3)), "").await.unwrap();
    mail::synced(&mut tx, account.id, None, "away").await.unwrap();
    let found = mail::account(&mut tx, account.id).await.unwrap().unwrap();
    assert_eq!((found.synced_at, found.problem.as_str()), (Some(day(3)), "away"));

    account.name = "home".into();
    account.automatic = false;
    assert!(mail::update_account(&mut tx, &account).await.unwrap());
    mail::forget_mailboxes(&mut tx, account.id).await.unwrap();
    assert_eq!(mail::mailbox_states(&mut tx, account.id).await.unwrap(), []);
    mail::insert_new(&mut tx, &row(account.id, 1)).await.unwrap();
    assert!(mail::delete_account(&mut tx, account.id).await.unwrap());
    assert!(!mail::delete_account(&mut tx, account.id).await.unwrap());
    assert_eq!(mail::list(&mut tx, &MailFilter::default(), None, 9).await.unwrap().mails, []);
}

pub async fn a_mail_is_kept_once_and_outlives_its_job(fixture: &Fixture) {
    let (account, job) = (with_account(fixture).await, a_job(fixture, 1).await);
    let mut tx = fixture.database.begin().await.unwrap();
    let linked = MailRow { job_id: Some(job), linked_by: "domain".into(), ..row(account.id, 1) };
    assert!(mail::insert_new(&mut tx, &linked).await.unwrap());
    assert!(!mail::insert_new(&mut tx, &MailRow { id: Uuid::now_v7(), ..linked.clone() }).await.unwrap());
    for number in 2..6 {
        assert!(mail::insert_new(&mut tx, &row(account.id, number)).await.unwrap());
    }
    assert_eq!(mail::get(&mut tx, linked.id).await.unwrap(), Some(linked.clone()));
    let threads = mail::linked_by_messages(&mut tx, &["1@acme.example".into(), "2@acme.example".into()]).await.unwrap();
    assert_eq!(threads.into_iter().collect::<Vec<_>>(), [("1@acme.example".to_owned(), job)]);

    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = mail::list(&mut tx, &MailFilter::default(), after, 2).await.unwrap();
        seen.extend(page.mails.iter().map(|mail| mail.key.clone()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["key 5", "key 4", "key 3", "key 2", "key 1"]);
    let of_job =
        MailFilter { job: Some(job), labels: vec!["neutral".into(), "digest".into()], ..MailFilter::default() };
    assert_eq!(mail::list(&mut tx, &of_job, None, 9).await.unwrap().mails.len(), 1);
    let unlinked = MailFilter { unlinked: true, account: Some(account.id), ..MailFilter::default() };
    assert_eq!(mail::list(&mut tx, &unlinked, None, 9).await.unwrap().mails.len(), 4);

    assert_eq!(mail::unsure(&mut tx, account.id, 3).await.unwrap().len(), 3);
    mail::set_asked(&mut tx, linked.id).await.unwrap();
    let labelled =
        MailRow { label: "rejected".into(), certain: true, labelled_by: "you".into(), asked: true, ..linked };
    assert!(mail::set_label(&mut tx, &labelled).await.unwrap());
    assert_eq!(mail::unsure(&mut tx, account.id, 9).await.unwrap().len(), 4);
    assert!(!mail::set_link(&mut tx, labelled.id, Some(Uuid::now_v7()), "you", day(9)).await.unwrap());

    jobs::purge(&mut tx, &["pending".to_owned()], day(9)).await.unwrap();
    let left = mail::get(&mut tx, labelled.id).await.unwrap().unwrap();
    assert_eq!((left.job_id, left.label.as_str(), left.body.as_str()), (None, "rejected", "Hello"));
}

fn suggestion(mail: Uuid, job: Uuid) -> Suggestion {
    Suggestion {
        id: Uuid::now_v7(),
        mail_id: mail,
        job_id: job,
        label: "rejected".into(),
        status: "rejected".into(),
        state: "open".into(),
        certain: true,
        event: None,
        event_uid: "1@acme".into(),
        appointment: None,
        created_at: day(2),
        decided_at: None,
    }
}

pub async fn a_suggestion_is_decided_once(fixture: &Fixture) {
    let (account, job) = (with_account(fixture).await, a_job(fixture, 1).await);
    let other = a_job(fixture, 2).await;
    let mut tx = fixture.database.begin().await.unwrap();
    let mail = row(account.id, 1);
    mail::insert_new(&mut tx, &mail).await.unwrap();
    let (one, two) = (suggestion(mail.id, job), suggestion(mail.id, job));
    assert!(mail::insert_suggestion(&mut tx, &one).await.unwrap());
    assert!(mail::insert_suggestion(&mut tx, &two).await.unwrap());
    assert!(!mail::insert_suggestion(&mut tx, &suggestion(mail.id, Uuid::now_v7())).await.unwrap());
    assert!(mail::is_open(&mut tx, job, "rejected").await.unwrap());
    assert!(!mail::is_open(&mut tx, job, "offer").await.unwrap());

    let appointment = Uuid::now_v7();
    assert!(mail::decide(&mut tx, one.id, "accepted", Some(appointment), day(3)).await.unwrap());
    assert!(!mail::decide(&mut tx, one.id, "dismissed", None, day(4)).await.unwrap());
    assert_eq!(mail::appointment_of_event(&mut tx, job, "1@acme").await.unwrap(), Some(appointment));
    assert_eq!(mail::appointment_of_event(&mut tx, other, "1@acme").await.unwrap(), None);
    let open = SuggestionFilter { state: Some("open".into()), job: Some(job), ..SuggestionFilter::default() };
    let listed = mail::list_suggestions(&mut tx, &open, 9).await.unwrap();
    assert_eq!((listed.len(), &listed[0].suggestion), (1, &two));
    assert_eq!((listed[0].subject.as_str(), listed[0].job_status.as_str()), (mail.subject.as_str(), "pending"));

    mail::hand_over(&mut tx, job, other).await.unwrap();
    assert_eq!(mail::suggestion(&mut tx, two.id).await.unwrap().unwrap().job_id, other);
    assert_eq!(mail::withdraw(&mut tx, mail.id).await.unwrap(), 1);
    assert_eq!(mail::suggestions_of(&mut tx, mail.id).await.unwrap().len(), 1, "what was decided stays");

    let mut draft = MailDraft {
        id: Uuid::now_v7(),
        mail_id: mail.id,
        wish: "yes".into(),
        state: "waiting".into(),
        subject: "Re: x".into(),
        body: String::new(),
        written_by: String::new(),
        problem: String::new(),
        created_at: day(2),
        updated_at: day(2),
    };
    mail::insert_draft(&mut tx, &draft).await.unwrap();
    draft.body = "Hello,\n".into();
    draft.state = "drafted".into();
    assert!(mail::update_draft(&mut tx, &draft).await.unwrap());
    assert_eq!(mail::draft(&mut tx, draft.id).await.unwrap(), Some(draft.clone()));
    assert_eq!(mail::latest_draft(&mut tx, mail.id).await.unwrap(), Some(draft));
}
