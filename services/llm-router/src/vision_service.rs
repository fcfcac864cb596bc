//! The earlier vision server: `POST /analyze {prompt, image_base64}` answers `{text}`; `GET /health` says whether its
//! model is loaded. One picture a call, so that a question about several is several calls.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use crate::{
    answer::{Completion, Embeddings},
    backend::{Backend, Hop, Pieces},
    chat::{ChatRequest, EmbedRequest, Image, ImageSource},
    fault::{Fault, FaultKind, Stage},
    http_backend::no_answer,
    image_fetch::ImageFetcher,
    json::JsonWriter,
    picture_question::{PictureQuestion, joined},
    transport::{Limits, Outgoing, Transport},
    wire::failure_of,
};

/// Most of an answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// In messages.
const PROVIDER: &str = "the vision server";

/// The earlier vision server.
#[derive(Debug)]
pub struct VisionService {
    transport: Transport,
    fetcher: ImageFetcher,
}

#[derive(Deserialize)]
struct Analysis {
    text: String,
}

#[derive(Deserialize)]
struct Health {
    #[serde(default)]
    status: String,
    #[serde(default)]
    model: String,
}

impl VisionService {
    /// A backend; pictures that are given by address are fetched first.
    #[must_use]
    pub fn new(transport: Transport, fetcher: ImageFetcher) -> Self {
        Self { transport, fetcher }
    }

    async fn send(&self, path: &str, body: Vec<Bytes>, hop: &Hop) -> Result<Bytes, Fault> {
        let now = Instant::now();
        let method = if body.is_empty() { Method::GET } else { Method::POST };
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let outgoing = Outgoing { method, path: path.into(), headers: Cow::Owned(headers), body };
        let limits = Limits { connect: hop.connect, headers: hop.deadline.min(now + hop.headers) };
        let is_total = hop.deadline <= now + hop.headers;
        let mut answer = self.transport.send(outgoing, limits).await.map_err(|error| no_answer(error, is_total))?;
        let body = match timeout_at(hop.deadline, answer.bytes(MAX_ANSWER_BYTES)).await {
            Ok(body) => body.map_err(|error| Fault::new(FaultKind::Malformed, error.to_string()))?,
            Err(_) => return Err(Fault::new(FaultKind::Timeout(Stage::Total), "the answer did not end in time")),
        };
        if answer.status.is_success() { Ok(body) } else { Err(failure_of(PROVIDER, answer.status, &body)) }
    }

    async fn look(&self, question: &str, image: &Image, hop: &Hop) -> Result<String, Fault> {
        let source = match &image.source {
            ImageSource::Url(url) => Cow::Owned(self.fetcher.fetch(url, hop.deadline).await?),
            source => Cow::Borrowed(source),
        };
        let mut json = JsonWriter::with_capacity(question.len() + 64);
        json.open_object();
        json.key("prompt");
        json.string(question);
        json.key("image_base64");
        match &*source {
            ImageSource::Base64 { data, .. } => json.string_with_shared("", data),
            ImageSource::Bytes { data, .. } => json.string_with_base64("", data),
            // It was fetched.
            ImageSource::Url(_) => json.null(),
        }
        json.close_object();
        let body = self.send("/analyze", json.finish(), hop).await?;
        read::<Analysis>(&body).map(|analysis| analysis.text)
    }

    async fn health(&self, hop: &Hop) -> Result<Health, Fault> {
        let health: Health = read(&self.send("/health", Vec::new(), hop).await?)?;
        match health.status.as_str() {
            "loading" => Err(Fault::new(FaultKind::Unavailable, format!("{PROVIDER} is still loading its model"))),
            _ => Ok(health),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body)
        .map_err(|error| Fault::new(FaultKind::Malformed, format!("{PROVIDER}'s answer cannot be read: {error}")))
}

#[async_trait::async_trait]
impl Backend for VisionService {
    async fn complete(&self, request: &ChatRequest, hop: &Hop) -> Result<Completion, Fault> {
        let question = PictureQuestion::of(request)?;
        let mut answers = Vec::with_capacity(question.images.len());
        // It answers one at a time anyway.
        for image in &question.images {
            answers.push(self.look(&question.text, image, hop).await?);
        }
        Ok(joined(hop.model.clone(), answers))
    }

    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        let completion = self.complete(request, hop).await?;
        Ok(Box::pin(futures::stream::iter(completion.into_pieces().map(Ok))))
    }

