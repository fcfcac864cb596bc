//! Discord: a message over a channel's webhook (API v10).
//!
//! A webhook cannot read the channel, so a message whose sending broke off is not sent again by itself.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, KindInfo, PushError, Style, Topic, Wire,
    settings::Problems, wire::Answer,
};

const SERVICE: &str = "Discord";
const HOSTS: [&str; 4] = ["discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"];

/// Longest message, in characters.
const MOST_TEXT: usize = 2_000;

/// Links are shown without a preview (flag of a message).
const SUPPRESS_EMBEDS: u32 = 1 << 2;

/// A webhook of a channel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discord {
    webhook: Secret,
}

impl Adapter for Discord {
    const INFO: KindInfo = KindInfo {
        name: "discord",
        label: "Discord",
        about: "Writes into a channel over its webhook.",
        topics: &[Topic::Jobs, Topic::Appointments, Topic::Digests],
        style: Style::Message { repeatable: false },
        starts_on: true,
        fields: &[Field::secret(
            "webhook",
            FieldType::Text,
            "the webhook's address (channel settings > integrations > webhooks > copy URL)",
        )],
    };

    fn check(&self, problems: &mut Problems) {
        let fits = self.address().is_some();
        let words = "is no webhook of Discord; copy it whole, it begins with https://discord.com/api/webhooks/";
        problems.require(fits, "webhook", words);
    }
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    id: String,
}

#[async_trait]
impl Integration for Discord {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let answer = wire.call(SERVICE, Method::GET, &self.checked()?).send().await?;
        let name = explained(answer)?.json::<Named>()?.name.unwrap_or_default();
        Ok(format!("the webhook {name:?} is there"))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let mut url = self.checked()?;
        url.query_pairs_mut().append_pair("wait", "true");
        let body = json!({
            "content": delivery.item.message().chars().take(MOST_TEXT).collect::<String>(),
            // Nobody is called, whatever stands in a title.
            "allowed_mentions": { "parse": [] },
            "flags": SUPPRESS_EMBEDS,
        });
        let answer = wire.call(SERVICE, Method::POST, &url).json(&body).send().await?;
        Ok(Delivered::new(Effect::Created, explained(answer)?.json::<Message>()?.id))
    }
}

impl Discord {
    fn address(&self) -> Option<Url> {
        let mut url = Url::parse(self.webhook.reveal()).ok()?;
        url.set_query(None);
        let path: Vec<&str> = url.path_segments()?.filter(|segment| !segment.is_empty()).collect();
        let is_webhook = path.iter().position(|segment| *segment == "webhooks").is_some_and(|at| path.len() == at + 3);
        let is_host = url.host_str().is_some_and(|host| HOSTS.contains(&host)) && url.scheme() == "https";
        (is_webhook && is_host).then_some(url)
    }

    fn checked(&self) -> Result<Url, PushError> {
        self.address().ok_or_else(|| PushError::setting("webhook", "is no webhook of Discord"))
    }
}

fn explained(answer: Answer) -> Result<Answer, PushError> {
    if answer.status == 404 {
        let reason = "Discord knows no such webhook; it was deleted: make a new one and enter its address".to_owned();
        return Err(PushError::Credentials { reason });
    }
    answer.success()
}
