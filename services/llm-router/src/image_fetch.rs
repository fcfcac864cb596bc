//! Fetching pictures for backends that take pictures but no addresses of pictures.
//!
//! Who asks chooses the address, so that it may not lead into the network that the router runs in; what comes is
//! bounded in size and time and must be a picture.

use std::{borrow::Cow, sync::Arc, time::Duration};

use aerie_network::AddressGuard;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    chat::{ChatRequest, Image, ImageSource, MediaType, Part},
    fault::{Fault, FaultKind},
    transport::{BadAddress, BodyError, Limits, Outgoing, Tls, Transport},
};

/// Largest picture, in bytes.
pub const MAX_IMAGE_BYTES: usize = 20 << 20;
/// Longest time for one picture, redirects included.
const LONGEST: Duration = Duration::from_secs(20);
/// Longest time for one connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Most redirects that are followed.
const MOST_REDIRECTS: usize = 3;
/// Most pictures of one question.
const MOST_IMAGES: usize = 16;

/// Fetches pictures.
#[derive(Debug, Clone)]
pub struct ImageFetcher {
    tls: Tls,
    guard: Arc<AddressGuard>,
}

impl ImageFetcher {
    /// A fetcher that goes where the guard permits.
    #[must_use]
    pub fn new(tls: Tls, guard: AddressGuard) -> Self {
        Self { tls, guard: Arc::new(guard) }
    }

    /// The question with all its pictures at hand; none when they already are.
    ///
    /// # Errors
    /// [`FaultKind::Caller`] for an address that may not be fetched, that gives no picture, or one too large.
    pub async fn with_pictures(&self, request: &ChatRequest, deadline: Instant) -> Result<Option<ChatRequest>, Fault> {
        let is_elsewhere = |image: &Image| matches!(image.source, ImageSource::Url(_));
        match request.images().filter(|image| is_elsewhere(image)).count() {
            0 => return Ok(None),
            count if count > MOST_IMAGES => {
                let message = format!("{count} pictures are given by address; at most {MOST_IMAGES} are fetched");
                return Err(Fault::new(FaultKind::Caller, message));
            }
            _ => {}
        }
        let mut request = request.clone();
        for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
            let Part::Image(image) = part else { continue };
            if let ImageSource::Url(url) = &image.source {
                image.source = self.fetch(url, deadline).await?;
            }
        }
        Ok(Some(request))
    }

    /// Fetches one picture.
    ///
    /// # Errors
    /// As [`ImageFetcher::with_pictures`].
    pub async fn fetch(&self, address: &str, deadline: Instant) -> Result<ImageSource, Fault> {
        let deadline = deadline.min(Instant::now() + LONGEST);
        match timeout_at(deadline, self.follow(address, deadline)).await {
            Ok(result) => result.map_err(|reason| refused(address, &reason)),
            Err(_) => Err(refused(address, "it did not come in time")),
        }
    }

    async fn follow(&self, address: &str, deadline: Instant) -> Result<ImageSource, String> {
        let mut url = Url::parse(address).map_err(|error| error.to_string())?;
        for _ in 0..=MOST_REDIRECTS {
            match self.step(&url, deadline).await? {
                Step::Picture(source) => return Ok(source),
                Step::Elsewhere(next) => url = url.join(&next).map_err(|error| error.to_string())?,
            }
        }
        Err(format!("it leads on more than {MOST_REDIRECTS} times"))
    }

    /// A way to a server that leads into no private network, whatever its name resolves to.
    fn transport(&self, origin: &str) -> Result<Transport, BadAddress> {
        Transport::guarded(origin, &self.tls, Arc::clone(&self.guard))
    }

    async fn step(&self, url: &Url, deadline: Instant) -> Result<Step, String> {
        self.guard.check_url(url).map_err(|refused| refused.to_string())?;
        let transport = self.transport(&url.origin().ascii_serialization()).map_err(|bad| bad.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("image/png,image/jpeg,image/webp,image/gif"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("aerie/", env!("CARGO_PKG_VERSION"))));
        let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        let outgoing =
            Outgoing { method: Method::GET, path: path.into(), headers: Cow::Owned(headers), body: Vec::new() };
        let limits = Limits { connect: CONNECT, headers: deadline };
        let mut answer = transport.send(outgoing, limits).await.map_err(|error| error.to_string())?;
        if answer.status.is_redirection() {
            let next = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            return next.map(|next| Step::Elsewhere(next.to_owned())).ok_or_else(|| "it leads nowhere".to_owned());
        }
        if !answer.status.is_success() {
            return Err(format!("its server answered {}", answer.status.as_u16()));
        }
        let data = answer.bytes(MAX_IMAGE_BYTES).await.map_err(|error| match error {
            BodyError::TooLong(most) => format!("it is larger than {} MiB", most >> 20),
            broken => broken.to_string(),
        })?;
        picture(data).map(Step::Picture)
    }
}

enum Step {
    Picture(ImageSource),
    Elsewhere(String),
}

