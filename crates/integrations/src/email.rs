//! The daily digest by mail (SMTP, RFC 5321), to the person's own address and nobody else.
//!
//! It begins switched off. The connection is encrypted before the password is sent, from the first byte or by STARTTLS.
//! A mail whose sending broke off after its content was handed over is not sent again by itself.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use lettre::{
    Address, Message,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        extension::ClientId,
    },
};
use serde::Deserialize;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, Item, KindInfo, PushError, Style, Topic, Wire,
    settings::Problems, table::not_taken,
};

/// A mailbox and the server that takes mail for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Email {
    address: String,
    host: String,
    port: u16,
    security: Security,
    user: String,
    password: Secret,
    #[serde(default)]
    certificate: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Security {
    Tls,
    Starttls,
}

impl Adapter for Email {
    const INFO: KindInfo = KindInfo {
        name: "email",
        label: "E-mail digest",
        about: "Sends the daily digest to your own address, over your own mail server. Switch it on when the test succeeds.",
        topics: &[Topic::Digests],
        style: Style::Message { repeatable: false },
        starts_on: false,
        fields: &[
            Field::required("address", FieldType::Text, "your own mail address; nothing is sent to any other"),
            Field::required("host", FieldType::Text, "the server that takes your mail, for example smtp.example.com"),
            Field::optional("port", FieldType::Port, "the server's port: 587 for starttls, 465 for tls").or("587"),
            Field::optional("security", FieldType::Choice(&["starttls", "tls"]), "how the connection is encrypted")
                .or("starttls"),
            Field::required("user", FieldType::Text, "the user that the password belongs to, often the address"),
            Field::secret("password", FieldType::Text, "the password, best one for this app alone"),
            Field::optional(
                "certificate",
                FieldType::Document,
                "certificate (PEM) of a server of your own that the system does not trust",
            ),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        let fits = self.address.parse::<Address>().is_ok();
        problems.require(fits, "address", "is no mail address; write one such as robin@example.com");
        let plain = |character: char| character.is_ascii_alphanumeric() || ".-:".contains(character);
        problems.require(self.host.chars().all(plain), "host", "is no host; write a name such as smtp.example.com");
        if !self.certificate.is_empty() {
            let fits = Certificate::from_pem(self.certificate.as_bytes()).is_ok();
            problems.require(fits, "certificate", "is no certificate; give a PEM file as it is");
        }
    }
}

#[async_trait]
impl Integration for Email {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let mut connection = self.connect(wire).await?;
        // The answer to the farewell says nothing about sending.
        let _ = connection.quit().await;
        Ok(format!("{} accepts the password; the digest goes to {}", self.host, self.address))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let Item::Digest(digest) = &delivery.item else { return Err(not_taken(&delivery.item)) };
        let subject = delivery.item.headline();
        let id = format!("<{}@aerie>", delivery.key.replace(|character: char| !character.is_ascii_alphanumeric(), "-"));
        let message = self.message(&subject, &digest.text(), &id, delivery.at)?;
        let mut connection = self.connect(wire).await?;
        match connection.send(message.envelope(), &message.formatted()).await {
            Ok(_) => {
                let _ = connection.quit().await;
                Ok(Delivered::new(Effect::Created, id))
            }
            Err(error) => Err(self.unsent(&error)),
        }
    }
}

impl Email {
    fn message(&self, subject: &str, text: &str, id: &str, at: DateTime<Utc>) -> Result<Message, PushError> {
        let own = Mailbox::new(None, self.own_address()?);
        Message::builder()
            .from(Mailbox::new(Some("Aerie".to_owned()), own.email.clone()))
            .to(own)
            .subject(subject)
            .message_id(Some(id.to_owned()))
            .date(at.into())
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())
            .map_err(|error| PushError::refused(format!("the digest cannot be written as a mail: {error}")))
    }

    fn own_address(&self) -> Result<Address, PushError> {
        self.address.parse().map_err(|_| PushError::setting("address", "is no mail address"))
    }

    /// A connection that is encrypted and logged in.
    async fn connect(&self, wire: &Wire) -> Result<AsyncSmtpConnection, PushError> {
        let addresses = wire.addresses(&self.host, self.port).await?;
        let tls = self.tls()?;
        let name = ClientId::default();
        let at_once = (self.security == Security::Tls).then(|| tls.clone());
        let connecting =
            AsyncSmtpConnection::connect_tokio1(addresses.as_slice(), Some(wire.timeout()), &name, at_once, None);
        let mut connection = connecting.await.map_err(|error| self.unreached(&error))?;
        if self.security == Security::Starttls {
            if !connection.can_starttls() {
                let words = "the server offers no STARTTLS on this port; use port 465 with security tls";
                return Err(PushError::setting("security", words));
            }
            connection.starttls(tls, &name).await.map_err(|error| self.unreached(&error))?;
        }
        let credentials = Credentials::new(self.user.clone(), self.password.reveal().to_owned());
        match connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await {
            Ok(_) => Ok(connection),
            Err(error) if error.is_permanent() => Err(PushError::Credentials {
                reason: format!("{} does not accept the user and password; enter them again", self.host),
            }),
            Err(error) if error.is_client() => Err(PushError::setting(
                "port",
                "the server takes no password here; use the port for sending, often 587",
            )),
            Err(error) => Err(self.unreached(&error)),
        }
    }

    fn tls(&self) -> Result<TlsParameters, PushError> {
        let wrong = |error: Error| PushError::setting("certificate", format!("cannot be used: {error}"));
        let mut builder = TlsParameters::builder(self.host.clone());
        if !self.certificate.is_empty() {
            builder = builder.add_root_certificate(Certificate::from_pem(self.certificate.as_bytes()).map_err(wrong)?);
        }
        builder.build_rustls().map_err(wrong)
    }

    /// Nothing was sent yet.
    fn unreached(&self, error: &Error) -> PushError {
        PushError::again(format!("{}:{} could not be reached: {}", self.host, self.port, causes(error)))
    }

    /// The server refused the mail, or the connection broke.
    fn unsent(&self, error: &Error) -> PushError {
        let reason = format!("{} did not take the mail: {}", self.host, causes(error));
        match error {
            error if error.is_permanent() => PushError::Refused { reason },
            error if error.is_transient() => PushError::again(reason),
            _ => PushError::Uncertain { reason },
        }
    }
}

fn causes(error: &Error) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.iter().any(|known| known.contains(&text)) {
            words.push(text);
        }
        cause = error.source();
    }
    words.join(": ").chars().filter(|character| !character.is_control()).take(300).collect()
}
