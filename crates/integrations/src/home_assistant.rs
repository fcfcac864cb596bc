//! Home Assistant (REST API): a notification that stays, and one on a telephone where a notify service is named.
//!
//! Both carry an id made of the delivery's key, under which Home Assistant replaces what it shows already.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, KindInfo, PushError, Style, Topic, Wire,
    settings::Problems,
    wire::{Answer, below},
};

const SERVICE: &str = "Home Assistant";

/// Home Assistant in the person's home.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HomeAssistant {
    address: Url,
    token: Secret,
    #[serde(default)]
    notify: String,
}

impl Adapter for HomeAssistant {
    const INFO: KindInfo = KindInfo {
        name: "home_assistant",
        label: "Home Assistant",
        about: "Shows a notification in Home Assistant, and on your telephone if you name its notify service.",
        topics: &[Topic::Jobs, Topic::Appointments, Topic::Digests],
        style: Style::Message { repeatable: true },
        starts_on: true,
        fields: &[
            Field::required(
                "address",
                FieldType::Address,
                "Home Assistant's address, for example http://homeassistant.local:8123",
            ),
            Field::secret("token", FieldType::Text, "a long-lived access token (your profile > security)"),
            Field::optional("notify", FieldType::Text, "a notify service, for example mobile_app_pixel"),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let fits = self.notify.chars().all(plain);
        problems.require(fits, "notify", "is no service; write what follows \"notify.\", for example mobile_app_pixel");
    }
}

#[derive(Deserialize)]
struct Running {
    message: String,
}

#[async_trait]
impl Integration for HomeAssistant {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let running: Running = self.call(wire, Method::GET, &[""], &Value::Null).await?.json()?;
        if self.notify.is_empty() {
            return Ok(running.message);
        }
        let services: Value = self.call(wire, Method::GET, &["services"], &Value::Null).await?.json()?;
        let domains = services.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_there = domains.iter().any(|domain| {
            domain.get("domain").and_then(Value::as_str) == Some("notify")
                && domain.get("services").and_then(|services| services.get(&self.notify)).is_some()
        });
        if !is_there {
            let words =
                format!("Home Assistant has no service notify.{}; look under developer tools > actions", self.notify);
            return Err(PushError::setting("notify", words));
        }
        Ok(format!("{} notify.{} is there", running.message, self.notify))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let id = notification_id(&delivery.key);
        let (title, message) = ("Aerie", delivery.item.message());
        let body = json!({ "title": title, "message": message, "notification_id": id });
        let path = ["services", "persistent_notification", "create"];
        self.call(wire, Method::POST, &path, &body).await?.success()?;
        if !self.notify.is_empty() {
            let body = json!({ "title": title, "message": message, "data": { "tag": id } });
            let answer = self.call(wire, Method::POST, &["services", "notify", &self.notify], &body).await?;
            if matches!(answer.status, 400 | 404) {
                let words = format!(
                    "Home Assistant has no service notify.{}; look under developer tools > actions",
                    self.notify
                );
                return Err(PushError::setting("notify", words));
            }
            answer.success()?;
        }
        Ok(Delivered::new(Effect::Created, id))
    }
}

impl HomeAssistant {
    async fn call(&self, wire: &Wire, method: Method, path: &[&str], body: &Value) -> Result<Answer, PushError> {
        let url = below(&below(&self.address, &["api"]), path);
        let call = wire.call(SERVICE, method, &url).bearer(self.token.reveal());
        let call = if body.is_null() { call } else { call.json(body) };
        call.send().await
    }
}

fn notification_id(key: &str) -> String {
    let plain = key.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' });
    format!("aerie_{}", plain.collect::<String>())
}