fn picture(data: Bytes) -> Result<ImageSource, String> {
    let media_type = MediaType::sniff(&data).ok_or("what came is not a PNG, JPEG, GIF or WebP file")?;
    Ok(ImageSource::Bytes { media_type, data })
}

fn refused(address: &str, reason: &str) -> Fault {
    let shown: String = address.chars().take(200).collect();
    Fault::new(
        FaultKind::Caller,
        format!("the picture at {shown} cannot be fetched: {reason}; send the picture itself"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_testkit::llm::{LlmServer, Reply};

    use super::*;
    use crate::chat::{Message, Role};

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    fn fetcher(allowed: &[String]) -> ImageFetcher {
        ImageFetcher::new(Tls::of_system(), AddressGuard::new(allowed.iter().map(String::as_str)))
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    fn image(reply: Reply) -> Reply {
        reply.header("content-type", "text/html")
    }

    #[tokio::test]
    async fn pictures_are_fetched_over_redirects_and_known_by_their_bytes() {
        let server = LlmServer::start().await.unwrap();
        server.on("/a.png", Reply::status(302).header("location", "/b?x=1"));
        server.on("/b", image(Reply::status(200).bytes(PNG)));
        let fetcher = fetcher(&[server.address().to_string()]);
        let source = ImageSource::Url(format!("{}/a.png", server.base_url()));
        let parts = vec![Part::Image(Image { source, detail: None })];
        let request = ChatRequest { messages: vec![Message { role: Role::User, parts }], ..ChatRequest::default() };
        let with = fetcher.with_pictures(&request, soon()).await.unwrap().unwrap();
        let sources: Vec<&ImageSource> = with.images().map(|image| &image.source).collect();
        assert!(
            matches!(sources.as_slice(), [ImageSource::Bytes { media_type: MediaType::Png, data }] if &data[..] == PNG)
        );
        assert_eq!(server.received()[1].path, "/b?x=1");
        assert!(fetcher.with_pictures(&with, soon()).await.unwrap().is_none(), "they are at hand");
    }

    #[tokio::test]
    async fn private_addresses_are_refused_at_once_and_behind_redirects() {
        let server = LlmServer::start().await.unwrap();
        server.on("/", Reply::status(302).header("location", "https://127.0.0.1/secret"));
        let allowed = fetcher(&[server.address().to_string()]);
        let guarded = fetcher(&[]);
        let base = server.base_url();
        for (fetcher, address, reason) in [
            (&guarded, base.as_str(), "is not https"),
            (&guarded, "https://127.0.0.1/x", "private network"),
            (&guarded, "https://[::1]/x", "private network"),
            (&guarded, "https://metadata.google.internal/x", "private network"),
            (&guarded, "https://user:pass@example.org/x", "user name"),
            (&guarded, "nonsense", "relative URL"),
            (&allowed, base.as_str(), "private network"),
        ] {
            let fault = fetcher.fetch(address, soon()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Caller);
            assert!(fault.message.contains(reason), "{fault}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_into_the_private_network_is_not_connected_to() {
        // The name itself looks harmless; what it resolves to is what counts.
        let transport = fetcher(&[]).transport("http://localhost:1").unwrap();
        let outgoing = Outgoing { method: Method::GET, path: "/".into(), headers: Cow::default(), body: Vec::new() };
        let error = transport.send(outgoing, Limits { connect: CONNECT, headers: soon() }).await.unwrap_err();
        assert!(error.to_string().contains("private network"), "{error}");
    }

    #[tokio::test]
    async fn what_is_no_picture_too_large_or_endless_is_refused() {
        let server = LlmServer::start().await.unwrap();
        server.on("/page", Reply::status(200).bytes("<html>"));
        server.on("/gone", Reply::status(404));
        server.on("/loop", Reply::status(302).header("location", "/loop"));
        let long = vec![0x89u8; 1 << 20];
        server.on("/large", (0..21).fold(Reply::status(200), |reply, _| reply.bytes(long.clone())));
        let fetcher = fetcher(&[server.address().to_string()]);
        for (path, reason) in [
            ("page", "not a PNG"),
            ("gone", "answered 404"),
            ("loop", "more than 3 times"),
            ("large", "larger than 20 MiB"),
        ] {
            let fault = fetcher.fetch(&format!("{}/{path}", server.base_url()), soon()).await.unwrap_err();
            assert!(fault.message.contains(reason), "{fault}");
        }
        let loops = server.received().iter().filter(|request| request.path == "/loop").count();
        assert_eq!(loops, 1 + MOST_REDIRECTS);
    }

    #[tokio::test]
    async fn a_picture_that_does_not_come_is_given_up_in_time() {
        let server = LlmServer::start().await.unwrap();
        server.on("/slow", Reply::silent());
        let fetcher = fetcher(&[server.address().to_string()]);
        let deadline = Instant::now() + Duration::from_millis(30);
        let fault = fetcher.fetch(&format!("{}/slow", server.base_url()), deadline).await.unwrap_err();
        assert!(fault.message.contains("in time"), "{fault}");
        server.wait_for_drops(1).await;
    }
}
