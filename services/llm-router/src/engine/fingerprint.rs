//! One number for "exactly the same question by the same person".

use ring::digest::{Context, Digest, SHA256};

use crate::{
    call::Call,
    chat::{ChatRequest, Image, ImageSource, Message, OutputFormat, Part, Schema, Tool, ToolCall, ToolChoice},
};

/// A question's fingerprint. A collision would show one person another's answer, hence a cryptographic digest.
pub(crate) type Fingerprint = [u8; 32];

/// The fingerprint of a question. Who asks, the chain and what may be asked are part of it; the deadline is not.
pub(crate) fn of(request: &ChatRequest, call: &Call) -> Fingerprint {
    let mut print = Print(Context::new(&SHA256));
    print.text(&call.person);
    print.text(&call.chain);
    print.list(&call.backends, |print, name| print.text(name));
    print.optional(call.model.as_deref(), |print, model| print.text(model));
    print.number(u64::from(call.consent.local_only));
    print.optional(call.consent.acknowledged.as_ref(), |print, names| {
        print.list(names, |print, name| print.text(name));
    });
    print.list(&request.messages, Print::message);
    print.list(&request.tools, Print::tool);
    print.choice(&request.tool_choice);
    print.optional(request.parallel_tool_calls, |print, parallel| print.number(u64::from(parallel)));
    print.output(&request.output);
    print.sampling(request);
    let mut fingerprint = Fingerprint::default();
    let digest: Digest = print.0.finish();
    fingerprint.copy_from_slice(digest.as_ref());
    fingerprint
}

/// Every value goes in with its length or kind first, so that no two questions run into the same bytes.
struct Print(Context);

impl Print {
    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A value of a kind: the kind's number, then its texts.
    fn kind(&mut self, number: u64, texts: &[&str]) {
        self.number(number);
        texts.iter().for_each(|text| self.text(text));
    }

    fn list<T>(&mut self, list: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(list.len() as u64);
        list.iter().for_each(|item| each(self, item));
    }

    fn optional<T>(&mut self, value: Option<T>, each: impl FnOnce(&mut Self, T)) {
        self.number(u64::from(value.is_some()));
        if let Some(value) = value {
            each(self, value);
        }
    }

    fn message(&mut self, message: &Message) {
        self.number(message.role as u64);
        self.list(&message.parts, |print, part| match part {
            Part::Text(text) => print.kind(0, &[text]),
            Part::Image(image) => print.image(image),
            Part::ToolCall(ToolCall { id, name, arguments }) => print.kind(2, &[id, name, arguments]),
            Part::ToolResult { call_id, text } => print.kind(3, &[call_id, text]),
        });
    }

    fn image(&mut self, image: &Image) {
        self.number(1);
        match &image.source {
            ImageSource::Url(url) => self.kind(0, &[url]),
            ImageSource::Base64 { data, .. } => {
                self.number(1);
                self.bytes(data);
            }
            ImageSource::Bytes { data, .. } => {
                self.number(2);
                self.bytes(data);
            }
        }
        self.optional(image.detail.as_deref(), |print, detail| print.text(detail));
    }

    fn tool(&mut self, tool: &Tool) {
        self.text(&tool.name);
        self.optional(tool.description.as_deref(), |print, description| print.text(description));
        self.optional(tool.parameters.as_ref(), Self::schema);
        self.optional(tool.strict, |print, strict| print.number(u64::from(strict)));
    }

    fn schema(&mut self, schema: &Schema) {
        self.text(schema.json());
    }

    fn choice(&mut self, choice: &ToolChoice) {
        match choice {
            ToolChoice::Auto => self.number(0),
            ToolChoice::None => self.number(1),
            ToolChoice::Required => self.number(2),
            ToolChoice::Function(name) => self.kind(3, &[name]),
        }
    }

    fn output(&mut self, output: &OutputFormat) {
        match output {
            OutputFormat::Text => self.number(0),
            OutputFormat::JsonObject => self.number(1),
            OutputFormat::Schema { name, schema, strict } => {
                self.kind(2, &[name, schema.json()]);
                self.number(u64::from(*strict));
            }
        }
    }

