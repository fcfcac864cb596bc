//! Documents: checked whatever a backend claims, mended a little, asked for again, and never wrong and called right.

use aerie_llm_router::{
    answer::{Completion, FinishReason, Piece},
    call::{Call, CallErrorKind},
    chat::{ChatRequest, Message, OutputFormat, Part, Role, Schema, Tool, ToolCall},
    engine::{Engine, EngineBackend},
    fault::FaultKind,
};

use crate::script::{Play, Scripted, World, ask, causes, complete, cut, fail, hear, say, started, text, texts};

const SCHEMA: &str = r#"{"type":"object","required":["title"],"properties":{"title":{"type":"string"}}}"#;

fn schema() -> Schema {
    Schema::parse(SCHEMA).unwrap()
}

fn bound(output: OutputFormat) -> ChatRequest {
    ChatRequest { output, ..ask("extract") }
}

fn by_schema(strict: bool) -> ChatRequest {
    bound(OutputFormat::Schema { name: "job".into(), schema: schema(), strict })
}

async fn extract(engine: &Engine) -> Result<aerie_llm_router::extract::Extraction, aerie_llm_router::call::CallError> {
    engine.extract(ask("extract"), schema(), Call::default()).await
}

fn words(message: &Message) -> &str {
    match &message.parts[..] {
        [Part::Text(text)] => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_that_fits_is_given_as_it_is_with_what_the_backend_was_not_told() {
    let backend = Scripted::new([say(r#"{"title":"Smith"}"#)]);
    let extraction = extract(&World::of([("a", &backend)]).engine()).await.unwrap();
    assert_eq!(extraction.document, r#"{"title":"Smith"}"#);
    assert!(!extraction.repaired && extraction.reasks == 0);
    assert_eq!(extraction.untold, ["/minLength"]);
    assert!(matches!(backend.question(0).output, OutputFormat::Schema { .. }));
}

#[tokio::test(start_paused = true)]
async fn what_a_model_puts_around_json_is_taken_away() {
    let backend = Scripted::new([say("Here you are:\n```json\n{\"title\": \"Smith\",}\n```")]);
    let engine = World::of([("a", &backend)]).engine();
    let extraction = extract(&engine).await.unwrap();
    assert!(extraction.repaired);
    assert_eq!(extraction.document, "{\"title\": \"Smith\"}");
    let answer = engine.complete(by_schema(true), Call::default()).await.unwrap();
    assert_eq!(answer.completion.content, "{\"title\": \"Smith\"}", "plain answers too");
}

#[tokio::test(start_paused = true)]
async fn a_document_that_does_not_fit_is_asked_for_again_with_what_is_wrong() {
    let backend = Scripted::new([say(r#"{"name":"Smith"}"#), say(r#"{"title":"Smith"}"#)]);
    let extraction = extract(&World::of([("a", &backend)]).engine()).await.unwrap();
    assert_eq!((extraction.reasks, backend.calls()), (1, 2));
    assert_eq!(causes(&extraction.trail), [("a", Some(FaultKind::InvalidDocument)), ("a", None)]);
    let again = backend.question(1).messages;
    let [.., wrong, complaint] = &again[..] else { panic!("{again:?}") };
    assert_eq!((wrong.role, words(wrong)), (Role::Assistant, r#"{"name":"Smith"}"#));
    assert!(complaint.role == Role::User && words(complaint).contains("title"), "{complaint:?}");
}

#[tokio::test(start_paused = true)]
async fn after_one_more_wrong_document_the_next_backend_is_asked_from_the_start() {
    let (first, second) = (Scripted::new([say("{}")]), Scripted::new([say(r#"{"title":"Smith"}"#)]));
    let extraction = extract(&World::of([("a", &first), ("b", &second)]).engine()).await.unwrap();
    assert_eq!((first.calls(), extraction.trail.backend.as_str(), extraction.reasks), (2, "b", 0));
    assert_eq!(second.question(0).messages.len(), 1, "it hears nothing of the other's mistakes");
}

#[tokio::test(start_paused = true)]
async fn no_document_that_does_not_fit_is_ever_an_answer() {
    for wrong in ["{}", "[]", "\"title\"", "I cannot.", "{\"title\": 5}", "{\"title\": \"open"] {
        let (first, second) = (Scripted::new([say(wrong)]), Scripted::new([say(wrong)]));
        let engine = World::of([("a", &first), ("b", &second)]).engine();
        for error in [
            extract(&engine).await.unwrap_err(),
            engine.complete(by_schema(false), Call::default()).await.unwrap_err(),
            hear(engine.extract_stream(ask("extract"), schema(), Call::default())).await.end.unwrap_err(),
        ] {
            assert_eq!(error.kind, CallErrorKind::InvalidDocument, "{wrong}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_document_cut_by_the_token_limit_is_not_closed_and_called_whole() {
    let list = Schema::parse(r#"{"type":"array"}"#).unwrap();
    let cut = |finish| Play::Say(Completion { content: "[1, 2".into(), finish, ..Completion::default() });
    let engine = |play| World::of([("a", &Scripted::new([play]))]).engine();
    let error = engine(cut(FinishReason::Length)).extract(ask("list"), list.clone(), Call::default()).await;
    assert_eq!(error.unwrap_err().kind, CallErrorKind::InvalidDocument);
    let closed = engine(cut(FinishReason::Stop)).extract(ask("list"), list, Call::default()).await.unwrap();
    assert_eq!(closed.document, "[1, 2]");
}

#[tokio::test(start_paused = true)]
async fn a_schema_that_is_none_or_points_elsewhere_is_the_callers_fault() {
    let backend = Scripted::new([say("{}")]);
    let engine = World::of([("a", &backend)]).engine();
    for wrong in [r#"{"type":"colour"}"#, r#"{"$ref":"http://127.0.0.1:9/s.json"}"#] {
        let schema = Schema::parse(wrong).unwrap();
        let error = engine.extract(ask("extract"), schema, Call::default()).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Invalid, "{wrong}");
    }
    assert_eq!(backend.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_cannot_be_held_to_a_schema_is_told_in_words_and_asked_last() {
    let (wordy, able) = (Scripted::new([say(r#"{"title":"Smith"}"#)]), Scripted::new([fail(FaultKind::Connect)]));
    let cannot = |backend: &mut EngineBackend| backend.capabilities.schema = false;
    let world = || World::new().backend("wordy", &wordy, cannot).backend("able", &able, |_| {});
    let extraction = extract(&world().engine()).await.unwrap();
    assert_eq!(causes(&extraction.trail), [("able", Some(FaultKind::Connect)), ("wordy", None)]);
    let question = wordy.question(0);
    assert!(matches!(question.output, OutputFormat::Text));
    assert_eq!(question.messages[0].role, Role::System);
    assert!(words(&question.messages[0]).contains(SCHEMA));
    assert!(extraction.untold.is_empty(), "it was told all of it");
}

#[tokio::test(start_paused = true)]
async fn any_object_means_an_object() {
    let (first, second) = (Scripted::new([say("[1]")]), Scripted::new([say("{\"a\": 1}")]));
    let engine = World::of([("a", &first), ("b", &second)]).engine();
    let answer = engine.complete(bound(OutputFormat::JsonObject), Call::default()).await.unwrap();
    assert_eq!((answer.completion.content.as_str(), answer.trail.backend.as_str()), ("{\"a\": 1}", "b"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_calls_an_offered_function_instead_needs_no_document() {
    let call = ToolCall { id: "1".into(), name: "f".into(), arguments: "{}".into() };
    let calls = Completion { tool_calls: vec![call], finish: FinishReason::ToolCalls, ..Completion::default() };
    let engine = World::of([("a", &Scripted::new([Play::Say(calls.clone())]))]).engine();
    let tool = Tool { name: "f".into(), description: None, parameters: None, strict: None };
    let offered = ChatRequest { tools: vec![tool], ..by_schema(true) };
    assert_eq!(engine.complete(offered.clone(), Call::default()).await.unwrap().completion, calls);
    let error = engine.extract(offered, schema(), Call::default()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::InvalidDocument, "an extraction is a document or nothing");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_document_comes_without_the_words_around_it() {
    let pieces = ["Sure:\n```json", "\n{\"tit", "le\": \"Sm", "ith\"}", "\n```", " Bye."];
    let engine = World::of([("a", &Scripted::new([texts(&pieces)]))]).engine();
    let heard = hear(engine.extract_stream(ask("extract"), schema(), Call::default())).await;
    assert_eq!(heard.text, "{\"title\": \"Smith\"}");
    assert_eq!(heard.end.unwrap().backend, "a");
    let contents = heard.pieces.iter().filter(|piece| matches!(piece, Piece::Content(_)));
    assert_eq!(contents.count(), 3, "piece by piece");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_document_that_does_not_fit_ends_with_an_error_and_no_finish() {
    let engine = World::of([("a", &Scripted::new([texts(&["{\"title\":", " 5}"])]))]).engine();
    let heard = hear(engine.extract_stream(ask("extract"), schema(), Call::default())).await;
    let error = heard.end.unwrap_err();
    assert_eq!((error.kind, heard.text.as_str()), (CallErrorKind::InvalidDocument, "{\"title\": 5}"));
    assert!(error.message.contains("/title"), "{}", error.message);
    assert!(!heard.pieces.iter().any(|piece| matches!(piece, Piece::Finish(_))));
}

#[tokio::test(start_paused = true)]
async fn what_would_have_to_be_repaired_is_no_document_once_it_was_delivered() {
    let engine = World::of([("a", &Scripted::new([texts(&["{\"title\":", " \"Smith\",}"])]))]).engine();
    let heard = hear(engine.extract_stream(ask("extract"), schema(), Call::default())).await;
    let error = heard.end.unwrap_err();
    assert_eq!((error.kind, heard.text.as_str()), (CallErrorKind::InvalidDocument, "{\"title\": \"Smith\",}"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_words_only_or_of_a_held_wrong_document_leads_to_the_next_backend() {
    let right = || Scripted::new([texts(&["{\"title\": \"Smith\"}"])]);
    let words = Scripted::new([texts(&["I would", " rather not."])]);
    let second = right();
    let engine = World::of([("a", &words), ("b", &second)]).engine();
    let heard = hear(engine.extract_stream(ask("extract"), schema(), Call::default())).await;
    assert_eq!(heard.end.unwrap().backend, "b");

    let held = Scripted::new([texts(&["{\"title\":", " 5}"])]);
    let second = right();
    let world = World::of([("a", &held), ("b", &second)]).set(|settings| settings.stream.hold_pieces = 100);
    let heard = hear(world.engine().extract_stream(ask("extract"), schema(), Call::default())).await;
    assert_eq!((heard.text.as_str(), heard.end.unwrap().backend.as_str()), ("{\"title\": \"Smith\"}", "b"));
}

#[tokio::test(start_paused = true)]
async fn a_streamed_document_that_breaks_off_is_incomplete() {
    let broken = Play::Beats(vec![started(), text("{\"title\": \"Sm"), cut()]);
    let engine = World::of([("a", &Scripted::new([broken])), ("b", &Scripted::new([say("{}")]))]).engine();
    let heard = hear(engine.extract_stream(ask("extract"), schema(), Call::default())).await;
    assert_eq!(heard.end.unwrap_err().kind, CallErrorKind::Incomplete);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_answers_badly_is_no_broken_backend() {
    let backend = Scripted::new([say("{}")]);
    let engine = World::of([("a", &backend)]).engine();
    for _ in 0..20 {
        extract(&engine).await.unwrap_err();
    }
    backend.now(say("well"));
    complete(&engine).await.unwrap();
}
