//! Whose fault a failure is, and what it leads to.

use aerie_config::PolicyRefusal;
use aerie_llm_router::{
    answer::{Completion, Piece},
    call::{Call, CallErrorKind, Consent},
    engine::BreakerState,
    fault::{Fault, FaultKind, Stage},
};

use crate::script::{
    Beat, Play, Scripted, World, after, ask, causes, complete, fail, finish, hear, millis, say, seconds, started,
    stream, text, texts,
};

#[tokio::test(start_paused = true)]
async fn a_failing_backend_leads_to_the_next_and_the_trail_tells_all() {
    for kind in [
        FaultKind::Connect,
        FaultKind::Timeout(Stage::Headers),
        FaultKind::Overloaded,
        FaultKind::Unavailable,
        FaultKind::KeyRefused,
        FaultKind::UsageCap,
        FaultKind::ModelUnknown,
        FaultKind::Malformed,
        FaultKind::Empty,
        FaultKind::Unsupported,
    ] {
        let (first, second) = (Scripted::new([after(millis(30), fail(kind))]), Scripted::new([say("well")]));
        let engine = World::of([("a", &first), ("b", &second)]).engine();
        let answer = complete(&engine).await.unwrap();
        assert_eq!(causes(&answer.trail), [("a", Some(kind)), ("b", None)], "{kind}");
        assert_eq!(answer.trail.attempts[0].took, millis(30));
        assert!(answer.trail.attempts[0].message.contains("scripted"));
        let heard =
            hear(engine.stream(ask("again"), Call { backends: vec!["a".into(), "b".into()], ..Call::default() }));
        assert_eq!(heard.await.text, "well", "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_fault_goes_back_to_the_caller_and_nobody_else_is_asked() {
    let wrong = Play::Fail(Fault::new(FaultKind::Caller, "temperature must be at most 2").with_status(400));
    let (first, second) = (Scripted::new([wrong]), Scripted::new([say("well")]));
    let engine = World::of([("a", &first), ("b", &second)]).engine();
    for error in [complete(&engine).await.unwrap_err(), stream(&engine).await.end.unwrap_err()] {
        assert_eq!((error.kind, error.message.as_str()), (CallErrorKind::Invalid, "temperature must be at most 2"));
        assert_eq!(causes(&error.trail), [("a", Some(FaultKind::Caller))]);
    }
    assert_eq!((first.calls(), second.calls()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_too_long_goes_to_a_backend_that_reads_more_and_to_no_other() {
    let long = || fail(FaultKind::ContextTooLong);
    let [small, equal, smaller, large] =
        [long(), say("never"), say("never"), say("well")].map(|play| Scripted::new([play]));
    let reads = |tokens| {
        move |backend: &mut aerie_llm_router::engine::EngineBackend| {
            backend.capabilities.context_tokens = Some(tokens);
        }
    };
    let world = World::new()
        .backend("small", &small, reads(8_000))
        .backend("equal", &equal, reads(8_000))
        .backend("smaller", &smaller, reads(4_000))
        .backend("large", &large, reads(128_000));
    let answer = complete(&world.engine()).await.unwrap();
    assert_eq!(causes(&answer.trail), [("small", Some(FaultKind::ContextTooLong)), ("large", None)]);

    let world = World::new().backend("small", &small, reads(8_000)).backend("equal", &equal, reads(8_000));
    let error = complete(&world.engine()).await.unwrap_err();
    assert_eq!((error.kind, equal.calls()), (CallErrorKind::ContextTooLong, 0));
    assert_eq!(small.calls(), 2, "it is not asked again");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_policy_is_returned_or_passed_on_as_configured() {
    let refuses = Scripted::new([fail(FaultKind::ContentPolicy)]);
    let other = Scripted::new([say("well")]);
    let world = || World::of([("a", &refuses), ("b", &other)]);
    let error = complete(&world().engine()).await.unwrap_err();
    assert_eq!((error.kind, other.calls()), (CallErrorKind::ContentPolicy, 0));
    let engine = world().set(|settings| settings.content_policy = PolicyRefusal::Fallback).engine();
    assert_eq!(complete(&engine).await.unwrap().completion.content, "well");
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_no_answer_even_if_it_holds_thought() {
    for content in ["", " \n"] {
        let empty = Completion { content: content.into(), reasoning: "Hm.".into(), ..Completion::default() };
        let (first, second) = (Scripted::new([Play::Say(empty)]), Scripted::new([say("well")]));
        let answer = complete(&World::of([("a", &first), ("b", &second)]).engine()).await.unwrap();
        assert_eq!(causes(&answer.trail), [("a", Some(FaultKind::Empty)), ("b", None)]);
    }
    let thought = Play::Beats(vec![started(), Beat::Piece(Piece::Reasoning("Hm.".into())), finish()]);
    let heard = stream(&World::of([("a", &Scripted::new([thought]))]).engine()).await;
    assert_eq!(heard.end.unwrap_err().kind, CallErrorKind::Incomplete, "thought was shown, and no answer came");
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_that_was_cut_is_one_that_cannot_be_read() {
    let cut = Scripted::new([fail(FaultKind::Incomplete)]);
    let error = complete(&World::of([("a", &cut)]).engine()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable, "nothing was delivered that could be incomplete");
    assert_eq!((error.trail.attempts[0].fault, cut.calls()), (Some(FaultKind::Malformed), 3));
}

#[tokio::test(start_paused = true)]
async fn one_event_that_cannot_be_read_is_left_out_and_the_rest_delivered() {
    let dropped = || Beat::Piece(Piece::Dropped);
    let beats = vec![started(), dropped(), text("a"), dropped(), text("b"), finish()];
    let (first, second) = (Scripted::new([Play::Beats(beats)]), Scripted::new([texts(&["other"])]));
    let heard = stream(&World::of([("a", &first), ("b", &second)]).engine()).await;
    assert_eq!(heard.text, "ab");
    assert!(!heard.pieces.contains(&Piece::Dropped));
    assert_eq!(heard.end.unwrap().backend, "a");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_refuses_our_key_or_money_is_left_alone_in_every_chain() {
    for kind in [FaultKind::KeyRefused, FaultKind::UsageCap] {
        let (first, second) = (Scripted::new([fail(kind)]), Scripted::new([say("well")]));
        let world = World::of([("a", &first), ("b", &second)]);
        let engine = world.chain("default", &["a", "b"]).chain("research", &["a", "b"]).engine();
        for chain in ["", "research", ""] {
            let call = Call { chain: chain.into(), ..Call::default() };
            assert_eq!(engine.complete(ask("hello"), call).await.unwrap().trail.backend, "b");
        }
        assert_eq!(first.calls(), 1, "{kind}");
        assert_eq!(engine.backends()[0].breaker, BreakerState::HardDown);
        tokio::time::advance(seconds(1_801)).await;
        first.now(say("paid"));
        assert_eq!(complete(&engine).await.unwrap().trail.backend, "a");
        assert_eq!(engine.backends()[0].breaker, BreakerState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_persons_own_refused_key_harms_nobody_else() {
    let backend = Scripted::new([fail(FaultKind::KeyRefused), say("well")]);
    let engine = World::of([("a", &backend)]).engine();
    let keys = [("a".to_owned(), aerie_config::Secret::new("theirs"))].into();
    let call = Call { consent: Consent { keys, ..Consent::default() }, ..Call::default() };
    engine.complete(ask("hello"), call).await.unwrap_err();
    assert_eq!(backend.hop(0).key.as_ref().map(aerie_config::Secret::reveal), Some("theirs"));
    assert_eq!(complete(&engine).await.unwrap().completion.content, "well");
    assert_eq!(backend.hop(1).key, None);
}

#[tokio::test(start_paused = true)]
async fn when_every_backend_fails_the_error_names_each_with_its_cause() {
    let (first, second) = (Scripted::new([fail(FaultKind::Connect)]), Scripted::new([fail(FaultKind::Unavailable)]));
    let world = World::of([("a", &first), ("b", &second)]).set(|settings| settings.retry.last_attempts = 1);
    let error = complete(&world.engine()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unavailable);
    assert_eq!(causes(&error.trail), [("a", Some(FaultKind::Connect)), ("b", Some(FaultKind::Unavailable))]);
    for words in ["a: scripted connect", "b: scripted unavailable"] {
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn limits_everywhere_are_told_as_such_with_the_time_to_come_back() {
    let busy = |wait| crate::script::busy(seconds(wait));
    let (first, second) = (Scripted::new([busy(40)]), Scripted::new([busy(20)]));
    let began = tokio::time::Instant::now();
    let error = complete(&World::of([("a", &first), ("b", &second)]).engine()).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (CallErrorKind::Exhausted, Some(seconds(20))));
    assert_eq!(began.elapsed(), seconds(0), "the caller may wait, not we");
}
