//! Who is asked first among equals, and a second request when the first is slow.

use std::collections::BTreeMap;

use aerie_config::{Llm, LlmChain};
use aerie_llm_router::{call::Call, engine::Engine, fault::FaultKind};
use futures::future::join_all;
use tokio::time::Instant;

use crate::script::{
    Beat, Play, Scripted, World, after, ask, causes, complete, fail, finish, hear, millis, say, seconds, stream, text,
};

fn weights(world: World, weights: &[(&str, u32)]) -> World {
    let weights: BTreeMap<String, u32> = weights.iter().map(|(name, weight)| ((*name).into(), *weight)).collect();
    world.set(|settings| drop(settings.chains.insert("default".into(), LlmChain::Weighted { weights })))
}

fn hedged(settings: &mut Llm) {
    settings.hedge.after_ms = Some(100);
    settings.hedge.share = 0.05;
}

async fn ask_often(engine: &Engine, times: usize) {
    for _ in 0..times {
        complete(engine).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn unequal_weights_share_by_weight_and_weight_zero_is_for_need_only() {
    let [first, second, spare] = ["a", "b", "c"].map(|text| Scripted::new([say(text)]));
    let world = World::of([("a", &first), ("b", &second), ("c", &spare)]);
    let engine = weights(world, &[("a", 3), ("b", 1), ("c", 0)]).engine();
    ask_often(&engine, 1_000).await;
    assert!((700..800).contains(&first.calls()), "{}", first.calls());
    assert_eq!((first.calls() + second.calls(), spare.calls()), (1_000, 0));
    first.now(fail(FaultKind::Connect));
    second.now(fail(FaultKind::Connect));
    assert_eq!(complete(&engine).await.unwrap().trail.backend, "c");
}

#[tokio::test(start_paused = true)]
async fn among_equals_the_faster_is_asked_more_and_the_slow_one_is_not_forgotten() {
    let fast = Scripted::new([after(millis(50), say("fast"))]);
    let slow = Scripted::new([after(millis(2_000), say("slow"))]);
    let world = World::of([("a", &fast), ("b", &slow)]);
    let engine = weights(world, &[("a", 1), ("b", 1)]).engine();
    ask_often(&engine, 400).await;
    assert!(fast.calls() >= 380, "{} to {}", fast.calls(), slow.calls());
    assert!(slow.calls() >= 1);
    tokio::time::advance(seconds(120)).await;
    let before = slow.calls();
    slow.now(after(millis(1), say("quick now")));
    ask_often(&engine, 200).await;
    assert!(slow.calls() > before + 100, "it was tried again");
}

#[tokio::test(start_paused = true)]
async fn among_equals_the_one_with_fewer_calls_is_asked() {
    let [first, second] = ["a", "b"].map(|text| Scripted::new([after(seconds(1), say(text))]));
    let engine = weights(World::of([("a", &first), ("b", &second)]), &[("a", 1), ("b", 1)]).engine();
    ask_often(&engine, 20).await;
    let before = (first.calls(), second.calls());
    join_all((0..100).map(|_| complete(&engine))).await;
    let shares = (first.calls() - before.0, second.calls() - before.1);
    assert!((40..=60).contains(&shares.0), "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_overtaken_by_a_second_request_and_the_loser_is_dropped() {
    let (slow, fast) = (Scripted::new([after(seconds(9), say("slow"))]), Scripted::new([say("fast")]));
    let engine = World::of([("a", &slow), ("b", &fast)]).set(hedged).engine();
    let began = Instant::now();
    let answer = complete(&engine).await.unwrap();
    assert_eq!((answer.completion.content.as_str(), began.elapsed()), ("fast", millis(100)));
    assert!(answer.trail.hedged && answer.trail.attempts.iter().any(|attempt| attempt.hedge));
    assert_eq!(slow.dropped(), 1);
    assert_eq!(engine.backends()[0].in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_first_answer_that_comes_after_all_wins_and_the_second_request_is_dropped() {
    let (first, second) = (Scripted::new([after(millis(150), say("first"))]), Scripted::new([Play::Hang]));
    let engine = World::of([("a", &first), ("b", &second)]).set(hedged).engine();
    let answer = complete(&engine).await.unwrap();
    assert_eq!((answer.completion.content.as_str(), answer.trail.hedged, second.dropped()), ("first", false, 1));
    let loser = answer.trail.attempts.iter().find(|attempt| attempt.backend == "b").unwrap();
    assert!(loser.hedge && loser.message.starts_with("dropped"), "{loser:?}");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_is_hedged_until_its_first_token() {
    let slow = Play::Beats(vec![Beat::Wait(seconds(9)), text("slow"), finish()]);
    let (first, second) = (Scripted::new([slow]), Scripted::new([say("fast")]));
    let heard = stream(&World::of([("a", &first), ("b", &second)]).set(hedged).engine()).await;
    assert_eq!((heard.text.as_str(), first.dropped()), ("fast", 1));
    assert!(heard.end.unwrap().hedged);

    let begun = Play::Beats(vec![text("slow"), Beat::Wait(seconds(9)), text(" but sure"), finish()]);
    let (first, second) = (Scripted::new([begun]), Scripted::new([say("fast")]));
    let heard = stream(&World::of([("a", &first), ("b", &second)]).set(hedged).engine()).await;
    assert_eq!((heard.text.as_str(), second.calls()), ("slow but sure", 0));
}

#[tokio::test(start_paused = true)]
async fn second_requests_are_a_twentieth_of_calls() {
    let (slow, other) = (Scripted::new([after(millis(200), say("slow"))]), Scripted::new([say("other")]));
    let engine = World::of([("a", &slow), ("b", &other)]).set(hedged).engine();
    ask_often(&engine, 400).await;
    assert!((20..=21).contains(&other.calls()), "{}", other.calls());
}

#[tokio::test(start_paused = true)]
async fn when_one_of_the_two_fails_the_other_is_waited_for() {
    let (slow, broken) =
        (Scripted::new([after(seconds(1), say("slow"))]), Scripted::new([fail(FaultKind::Unavailable)]));
    let engine = World::of([("a", &slow), ("b", &broken)]).set(hedged).engine();
    let answer = complete(&engine).await.unwrap();
    assert_eq!(causes(&answer.trail), [("b", Some(FaultKind::Unavailable)), ("a", None)]);

    let broken = Scripted::new([after(seconds(1), fail(FaultKind::Unavailable))]);
    let slow = Scripted::new([after(seconds(2), say("slow"))]);
    let world = World::of([("a", &broken), ("b", &slow)]).set(hedged);
    let answer = complete(&world.set(|settings| settings.retry.last_attempts = 1).engine()).await.unwrap();
    assert_eq!(causes(&answer.trail), [("a", Some(FaultKind::Unavailable)), ("b", None)]);
    assert_eq!(slow.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn named_backends_are_asked_instead_of_the_chain_in_their_order() {
    let [first, second, third] = ["a", "b", "c"].map(|text| Scripted::new([say(text)]));
    let world = World::of([("a", &first), ("b", &second), ("c", &third)]).chain("default", &["a"]);
    let engine = world.engine();
    third.now(fail(FaultKind::Connect));
    let call = Call { backends: vec!["c".into(), "b".into()], model: Some("other".into()), ..Call::default() };
    let heard = hear(engine.stream(ask("hello"), call)).await;
    assert_eq!((heard.text.as_str(), first.calls()), ("b", 0));
    assert_eq!(second.hop(0).model, "other");
}
