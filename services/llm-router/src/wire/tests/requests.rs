//! One question in every provider's form.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::chat::{
    ChatRequest, EmbedRequest, Image, ImageSource, MediaType, Message, OutputFormat, Part, ReasoningEffort, Role,
    Sampling, Schema, Tool, ToolChoice,
};

fn written(kind: BackendKind, request: &ChatRequest, model: &str, stream: bool) -> (String, Value) {
    let written = wire(kind).chat(request, model, stream).unwrap();
    (written.path.into_owned(), serde_json::from_slice(&written.body.concat()).unwrap())
}

fn body(kind: BackendKind, request: &ChatRequest, model: &str) -> Value {
    written(kind, request, model, false).1
}

fn schema() -> Schema {
    Schema::parse(r#"{"type":"object","properties":{"z":{"type":"string"},"a":{"type":"integer","minimum":1}},"required":["z","a"],"additionalProperties":false}"#)
        .unwrap()
}

fn talk() -> ChatRequest {
    ChatRequest {
        messages: vec![
            Message::text(Role::System, "Be terse."),
            Message::text(Role::User, "Weather in \"Oslo\"?\n"),
            Message {
                role: Role::Assistant,
                parts: vec![Part::ToolCall(ToolCall {
                    id: "call_1".into(),
                    name: "get_weather".into(),
                    arguments: r#"{"city":"Oslo"}"#.into(),
                })],
            },
            Message {
                role: Role::Tool,
                parts: vec![Part::ToolResult { call_id: "call_1".into(), text: "rain".into() }],
            },
        ],
        tools: vec![Tool {
            name: "get_weather".into(),
            description: Some("Tells the weather.".into()),
            parameters: Some(Schema::parse(r#"{"type":"object","properties":{"city":{"type":"string"}}}"#).unwrap()),
            strict: None,
        }],
        sampling: Sampling {
            temperature: Some(1.5),
            max_tokens: Some(100),
            stop: vec!["END".into()],
            seed: Some(7),
            ..Sampling::default()
        },
        ..ChatRequest::default()
    }
}

fn ask(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, text)], ..ChatRequest::default() }
}

#[test]
fn openai_takes_a_talk_with_functions() {
    let (path, value) = written(BackendKind::OpenAi, &talk(), "gpt-4o", true);
    assert_eq!(path, "/chat/completions");
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let expected = json!({
        "model": "gpt-4o", "stream": true, "stream_options": {"include_usage": true},
        "temperature": 1.5, "max_completion_tokens": 100, "seed": 7, "stop": ["END"],
        "messages": [
            {"role": "system", "content": "Be terse."},
            {"role": "user", "content": "Weather in \"Oslo\"?\n"},
            {"role": "assistant", "content": null, "tool_calls": [{
                "id": "call_1", "type": "function",
                "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}
            }]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"}
        ],
        "tools": [{"type": "function", "function": {
            "name": "get_weather", "description": "Tells the weather.", "parameters": parameters
        }}]
    });
    assert_eq!(value, expected);
}

#[test]
fn ollama_takes_a_talk_with_functions_by_name_and_arguments_as_an_object() {
    let (path, value) = written(BackendKind::Ollama, &talk(), "llama3.2", true);
    assert_eq!((path.as_str(), &value["stream"]), ("/api/chat", &json!(true)));
    assert_eq!(value["messages"][2]["tool_calls"][0]["function"]["arguments"], json!({"city": "Oslo"}));
    assert_eq!(value["messages"][3], json!({"role": "tool", "content": "rain", "tool_name": "get_weather"}));
    assert_eq!(value["options"], json!({"temperature": 1.5, "num_predict": 100, "seed": 7, "stop": ["END"]}));
    let only = ChatRequest { tool_choice: ToolChoice::None, ..talk() };
    assert_eq!(body(BackendKind::Ollama, &only, "m").get("tools"), None);
}

#[test]
fn anthropic_takes_a_talk_with_the_system_apart_and_temperatures_up_to_one() {
    let (path, value) = written(BackendKind::Anthropic, &talk(), "claude-sonnet-4-5-20250929", true);
    assert_eq!(path, "/v1/messages");
    let expected = json!({
        "model": "claude-sonnet-4-5-20250929", "max_tokens": 100, "stream": true, "temperature": 1,
        "stop_sequences": ["END"],
        "system": [{"type": "text", "text": "Be terse."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather in \"Oslo\"?\n"}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Oslo"}}
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "rain"}]}
        ],
        "tools": [{
            "name": "get_weather", "description": "Tells the weather.",
            "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}
        }],
        "tool_choice": {"type": "auto"}
    });
    assert_eq!(value, expected);
    let newer = body(BackendKind::Anthropic, &talk(), "claude-opus-5-5");
    assert_eq!(newer.get("temperature"), None);
    let mut odd = talk();
    for part in odd.messages.iter_mut().flat_map(|message| &mut message.parts) {
        match part {
            Part::ToolCall(ToolCall { id, .. }) | Part::ToolResult { call_id: id, .. } => *id = "f.get:0".into(),
            _ => {}
        }
    }
    let odd = body(BackendKind::Anthropic, &odd, "claude-sonnet-4-5");
    assert_eq!(odd["messages"][1]["content"][0]["id"], "_f_get_0");
    assert_eq!(odd["messages"][2]["content"][0]["tool_use_id"], "_f_get_0");
    let unlimited = body(BackendKind::Anthropic, &ask("hi"), "claude-3-haiku-20240307");
    assert_eq!(unlimited["max_tokens"], 4_096);
}

