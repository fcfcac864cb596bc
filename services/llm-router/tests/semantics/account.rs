//! How an answer came about, what it cost, and answers that are given again.

use aerie_config::{Llm, ModelPrice};
use aerie_llm_router::{
    answer::{Completion, FinishReason, Piece, ToolCallPiece},
    call::Call,
    chat::{Schema, ToolCall},
    engine::Engine,
};

use crate::script::{
    Beat, Play, Scripted, World, after, ask, complete, cut, finish, hear, millis, say, seconds, stream, text, texts,
    usage,
};

fn cached(settings: &mut Llm) {
    settings.cache.bytes = 1 << 20;
    settings.cache.ttl_seconds = 60;
}

fn by(person: &str) -> Call {
    Call { person: person.into(), cache: true, ..Call::default() }
}

#[tokio::test(start_paused = true)]
async fn an_answer_says_who_gave_it_how_long_it_took_and_what_it_cost() {
    let backend = Scripted::new([after(millis(70), say("well"))]);
    let world = World::of([("home", &backend)]).set(|settings| {
        let price = ModelPrice { input: 2.0, output: 10.0, cached_input: None };
        settings.prices.insert("gpt".into(), price);
    });
    let engine = world.engine();
    let answer = complete(&engine).await.unwrap();
    assert_eq!(answer.completion.usage, Some(usage(10, 5)));
    let trail = answer.trail;
    assert_eq!((trail.backend.as_str(), trail.model.as_str(), trail.cost_micros), ("home", "gpt", Some(70)));
    assert!(!trail.cached && !trail.hedged);
    assert_eq!((trail.attempts.len(), trail.attempts[0].took), (1, millis(70)));
    let streamed = stream(&engine).await;
    assert_eq!(streamed.end.unwrap().cost_micros, Some(70));
    let status = &engine.backends()[0];
    assert_eq!((status.answers, status.failures, status.spent_today_micros), (2, 0, 140));
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_took_as_long_as_it_lasted() {
    let beats = vec![text("a"), Beat::Wait(millis(30)), text("b"), finish()];
    let heard = stream(&World::of([("home", &Scripted::new([Play::Beats(beats)]))]).engine()).await;
    assert_eq!(heard.end.unwrap().attempts[0].took, millis(30));
}

#[tokio::test(start_paused = true)]
async fn a_model_without_a_price_has_no_cost() {
    let engine = World::of([("home", &Scripted::new([say("well")]))]).engine();
    assert_eq!(complete(&engine).await.unwrap().trail.cost_micros, None);
}

async fn asked_twice(engine: &Engine, first: Call, second: Call) -> bool {
    engine.complete(ask("hello"), first).await.unwrap();
    engine.complete(ask("hello"), second).await.unwrap().trail.cached
}

#[tokio::test(start_paused = true)]
async fn the_same_question_of_the_same_person_is_answered_from_the_cache_when_it_is_on() {
    let backend = Scripted::new([say("well")]);
    let engine = || World::of([("a", &backend)]).set(cached).engine();
    assert!(asked_twice(&engine(), by("p"), by("p")).await);
    assert!(!asked_twice(&engine(), by("p"), by("q")).await, "another person");
    assert!(!asked_twice(&engine(), by("p"), Call { cache: false, ..by("p") }).await, "not wanted");
    assert!(!asked_twice(&World::of([("a", &backend)]).engine(), by("p"), by("p")).await, "off by default");
    let engine = engine();
    engine.complete(ask("hello"), by("p")).await.unwrap();
    tokio::time::advance(seconds(60)).await;
    assert!(!engine.complete(ask("hello"), by("p")).await.unwrap().trail.cached, "too old");
}

#[tokio::test(start_paused = true)]
async fn streams_are_kept_and_given_again_as_streams() {
    let backend = Scripted::new([texts(&["well", " done"])]);
    let engine = World::of([("a", &backend)]).set(cached).engine();
    let first = hear(engine.stream(ask("hello"), by("p"))).await;
    let second = hear(engine.stream(ask("hello"), by("p"))).await;
    assert_eq!((backend.calls(), second.text.as_str()), (1, "well done"));
    assert!(!first.end.unwrap().cached && second.end.unwrap().cached);
    assert!(second.pieces.contains(&Piece::Usage(usage(10, 5))));
    assert!(second.pieces.contains(&Piece::Finish(FinishReason::Stop)));
    let whole = engine.complete(ask("hello"), by("p")).await.unwrap();
    assert_eq!((whole.completion.content.as_str(), whole.trail.cached), ("well done", true));
}

#[tokio::test(start_paused = true)]
async fn function_calls_are_given_again_too() {
    let call = ToolCall { id: "1".into(), name: "f".into(), arguments: "{\"a\":1}".into() };
    let calls = Completion { tool_calls: vec![call], finish: FinishReason::ToolCalls, ..Completion::default() };
    let engine = World::of([("a", &Scripted::new([Play::Say(calls)]))]).set(cached).engine();
    engine.complete(ask("hello"), by("p")).await.unwrap();
    let heard = hear(engine.stream(ask("hello"), by("p"))).await;
    let again = ToolCallPiece { index: 0, id: Some("1".into()), name: Some("f".into()), arguments: "{\"a\":1}".into() };
    assert!(heard.pieces.contains(&Piece::ToolCall(again)), "{:?}", heard.pieces);
}

#[tokio::test(start_paused = true)]
async fn what_broke_off_or_was_cut_short_is_not_kept() {
    let broken = Play::Beats(vec![text("half"), cut()]);
    let backend = Scripted::new([broken, texts(&["whole"])]);
    let engine = World::of([("a", &backend)]).set(cached).engine();
    hear(engine.stream(ask("hello"), by("p"))).await.end.unwrap_err();
    assert!(!hear(engine.stream(ask("hello"), by("p"))).await.end.unwrap().cached);

    let short = Completion { content: "cut".into(), finish: FinishReason::Length, ..Completion::default() };
    let engine = World::of([("a", &Scripted::new([Play::Say(short)]))]).set(cached).engine();
    assert!(!asked_twice(&engine, by("p"), by("p")).await);
}

#[tokio::test(start_paused = true)]
async fn documents_are_kept_as_they_were_delivered() {
    let backend = Scripted::new([say("```\n{\"a\": 1,}\n```")]);
    let engine = World::of([("a", &backend)]).set(cached).engine();
    let extract = || engine.extract(ask("hello"), Schema::parse("true").unwrap(), by("p"));
    let (first, second) = (extract().await.unwrap(), extract().await.unwrap());
    assert_eq!((first.document.as_str(), second.document.as_str()), ("{\"a\": 1}", "{\"a\": 1}"));
    assert!(second.trail.cached && backend.calls() == 1);
}
