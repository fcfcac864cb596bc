//! Slack, Discord, Home Assistant.

use std::sync::Mutex;

use aerie_integrations::{AppointmentChange, Effect, PushError};
use aerie_testkit::service::{Asked, Told};
use serde_json::{Value, json};

use crate::world::{MARKER, World, appointment, assert_json, digest, job, only};

/// A channel as Slack keeps it.
fn slack(messages: &Mutex<Vec<Value>>, asked: &Asked) -> Told {
    assert_eq!(asked.header("authorization"), format!("Bearer {MARKER}"));
    assert_eq!(asked.header("content-type"), "application/json; charset=utf-8");
    let mut messages = messages.lock().unwrap();
    let body = asked.json();
    match asked.line().as_str() {
        "POST /api/auth.test" => Told::json(&json!({ "ok": true, "team": "Brass", "user": "aerie" })),
        "POST /api/conversations.history" => {
            assert_eq!((&body["channel"], &body["include_all_metadata"]), (&json!("C1"), &json!(true)));
            Told::json(&json!({ "ok": true, "messages": *messages }))
        }
        "POST /api/chat.postMessage" => {
            let ts = format!("17000000{}.1", messages.len());
            messages.push(json!({ "ts": ts, "text": body["text"], "metadata": body["metadata"] }));
            Told::json(&json!({ "ok": true, "ts": ts, "channel": "C1" }))
        }
        line => panic!("{line} is no request of Slack's interface"),
    }
}

#[tokio::test]
async fn slack_gets_a_message_once() {
    let messages = Mutex::new(vec![json!({ "ts": "1.0", "text": "hello" })]);
    let settings = [("token", MARKER), ("channel", "C1")];
    let world = World::start("slack", &settings, &["slack.com"], move |asked| slack(&messages, asked)).await;
    assert!(world.test().await.unwrap().contains("\"Brass\""));
    world.service.take();
    let delivery = job("phone_screen");
    assert_eq!(world.push(&delivery).await.unwrap().effect, Effect::Created);
    let posted = world.service.take().pop().unwrap().json();
    assert_json(
        &posted,
        &json!({
            "channel": "C1",
            "text": "Loom Mechanic &lt;b&gt;&amp; Co, Brasswick: phone screen\nhttps://jobs.example/1?a=1&amp;b=2",
            "mrkdwn": false,
            "unfurl_links": false,
            "metadata": { "event_type": "aerie_delivery", "event_payload": { "key": delivery.key } },
        }),
    );
    assert_eq!(world.push(&delivery).await.unwrap().effect, Effect::Unchanged);
    assert_eq!(world.lines(), ["POST /api/conversations.history"], "it is found and not sent again");
    assert_eq!(world.push(&job("offer")).await.unwrap().effect, Effect::Created);
}

#[tokio::test]
async fn what_slack_says_is_understood() {
    let settings = [("token", MARKER), ("channel", "C1")];
    let world = World::start("slack", &settings, &["slack.com"], |_| Told::status(500)).await;
    for (said, wanted) in [
        ("channel_not_found", "settings"),
        ("not_in_channel", "settings"),
        ("invalid_auth", "credentials"),
        ("missing_scope", "credentials"),
        ("ratelimited", "again"),
        ("msg_too_long", "refused"),
    ] {
        world.service.answer(move |_| Told::json(&json!({ "ok": false, "error": said })));
        let error = world.push(&job("applied")).await.unwrap_err();
        let found = match &error {
            PushError::Settings { field: "channel", .. } => "settings",
            PushError::Credentials { .. } => "credentials",
            PushError::Again { .. } => "again",
            PushError::Refused { .. } => "refused",
            _ => "another",
        };
        assert_eq!(found, wanted, "{said}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn discord_calls_nobody_and_answers_with_the_message() {
    let settings = [("webhook", "https://discord.com/api/webhooks/123/token-of-the-webhook?x=1")];
    let world = World::start("discord", &settings, &["discord.com"], |asked: &Asked| match asked.line().as_str() {
        "GET /api/webhooks/123/token-of-the-webhook" => Told::json(&json!({ "id": "123", "name": "Spidey" })),
        "POST /api/webhooks/123/token-of-the-webhook?wait=true" => Told::json(&json!({ "id": "987", "content": "…" })),
        line => panic!("{line} is no request of Discord's interface"),
    })
    .await;
    assert!(world.test().await.unwrap().contains("\"Spidey\""));
    world.service.take();
    let made = world.push(&appointment(AppointmentChange::Cancelled, 12)).await.unwrap();
    assert_eq!((made.effect, made.remote_id.as_deref()), (Effect::Created, Some("987")));
    let text = "Cancelled: Interview at Brasswick: Fri 3 July 2026, 14:00 (Europe/Berlin)\n\
        Loom Mechanic <b>& Co, Brasswick\nMill Lane 4; ring twice\nhttps://jobs.example/1?a=1&b=2";
    assert_json(
        &only(&world.service).json(),
        &json!({ "content": text, "allowed_mentions": { "parse": [] }, "flags": 4 }),
    );
    world.service.answer(|_| Told::json(&json!({ "message": "Unknown Webhook", "code": 10015 })).and(404));
    assert!(matches!(world.push(&digest()).await, Err(PushError::Credentials { .. })));
}

#[tokio::test]
async fn home_assistant_shows_one_notification_for_each_event() {
    let settings = [("address", "{service}/ha/"), ("token", MARKER), ("notify", "mobile_app_pixel")];
    let world = World::start("home_assistant", &settings, &[], |asked: &Asked| {
        assert_eq!(asked.header("authorization"), format!("Bearer {MARKER}"));
        match asked.line().as_str() {
            "GET /ha/api/" => Told::json(&json!({ "message": "API running." })),
            "GET /ha/api/services" => {
                Told::json(&json!([{ "domain": "notify", "services": { "mobile_app_pixel": {} } }]))
            }
            "POST /ha/api/services/persistent_notification/create"
            | "POST /ha/api/services/notify/mobile_app_pixel" => Told::json(&json!([])),
            line => panic!("{line} is no request of Home Assistant's interface"),
        }
    })
    .await;
    assert!(world.test().await.unwrap().contains("notify.mobile_app_pixel"));
    world.service.take();
    let delivery = job("offer");
    world.push(&delivery).await.unwrap();
    let asked = world.service.take();
    let message = "Loom Mechanic <b>& Co, Brasswick: offer\nhttps://jobs.example/1?a=1&b=2";
    let id = format!("aerie_{}", delivery.key.replace([':', '-'], "_"));
    assert_json(&asked[0].json(), &json!({ "title": "Aerie", "message": message, "notification_id": id }));
    assert_json(&asked[1].json(), &json!({ "title": "Aerie", "message": message, "data": { "tag": id } }));
    world.push(&delivery).await.unwrap();
    assert_eq!(world.service.take()[0].json()["notification_id"], id, "which replaces what is shown");
}
