//! Google Calendar (API v3): one event for each appointment, under an id made of the appointment's own.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use aerie_config::Secret;

use crate::{
    Adapter, Appointment, AppointmentChange, Delivered, Delivery, Effect, Field, FieldType, Integration, Item,
    KindInfo, PushError, Style, Topic, Wire, google,
    settings::Problems,
    table::not_taken,
    wire::{Answer, below, known, said},
};

const SERVICE: &str = "Google Calendar";
const SCOPE: &str = "https://www.googleapis.com/auth/calendar.events";

/// A calendar.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoogleCalendar {
    calendar_id: String,
    credentials: Secret,
}

impl Adapter for GoogleCalendar {
    const INFO: KindInfo = KindInfo {
        name: "google_calendar",
        label: "Google Calendar",
        about: "Keeps your interviews in a Google calendar, in the zone that they were agreed in. Share the calendar with \
                the service account's mail address (\"make changes to events\") first.",
        topics: &[Topic::Appointments],
        style: Style::Record,
        starts_on: true,
        fields: &[
            Field::required(
                "calendar_id",
                FieldType::Text,
                "the calendar's id, from its settings > integrate calendar",
            ),
            Field::secret("credentials", FieldType::Document, google::ABOUT_KEY),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        google::check_key(&self.credentials, problems);
    }
}

#[derive(Deserialize)]
struct Events {
    #[serde(default)]
    summary: String,
}

#[async_trait]
impl Integration for GoogleCalendar {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let token = google::token(wire, &self.credentials, SCOPE).await?;
        let mut url = self.address(None)?;
        url.query_pairs_mut().append_pair("maxResults", "1").append_pair("fields", "summary,accessRole");
        let events: Events = self.call(wire, &token, Method::GET, &url, None).await?.json()?;
        Ok(format!("the calendar {:?} is there", events.summary))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let Item::Appointment(one) = &delivery.item else { return Err(not_taken(&delivery.item)) };
        let token = google::token(wire, &self.credentials, SCOPE).await?;
        let id = event_id(one.id);
        let url = self.address(Some(&id))?;
        if one.change == AppointmentChange::Cancelled {
            let answer = self.call(wire, &token, Method::DELETE, &url, None).await?;
            // It is not there, or was deleted before.
            let gone = matches!(answer.status, 404 | 410);
            if !gone {
                answer.success()?;
            }
            return Ok(Delivered::new(if gone { Effect::Unchanged } else { Effect::Removed }, id));
        }
        let event = event(one, &id, &delivery.key);
        let found = self.call(wire, &token, Method::GET, &url, None).await?;
        if found.status == 404 {
            let created = self.call(wire, &token, Method::POST, &self.address(None)?, Some(&event)).await?;
            // Somebody else was first, with the same event.
            if created.status != 409 {
                created.success()?;
                return Ok(Delivered::new(Effect::Created, id));
            }
        } else {
            let found: Value = found.json()?;
            let key = found.pointer("/extendedProperties/private/aerieKey").and_then(Value::as_str);
            let is_there = found.get("status").and_then(Value::as_str) != Some("cancelled");
            if is_there && key == Some(delivery.key.as_str()) {
                return Ok(Delivered::new(Effect::Unchanged, id));
            }
        }
        self.call(wire, &token, Method::PUT, &url, Some(&event)).await?.success()?;
        Ok(Delivered::new(Effect::Updated, id))
    }
}

impl GoogleCalendar {
    fn address(&self, event: Option<&str>) -> Result<Url, PushError> {
        let base = known("https://www.googleapis.com/calendar/v3/calendars")?;
        let events = below(&base, &[&self.calendar_id, "events"]);
        Ok(event.map_or(events.clone(), |event| below(&events, &[event])))
    }

    async fn call(
        &self,
        wire: &Wire,
        token: &str,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<Answer, PushError> {
        let is_event = !url.path().ends_with("/events");
        let call = wire.call(SERVICE, method, url).bearer(token);
        let answer = body.into_iter().fold(call, |call, body| call.json(body)).send().await?;
        match answer.status {
            404 if !is_event => {
                let words = "Google has no such calendar for this account; share it with its mail address";
                Err(PushError::setting("calendar_id", words))
            }
            // Google answers 403 both to a missing right and to too many requests.
            403 if said(&answer.body).to_ascii_lowercase().contains("rate limit") => Err(PushError::Again {
                after: answer.retry_after(),
                reason: "Google Calendar asks to wait (403)".to_owned(),
            }),
            403 => Err(PushError::Credentials {
                reason:
                    "the service account may not change the calendar; share it with its mail address as one who may \
                         make changes to events"
                        .to_owned(),
            }),
            _ => Ok(answer),
        }
    }
}

/// Ids of events have the digits and the letters a to v only.
fn event_id(id: Uuid) -> String {
    format!("aerie{}", id.simple())
}

fn event(one: &Appointment, id: &str, key: &str) -> Value {
    let time = |at: chrono::DateTime<chrono::Utc>| {
        json!({
            "dateTime": at.with_timezone(&one.zone).to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "timeZone": one.zone.name(),
        })
    };
    json!({
        "id": id,
        "status": "confirmed",
        "summary": one.title,
        "description": one.description(),
        "location": one.location,
        "start": time(one.starts_at),
        "end": time(one.ends_at),
        "reminders": { "useDefault": false, "overrides": [{ "method": "popup", "minutes": 30 }] },
        "extendedProperties": { "private": { "aerieKey": key } },
    })
}
