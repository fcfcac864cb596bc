//! Google Sheets, Google Calendar, and signing in to them.

use std::sync::Mutex;

use aerie_integrations::{AppointmentChange, Effect, PushError};
use aerie_testkit::service::{Asked, Told};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{rsa, signature};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};

use crate::world::{APPOINTMENT_ID, JOB_ID, World, appointment, assert_json, job, service_account};

const HOSTS: [&str; 3] = ["oauth2.googleapis.com", "sheets.googleapis.com", "www.googleapis.com"];

/// Checks a request for a token as Google does: form, claims and signature.
fn token(asked: &Asked, scope: &str) -> Told {
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(&asked.body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    assert_eq!(form[0], ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
    assert_eq!((form.len(), form[1].0.as_str()), (2, "assertion"));
    let parts: Vec<&str> = form[1].1.split('.').collect();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let read = |part: &str| serde_json::from_slice::<Value>(&decode(part)).unwrap();
    assert_json(&read(parts[0]), &json!({ "alg": "RS256", "typ": "JWT" }));
    let claims = read(parts[1]);
    assert_eq!(claims["iss"], "aerie@tests.iam.gserviceaccount.com");
    assert_eq!(claims["scope"], scope);
    assert_eq!(claims["aud"], "https://oauth2.googleapis.com/token", "not what the key file says");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3_600);
    let file: Value = serde_json::from_str(service_account()).unwrap();
    let der = PrivatePkcs8KeyDer::from_pem_slice(file["private_key"].as_str().unwrap().as_bytes()).unwrap();
    let pair = rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let public = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, pair.public());
    public.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &decode(parts[2])).unwrap();
    Told::json(&json!({ "access_token": "short-lived", "expires_in": 3599, "token_type": "Bearer" }))
}

/// A sheet as Google keeps it.
fn sheets(rows: &Mutex<Vec<Vec<Value>>>, asked: &Asked) -> Told {
    if asked.line() == "POST /token" {
        return token(asked, "https://www.googleapis.com/auth/spreadsheets");
    }
    assert_eq!(asked.header("authorization"), "Bearer short-lived");
    let mut rows = rows.lock().unwrap();
    let target = asked.target.clone();
    let path = target.strip_prefix("/v4/spreadsheets/sheet-1").unwrap();
    let read = "?majorDimension=ROWS&valueRenderOption=UNFORMATTED_VALUE";
    let range = |row: usize| format!("'Bob''s jobs'!A{row}:I{row}");
    let encoded = |range: &str| range.replace(' ', "%20");
    match (asked.method.as_str(), path) {
        ("GET", "?fields=sheets.properties.title") => {
            Told::json(&json!({ "sheets": [{ "properties": { "title": "Bob's jobs" } }] }))
        }
        ("GET", path) if path == format!("/values/{}{read}", encoded("'Bob''s jobs'!A1:A")) => {
            let column: Vec<Vec<Value>> = rows.iter().map(|row| row[..1].to_vec()).collect();
            if column.is_empty() { Told::json(&json!({})) } else { Told::json(&json!({ "values": column })) }
        }
        ("GET", path) if path == format!("/values/{}{read}", encoded(&range(2))) => {
            Told::json(&json!({ "values": [rows[1]] }))
        }
        ("PUT", path) => {
            let row = if path.contains("A1:I1") { 1 } else { 2 };
            assert_eq!(path, format!("/values/{}?valueInputOption=RAW", encoded(&range(row))));
            let body = asked.json();
            assert_eq!((&body["range"], &body["majorDimension"]), (&json!(range(row)), &json!("ROWS")));
            let values = body["values"][0].as_array().unwrap().clone();
            if rows.len() < row {
                rows.push(values)
            } else {
                rows[row - 1] = values
            }
            Told::json(&json!({ "updatedRows": 1 }))
        }
        ("POST", path) => {
            let all = encoded("'Bob''s jobs'!A:I");
            assert_eq!(path, format!("/values/{all}:append?valueInputOption=RAW&insertDataOption=INSERT_ROWS"));
            rows.push(asked.json()["values"][0].as_array().unwrap().clone());
            Told::json(&json!({ "updates": { "updatedRange": range(rows.len()) } }))
        }
        (method, path) => panic!("{method} {path} is no request of Google's interface"),
    }
}

#[tokio::test]
async fn a_sheet_keeps_one_row_for_each_job() {
    let rows = Mutex::new(Vec::new());
    let settings = [("spreadsheet_id", "sheet-1"), ("sheet", "Bob's jobs"), ("credentials", service_account())];
    let world = World::start("google_sheets", &settings, &HOSTS, move |asked| sheets(&rows, asked)).await;
    assert!(world.test().await.unwrap().contains("Bob's jobs"));
    world.service.take();
    assert_eq!(world.push(&job("applied")).await.unwrap().effect, Effect::Created);
    let asked = world.service.take();
    let heading = asked.iter().find(|asked| asked.method == "PUT").unwrap().json();
    assert_eq!(
        heading["values"][0],
        json!(["Aerie ID", "Title", "Company", "Status", "Link", "Place", "Salary", "Source", "Score"])
    );
    let row = asked.iter().find(|asked| asked.target.contains(":append")).unwrap().json();
    assert_eq!(row["values"][0][0], json!(JOB_ID));
    assert_eq!(row["values"][0][8], json!(81.0));

    assert_eq!(world.push(&job("applied")).await.unwrap().effect, Effect::Unchanged);
    assert!(world.lines().iter().all(|line| line.starts_with("GET") || line == "POST /token"), "nothing is written");
    assert_eq!(world.push(&job("offer")).await.unwrap().effect, Effect::Updated);
    let asked = world.service.take();
    assert_eq!(asked.iter().filter(|asked| asked.method == "PUT").count(), 1);
    assert_eq!(asked.last().unwrap().json()["values"][0][3], "offer");
}

