//! Slack (Web API): a message in a channel. The delivery's key stands in the message's metadata, so that a message that
//! is there already is found before another one is sent.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, KindInfo, PushError, Style, Topic, Wire,
    wire::known,
};

const SERVICE: &str = "Slack";

/// Type of the metadata.
const EVENT_TYPE: &str = "aerie_delivery";

/// Longest message, in characters; Slack cuts longer ones.
const MOST_TEXT: usize = 3_900;

/// A channel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Slack {
    token: Secret,
    channel: String,
}

impl Adapter for Slack {
    const INFO: KindInfo = KindInfo {
        name: "slack",
        label: "Slack",
        about: "Writes into a channel. The app needs the scopes chat:write and channels:history (groups:history for a \
                private channel) and must be invited to the channel.",
        topics: &[Topic::Jobs, Topic::Appointments, Topic::Digests],
        style: Style::Message { repeatable: true },
        starts_on: true,
        fields: &[
            Field::secret("token", FieldType::Text, "the bot token of your app, which begins with xoxb-"),
            Field::required("channel", FieldType::Text, "the channel's id, at the end of its details (C0123456789)"),
        ],
    };
}

#[derive(Deserialize)]
struct Said {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    ts: String,
    #[serde(default)]
    team: String,
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    ts: String,
    #[serde(default)]
    metadata: Value,
}

#[async_trait]
impl Integration for Slack {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let team = self.ask(wire, "auth.test", &json!({})).await?.team;
        self.history(wire, 1).await?;
        Ok(format!("the token is good for {team:?} and the channel can be read"))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let key = Some(delivery.key.as_str());
        let is_ours = |message: &Message| message.metadata.pointer("/event_payload/key").and_then(Value::as_str) == key;
        if let Some(found) = self.history(wire, 100).await?.into_iter().find(is_ours) {
            return Ok(Delivered::new(Effect::Unchanged, found.ts));
        }
        let body = json!({
            "channel": self.channel,
            "text": escaped(&delivery.item.message()),
            "mrkdwn": false,
            "unfurl_links": false,
            "metadata": { "event_type": EVENT_TYPE, "event_payload": { "key": delivery.key } },
        });
        let sent = self.ask(wire, "chat.postMessage", &body).await?;
        Ok(Delivered::new(Effect::Created, sent.ts))
    }
}

impl Slack {
    async fn history(&self, wire: &Wire, limit: u32) -> Result<Vec<Message>, PushError> {
        let body = json!({ "channel": self.channel, "limit": limit, "include_all_metadata": true });
        Ok(self.ask(wire, "conversations.history", &body).await?.messages)
    }

    /// Slack answers 200 to mistakes, too.
    async fn ask(&self, wire: &Wire, method: &str, body: &Value) -> Result<Said, PushError> {
        let url = known(&format!("https://slack.com/api/{method}"))?;
        let call = wire.call(SERVICE, Method::POST, &url).bearer(self.token.reveal());
        let bytes = serde_json::to_vec(body).map_err(|error| PushError::refused(error.to_string()))?;
        let said: Said = call.body("application/json; charset=utf-8", bytes).send().await?.json()?;
        if said.ok {
            return Ok(said);
        }
        let error = said.error;
        Err(match error.as_str() {
            "channel_not_found" | "not_in_channel" | "is_archived" => PushError::setting(
                "channel",
                format!("Slack says {error}; write the channel's id and invite the app (/invite @app)"),
            ),
            "missing_scope" | "not_allowed_token_type" => PushError::Credentials {
                reason: format!(
                    "Slack says {error}: add the scopes chat:write and channels:history and install the app anew"
                ),
            },
            "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
                PushError::Credentials { reason: format!("Slack says {error}; enter the bot token again") }
            }
            "ratelimited" | "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
                PushError::again(format!("Slack says {error}"))
            }
            _ => PushError::refused(format!("Slack says {}", error.chars().take(80).collect::<String>())),
        })
    }
}

/// Text in which nothing is a mention or a link of its own (Slack's three characters).
fn escaped(text: &str) -> String {
    let text: String = text.chars().take(MOST_TEXT).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
