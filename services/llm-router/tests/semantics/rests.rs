//! Asking again, leaving alone, and coming back.

use std::sync::Arc;

use aerie_config::Llm;
use aerie_llm_router::{
    call::{Call, CallErrorKind},
    engine::BreakerState,
    fault::{Fault, FaultKind},
};
use futures::future::join_all;
use tokio::time::Instant;

use crate::script::{
    Play, Scripted, World, after, ask, busy, causes, complete, cut, fail, millis, say, seconds, stream, text, texts,
};

fn one_try(settings: &mut Llm) {
    settings.retry.last_attempts = 1;
}

#[tokio::test(start_paused = true)]
async fn the_last_backend_is_asked_again_after_growing_pauses() {
    let backend = Scripted::new([fail(FaultKind::Unavailable), fail(FaultKind::Connect), say("well")]);
    let began = Instant::now();
    let answer = complete(&World::of([("a", &backend)]).engine()).await.unwrap();
    let causes = causes(&answer.trail);
    assert_eq!(causes, [("a", Some(FaultKind::Unavailable)), ("a", Some(FaultKind::Connect)), ("a", None)]);
    // 250 and 500 milliseconds, each drawn between its half and its whole.
    assert!((millis(375)..=millis(750)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_pause_grows_beyond_the_longest() {
    let backend = Scripted::new([fail(FaultKind::Unavailable)]);
    let world = World::of([("a", &backend)]).set(|settings| {
        settings.retry.base_delay_ms = 1_000;
        settings.retry.max_delay_ms = 2_000;
        settings.retry.last_attempts = 6;
        settings.breaker.consecutive = u32::MAX;
    });
    let began = Instant::now();
    complete(&world.engine()).await.unwrap_err();
    assert_eq!(backend.calls(), 6);
    assert!(began.elapsed() <= seconds(1 + 4 * 2), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn pauses_differ_so_that_callers_do_not_come_back_in_step() {
    let backend = Scripted::new([fail(FaultKind::Unavailable)]);
    let engine = World::of([("a", &backend)]).set(|settings| settings.breaker.consecutive = 1_000).engine();
    let pauses = (0..8).map(|_| async {
        let began = Instant::now();
        complete(&engine).await.unwrap_err();
        began.elapsed()
    });
    let mut pauses = join_all(pauses).await;
    pauses.sort_unstable();
    pauses.dedup();
    assert!(pauses.len() >= 3, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_did_wrong_is_not_asked_again() {
    for kind in [FaultKind::Caller, FaultKind::ContextTooLong, FaultKind::Unsupported, FaultKind::KeyRefused] {
        let backend = Scripted::new([fail(kind)]);
        complete(&World::of([("a", &backend)]).engine()).await.unwrap_err();
        assert_eq!(backend.calls(), 1, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_provider_asks_for_is_the_least_pause() {
    let backend = Scripted::new([busy(seconds(3)), say("well")]);
    let began = Instant::now();
    complete(&World::of([("a", &backend)]).engine()).await.unwrap();
    assert_eq!(began.elapsed(), seconds(3));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_asks_for_a_long_pause_is_left_for_the_next_and_gets_its_pause() {
    let (first, second) = (Scripted::new([busy(seconds(90)), say("back")]), Scripted::new([say("well")]));
    let engine = World::of([("a", &first), ("b", &second)]).engine();
    for _ in 0..3 {
        assert_eq!(complete(&engine).await.unwrap().trail.backend, "b");
    }
    assert_eq!(first.calls(), 1);
    tokio::time::advance(seconds(91)).await;
    assert_eq!(complete(&engine).await.unwrap().trail.backend, "a");
}

#[tokio::test(start_paused = true)]
async fn retries_are_a_share_of_calls() {
    let backend = Scripted::new([fail(FaultKind::Unavailable)]);
    let world = World::of([("a", &backend)]).set(|settings| {
        settings.breaker.consecutive = u32::MAX;
        settings.breaker.least_calls = u32::MAX;
    });
    let engine = world.engine();
    for _ in 0..200 {
        complete(&engine).await.unwrap_err();
    }
    let retries = backend.calls() - 200;
    assert!((40..=51).contains(&retries), "a fifth, and ten to begin with: {retries}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_first_backend_costs_its_trip_and_one_probe_for_each_rest() {
    let (dead, alive) = (Scripted::new([fail(FaultKind::Connect)]), Scripted::new([say("well")]));
    let engine = World::of([("a", &dead), ("b", &alive)]).engine();
    let began = Instant::now();
    for _ in 0..3_000 {
        assert_eq!(complete(&engine).await.unwrap().trail.backend, "b");
        tokio::time::advance(millis(10)).await;
    }
    assert_eq!(began.elapsed(), seconds(30));
    // Five failures, then probes after 1, 2, 4, 8 and perhaps 16 seconds.
    assert!((9..=10).contains(&dead.calls()), "{}", dead.calls());
    let trail = complete(&engine).await.unwrap().trail;
    assert!(trail.attempts[0].message.starts_with("not asked: left alone for"), "{trail:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_callers_at_the_end_of_a_rest_one_probes() {
    let (first, second) = (Scripted::new([fail(FaultKind::Connect)]), Scripted::new([say("well")]));
    let engine = World::of([("a", &first), ("b", &second)]).engine();
    for _ in 0..5 {
        complete(&engine).await.unwrap();
    }
    tokio::time::advance(seconds(2)).await;
    first.now(after(seconds(1), say("back")));
    let answers = join_all((0..1_000).map(|_| complete(&engine))).await;
    let by_first = answers.into_iter().filter(|answer| answer.as_ref().unwrap().trail.backend == "a");
    assert_eq!((by_first.count(), first.calls()), (1, 6));
    assert_eq!(complete(&engine).await.unwrap().trail.backend, "a", "closed again");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_fails_in_one_chain_is_still_asked_in_another() {
    let (shared, other) = (Scripted::new([fail(FaultKind::Connect)]), Scripted::new([say("well")]));
    let world = World::of([("a", &shared), ("b", &other)]);
    let engine = world.chain("default", &["a", "b"]).chain("research", &["a", "b"]).engine();
    for _ in 0..6 {
        complete(&engine).await.unwrap();
    }
    assert_eq!(shared.calls(), 5);
    let call = Call { chain: "research".into(), ..Call::default() };
    engine.complete(ask("hello"), call).await.unwrap();
    assert_eq!(shared.calls(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_one_answers_at_once_while_its_backend_rests_and_says_when_to_come_back() {
    let backend = Scripted::new([fail(FaultKind::Unavailable)]);
    let engine = World::of([("a", &backend)]).set(one_try).engine();
    for _ in 0..5 {
        complete(&engine).await.unwrap_err();
    }
    let began = Instant::now();
    let error = complete(&engine).await.unwrap_err();
    assert_eq!((error.kind, backend.calls(), began.elapsed()), (CallErrorKind::Unavailable, 5, seconds(0)));
    assert!((millis(900)..=millis(1_100)).contains(&error.retry_after.unwrap()), "{error:?}");
    tokio::time::advance(seconds(2)).await;
    backend.now(say("back"));
    complete(&engine).await.unwrap();
    assert_eq!(engine.backends()[0].breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_question_shows_that_the_backend_is_well() {
    let backend = Scripted::new([fail(FaultKind::Caller)]);
    let engine = World::of([("a", &backend)]).engine();
    for _ in 0..50 {
        complete(&engine).await.unwrap_err();
    }
    assert_eq!((backend.calls(), engine.backends()[0].breaker), (50, BreakerState::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_a_backend_cannot_help_ends_a_row_of_failures() {
    let faults = [
        FaultKind::Caller,
        FaultKind::ContextTooLong,
        FaultKind::ContentPolicy,
        FaultKind::Unsupported,
        FaultKind::InvalidDocument,
    ];
    for kind in faults {
        let backend = Scripted::new([fail(FaultKind::Unavailable), fail(kind), fail(FaultKind::Unavailable)]);
        let engine = World::of([("a", &backend)]).set(two_in_a_row_open_it).engine();
        for _ in 0..3 {
            complete(&engine).await.unwrap_err();
        }
        assert_eq!(engine.backends()[0].breaker, BreakerState::Closed, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_way_of_giving_no_answer_counts_against_a_backend() {
    for kind in [FaultKind::Connect, FaultKind::Unavailable, FaultKind::Malformed, FaultKind::Empty] {
        let backend = Scripted::new([fail(kind)]);
        let engine = World::of([("a", &backend)]).set(two_in_a_row_open_it).engine();
        for _ in 0..2 {
            complete(&engine).await.unwrap_err();
        }
        assert_eq!(engine.backends()[0].breaker, BreakerState::Open, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_ends_a_row_of_failures() {
    let broken = || fail(FaultKind::Unavailable);
    let backend = Scripted::new([broken(), say("well"), broken(), texts(&["well"]), broken(), say("well")]);
    let engine = World::of([("a", &backend)]).set(two_in_a_row_open_it).engine();
    complete(&engine).await.unwrap_err();
    complete(&engine).await.unwrap();
    complete(&engine).await.unwrap_err();
    stream(&engine).await.end.unwrap();
    complete(&engine).await.unwrap_err();
    assert_eq!(engine.backends()[0].breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn answers_that_break_off_count_against_a_backend() {
    let backend = Scripted::new([Play::Beats(vec![text("half"), cut()])]);
    let engine = World::of([("a", &backend)]).set(two_in_a_row_open_it).engine();
    for state in [BreakerState::Closed, BreakerState::Open] {
        assert_eq!(stream(&engine).await.end.unwrap_err().kind, CallErrorKind::Incomplete);
        assert_eq!(engine.backends()[0].breaker, state);
    }
}

fn two_in_a_row_open_it(settings: &mut Llm) {
    one_try(settings);
    settings.extract_reasks = 0;
    settings.breaker.consecutive = 2;
}

#[tokio::test(start_paused = true)]
async fn health_checks_find_a_dead_backend_before_a_caller_does_and_bring_it_back() {
    let (first, second) = (Scripted::new([say("first")]), Scripted::new([say("second")]));
    let world = World::new()
        .backend("a", &first, |backend| backend.settings.health_check_seconds = Some(10))
        .backend("b", &second, |_| {})
        .set(|settings| settings.breaker.cooldown_ms = 60_000);
    let engine = world.engine();
    *first.models.lock().unwrap() = Err(Fault::new(FaultKind::Connect, "refused"));
    let watched = engine.clone();
    let calls = async {
        tokio::time::sleep(seconds(55)).await;
        assert_eq!(complete(&engine).await.unwrap().trail.backend, "b");
        *first.models.lock().unwrap() = Ok(Vec::new());
        tokio::time::sleep(seconds(10)).await;
        assert_eq!(complete(&engine).await.unwrap().trail.backend, "a");
    };
    tokio::select! {
        () = watched.watch_health() => panic!("it watches for ever"),
        () = calls => {}
    }
    assert_eq!((first.calls(), second.listed.load(std::sync::atomic::Ordering::Relaxed)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_models_is_no_proof_that_questions_are_answered() {
    let (first, second) = (Scripted::new([fail(FaultKind::Unavailable)]), Scripted::new([say("second")]));
    let world = World::new().backend("a", &first, |backend| backend.settings.health_check_seconds = Some(10)).backend(
        "b",
        &second,
        |_| {},
    );
    let engine = world.engine();
    let calls = async {
        for _ in 0..600 {
            complete(&engine).await.unwrap();
            tokio::time::sleep(millis(100)).await;
        }
    };
    tokio::select! {
        () = engine.watch_health() => panic!("it watches for ever"),
        () = calls => {}
    }
    // Five failures, and then at most a probe for each check and each of the growing rests.
    assert!((6..=17).contains(&first.calls()), "{}", first.calls());
}

#[tokio::test(start_paused = true)]
async fn an_automatic_model_is_asked_for_once_and_again_when_it_is_gone() {
    let backend = Scripted::new([say("well"), say("well"), fail(FaultKind::ModelUnknown), say("well")]);
    let automatic = |backend: &mut aerie_llm_router::engine::EngineBackend| backend.settings.model = "__auto__".into();
    let engine = World::new().backend("a", &backend, automatic).engine();
    let listed = |backend: &Arc<Scripted>| backend.listed.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(complete(&engine).await.unwrap().trail.model, "listed");
    complete(&engine).await.unwrap();
    assert_eq!((listed(&backend), backend.hop(1).model.as_str()), (1, "listed"));
    complete(&engine).await.unwrap_err();
    *backend.models.lock().unwrap() = Ok(vec!["another".into()]);
    assert_eq!(complete(&engine).await.unwrap().trail.model, "another");
    assert_eq!(listed(&backend), 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_asks_the_backend_and_tells_what_it_found() {
    let backend = Scripted::new([Play::Hang]);
    let engine = World::of([("a", &backend)]).engine();
    let check = engine.check("a").await.unwrap();
    assert_eq!((check.models, check.fault, check.model), (vec!["listed".to_owned()], None, Some("gpt".to_owned())));
    *backend.models.lock().unwrap() = Err(Fault::new(FaultKind::Connect, "refused"));
    assert_eq!(engine.check("a").await.unwrap().fault.unwrap().kind, FaultKind::Connect);
    assert_eq!(engine.check("b").await, None);
}