#[test]
fn gemini_takes_a_talk_as_contents() {
    let (path, value) = written(BackendKind::Gemini, &talk(), "gemini-2.5-flash", true);
    assert_eq!(path, "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse");
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "Be terse."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Weather in \"Oslo\"?\n"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"result": "rain"}}}]}
        ],
        "tools": [{"functionDeclarations": [{
            "name": "get_weather", "description": "Tells the weather.",
            "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}}
        }]}],
        "generationConfig": {"temperature": 1.5, "maxOutputTokens": 100, "seed": 7, "stopSequences": ["END"]}
    });
    assert_eq!(value, expected);
    assert!(body(BackendKind::Gemini, &talk(), "gemini-3.1-pro").to_string().contains("thoughtSignature"));
    let odd = written(BackendKind::Gemini, &ask("hi"), "models/a b/../c", false).0;
    assert_eq!(odd, "/v1beta/models/a%20b%2F..%2Fc:generateContent");
}

#[test]
fn tgi_has_its_own_paths_and_limits() {
    let request = ChatRequest { sampling: Sampling { top_p: Some(1.0), ..Sampling::default() }, ..ask("hi") };
    let (path, value) = written(BackendKind::Tgi, &request, "m", false);
    assert_eq!((path.as_str(), value.get("top_p")), ("/v1/chat/completions", None));
    let object = ChatRequest { output: OutputFormat::JsonObject, ..ask("hi") };
    let expected = json!({"type": "json", "value": {"type": "object"}});
    assert_eq!(body(BackendKind::Tgi, &object, "m")["response_format"], expected);
}

#[test]
fn a_schema_goes_where_each_provider_looks_for_it() {
    let request = ChatRequest {
        output: OutputFormat::Schema { name: "my doc".into(), schema: schema(), strict: false },
        ..ask("hi")
    };
    let form: Value = serde_json::from_str(schema().json()).unwrap();
    let named =
        |strict| json!({"type": "json_schema", "json_schema": {"name": "my_doc", "schema": form, "strict": strict}});
    assert_eq!(body(BackendKind::OpenAi, &request, "m")["response_format"], named(true));
    assert_eq!(body(BackendKind::OpenAiCompatible, &request, "m")["response_format"], named(false));
    assert_eq!(body(BackendKind::Vllm, &request, "m")["response_format"], named(false));
    let llama = &body(BackendKind::LlamaCpp, &request, "m")["response_format"];
    assert_eq!((&llama["type"], &llama["schema"]["type"]), (&json!("json_object"), &json!("object")));
    assert_eq!(body(BackendKind::Tgi, &request, "m")["response_format"], json!({"type": "json", "value": form}));
    assert_eq!(body(BackendKind::Ollama, &request, "m")["format"], form);
    let gemini = body(BackendKind::Gemini, &request, "m")["generationConfig"].clone();
    assert_eq!(gemini, json!({"responseMimeType": "application/json", "responseJsonSchema": form}));
    let older = body(BackendKind::Anthropic, &request, "claude-3-haiku-20240307");
    assert_eq!(older["tools"][0]["input_schema"], form);
    assert_eq!(older["tool_choice"], json!({"type": "tool", "name": "hand_over_document"}));
    let newer = body(BackendKind::Anthropic, &request, "claude-sonnet-4-5");
    assert_eq!(newer["output_config"]["format"]["schema"]["properties"]["a"], json!({"type": "integer"}));
    // The order of the properties steers the model, so that what need not change is sent as it came.
    let sent = wire(BackendKind::Gemini).chat(&request, "m", false).unwrap().body.concat();
    assert!(String::from_utf8(sent).unwrap().contains(schema().json()));
}