    fn sampling(&mut self, request: &ChatRequest) {
        let sampling = &request.sampling;
        let fractions = [sampling.temperature, sampling.top_p, sampling.frequency_penalty, sampling.presence_penalty];
        for fraction in fractions {
            self.optional(fraction, |print, fraction| print.number(u64::from(fraction.to_bits())));
        }
        self.optional(sampling.max_tokens, |print, tokens| print.number(u64::from(tokens)));
        self.list(&sampling.stop, |print, stop| print.text(stop));
        self.optional(sampling.seed, |print, seed| print.number(seed as u64));
        self.optional(request.reasoning_effort, |print, effort| print.number(effort as u64));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{
        call::Consent,
        chat::{MediaType, ReasoningEffort, Role, Sampling},
    };

    fn said(text: &str) -> ChatRequest {
        ChatRequest { messages: vec![Message::text(Role::User, text)], ..ChatRequest::default() }
    }

    #[test]
    fn every_difference_that_can_change_the_answer_changes_it() {
        let call = Call::default();
        let base = of(&said("a"), &call);
        assert_eq!(base, of(&said("a"), &Call { deadline: Some(tokio::time::Instant::now()), ..Call::default() }));
        let mut split = said("");
        split.messages.push(Message::text(Role::User, "a"));
        let schema = |json: &str| Schema::parse(json).unwrap();
        let document = |json: &str, strict| OutputFormat::Schema { name: "d".into(), schema: schema(json), strict };
        let tool = |name: &str| Tool { name: name.into(), description: None, parameters: None, strict: None };
        let picture = |data: &'static [u8]| {
            let source = ImageSource::Bytes { media_type: MediaType::Png, data: data.into() };
            Part::Image(Image { source, detail: None })
        };
        let elsewhere = Part::Image(Image { source: ImageSource::Url("https://a/b.png".into()), detail: None });
        let with = |part| {
            let mut request = said("a");
            request.messages[0].parts.push(part);
            request
        };
        let sampled = |change: fn(&mut Sampling)| {
            let mut request = said("a");
            change(&mut request.sampling);
            request
        };
        let requests = [
            said("b"),
            split,
            with(picture(b"1")),
            with(picture(b"2")),
            with(elsewhere),
            with(Part::ToolResult { call_id: "c".into(), text: "t".into() }),
            ChatRequest { output: OutputFormat::JsonObject, ..said("a") },
            ChatRequest { output: document("{}", false), ..said("a") },
            ChatRequest { output: document("{}", true), ..said("a") },
            ChatRequest { output: document("[]", false), ..said("a") },
            ChatRequest { tools: vec![tool("f")], ..said("a") },
            ChatRequest { tools: vec![tool("g")], ..said("a") },
            ChatRequest { tools: vec![Tool { parameters: Some(schema("{}")), ..tool("f") }], ..said("a") },
            ChatRequest { tool_choice: ToolChoice::Required, ..said("a") },
            ChatRequest { tool_choice: ToolChoice::Function("f".into()), ..said("a") },
            ChatRequest { parallel_tool_calls: Some(false), ..said("a") },
            ChatRequest { reasoning_effort: Some(ReasoningEffort::Low), ..said("a") },
            sampled(|sampling| sampling.temperature = Some(0.5)),
            sampled(|sampling| sampling.top_p = Some(0.5)),
            sampled(|sampling| sampling.max_tokens = Some(5)),
            sampled(|sampling| sampling.stop = vec!["x".into()]),
            sampled(|sampling| sampling.seed = Some(5)),
        ];
        let consent = |local_only, acknowledged| Consent { local_only, acknowledged, ..Consent::default() };
        let calls = [
            Call { person: "p".into(), ..Call::default() },
            Call { chain: "p".into(), ..Call::default() },
            Call { model: Some("p".into()), ..Call::default() },
            Call { backends: vec!["p".into()], ..Call::default() },
            Call { consent: consent(true, None), ..Call::default() },
            Call { consent: consent(false, Some(Vec::new())), ..Call::default() },
            Call { consent: consent(false, Some(vec!["p".into()])), ..Call::default() },
        ];
        let others = requests.iter().map(|request| of(request, &call));
        let others: Vec<Fingerprint> = others.chain(calls.iter().map(|call| of(&said("a"), call))).collect();
        for (index, other) in others.iter().enumerate() {
            assert_ne!(*other, base, "{index}");
            assert!(!others[..index].contains(other), "{index}");
        }
    }
}
