//! From messages to questions, checked.

mod reader;

use std::collections::BTreeMap;

use aerie_config::Secret;
use aerie_proto::llm::v1 as pb;
use aerie_rpc::{RequestLimits, RpcError};
use bytes::Bytes;

use self::reader::Reader;
use crate::{
    call::{Call, Consent, Priority},
    chat::{
        ChatRequest, EmbedRequest, Image, Message, OutputFormat, Part, ReasoningEffort, Role, Sampling, Schema, Tool,
        ToolCall, ToolChoice,
    },
    directory::{Directory, EMBEDDING_CHAIN, EXTRACTION_CHAIN},
    pictures,
};

/// Reads a question; its routing is read apart, since that needs to know the backends.
pub(super) fn question(
    request: pb::CompleteRequest,
    limits: RequestLimits,
) -> Result<(ChatRequest, Option<pb::Routing>), RpcError> {
    let mut reader = Reader::new(limits);
    reader.name("chain", &request.chain);
    reader.list("messages", &request.messages);
    reader.list("tools", &request.tools);
    let reasoning_effort = effort(request.reasoning_effort());
    let tool_choice = tool_choice(request.tool_choice, &mut reader);
    let output = output(request.output, &mut reader);
    let sampling = sampling(request.sampling.unwrap_or_default(), &mut reader);

    let mut messages = Vec::with_capacity(request.messages.len() + 2);
    if !request.system.is_empty() {
        messages.push(Message::text(Role::System, request.system));
    }
    for (index, message) in request.messages.into_iter().enumerate() {
        messages.push(self::message(index, message, &mut reader));
    }
    if !request.prompt.is_empty() {
        messages.push(Message::text(Role::User, request.prompt));
    }
    if !messages.iter().any(|message| message.role != Role::System) {
        reader.problem("messages", "and prompt are empty; say what is asked");
    }
    let tools = request.tools.into_iter().enumerate().map(|(index, tool)| self::tool(index, tool, &mut reader));
    let tools = tools.collect();
    reader.finish()?;
    let chat = ChatRequest {
        messages,
        tools,
        tool_choice,
        parallel_tool_calls: request.parallel_tool_calls,
        output,
        sampling,
        reasoning_effort,
    };
    Ok((chat, request.routing))
}

/// An extraction is a question with a schema.
pub(super) fn extraction(request: pb::ExtractRequest) -> Result<(pb::CompleteRequest, Schema), RpcError> {
    if request.schema.trim().is_empty() {
        return Err(RpcError::invalid_field("schema", "is empty; write the JSON Schema of the document"));
    }
    let schema = Schema::parse(&request.schema)
        .map_err(|error| RpcError::invalid_field("schema", format!("is not JSON: {error}")))?;
    let chain = if request.chain.is_empty() { EXTRACTION_CHAIN.to_owned() } else { request.chain };
    let question = pb::CompleteRequest {
        chain,
        prompt: request.prompt,
        system: request.system,
        messages: request.messages,
        sampling: request.sampling,
        reasoning_effort: request.reasoning_effort,
        routing: request.routing,
        ..pb::CompleteRequest::default()
    };
    Ok((question, schema))
}

/// Texts, the chain and the routing.
pub(super) fn embedding(
    request: pb::EmbedRequest,
    limits: RequestLimits,
) -> Result<(EmbedRequest, String, Option<pb::Routing>), RpcError> {
    let mut reader = Reader::new(limits);
    reader.name("chain", &request.chain);
    reader.list("inputs", &request.inputs);
    if request.inputs.is_empty() {
        reader.problem("inputs", "is empty; send at least one text");
    }
    if request.dimensions == Some(0) {
        reader.problem("dimensions", "is 0; write a positive number or leave it out");
    }
    reader.finish()?;
    let chain = if request.chain.is_empty() { EMBEDDING_CHAIN.to_owned() } else { request.chain };
    Ok((EmbedRequest { inputs: request.inputs, dimensions: request.dimensions }, chain, request.routing))
}

/// Writes who may answer into a call.
pub(super) fn routing(routing: Option<pb::Routing>, directory: &Directory, call: &mut Call) -> Result<(), RpcError> {
    let Some(routing) = routing else { return Ok(()) };
    if let Some(unknown) = routing.backends.iter().find(|name| !directory.knows_backend(name)) {
        let message =
            format!("names the backend \"{unknown}\", which does not exist; ListBackends says which there are");
        return Err(RpcError::invalid_field("routing.backends", message));
    }
    call.priority = match routing.priority() {
        pb::Priority::Unspecified | pb::Priority::Interactive => Priority::Interactive,
        pb::Priority::Background => Priority::Background,
    };
    call.cache = routing.cache;
    call.backends = routing.backends;
    call.model = (!routing.model.is_empty()).then_some(routing.model);
    call.consent = routing.consent.map(consent).unwrap_or_default();
    Ok(())
}

fn consent(consent: pb::Consent) -> Consent {
    let keys: BTreeMap<String, Secret> =
        consent.keys.into_iter().map(|(backend, key)| (backend, Secret::new(key))).collect();
    Consent {
        local_only: consent.local_only,
        acknowledged: consent.acknowledged.map(|acknowledged| acknowledged.backends),
        keys,
    }
}

