//! CalDAV, against a service that checks every request and against Radicale.

use std::sync::Mutex;

use aerie_integrations::{AppointmentChange, Effect, PushError, Ready, Settings, Wire, WireOptions, by_name};
use aerie_testkit::{
    python_server::{PASSWORD, PythonServer, USER},
    service::{Asked, Told},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::world::{APPOINTMENT_ID, MARKER, World, appointment};

const CALENDAR: &str = r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
    <d:response><d:href>/cal/talks/</d:href><d:propstat><d:prop><d:resourcetype><d:collection/><c:calendar/>
    </d:resourcetype><d:displayname>Work</d:displayname><c:supported-calendar-component-set><c:comp name="VEVENT"/>
    </c:supported-calendar-component-set></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>
    </d:multistatus>"#;

/// A calendar with at most one event and its version.
fn caldav(event: &Mutex<Option<(Vec<u8>, u32)>>, asked: &Asked) -> Told {
    assert_eq!(asked.header("authorization"), format!("Basic {}", STANDARD.encode(format!("robin:{MARKER}"))));
    let mut event = event.lock().unwrap();
    if asked.method == "PROPFIND" {
        assert_eq!((asked.target.as_str(), asked.header("depth")), ("/cal/talks/", "0"));
        assert!(asked.text().contains("<c:supported-calendar-component-set/>"), "{}", asked.text());
        return Told::status(207).with("content-type", "application/xml").body(CALENDAR);
    }
    assert_eq!(asked.target, format!("/cal/talks/aerie-{APPOINTMENT_ID}.ics"));
    let version = event.as_ref().map_or(0, |(_, version)| *version);
    match asked.method.as_str() {
        "GET" => match &*event {
            Some((text, version)) => Told::status(200).with("etag", format!("\"{version}\"")).body(text.clone()),
            None => Told::status(404),
        },
        "PUT" => {
            assert_eq!(asked.header("content-type"), "text/calendar; charset=utf-8");
            let fits = match &*event {
                Some(_) => asked.header("if-match") == format!("\"{version}\""),
                None => asked.header("if-none-match") == "*",
            };
            if !fits {
                return Told::status(412);
            }
            *event = Some((asked.body.to_vec(), version + 1));
            Told::status(201)
        }
        "DELETE" => {
            assert_eq!(asked.header("if-match"), format!("\"{version}\""));
            *event = None;
            Told::status(204)
        }
        method => panic!("{method}"),
    }
}

const SETTINGS: [(&str, &str); 3] = [("address", "{service}/cal/talks/"), ("user", "robin"), ("password", MARKER)];

#[tokio::test]
async fn an_event_is_put_once_changed_with_its_version_and_deleted() {
    let event = Mutex::new(None);
    let world = World::start("caldav", &SETTINGS, &[], move |asked| caldav(&event, asked)).await;
    assert!(world.test().await.unwrap().contains("\"Work\""));
    let delivery = appointment(AppointmentChange::Scheduled, 12);
    assert_eq!(world.push(&delivery).await.unwrap().effect, Effect::Created);
    let text = world.service.take().pop().unwrap().text().replace("\r\n ", "");
    for line in [
        "DTSTART;TZID=Europe/Berlin:20260703T140000",
        "DTEND;TZID=Europe/Berlin:20260703T144500",
        "BEGIN:VTIMEZONE",
        "SUMMARY:Interview at Brasswick",
        "LOCATION:Mill Lane 4\\; ring twice",
        "URL:https://jobs.example/1?a=1&b=2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
    }
    assert!(text.contains(&format!("UID:{APPOINTMENT_ID}@aerie\r\n")));
    assert_eq!(world.push(&delivery).await.unwrap().effect, Effect::Unchanged);
    assert!(world.lines().iter().all(|line| !line.starts_with("PUT")), "nothing is written");
    assert_eq!(world.push(&appointment(AppointmentChange::Changed, 13)).await.unwrap().effect, Effect::Updated);
    let cancelled = appointment(AppointmentChange::Cancelled, 13);
    assert_eq!(world.push(&cancelled).await.unwrap().effect, Effect::Removed);
    assert_eq!(world.push(&cancelled).await.unwrap().effect, Effect::Unchanged);
}

#[tokio::test]
async fn a_change_at_the_same_moment_is_not_lost() {
    let world = World::start("caldav", &SETTINGS, &[], |asked: &Asked| match asked.method.as_str() {
        "PROPFIND" => Told::status(207).body(CALENDAR),
        "GET" => Told::status(200).with("etag", "\"5\"").body("BEGIN:VCALENDAR\r\n"),
        _ => Told::status(412),
    })
    .await;
    let error = world.push(&appointment(AppointmentChange::Changed, 12)).await.unwrap_err();
    assert!(matches!(error, PushError::Again { .. }), "{error:?}");
}

#[tokio::test]
async fn the_password_goes_to_no_other_server() {
    let world = World::start("caldav", &SETTINGS, &[], |_| {
        let home = "<d:multistatus xmlns:d='DAV:' xmlns:c='urn:ietf:params:xml:ns:caldav'><d:response><d:href>/</d:href>\
            <d:propstat><d:prop><c:calendar-home-set><d:href>https://elsewhere.example/home/</d:href>\
            </c:calendar-home-set></d:prop></d:propstat></d:response></d:multistatus>";
        Told::status(207).body(home)
    })
    .await;
    match world.test().await.unwrap_err() {
        PushError::Settings { field: "address", reason } => {
            assert!(reason.contains("https://elsewhere.example"), "{reason}")
        }
        error => panic!("{error:?}"),
    }
    assert_eq!(world.lines().len(), 1);
}

/// An integration with Radicale.
fn radicale(server: &PythonServer, path: &str, password: &str, calendar: &str) -> (Ready, Wire) {
    let options = WireOptions { allowed_hosts: vec![format!("127.0.0.1:{}", server.port)], ..WireOptions::default() };
    let address = format!("http://127.0.0.1:{}{path}", server.port);
    let settings =
        Settings::from([("address", address.as_str()), ("user", USER), ("password", password), ("calendar", calendar)]);
    (by_name("caldav").unwrap().ready(&settings).unwrap(), Wire::new(options).unwrap())
}

/// The events in Radicale's folder, unfolded.
fn events(server: &PythonServer) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![server.folder().join("collections")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            // Its cache holds the events once more, in a form of its own.
            let is_cache = entry.file_name().to_string_lossy().starts_with(".Radicale.");
            if path.is_dir() && !is_cache {
                folders.push(path);
            } else if !is_cache && path.extension().is_some_and(|extension| extension == "ics") {
                found.push(std::fs::read_to_string(path).unwrap().replace("\r\n ", "").replace("\n ", ""));
            }
        }
    }
    found
}