    async fn embed(&self, _: &EmbedRequest, _: &Hop) -> Result<Embeddings, Fault> {
        Err(Fault::new(FaultKind::Unsupported, format!("{PROVIDER} makes no vectors")))
    }

    async fn models(&self, hop: &Hop) -> Result<Vec<String>, Fault> {
        let health = self.health(hop).await?;
        Ok(vec![if health.model.is_empty() { "vision".to_owned() } else { health.model }])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use aerie_network::AddressGuard;
    use aerie_testkit::llm::{LlmServer, Reply};
    use futures::StreamExt;
    use serde_json::json;

    use super::*;
    use crate::{
        answer::Piece,
        chat::{MediaType, Message, Part, Role},
        transport::Tls,
    };

    fn backend(server: &LlmServer) -> VisionService {
        let tls = Tls::of_system();
        let transport = Transport::new(&server.base_url(), &tls).unwrap();
        let guard = AddressGuard::new([server.address().to_string().as_str()]);
        VisionService::new(transport, ImageFetcher::new(tls, guard))
    }

    fn hop() -> Hop {
        let (connect, headers) = (Duration::from_secs(5), Duration::from_secs(5));
        let deadline = Instant::now() + Duration::from_secs(10);
        Hop {
            model: "moondream2".into(),
            key: None,
            connect,
            headers,
            deadline,
            person: String::new(),
            trace: HeaderMap::new(),
        }
    }

    fn question(sources: Vec<ImageSource>) -> ChatRequest {
        let images = sources.into_iter().map(|source| Part::Image(Image { source, detail: None }));
        let parts = images.chain([Part::Text("What is it?".into())]).collect();
        let messages = vec![Message::text(Role::System, "Be terse."), Message { role: Role::User, parts }];
        ChatRequest { messages, ..ChatRequest::default() }
    }

    #[tokio::test]
    async fn every_picture_is_looked_at_and_the_instruction_is_not_lost() {
        let server = LlmServer::start().await.unwrap();
        server.on("/analyze", Reply::json(&json!({"text": "a cat"})));
        server.on("/analyze", Reply::json(&json!({"text": "a dog"})));
        server.on("/dog.jpg", Reply::status(200).bytes(&b"\xff\xd8\xff\xe0"[..]));
        let request = question(vec![
            ImageSource::Base64 { media_type: MediaType::Png, data: Bytes::from_static(b"iVBORw0KGgo=") },
            ImageSource::Url(format!("{}/dog.jpg", server.base_url())),
        ]);
        let pieces: Vec<_> = backend(&server).stream(&request, &hop()).await.unwrap().collect().await;
        assert!(pieces.contains(&Ok(Piece::Content("Image 1: a cat\n\nImage 2: a dog".into()))), "{pieces:?}");
        let received = server.received();
        let bodies = [&received[0], &received[2]].map(|request| request.json());
        assert_eq!(bodies[0], json!({"prompt": "Be terse.\n\nWhat is it?", "image_base64": "iVBORw0KGgo="}));
        assert_eq!(bodies[1]["image_base64"], "/9j/4A==");
    }

    #[tokio::test]
    async fn its_errors_and_its_health_are_understood() {
        let server = LlmServer::start().await.unwrap();
        server.on("/health", Reply::json(&json!({"status": "loading", "model": "moondream2", "loaded": false})));
        server.on("/health", Reply::json(&json!({"status": "ok", "model": "moondream2", "loaded": true})));
        server.on("/analyze", Reply::error(400, &json!({"detail": "cannot decode the image"})));
        server.on("/analyze", Reply::status(200).bytes("nonsense"));
        let backend = backend(&server);
        assert_eq!(backend.models(&hop()).await.unwrap_err().kind, FaultKind::Unavailable);
        assert_eq!(backend.models(&hop()).await.unwrap(), ["moondream2"]);
        let data = Bytes::from_static(b"\x89PNG");
        let request = question(vec![ImageSource::Bytes { media_type: MediaType::Png, data }]);
        let fault = backend.complete(&request, &hop()).await.unwrap_err();
        assert_eq!((fault.kind, fault.status), (FaultKind::Caller, Some(400)));
        assert!(fault.message.contains("cannot decode the image"), "{fault}");
        assert_eq!(backend.complete(&request, &hop()).await.unwrap_err().kind, FaultKind::Malformed);
        let without = ChatRequest { messages: vec![Message::text(Role::User, "hi")], ..ChatRequest::default() };
        assert_eq!(backend.complete(&without, &hop()).await.unwrap_err().kind, FaultKind::Unsupported);
    }
}
