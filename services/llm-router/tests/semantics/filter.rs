//! Who may be asked at all.

use aerie_config::{BackendKind, LlmChain};
use aerie_llm_router::{
    call::{Call, CallErrorKind, Consent},
    chat::{ChatRequest, EmbedRequest, Image, ImageSource, Message, OutputFormat, Part, Role, Schema, Tool},
    engine::{Engine, EngineBackend, EngineDeps, EngineError},
    fault::FaultKind,
};

use crate::script::{Scripted, World, ask, complete, fail, say};

fn limited(change: impl FnOnce(&mut EngineBackend)) -> (Engine, std::sync::Arc<Scripted>) {
    let (unable, able) = (Scripted::new([say("no")]), Scripted::new([say("yes")]));
    (World::new().backend("unable", &unable, change).backend("able", &able, |_| {}).engine(), unable)
}

fn with_image() -> ChatRequest {
    let image = Image { source: ImageSource::Url("https://example.org/a.png".into()), detail: None };
    ChatRequest { messages: vec![Message { role: Role::User, parts: vec![Part::Image(image)] }], ..ask("") }
}

fn with_tool() -> ChatRequest {
    let tool = Tool { name: "f".into(), description: None, parameters: None, strict: None };
    ChatRequest { tools: vec![tool], ..ask("hello") }
}