fn message(index: usize, message: pb::Message, reader: &mut Reader) -> Message {
    let role = match message.role() {
        pb::Role::System => Role::System,
        pb::Role::Unspecified | pb::Role::User => Role::User,
        pb::Role::Assistant => Role::Assistant,
        pb::Role::Tool => Role::Tool,
    };
    reader.list(&format!("messages[{index}].parts"), &message.parts);
    let mut parts = Vec::with_capacity(message.parts.len() + 1);
    if !message.text.is_empty() {
        parts.push(Part::Text(message.text));
    }
    for (place, part) in message.parts.into_iter().enumerate() {
        let field = || format!("messages[{index}].parts[{place}]");
        match part.kind {
            Some(pb::part::Kind::Text(text)) => parts.push(Part::Text(text)),
            Some(pb::part::Kind::Image(image)) => match self::image(image) {
                Ok(image) => parts.push(Part::Image(image)),
                Err(what) => reader.problem(field() + ".image", what),
            },
            Some(pb::part::Kind::ToolCall(call)) => {
                reader.name(&(field() + ".tool_call.name"), &call.name);
                parts.push(Part::ToolCall(ToolCall { id: call.id, name: call.name, arguments: call.arguments }));
            }
            Some(pb::part::Kind::ToolResult(result)) => {
                parts.push(Part::ToolResult { call_id: result.call_id, text: result.text });
            }
            None => reader.problem(field(), "is empty"),
        }
    }
    Message { role, parts }
}

fn image(image: pb::Image) -> Result<Image, String> {
    let source = match image.source {
        Some(pb::image::Source::Url(url)) => pictures::from_address(&Bytes::from(url)),
        Some(pb::image::Source::Content(content)) => pictures::from_content(content),
        None => return Err("is empty; give its url or content".to_owned()),
    };
    let detail = (!image.detail.is_empty()).then_some(image.detail);
    Ok(Image { source: source.map_err(|error| error.to_string())?, detail })
}

fn tool(index: usize, tool: pb::Tool, reader: &mut Reader) -> Tool {
    let field = |name: &str| format!("tools[{index}].{name}");
    if tool.name.is_empty() {
        reader.problem(field("name"), "is empty");
    }
    reader.name(&field("name"), &tool.name);
    let parameters = match tool.parameters.as_str() {
        "" => None,
        text => reader.schema(&field("parameters"), text),
    };
    let description = (!tool.description.is_empty()).then_some(tool.description);
    Tool { name: tool.name, description, parameters, strict: tool.strict }
}

fn tool_choice(choice: Option<pb::ToolChoice>, reader: &mut Reader) -> ToolChoice {
    let Some(choice) = choice else { return ToolChoice::Auto };
    match choice.mode() {
        pb::ToolChoiceMode::Unspecified | pb::ToolChoiceMode::Auto => ToolChoice::Auto,
        pb::ToolChoiceMode::None => ToolChoice::None,
        pb::ToolChoiceMode::Required => ToolChoice::Required,
        pb::ToolChoiceMode::Function => {
            if choice.function.is_empty() {
                reader.problem("tool_choice.function", "is empty; name the function");
            }
            ToolChoice::Function(choice.function)
        }
    }
}

fn output(output: Option<pb::OutputFormat>, reader: &mut Reader) -> OutputFormat {
    let Some(output) = output else { return OutputFormat::Text };
    match output.kind() {
        pb::OutputKind::Unspecified | pb::OutputKind::Text => OutputFormat::Text,
        pb::OutputKind::JsonObject => OutputFormat::JsonObject,
        pb::OutputKind::Schema => {
            reader.name("output.name", &output.name);
            let name = if output.name.is_empty() { "document".to_owned() } else { output.name };
            match reader.schema("output.schema", &output.schema) {
                Some(schema) => OutputFormat::Schema { name, schema, strict: output.strict },
                None => OutputFormat::JsonObject,
            }
        }
    }
}

fn sampling(sampling: pb::Sampling, reader: &mut Reader) -> Sampling {
    reader.list("sampling.stop", &sampling.stop);
    Sampling {
        temperature: reader.range("sampling.temperature", sampling.temperature, 0.0, 2.0),
        top_p: reader.range("sampling.top_p", sampling.top_p, 0.0, 1.0),
        max_tokens: sampling.max_tokens,
        stop: sampling.stop,
        seed: sampling.seed,
        frequency_penalty: reader.range("sampling.frequency_penalty", sampling.frequency_penalty, -2.0, 2.0),
        presence_penalty: reader.range("sampling.presence_penalty", sampling.presence_penalty, -2.0, 2.0),
    }
}

fn effort(effort: pb::ReasoningEffort) -> Option<ReasoningEffort> {
    match effort {
        pb::ReasoningEffort::Unspecified => None,
        pb::ReasoningEffort::None => Some(ReasoningEffort::None),
        pb::ReasoningEffort::Minimal => Some(ReasoningEffort::Minimal),
        pb::ReasoningEffort::Low => Some(ReasoningEffort::Low),
        pb::ReasoningEffort::Medium => Some(ReasoningEffort::Medium),
        pb::ReasoningEffort::High => Some(ReasoningEffort::High),
    }
}
