//! The digest by mail, over a real mail server.

use aerie_integrations::{Effect, PushError, Ready, Settings, Wire, WireOptions, by_name};
use aerie_testkit::python_server::{PASSWORD, PythonServer, USER};

use crate::world::{digest, job};

fn email(server: &PythonServer, password: &str, certificate: &str) -> (Ready, Wire) {
    let options = WireOptions { allowed_hosts: vec![format!("localhost:{}", server.port)], ..WireOptions::default() };
    let port = server.port.to_string();
    let settings = Settings::from([
        ("address", "robin@example.com"),
        ("host", "localhost"),
        ("port", port.as_str()),
        ("user", USER),
        ("password", password),
        ("certificate", certificate),
    ]);
    (by_name("email").unwrap().ready(&settings).unwrap(), Wire::new(options).unwrap())
}

fn mails(server: &PythonServer) -> Vec<String> {
    let mut paths: Vec<_> =
        std::fs::read_dir(server.folder().join("mail")).unwrap().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap().replace("\r\n", "\n")).collect()
}

#[tokio::test]
async fn the_digest_arrives_at_ones_own_address_only() {
    let Some(server) = PythonServer::smtp().unwrap() else { return };
    let (ready, wire) = email(&server, PASSWORD, &server.certificate().unwrap());
    let tested = ready.test(&wire).await;
    assert!(tested.as_ref().is_ok_and(|words| words.contains("robin@example.com")), "{tested:?}\n{}", server.log());
    assert!(mails(&server).is_empty(), "a test sends nothing");
    let pushed = ready.push(&wire, &digest()).await;
    assert_eq!(pushed.as_ref().map(|done| done.effect), Ok(Effect::Created), "{pushed:?}\n{}", server.log());
    let mails = mails(&server);
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert!(mail.starts_with("MAIL robin@example.com\nRCPT robin@example.com\n"), "{mail}");
    for line in [
        "Subject: Applications on 2 March 2026",
        "To: robin@example.com",
        "Message-ID: <digest-2026-03-02-1@aerie>",
        "Date: Mon, 02 Mar 2026 09:00:00 +0000",
    ] {
        assert!(mail.lines().any(|found| found == line), "{line} is missing in\n{mail}");
    }
    assert!(mail.contains("Coming up"), "{mail}");
    assert!(matches!(ready.push(&wire, &job("applied")).await, Err(PushError::Refused { .. })));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_certificate_are_named() {
    let Some(server) = PythonServer::smtp().unwrap() else { return };
    let (ready, wire) = email(&server, "wrong-marker", &server.certificate().unwrap());
    match ready.push(&wire, &digest()).await.unwrap_err() {
        PushError::Credentials { reason } => assert!(!reason.contains("wrong-marker"), "{reason}"),
        error => panic!("{error:?}"),
    }
    let (ready, wire) = email(&server, PASSWORD, "");
    let error = ready.push(&wire, &digest()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(mails(&server).is_empty());
}

#[tokio::test]
async fn a_private_mail_server_must_be_allowed() {
    let (ready, _) = {
        let settings = Settings::from([
            ("address", "robin@example.com"),
            ("host", "localhost"),
            ("port", "9"),
            ("user", USER),
            ("password", PASSWORD),
        ]);
        (by_name("email").unwrap().ready(&settings).unwrap(), ())
    };
    let wire = Wire::new(WireOptions::default()).unwrap();
    match ready.push(&wire, &digest()).await.unwrap_err() {
        PushError::Settings { field: "host", reason } => {
            assert!(reason.contains("integrations.allow_addresses"), "{reason}");
        }
        error => panic!("{error:?}"),
    }
}
