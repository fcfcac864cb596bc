//! Room at a backend: calls at once, rates, money, and the queue.

use std::sync::atomic::Ordering;

use aerie_config::{BackendKind, ModelPrice};
use aerie_llm_router::{
    call::{Call, CallErrorKind, Consent, Priority},
    engine::{EngineBackend, EngineDeps},
    fault::FaultKind,
};
use futures::future::join_all;
use tokio::time::Instant;

use crate::script::{
    Beat, Play, Scripted, World, after, ask, causes, complete, fail, finish, hear, say, seconds, text,
};

fn local(backend: &mut EngineBackend) {
    backend.local = true;
    backend.settings.kind = BackendKind::Ollama;
}

fn priced(world: World, dollars_per_day: f64, backend: &std::sync::Arc<Scripted>) -> World {
    let world = world.backend("a", backend, |backend| backend.settings.dollars_per_day = Some(dollars_per_day));
    world.set(|settings| {
        let price = ModelPrice { input: 1.0, output: 2.0, cached_input: None };
        settings.prices.insert("gpt".into(), price);
    })
}

#[tokio::test(start_paused = true)]
async fn a_local_server_gets_one_call_at_a_time_and_the_others_wait() {
    let backend = Scripted::new([after(seconds(1), say("well"))]);
    let engine = World::new().backend("a", &backend, local).engine();
    let began = Instant::now();
    let answers = join_all((0..10).map(|_| complete(&engine))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((backend.most_running.load(Ordering::Relaxed), began.elapsed()), (1, seconds(10)));
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_keeps_its_place_until_its_end() {
    let slow = Play::Beats(vec![text("a"), Beat::Wait(seconds(5)), text("b"), finish()]);
    let backend = Scripted::new([slow]);
    let engine = World::new().backend("a", &backend, local).engine();
    let streams = (0..2).map(|_| hear(engine.stream(ask("hello"), Call::default())));
    assert!(join_all(streams).await.iter().all(|heard| heard.text == "ab"));
    assert_eq!(backend.most_running.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_too_long_for_one_backend_asks_the_next() {
    let (busy, free) = (Scripted::new([after(seconds(60), say("slow"))]), Scripted::new([say("free")]));
    let world = World::new().backend("a", &busy, local).backend("b", &free, |_| {});
    let engine = world.set(|settings| settings.queue.wait_ms = 2_000).engine();
    let (one, two) = tokio::join!(complete(&engine), complete(&engine));
    assert_eq!(one.unwrap().trail.backend, "a");
    let two = two.unwrap();
    assert_eq!(causes(&two.trail), [("a", Some(FaultKind::Overloaded)), ("b", None)]);
    assert_eq!(busy.calls(), 1, "it was not asked");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_beyond_the_deadline() {
    let backend = Scripted::new([after(seconds(9), say("slow"))]);
    let world = World::new().backend("a", &backend, local).set(|settings| settings.queue.wait_ms = 60_000);
    let engine = world.engine();
    let began = Instant::now();
    let hurried = async {
        let call = Call { deadline: Some(began + seconds(2)), ..Call::default() };
        let error = engine.complete(ask("hello"), call).await.unwrap_err();
        assert_eq!((error.kind, began.elapsed()), (CallErrorKind::DeadlineExceeded, seconds(2)));
    };
    let (patient, ()) = tokio::join!(complete(&engine), hurried);
    patient.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_with_a_persons_own_key_use_none_of_our_rates() {
    let backend = Scripted::new([say("well")]);
    let world = World::new().backend("a", &backend, |backend| backend.settings.requests_per_minute = Some(1));
    let engine = world.engine();
    let began = Instant::now();
    for _ in 0..3 {
        let keys = [("a".to_owned(), aerie_config::Secret::new("theirs"))].into();
        let call = Call { consent: Consent { keys, ..Consent::default() }, ..Call::default() };
        engine.complete(ask("hello"), call).await.unwrap();
    }
    complete(&engine).await.unwrap();
    assert_eq!((began.elapsed(), engine.backends()[0].requests_last_minute), (seconds(0), 1));
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_backend_that_failed_meanwhile_does_not_ask_it() {
    let backend = Scripted::new([after(seconds(1), fail(FaultKind::Unavailable))]);
    let world = World::new().backend("a", &backend, local).set(|settings| {
        settings.retry.last_attempts = 1;
        settings.breaker.consecutive = 1;
    });
    let engine = world.engine();
    let outcomes = join_all((0..3).map(|_| complete(&engine))).await;
    assert!(outcomes.iter().all(Result::is_err));
    assert_eq!(backend.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_with_the_time_to_come_back() {
    let backend = Scripted::new([after(seconds(9), say("slow"))]);
    let world = World::new().backend("a", &backend, local).set(|settings| settings.queue.depth = 2);
    let engine = world.engine();
    let outcomes = join_all((0..4).map(|_| complete(&engine))).await;
    let error = outcomes[3].as_ref().unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Exhausted);
    assert!(error.retry_after.unwrap() >= seconds(1));
    assert!(error.message.contains("too many calls wait"), "{}", error.message);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn interactive_calls_overtake_background_ones() {
    let backend = Scripted::new([after(seconds(1), say("well"))]);
    let engine = World::new().backend("a", &backend, local).engine();
    let began = Instant::now();
    let call = |priority| {
        let answer = engine.complete(ask("hello"), Call { priority, ..Call::default() });
        async move { answer.await.map(|_| began.elapsed().as_secs()) }
    };
    let calls = [Priority::Background, Priority::Background, Priority::Background, Priority::Interactive];
    let ends: Vec<u64> = join_all(calls.map(call)).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ends, [1, 3, 4, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_loaded_is_used_before_another_is_loaded() {
    let backend = Scripted::new([after(seconds(1), say("well"))]);
    let engine = World::new().backend("a", &backend, local).engine();
    let call = |person: &str, model: &str| {
        let call = Call { person: person.into(), model: Some(model.into()), ..Call::default() };
        engine.complete(ask("hello"), call)
    };
    let calls = [call("p", "x"), call("p", "y"), call("q", "x"), call("r", "y"), call("s", "x")];
    join_all(calls).await;
    let models: Vec<String> = (0..5).map(|index| backend.hop(index).model).collect();
    assert_eq!(models, ["x", "x", "x", "y", "y"]);
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_used_up_sends_calls_to_the_next_backend_and_then_back_to_the_caller() {
    let (limited, free) = (Scripted::new([say("a")]), Scripted::new([say("b")]));
    let rate = |backend: &mut EngineBackend| backend.settings.requests_per_minute = Some(2);
    let quick = |world: World| world.set(|settings| settings.queue.wait_ms = 1_000).engine();
    let engine = quick(World::new().backend("a", &limited, rate).backend("b", &free, |_| {}));
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(complete(&engine).await.unwrap().trail.backend);
    }
    assert_eq!(asked, ["a", "a", "b"]);

    let engine = quick(World::new().backend("a", &limited, rate));
    for _ in 0..2 {
        complete(&engine).await.unwrap();
    }
    let error = complete(&engine).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Exhausted);
    assert!((seconds(59)..=seconds(61)).contains(&error.retry_after.unwrap()), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn tokens_a_minute_count_what_was_used_and_not_what_was_feared() {
    let backend = Scripted::new([say("well")]);
    // Each call may use more than a thousand tokens and uses fifteen.
    let tokens = |backend: &mut EngineBackend| backend.settings.tokens_per_minute = Some(2_000);
    let engine = World::new().backend("a", &backend, tokens).set(|settings| settings.queue.wait_ms = 0).engine();
    for _ in 0..50 {
        complete(&engine).await.unwrap();
    }
    assert_eq!(engine.backends()[0].tokens_last_minute, 750);
}

#[tokio::test(start_paused = true)]
async fn sixty_four_callers_at_once_overspend_a_days_money_by_one_call_at_most() {
    let backend = Scripted::new([after(seconds(1), say("well"))]);
    // A call costs 10 + 2 * 5 = 20 millionths.
    let engine = priced(World::new(), 200e-6, &backend).engine();
    let outcomes = join_all((0..64).map(|_| complete(&engine))).await;
    let spent = engine.backends()[0].spent_today_micros;
    assert!((200..=220).contains(&spent), "{spent}");
    let error = outcomes.into_iter().find_map(Result::err).unwrap();
    assert_eq!(error.kind, CallErrorKind::Exhausted);
    assert!(error.message.contains("dollars of today are spent"), "{}", error.message);
    assert!(error.retry_after.unwrap() <= seconds(86_400));
}

#[tokio::test(start_paused = true)]
async fn tomorrow_there_is_money_again() {
    let backend = Scripted::new([say("well")]);
    let world = priced(World::new(), 15e-6, &backend);
    let day = world.day.clone();
    let engine = world.engine();
    complete(&engine).await.unwrap();
    complete(&engine).await.unwrap_err();
    day.0.store(86_400, Ordering::Relaxed);
    complete(&engine).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failed_try_gives_its_reservation_back() {
    let backend = Scripted::new([fail(FaultKind::Connect), say("well")]);
    let engine = priced(World::new(), 1.0, &backend).engine();
    complete(&engine).await.unwrap();
    assert_eq!(engine.backends()[0].spent_today_micros, 20);
    assert_eq!(engine.backends()[0].in_flight, 0);

    let backend = Scripted::new([fail(FaultKind::Malformed), say("well")]);
    let engine = priced(World::new(), 1.0, &backend).engine();
    complete(&engine).await.unwrap();
    assert!(engine.backends()[0].spent_today_micros > 20, "what may have been charged counts");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_takes_anothers_place_goes_on_with_its_limits() {
    let (home, new) = (Scripted::new([after(seconds(5), say("well"))]), Scripted::new([say("new")]));
    let before = World::new().backend("home", &home, local).engine();
    let World { settings, backends, day, conventions } =
        World::new().backend("home", &home, local).backend("new", &new, |_| {});
    let deps = EngineDeps { settings: &settings, backends, clock: day, conventions, seed: 7 };
    let after = before.followed_by(deps).unwrap();
    let began = Instant::now();
    let (one, two) = tokio::join!(complete(&before), complete(&after));
    assert_eq!((one.is_ok(), two.is_ok(), began.elapsed()), (true, true, seconds(10)));
    assert_eq!(home.most_running.load(Ordering::Relaxed), 1, "one graphics card, whoever asks");
    assert_eq!(after.backends().len(), 2);
}