#[test]
fn what_a_provider_does_not_hold_an_answer_to_is_told() {
    let untold = |kind, text: &str| wire(kind).untold(&Schema::parse(text).unwrap());
    let open = r#"{"type":"object","properties":{"a":{"type":"string","uniqueItems":true,"minLength":2}}}"#;
    assert_eq!(untold(BackendKind::Ollama, open), ["uniqueItems at /properties/a"]);
    assert!(untold(BackendKind::OpenAi, open).iter().any(|line| line.contains("a is not required")));
    assert!(untold(BackendKind::Anthropic, open).contains(&"minLength at /properties/a".to_owned()));
    for (kind, _) in KINDS {
        let plain =
            r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#;
        assert_eq!(untold(kind, plain), Vec::<String>::new(), "{kind:?}");
    }
}

#[test]
fn images_come_in_each_providers_own_form_and_base64_is_not_copied() {
    let base64 = Bytes::from_static(b"iVBORw0KGgoAAAANSUhEUg==");
    let sources = [
        ImageSource::Base64 { media_type: MediaType::Png, data: base64.clone() },
        ImageSource::Bytes { media_type: MediaType::Jpeg, data: Bytes::from_static(&[0xff, 0xd8, 0xff]) },
    ];
    let images = sources.map(|source| Part::Image(Image { source, detail: None }));
    let parts = std::iter::once(Part::Text("What is it?".into())).chain(images).collect();
    let request = ChatRequest { messages: vec![Message { role: Role::User, parts }], ..ChatRequest::default() };
    let png = "iVBORw0KGgoAAAANSUhEUg==";
    for (kind, place, expected) in [
        (BackendKind::OpenAi, "/messages/0/content/1/image_url/url", format!("data:image/png;base64,{png}")),
        (BackendKind::OpenAi, "/messages/0/content/2/image_url/url", "data:image/jpeg;base64,/9j/".to_owned()),
        (BackendKind::Ollama, "/messages/0/images/0", png.to_owned()),
        (BackendKind::Ollama, "/messages/0/images/1", "/9j/".to_owned()),
        (BackendKind::Anthropic, "/messages/0/content/1/source/data", png.to_owned()),
        (BackendKind::Anthropic, "/messages/0/content/2/source/media_type", "image/jpeg".to_owned()),
        (BackendKind::Gemini, "/contents/0/parts/1/inlineData/data", png.to_owned()),
        (BackendKind::Gemini, "/contents/0/parts/2/inlineData/mimeType", "image/jpeg".to_owned()),
    ] {
        assert_eq!(body(kind, &request, "m").pointer(place), Some(&json!(expected)), "{kind:?} {place}");
        let segments = wire(kind).chat(&request, "m", false).unwrap().body;
        assert!(segments.iter().any(|segment| segment.as_ptr() == base64.as_ptr()), "{kind:?}");
    }
}