#[tokio::test]
async fn radicale_keeps_the_interview_in_its_zone() {
    let Some(server) = PythonServer::caldav().unwrap() else { return };
    let (ready, wire) = radicale(&server, "/robin/talks/", PASSWORD, "");
    assert!(ready.test(&wire).await.unwrap().contains("\"Talks\""), "{}", server.log());
    let delivery = appointment(AppointmentChange::Scheduled, 12);
    assert_eq!(ready.push(&wire, &delivery).await.unwrap().effect, Effect::Created, "{}", server.log());
    assert_eq!(ready.push(&wire, &delivery).await.unwrap().effect, Effect::Unchanged);
    let found = events(&server);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("DTSTART;TZID=Europe/Berlin:20260703T140000"), "{}", found[0]);
    assert!(found[0].contains("BEGIN:VTIMEZONE") && found[0].contains("TZOFFSETTO:+0200"), "{}", found[0]);

    assert_eq!(ready.push(&wire, &appointment(AppointmentChange::Changed, 13)).await.unwrap().effect, Effect::Updated);
    let found = events(&server);
    assert_eq!(found.len(), 1, "the same event");
    assert!(found[0].contains("DTSTART;TZID=Europe/Berlin:20260703T150000"), "{}", found[0]);
    let cancelled = appointment(AppointmentChange::Cancelled, 13);
    assert_eq!(ready.push(&wire, &cancelled).await.unwrap().effect, Effect::Removed);
    assert_eq!(ready.push(&wire, &cancelled).await.unwrap().effect, Effect::Unchanged);
    assert!(events(&server).is_empty());
}

#[tokio::test]
async fn radicale_leads_to_the_calendar_and_refuses_a_wrong_password() {
    let Some(server) = PythonServer::caldav().unwrap() else { return };
    let delivery = appointment(AppointmentChange::Scheduled, 12);
    for (path, calendar) in [("/", ""), ("/", "Talks"), ("/robin/", "Talks")] {
        let (ready, wire) = radicale(&server, path, PASSWORD, calendar);
        ready
            .push(&wire, &delivery)
            .await
            .unwrap_or_else(|error| panic!("{path} {calendar}: {error}\n{}", server.log()));
    }
    assert_eq!(events(&server).len(), 1);
    let (ready, wire) = radicale(&server, "/", PASSWORD, "Holidays");
    match ready.test(&wire).await.unwrap_err() {
        PushError::Settings { field: "calendar", reason } => {
            assert!(reason.contains("Talks") && !reason.contains("Tasks"), "{reason}");
        }
        error => panic!("{error:?}"),
    }
    let (ready, wire) = radicale(&server, "/robin/tasks/", PASSWORD, "");
    assert!(matches!(ready.test(&wire).await, Err(PushError::Settings { field: "calendar", .. })));
    let (ready, wire) = radicale(&server, "/robin/talks/", "wrong", "");
    assert!(matches!(ready.push(&wire, &delivery).await, Err(PushError::Credentials { .. })));
}
