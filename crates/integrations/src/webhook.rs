//! A signed request to an address of one's own.
//!
//! The body is a JSON document. `aerie-signature: t=<seconds>,v1=<hex>` is the HMAC-SHA256 (RFC 2104, FIPS 180-4) of
//! the seconds, a dot and the body under the secret; `aerie-delivery` is the same for every try of one delivery, so
//! that the receiver can leave out what it has already.

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use http::Method;
use ring::hmac;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, Item, KindInfo, PushError, Style, Topic, Wire,
    s3::hex, settings::Problems, wire::stamp,
};

/// Shortest secret, in bytes: shorter ones can be guessed from one signed request.
const LEAST_SECRET_BYTES: usize = 16;

/// A webhook.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    address: Url,
    secret: Secret,
}

impl Adapter for Webhook {
    const INFO: KindInfo = KindInfo {
        name: "webhook",
        label: "Webhook",
        about: "Sends every event as a signed JSON document to an address of your own.",
        topics: &Topic::ALL,
        // The receiver knows a repeated delivery by its id.
        style: Style::Message { repeatable: true },
        starts_on: true,
        fields: &[
            Field::required(
                "address",
                FieldType::Address,
                "the address that takes the events, beginning with https://",
            ),
            Field::secret(
                "secret",
                FieldType::Text,
                "16 characters or more that the receiver knows too, for example of `openssl rand -hex 32`",
            ),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        let long = self.secret.reveal().len() >= LEAST_SECRET_BYTES;
        problems.require(long, "secret", "is shorter than 16 characters; make one with `openssl rand -hex 32`");
    }
}

#[async_trait]
impl Integration for Webhook {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let now = Utc::now();
        self.send(wire, "test", "test", &json!({ "type": "test", "id": "test", "time": stamp(now) })).await?;
        Ok(format!("{} took a test event", self.host()))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let kind = kind(&delivery.item);
        let body = json!({
            "type": kind,
            "id": delivery.key,
            "subject": delivery.subject,
            "time": stamp(delivery.at),
            "data": data(&delivery.item),
        });
        self.send(wire, kind, &delivery.key, &body).await?;
        Ok(Delivered::without_id(Effect::Created))
    }
}

impl Webhook {
    async fn send(&self, wire: &Wire, kind: &str, id: &str, body: &Value) -> Result<(), PushError> {
        let body = body.to_string();
        let signature = signature(self.secret.reveal(), Utc::now().timestamp(), body.as_bytes());
        let call = wire.call("the webhook", Method::POST, &self.address).header("aerie-event", kind);
        let call =
            call.header("aerie-delivery", id).header("idempotency-key", id).header("aerie-signature", &signature);
        let answer = call.body("application/json", body).send().await?;
        // 409 is what a receiver says that has it already.
        if answer.status == 409 { Ok(()) } else { answer.success().map(drop) }
    }

    fn host(&self) -> &str {
        self.address.host_str().unwrap_or("the receiver")
    }
}

/// `t=<seconds>,v1=<hex of the HMAC-SHA256 of "<seconds>.<body>">`.
fn signature(secret: &str, seconds: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    format!("t={seconds},v1={}", hex(context.sign().as_ref()))
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Job(_) => "job.moved",
        Item::Appointment(_) => "appointment.changed",
        Item::Digest(_) => "digest",
        Item::Document(_) => "document",
    }
}

fn data(item: &Item) -> Value {
    match item {
        Item::Job(job) => json!({
            "job_id": job.id,
            "title": job.name.title,
            "company": job.name.company,
            "url": job.name.url,
            "status": job.status,
            "place": job.place,
            "salary": job.salary,
            "source": job.source,
            "score": job.score,
            "move": job.moved,
        }),
        Item::Appointment(one) => json!({
            "appointment_id": one.id,
            "change": one.change,
            "title": one.title,
            "start_time": stamp(one.starts_at),
            "end_time": stamp(one.ends_at),
            "time_zone": one.zone.name(),
            "location": one.location,
            "notes": one.notes,
            "job": one.job,
        }),
        Item::Digest(digest) => json!({ "day": digest.day, "text": digest.text() }),
        Item::Document(document) => json!({
            "name": document.name.as_str(),
            "media_type": document.media_type,
            "content_base64": STANDARD.encode(&document.content),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_other_programs_compute() {
        // printf '%s' '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let signed = signature("0123456789abcdef", 1_700_000_000, br#"{"a":1}"#);
        assert_eq!(signed, SIGNED);
    }

    const SIGNED: &str = "t=1700000000,v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23";
}