fn with_strict_schema() -> ChatRequest {
    let schema = Schema::parse("true").unwrap();
    ChatRequest { output: OutputFormat::Schema { name: "x".into(), schema, strict: true }, ..ask("hello") }
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_cannot_do_it_is_not_asked_and_the_error_says_why() {
    type Change = fn(&mut EngineBackend);
    let cases: [(ChatRequest, Change, &str); 6] = [
        (with_image(), |backend| backend.capabilities.images = false, "takes no images"),
        (with_tool(), |backend| backend.capabilities.tools = false, "calls no functions"),
        (with_strict_schema(), |backend| backend.capabilities.schema = false, "cannot be held to a schema"),
        (ask("hello"), |backend| backend.settings.enabled = false, "is switched off"),
        (ask("hello"), |backend| backend.capabilities.chat = false, "answers no questions"),
        (ask(&"word ".repeat(9_000)), |backend| backend.capabilities.context_tokens = Some(4_000), "reads 4000 tokens"),
    ];
    for (request, change, reason) in cases {
        let (engine, unable) = limited(change);
        let request = ChatRequest { messages: request.messages.clone(), ..request };
        let outcome = engine.complete(request.clone(), Call::default()).await;
        let backend = match outcome {
            Ok(answer) => answer.trail.backend,
            // The scripted word is no document; who was asked is what counts here.
            Err(error) => error.trail.attempts[0].backend.clone(),
        };
        assert_eq!((backend.as_str(), unable.calls()), ("able", 0), "{reason}");

        let alone = World::new().backend("unable", &unable, change).engine();
        let error = alone.complete(request, Call::default()).await.unwrap_err();
        let too_long = reason.starts_with("reads");
        assert_eq!(error.kind, if too_long { CallErrorKind::ContextTooLong } else { CallErrorKind::NoBackend });
        assert!(error.message.contains(&format!("unable {reason}")), "{}", error.message);
        assert_eq!(unable.calls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_may_fit_is_not_kept_from_a_backend() {
    let backend = Scripted::new([say("well")]);
    let world = World::new().backend("a", &backend, |backend| backend.capabilities.context_tokens = Some(4_000));
    let engine = world.engine();
    // About 3,500 tokens by the usual rule of thumb.
    engine.complete(ask(&"word ".repeat(2_900)), Call::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn local_only_is_never_broken_whatever_fails() {
    let (local, cloud) = (Scripted::new([fail(FaultKind::Connect)]), Scripted::new([say("well")]));
    let world = World::new().backend("local", &local, |backend| backend.local = true).backend("cloud", &cloud, |_| {});
    let engine = world.set(|settings| settings.hedge.after_ms = Some(0)).engine();
    for backends in [vec![], vec!["cloud".to_owned()], vec!["cloud".to_owned(), "local".to_owned()]] {
        let consent = Consent { local_only: true, ..Consent::default() };
        let call = Call { consent, backends, ..Call::default() };
        let error = engine.complete(ask("private"), call.clone()).await.unwrap_err();
        let told = error.message.contains("cloud is not local");
        assert!(told, "{}", error.message);
        let heard = crate::script::hear(engine.stream(ask("private"), call)).await;
        heard.end.unwrap_err();
    }
    assert_eq!(cloud.calls(), 0);
    assert!(local.calls() > 0);
}

#[tokio::test(start_paused = true)]
async fn only_clouds_that_a_person_agreed_to_are_asked() {
    let [local, agreed, other] =
        [fail(FaultKind::Connect), fail(FaultKind::Connect), say("never")].map(|play| Scripted::new([play]));
    let world = World::new()
        .backend("local", &local, |backend| backend.local = true)
        .backend("other", &other, |_| {})
        .backend("agreed", &agreed, |_| {});
    let consent = Consent { acknowledged: Some(vec!["agreed".into()]), ..Consent::default() };
    let error = world.engine().complete(ask("hello"), Call { consent, ..Call::default() }).await.unwrap_err();
    assert!(error.message.contains("other is not local, and the person has not agreed"), "{}", error.message);
    assert_eq!((other.calls(), local.calls() > 0, agreed.calls() > 0), (0, true, true));
}

#[tokio::test(start_paused = true)]
async fn vectors_come_from_a_backend_that_makes_them_in_the_asked_length() {
    let [chat, long, right] = ["a", "b", "c"].map(|text| Scripted::new([say(text)]));
    let world = World::new()
        .backend("chat", &chat, |backend| backend.capabilities.embeddings = false)
        .backend("long", &long, |backend| {
            backend.settings.kind = BackendKind::Ollama;
            backend.capabilities.embedding_dimensions = Some(768);
        })
        .backend("right", &right, |backend| backend.settings.embedding_model = Some("embedder".into()));
    let request = EmbedRequest { inputs: vec!["x".into(), "y".into()], dimensions: Some(3) };
    let answer = world.engine().embed(request, Call::default()).await.unwrap();
    assert_eq!((answer.trail.backend.as_str(), answer.trail.model.as_str()), ("right", "embedder"));
    assert_eq!(answer.embeddings.vectors, vec![vec![0.5; 3]; 2]);
    assert_eq!((chat.calls(), long.calls()), (0, 0));

    let longer = EmbedRequest { inputs: vec!["x".into()], dimensions: Some(4) };
    let world = World::of([("a", &right)]).set(|settings| settings.retry.last_attempts = 1);
    let error = world.engine().embed(longer, Call::default()).await.unwrap_err();
    assert_eq!(error.trail.attempts[0].fault, Some(FaultKind::Malformed), "three numbers where four were asked for");
}

#[tokio::test(start_paused = true)]
async fn without_any_backend_the_error_says_what_to_do() {
    let error = complete(&World::new().engine()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::NoBackend);
    assert!(error.message.contains("section llm"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_names_an_unknown_backend_is_told_which_there_are() {
    let backend = Scripted::new([say("well")]);
    let call = Call { backends: vec!["gpt".into()], ..Call::default() };
    let error = World::of([("home", &backend)]).engine().complete(ask("hello"), call).await.unwrap_err();
    let expected = (CallErrorKind::Invalid, "no backend is named gpt; there are: home");
    assert_eq!((error.kind, error.message.as_str()), expected);
}

#[tokio::test(start_paused = true)]
async fn work_without_a_chain_of_its_own_uses_the_default_chain() {
    let [first, second] = ["a", "b"].map(|text| Scripted::new([say(text)]));
    let world = World::of([("a", &first), ("b", &second)]);
    let engine = world.chain("default", &["a"]).chain("research", &["b"]).engine();
    for (chain, backend) in [("", "a"), ("research", "b"), ("cover_letter", "a"), ("default", "a")] {
        let call = Call { chain: chain.into(), ..Call::default() };
        assert_eq!(engine.complete(ask("hello"), call).await.unwrap().trail.backend, backend, "{chain}");
    }
}

#[test]
fn a_mistake_in_a_chain_keeps_the_engine_from_starting() {
    let backend = Scripted::new([]);
    let start = |names: &[&str]| {
        let World { mut settings, backends, day, conventions } = World::of([("home", &backend)]);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        settings.chains.insert("research".into(), LlmChain::Order(names));
        Engine::new(EngineDeps { settings: &settings, backends, clock: day, conventions, seed: 1 }).map(drop)
    };
    assert_eq!(start(&["home"]), Ok(()));
    let unknown = start(&["home", "hom"]).unwrap_err().to_string();
    assert_eq!(unknown, "chain research names the backend hom, which is not configured; there are: home");
    assert!(matches!(start(&["home", "home"]), Err(EngineError::NamedTwice { .. })));
    assert!(matches!(start(&[]), Err(EngineError::EmptyChain { .. })));
}