/// A calendar as Google keeps it.
fn calendar(event: &Mutex<Option<Value>>, asked: &Asked) -> Told {
    if asked.line() == "POST /token" {
        return token(asked, "https://www.googleapis.com/auth/calendar.events");
    }
    assert_eq!(asked.header("authorization"), "Bearer short-lived");
    let mut event = event.lock().unwrap();
    let events = "/calendar/v3/calendars/robin@example.com/events";
    let one = format!("{events}/aerie{}", APPOINTMENT_ID.simple());
    match (asked.method.as_str(), asked.target.as_str()) {
        ("GET", target) if target == format!("{events}?maxResults=1&fields=summary%2CaccessRole") => {
            Told::json(&json!({ "summary": "Robin", "accessRole": "writer" }))
        }
        ("GET", target) if target == one => {
            event.as_ref().map_or_else(|| Told::json(&json!({ "error": { "code": 404 } })).and(404), Told::json)
        }
        ("POST", target) if target == events => {
            *event = Some(asked.json());
            Told::json(&asked.json())
        }
        ("PUT", target) if target == one => {
            *event = Some(asked.json());
            Told::json(&asked.json())
        }
        ("DELETE", target) if target == one => {
            let Some(mut gone) = event.clone() else { return Told::status(404) };
            if gone["status"] == "cancelled" {
                return Told::status(410);
            }
            gone["status"] = json!("cancelled");
            *event = Some(gone);
            Told::status(204)
        }
        (method, target) => panic!("{method} {target} is no request of Google's interface"),
    }
}

#[tokio::test]
async fn a_google_calendar_has_the_interview_in_its_zone() {
    let event = Mutex::new(None);
    let settings = [("calendar_id", "robin@example.com"), ("credentials", service_account())];
    let world = World::start("google_calendar", &settings, &HOSTS, move |asked| calendar(&event, asked)).await;
    assert!(world.test().await.unwrap().contains("\"Robin\""));
    world.service.take();
    let delivery = appointment(AppointmentChange::Scheduled, 12);
    assert_eq!(world.push(&delivery).await.unwrap().effect, Effect::Created);
    let created = world.service.take().pop().unwrap().json();
    assert_json(
        &created,
        &json!({
            "id": format!("aerie{}", APPOINTMENT_ID.simple()),
            "status": "confirmed",
            "summary": "Interview at Brasswick",
            "description": "Loom Mechanic <b>& Co, Brasswick\nhttps://jobs.example/1?a=1&b=2\nAsk about the looms.",
            "location": "Mill Lane 4; ring twice",
            "start": { "dateTime": "2026-07-03T14:00:00+02:00", "timeZone": "Europe/Berlin" },
            "end": { "dateTime": "2026-07-03T14:45:00+02:00", "timeZone": "Europe/Berlin" },
            "reminders": { "useDefault": false, "overrides": [{ "method": "popup", "minutes": 30 }] },
            "extendedProperties": { "private": { "aerieKey": delivery.key } },
        }),
    );
    assert_eq!(world.push(&delivery).await.unwrap().effect, Effect::Unchanged);
    assert_eq!(world.lines().len(), 2, "a token and a look");
    assert_eq!(world.push(&appointment(AppointmentChange::Changed, 13)).await.unwrap().effect, Effect::Updated);
    let cancelled = appointment(AppointmentChange::Cancelled, 13);
    assert_eq!(world.push(&cancelled).await.unwrap().effect, Effect::Removed);
    assert_eq!(world.push(&cancelled).await.unwrap().effect, Effect::Unchanged, "it is gone already");
    let again = world.push(&appointment(AppointmentChange::Changed, 13)).await.unwrap();
    assert_eq!(again.effect, Effect::Updated, "a deleted event comes back under its id");
}

#[tokio::test]
async fn google_says_what_is_wrong() {
    let settings = [("calendar_id", "robin@example.com"), ("credentials", service_account())];
    let world = World::start("google_calendar", &settings, &HOSTS, |asked: &Asked| match asked.line().as_str() {
        "POST /token" => Told::json(&json!({ "error": "invalid_grant", "error_description": "Invalid JWT" })).and(400),
        line => panic!("{line}"),
    })
    .await;
    let delivery = appointment(AppointmentChange::Scheduled, 12);
    assert!(matches!(world.push(&delivery).await, Err(PushError::Credentials { .. })));
    let answers = |status: u16, message: &'static str| {
        move |asked: &Asked| match asked.line().as_str() {
            "POST /token" => Told::json(&json!({ "access_token": "short-lived" })),
            _ => Told::json(&json!({ "error": { "code": status, "message": message } })).and(status),
        }
    };
    world.service.answer(answers(403, "Rate Limit Exceeded"));
    assert!(matches!(world.push(&delivery).await, Err(PushError::Again { .. })));
    world.service.answer(answers(403, "Forbidden"));
    assert!(matches!(world.push(&delivery).await, Err(PushError::Credentials { .. })));
    world.service.answer(answers(404, "Not Found"));
    assert!(matches!(world.push(&delivery).await, Err(PushError::Settings { field: "calendar_id", .. })));
}
