//! Time limits, the caller's deadline, and going away.

use aerie_config::{Llm, LlmTimeouts};
use aerie_llm_router::{
    answer::Piece,
    call::{Call, CallErrorKind},
    engine::{BreakerState, Engine},
    fault::{FaultKind, Stage},
};
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

use crate::script::{
    Beat, Play, Scripted, World, after, ask, causes, complete, finish, hear, millis, say, seconds, started, stream,
    text, texts,
};

fn limits(settings: &mut Llm) {
    settings.timeouts = LlmTimeouts {
        connect_ms: 1_000,
        headers_ms: 2_000,
        first_token_ms: 5_000,
        between_tokens_ms: 3_000,
        total_ms: 60_000,
    };
}

fn within(time: std::time::Duration) -> Call {
    Call { deadline: Some(Instant::now() + time), ..Call::default() }
}

#[tokio::test(start_paused = true)]
async fn no_headers_and_no_first_token_in_time_lead_to_the_next_backend() {
    let silent = [
        (Play::Hang, Stage::Headers, 2),
        (Play::Beats(vec![started(), Beat::Hang]), Stage::FirstToken, 5),
        (
            Play::Beats(vec![Beat::Piece(Piece::KeepAlive), Beat::Wait(seconds(4)), started(), Beat::Hang]),
            Stage::FirstToken,
            5,
        ),
    ];
    for (play, stage, time) in silent {
        let (first, second) = (Scripted::new([play]), Scripted::new([texts(&["well"])]));
        let began = Instant::now();
        let heard = stream(&World::of([("a", &first), ("b", &second)]).set(limits).engine()).await;
        assert_eq!(began.elapsed(), seconds(time));
        assert_eq!(causes(&heard.end.unwrap()), [("a", Some(FaultKind::Timeout(stage))), ("b", None)]);
        assert_eq!(first.dropped(), 1, "the silent backend is not kept working");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_in_what_is_still_held_leads_to_the_next_backend() {
    let (first, second) =
        (Scripted::new([Play::Beats(vec![text("one"), Beat::Hang])]), Scripted::new([texts(&["well"])]));
    let world = World::of([("a", &first), ("b", &second)]).set(limits).set(|settings| settings.stream.hold_pieces = 2);
    let began = Instant::now();
    let heard = stream(&world.engine()).await;
    assert_eq!((heard.text.as_str(), began.elapsed()), ("well", seconds(3)));
    assert_eq!(heard.end.unwrap().attempts[0].fault, Some(FaultKind::Timeout(Stage::BetweenTokens)));
}

#[tokio::test(start_paused = true)]
async fn a_backend_may_have_a_shorter_limit_than_the_call() {
    let own = |backend: &mut aerie_llm_router::engine::EngineBackend| {
        backend.settings.timeouts = Some(LlmTimeouts { total_ms: 4_000, headers_ms: 60_000, ..LlmTimeouts::default() });
    };
    let (first, second) = (Scripted::new([Play::Hang]), Scripted::new([say("well")]));
    let world = World::new().backend("a", &first, own).backend("b", &second, |_| {});
    let began = Instant::now();
    let answer = complete(&world.engine()).await.unwrap();
    assert_eq!((answer.trail.backend.as_str(), began.elapsed()), ("b", seconds(4)));

    let beats = (0..10).flat_map(|_| [text("a"), Beat::Wait(millis(900))]).collect();
    let endless = Scripted::new([Play::Beats(beats)]);
    let began = Instant::now();
    let heard = stream(&World::new().backend("a", &endless, own).engine()).await;
    assert_eq!((heard.end.unwrap_err().kind, began.elapsed()), (CallErrorKind::Incomplete, seconds(4)));
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_the_call_holds_for_all_backends_together() {
    let (first, second) = (Scripted::new([Play::Hang]), Scripted::new([Play::Hang]));
    let world = World::of([("a", &first), ("b", &second)]).set(limits);
    let engine = world.set(|settings| settings.timeouts.headers_ms = 50_000).engine();
    let began = Instant::now();
    let error = complete(&engine).await.unwrap_err();
    assert_eq!((error.kind, began.elapsed()), (CallErrorKind::DeadlineExceeded, seconds(60)));
    assert_eq!((first.calls(), second.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn silence_in_the_middle_ends_the_answer_in_time() {
    let backend = Scripted::new([Play::Beats(vec![text("four words"), Beat::Wait(seconds(2)), text("."), Beat::Hang])]);
    let began = Instant::now();
    let heard = stream(&World::of([("a", &backend)]).set(limits).engine()).await;
    let error = heard.end.unwrap_err();
    assert_eq!((error.kind, began.elapsed()), (CallErrorKind::Incomplete, seconds(5)));
    assert_eq!(error.trail.attempts[0].fault, Some(FaultKind::Timeout(Stage::BetweenTokens)));
    assert_eq!(backend.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_only_says_that_it_is_alive_holds_nobody_for_ever() {
    let alive = (0..100).flat_map(|_| [Beat::Wait(seconds(1)), Beat::Piece(Piece::KeepAlive)]);
    let backend = Scripted::new([Play::Beats([text("a")].into_iter().chain(alive).collect())]);
    let began = Instant::now();
    let heard = stream(&World::of([("a", &backend)]).set(limits).engine()).await;
    assert_eq!((heard.end.unwrap_err().kind, began.elapsed()), (CallErrorKind::Incomplete, seconds(5)));

    let beats = vec![
        text("a"),
        Beat::Wait(seconds(2)),
        Beat::Piece(Piece::KeepAlive),
        Beat::Wait(seconds(2)),
        text("b"),
        finish(),
    ];
    let thinking = Scripted::new([Play::Beats(beats)]);
    assert_eq!(stream(&World::of([("a", &thinking)]).set(limits).engine()).await.text, "ab", "but a while it may");
}

#[tokio::test(start_paused = true)]
async fn the_whole_call_has_a_limit_even_while_tokens_come() {
    let drip = (0..1_000).flat_map(|_| [text("a"), Beat::Wait(seconds(1))]).collect();
    let backend = Scripted::new([Play::Beats(drip)]);
    let began = Instant::now();
    let error = stream(&World::of([("a", &backend)]).set(limits).engine()).await.end.unwrap_err();
    assert_eq!((error.kind, began.elapsed()), (CallErrorKind::Incomplete, seconds(60)));
    assert_eq!(error.trail.attempts[0].fault, Some(FaultKind::Timeout(Stage::Total)));
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_caps_everything() {
    let backend = Scripted::new([Play::Hang]);
    let engine = World::of([("a", &backend)]).engine();
    let began = Instant::now();
    let error = engine.complete(ask("hello"), within(seconds(3))).await.unwrap_err();
    assert_eq!((error.kind, began.elapsed()), (CallErrorKind::DeadlineExceeded, seconds(3)));
    assert!(backend.hop(0).deadline <= began + seconds(3), "the backend is told");
    let heard = hear(engine.stream(ask("hello"), within(seconds(3)))).await;
    assert_eq!(heard.end.unwrap_err().kind, CallErrorKind::DeadlineExceeded);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_too_late_is_not_begun() {
    let backend = Scripted::new([say("well")]);
    let engine = World::of([("a", &backend)]).engine();
    let error = engine.complete(ask("hello"), within(seconds(0))).await.unwrap_err();
    assert_eq!((error.kind, backend.calls()), (CallErrorKind::DeadlineExceeded, 0));
}

#[tokio::test(start_paused = true)]
async fn a_silent_backend_leaves_time_for_the_others() {
    let [first, second, third] = [Play::Hang, Play::Hang, say("in time")].map(|play| Scripted::new([play]));
    let engine = World::of([("a", &first), ("b", &second), ("c", &third)]).engine();
    let began = Instant::now();
    let answer = engine.complete(ask("hello"), within(seconds(6))).await.unwrap();
    let took: Vec<_> = answer.trail.attempts.iter().map(|attempt| attempt.took.as_secs()).collect();
    assert_eq!((took, began.elapsed()), (vec![3, 2, 0], seconds(5)), "three parts, two parts, and one is left");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_may_use_the_whole_deadline_once_it_has_begun() {
    let slow = (0..8).flat_map(|_| [text("a"), Beat::Wait(seconds(1))]).chain([finish()]).collect();
    let (first, second) = (Scripted::new([Play::Beats(slow)]), Scripted::new([say("other")]));
    let engine = World::of([("a", &first), ("b", &second)]).engine();
    assert_eq!(hear(engine.stream(ask("hello"), within(seconds(9)))).await.text, "a".repeat(8));
}

#[tokio::test(start_paused = true)]
async fn a_caller_in_a_hurry_says_nothing_about_the_backend() {
    let patient = |engine: Engine, backend: std::sync::Arc<Scripted>| async move {
        backend.now(after(seconds(8), say("well")));
        engine.complete(ask("hello"), within(seconds(30))).await.unwrap();
        for _ in 0..20 {
            engine.complete(ask("hello"), within(millis(1_500))).await.unwrap_err();
        }
        engine.backends()[0].breaker
    };
    let backend = Scripted::new([say("well")]);
    let engine = World::of([("a", &backend)]).set(|settings| settings.retry.last_attempts = 1).engine();
    assert_eq!(patient(engine.clone(), backend.clone()).await, BreakerState::Closed, "it usually takes eight seconds");
    backend.now(Play::Hang);
    for _ in 0..5 {
        engine.complete(ask("hello"), within(seconds(9))).await.unwrap_err();
    }
    assert_eq!(engine.backends()[0].breaker, BreakerState::Open, "it was given longer than usual");
}

#[tokio::test(start_paused = true)]
async fn going_away_drops_the_call_at_the_backend_at_once() {
    let hanging =
        [(Play::Hang, 0), (Play::Beats(vec![started(), Beat::Hang]), 0), (Play::Beats(vec![text("a"), Beat::Hang]), 2)];
    for (play, events) in hanging {
        let backend = Scripted::new([play]);
        let engine = World::of([("a", &backend)]).engine();
        let mut answer = engine.stream(ask("hello"), Call::default());
        for _ in 0..events / 2 {
            answer.next().await.unwrap().unwrap();
        }
        assert!(answer.next().now_or_never().is_none());
        assert_eq!((backend.calls(), backend.dropped()), (1, 0));
        drop(answer);
        assert_eq!(backend.dropped(), 1);
        assert_eq!(engine.backends()[0].in_flight, 0);
    }
    let backend = Scripted::new([Play::Hang]);
    let engine = World::of([("a", &backend)]).engine();
    assert!(complete(&engine).now_or_never().is_none());
    assert_eq!((backend.calls(), backend.dropped()), (1, 1));
}
