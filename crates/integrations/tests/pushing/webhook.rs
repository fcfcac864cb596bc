use aerie_integrations::{AppointmentChange, Effect, PushError};
use aerie_testkit::service::Told;
use ring::hmac;
use serde_json::json;

use crate::world::{APPOINTMENT_ID, JOB_ID, MARKER, World, appointment, assert_json, document, job, only};

async fn world(status: u16) -> World {
    let settings = [("address", "{service}/hooks/aerie?team=1"), ("secret", MARKER)];
    World::start("webhook", &settings, &[], move |_| Told::status(status)).await
}

/// Checks the signature as a receiver does.
fn is_signed(header: &str, body: &[u8]) -> bool {
    let (time, signature) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let seconds: i64 = time.parse().unwrap();
    assert!((chrono::Utc::now().timestamp() - seconds).abs() < 60, "{header}");
    let bytes: Vec<u8> =
        (0..signature.len()).step_by(2).map(|at| u8::from_str_radix(&signature[at..at + 2], 16).unwrap()).collect();
    let signed = [time.as_bytes(), b".", body].concat();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, MARKER.as_bytes()), &signed, &bytes).is_ok()
}

#[tokio::test]
async fn an_event_is_a_signed_document_with_an_id_that_stays() {
    let world = world(204).await;
    let delivery = job("phone_screen");
    let pushed = world.push(&delivery).await.unwrap();
    assert_eq!(pushed.effect, Effect::Created);
    let asked = only(&world.service);
    assert_eq!(asked.line(), "POST /hooks/aerie?team=1");
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("aerie-event"), "job.moved");
    assert_eq!(asked.header("aerie-delivery"), delivery.key);
    assert_eq!(asked.header("idempotency-key"), delivery.key);
    assert!(is_signed(asked.header("aerie-signature"), &asked.body));
    assert!(!is_signed(asked.header("aerie-signature"), b"{}"), "another body has another signature");
    assert_json(
        &asked.json(),
        &json!({
            "type": "job.moved",
            "id": delivery.key,
            "subject": format!("job:{JOB_ID}"),
            "time": "2026-03-02T09:00:00Z",
            "data": {
                "job_id": JOB_ID, "title": "Loom Mechanic <b>& Co", "company": "Brasswick",
                "url": "https://jobs.example/1?a=1&b=2", "status": "phone_screen", "place": "Leeds, GB",
                "salary": "40000–50000 GBP a year", "source": "greenhouse", "score": 81.4,
                "move": { "from": "approved", "to": "phone_screen", "reverted": false },
            },
        }),
    );
    world.push(&delivery).await.unwrap();
    assert_eq!(only(&world.service).header("aerie-delivery"), delivery.key, "the receiver knows it by its id");
}

#[tokio::test]
async fn appointments_and_files_are_whole() {
    let world = world(200).await;
    world.push(&appointment(AppointmentChange::Changed, 12)).await.unwrap();
    let data = only(&world.service).json()["data"].clone();
    assert_eq!(data["appointment_id"], json!(APPOINTMENT_ID));
    assert_eq!((&data["change"], &data["time_zone"]), (&json!("changed"), &json!("Europe/Berlin")));
    assert_eq!(data["start_time"], "2026-07-03T12:00:00Z");
    world.push(&document(b"%PDF")).await.unwrap();
    assert_eq!(only(&world.service).json()["data"]["content_base64"], "JVBERg==");
}

#[tokio::test]
async fn a_receiver_that_has_it_already_is_content() {
    let world = world(409).await;
    assert!(world.push(&job("applied")).await.is_ok());
    world.service.answer(|_| Told::status(410));
    assert!(matches!(world.push(&job("applied")).await, Err(PushError::Refused { .. })));
    world.service.answer(|_| Told::status(200));
    assert!(world.test().await.unwrap().contains("took a test event"));
}