#[test]
fn addresses_of_images_go_only_to_those_who_take_them() {
    let source = ImageSource::Url("https://example.org/a.png".into());
    let parts = vec![Part::Image(Image { source, detail: Some("low".into()) })];
    let request = ChatRequest { messages: vec![Message { role: Role::User, parts }], ..ChatRequest::default() };
    let url = json!({"url": "https://example.org/a.png", "detail": "low"});
    assert_eq!(body(BackendKind::OpenAi, &request, "m")["messages"][0]["content"][0]["image_url"], url);
    let source = json!({"type": "url", "url": "https://example.org/a.png"});
    assert_eq!(body(BackendKind::Anthropic, &request, "m")["messages"][0]["content"][0]["source"], source);
    for (kind, _) in KINDS {
        let takes = wire(kind).takes_image_addresses();
        assert_eq!(wire(kind).chat(&request, "m", false).is_ok(), takes, "{kind:?}");
        assert_eq!(takes, !matches!(kind, BackendKind::Ollama | BackendKind::Gemini), "{kind:?}");
    }
}

#[test]
fn how_long_to_think_is_said_in_each_providers_words() {
    let request = |effort| ChatRequest { reasoning_effort: Some(effort), ..ask("hi") };
    let none = request(ReasoningEffort::None);
    let high = request(ReasoningEffort::High);
    assert_eq!(body(BackendKind::OpenAi, &high, "m")["reasoning_effort"], "high");
    assert_eq!(body(BackendKind::Vllm, &none, "m")["chat_template_kwargs"]["enable_thinking"], false);
    assert_eq!(body(BackendKind::Ollama, &none, "m")["think"], false);
    assert_eq!(body(BackendKind::Ollama, &high, "m")["think"], "high");
    let older = body(BackendKind::Anthropic, &high, "claude-sonnet-4-5");
    assert_eq!(older["thinking"], json!({"type": "enabled", "budget_tokens": 16_384}));
    assert_eq!(older["max_tokens"], 4_096 + 16_384);
    let newer = body(BackendKind::Anthropic, &high, "claude-opus-4-6");
    assert_eq!((&newer["thinking"]["type"], &newer["output_config"]["effort"]), (&json!("adaptive"), &json!("high")));
    assert_eq!(body(BackendKind::Anthropic, &none, "claude-opus-4-6").get("thinking"), None);
    let gemini =
        |effort, model| body(BackendKind::Gemini, &effort, model)["generationConfig"]["thinkingConfig"].clone();
    assert_eq!(gemini(none, "gemini-2.5-flash"), json!({"thinkingBudget": 0, "includeThoughts": false}));
    assert_eq!(gemini(high, "gemini-3.1-pro"), json!({"thinkingLevel": "high", "includeThoughts": true}));
}

#[test]
fn keys_go_into_the_header_that_each_provider_reads() {
    for (kind, name, value) in [
        (BackendKind::OpenAi, "authorization", "Bearer k"),
        (BackendKind::Ollama, "authorization", "Bearer k"),
        (BackendKind::Anthropic, "x-api-key", "k"),
        (BackendKind::Gemini, "x-goog-api-key", "k"),
    ] {
        let (header, text) = wire(kind).key_header("k").unwrap();
        assert_eq!((header.as_str(), text.to_str().unwrap()), (name, value));
    }
    assert!(wire(BackendKind::OpenAi).key_header("a\nb").is_err());
    assert_eq!(wire(BackendKind::Anthropic).headers()[0].1, "2023-06-01");
}

#[test]
fn texts_are_asked_for_as_vectors_of_the_wanted_length() {
    let request = EmbedRequest { inputs: vec!["a".into(), "b".into()], dimensions: Some(2) };
    let body = |kind| {
        let written = wire(kind).embed(&request, "e").unwrap();
        (written.path.into_owned(), serde_json::from_slice::<Value>(&written.body.concat()).unwrap())
    };
    let expected = json!({"model": "e", "input": ["a", "b"], "encoding_format": "float", "dimensions": 2});
    assert_eq!(body(BackendKind::OpenAi), ("/embeddings".into(), expected));
    assert_eq!(
        body(BackendKind::Ollama),
        ("/api/embed".into(), json!({"model": "e", "input": ["a", "b"], "dimensions": 2}))
    );
    let (path, value) = body(BackendKind::Gemini);
    assert_eq!(path, "/v1beta/models/e:batchEmbedContents");
    let one = json!({"model": "models/e", "content": {"parts": [{"text": "b"}]}, "outputDimensionality": 2});
    assert_eq!(value["requests"][1], one);
}
