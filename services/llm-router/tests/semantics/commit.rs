//! The commit point: before it another backend takes over unseen, after it nothing pretends to be whole.

use aerie_config::AfterBreak;
use aerie_llm_router::{
    answer::{FinishReason, Piece, ToolCallPiece},
    call::{AnswerEvent, Call, CallErrorKind},
    chat::{OutputFormat, Part, Role, Tool},
    fault::FaultKind,
};
use futures::{FutureExt, StreamExt};

use crate::script::{
    Beat, Play, Scripted, World, ask, causes, cut, fail, finish, hear, millis, seconds, started, stream, text, texts,
    usage,
};

#[tokio::test(start_paused = true)]
async fn the_next_backend_takes_over_before_the_first_content_and_the_caller_sees_one_answer() {
    let beginnings = [
        vec![Beat::Fail(aerie_llm_router::fault::Fault::new(FaultKind::Unavailable, "an error event"))],
        vec![started(), cut()],
        vec![started(), started(), Beat::Piece(Piece::Usage(usage(1, 0))), cut()],
        vec![],
        vec![started(), finish()],
        vec![started(), text(""), cut()],
    ];
    for beginning in beginnings {
        let first = Scripted::new([Play::Beats(beginning.clone())]);
        let second = Scripted::new([texts(&["all", " well"])]);
        let heard = stream(&World::of([("a", &first), ("b", &second)]).engine()).await;
        assert_eq!(heard.text, "all well", "{beginning:?}");
        assert_eq!(heard.end.unwrap().backend, "b");
        let beginnings = heard.pieces.iter().filter(|piece| matches!(piece, Piece::Started { .. }));
        assert_eq!(beginnings.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn keep_alives_flow_while_frames_without_content_are_held_back() {
    let alive = || [Beat::Piece(Piece::KeepAlive), Beat::Wait(seconds(1))];
    let beats = [started()].into_iter().chain(alive()).chain(alive()).chain([Beat::Hang]);
    let backend = Scripted::new([Play::Beats(beats.collect())]);
    let mut answer = World::of([("a", &backend)]).engine().stream(ask("hello"), Call::default());
    for _ in 0..2 {
        assert_eq!(answer.next().await, Some(Ok(AnswerEvent::Piece(Piece::KeepAlive))));
    }
    assert!(answer.next().now_or_never().is_none(), "the role is held back");
}

#[tokio::test(start_paused = true)]
async fn however_many_frames_without_content_come_little_is_held_back() {
    let frames = (0..10_000).map(|_| started());
    let beats = frames.chain([text("at last"), finish()]).collect();
    let backend = Scripted::new([Play::Beats(beats)]);
    let heard = stream(&World::of([("a", &backend)]).engine()).await;
    assert_eq!(heard.text, "at last");
    assert_eq!(heard.pieces.len(), 3, "role, text and end: {:?}", heard.pieces);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_ends_with_an_error_that_says_so_and_what_it_used() {
    for (broken, usage_there) in
        [(cut(), false), (Beat::Fail(aerie_llm_router::fault::Fault::new(FaultKind::Unavailable, "in band")), true)]
    {
        let mut beats = vec![started(), text("four "), text("words")];
        beats.extend(usage_there.then(|| Beat::Piece(Piece::Usage(usage(9, 4)))));
        beats.push(broken);
        let first = Scripted::new([Play::Beats(beats)]);
        let second = Scripted::new([texts(&["other"])]);
        let heard = stream(&World::of([("a", &first), ("b", &second)]).engine()).await;
        assert_eq!(heard.text, "four words");
        let error = heard.end.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Incomplete);
        let used = error.usage.unwrap();
        assert!(if usage_there { used == usage(9, 4) } else { used.output_tokens > 0 }, "{used:?}");
        assert_eq!(error.trail.attempts.len(), 1);
        assert!(error.trail.attempts[0].fault.is_some());
        assert_eq!(second.calls(), 0, "no other answer is mixed in");
    }
}

#[tokio::test(start_paused = true)]
async fn the_finish_reason_is_not_shown_before_the_end_is_certain() {
    let backend = Scripted::new([Play::Beats(vec![text("half"), finish(), cut()])]);
    let heard = stream(&World::of([("a", &backend)]).engine()).await;
    assert!(!heard.pieces.iter().any(|piece| matches!(piece, Piece::Finish(_))), "{:?}", heard.pieces);
    assert_eq!(heard.end.unwrap_err().kind, CallErrorKind::Incomplete);
}

#[tokio::test(start_paused = true)]
async fn pieces_that_are_there_already_are_given_without_waiting() {
    let backend = Scripted::new([texts(&["a", "b", "c", "d"])]);
    let answer = World::of([("a", &backend)]).engine().stream(ask("hello"), Call::default());
    let chunks: Vec<_> = answer.ready_chunks(64).collect().await;
    assert_eq!(chunks.len(), 1, "one poll gives them all");
    assert_eq!(chunks[0].len(), 8, "role, four texts, reason, usage, end");
}

#[tokio::test(start_paused = true)]
async fn held_pieces_let_another_backend_take_over_unseen() {
    let first = Scripted::new([Play::Beats(vec![started(), text("one"), text("two"), cut()])]);
    let second = Scripted::new([texts(&["whole"])]);
    let world = World::of([("a", &first), ("b", &second)]).set(|settings| settings.stream.hold_pieces = 3);
    let heard = stream(&world.engine()).await;
    assert_eq!(heard.text, "whole");

    let first = Scripted::new([Play::Beats(vec![started(), text("one"), text("two"), text("three"), cut()])]);
    let world = World::of([("a", &first), ("b", &second)]).set(|settings| settings.stream.hold_pieces = 3);
    let heard = stream(&world.engine()).await;
    assert_eq!((heard.text.as_str(), heard.end.unwrap_err().kind), ("onetwothree", CallErrorKind::Incomplete));
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_bounded_whatever_the_settings_say() {
    for piece in ["a".repeat(64), "a".repeat(64 * 1024)] {
        let most = (256 * 1024 / piece.len()).min(256);
        let beats = std::iter::repeat_n(text(&piece), most).chain([Beat::Hang]).collect();
        let backend = Scripted::new([Play::Beats(beats)]);
        let world = World::of([("a", &backend)]).set(|settings| settings.stream.hold_pieces = 1_000_000);
        let mut answer = world.engine().stream(ask("hello"), Call::default());
        let first = answer.next().await.unwrap();
        assert!(matches!(&first, Ok(AnswerEvent::Piece(Piece::Content(_)))), "{most} pieces: {first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn held_time_ends_even_when_no_further_piece_comes() {
    let slow = Play::Beats(vec![text("one"), Beat::Wait(seconds(5)), text("two"), finish()]);
    let backend = Scripted::new([slow]);
    let world = World::of([("a", &backend)]).set(|settings| settings.stream.hold_ms = 500);
    let mut answer = world.engine().stream(ask("hello"), Call::default());
    let began = tokio::time::Instant::now();
    answer.next().await.unwrap().unwrap();
    assert_eq!(began.elapsed(), millis(500));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_crawls_is_given_up_for_the_next_backend_but_not_for_nobody() {
    let crawl = || {
        let beats = (0..10).flat_map(|_| [text("a"), Beat::Wait(millis(400))]);
        Play::Beats(beats.chain([finish()]).collect())
    };
    let hold = |settings: &mut aerie_config::Llm| {
        settings.stream.hold_ms = 1_000;
        settings.stream.least_characters_per_second = 20;
    };
    let (first, second) = (Scripted::new([crawl()]), Scripted::new([texts(&["fast"])]));
    let heard = stream(&World::of([("a", &first), ("b", &second)]).set(hold).engine()).await;
    assert_eq!((heard.text.as_str(), first.dropped()), ("fast", 1));
    let alone = Scripted::new([crawl()]);
    assert_eq!(stream(&World::of([("a", &alone)]).set(hold).engine()).await.text, "a".repeat(10));
}

fn continues(first: &std::sync::Arc<Scripted>, second: &std::sync::Arc<Scripted>) -> aerie_llm_router::engine::Engine {
    let world = World::of([("a", first), ("b", second)]);
    world.set(|settings| settings.stream.after_break = AfterBreak::Continue).engine()
}

#[tokio::test(start_paused = true)]
async fn asked_to_continue_the_next_backend_goes_on_where_the_answer_broke_off() {
    let broken = Play::Beats(vec![started(), text("The cat "), Beat::Piece(Piece::Usage(usage(10, 3))), cut()]);
    let (first, second) = (Scripted::new([broken]), Scripted::new([texts(&[" sat", " down."])]));
    let heard = hear(continues(&first, &second).stream(ask("hello"), Call::default())).await;
    assert_eq!(heard.text, "The cat sat down.");
    let prefill = second.question(0).messages.pop().unwrap();
    assert_eq!(prefill.role, Role::Assistant);
    assert!(matches!(&prefill.parts[..], [Part::Text(text)] if text == "The cat"), "{prefill:?}");
    let trail = heard.end.unwrap();
    assert_eq!(causes(&trail), [("a", Some(FaultKind::Incomplete)), ("b", None)]);
    assert!(heard.pieces.contains(&Piece::Usage(usage(20, 8))), "both backends' tokens: {:?}", heard.pieces);
    assert_eq!(heard.pieces.iter().filter(|piece| matches!(piece, Piece::Finish(FinishReason::Stop))).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn half_a_document_or_function_call_is_never_continued() {
    let call = Beat::Piece(Piece::ToolCall(ToolCallPiece { name: Some("f".into()), ..ToolCallPiece::default() }));
    let json = aerie_llm_router::chat::ChatRequest { output: OutputFormat::JsonObject, ..ask("hello") };
    let tool = Tool { name: "f".into(), description: None, parameters: None, strict: None };
    let tools = aerie_llm_router::chat::ChatRequest { tools: vec![tool], ..ask("hello") };
    let cases = [(json, text("{\"a\":")), (tools.clone(), text("I call")), (tools, call.clone()), (ask("hello"), call)];
    for (request, beat) in cases {
        let (first, second) = (Scripted::new([Play::Beats(vec![beat, cut()])]), Scripted::new([texts(&["1}"])]));
        let heard = hear(continues(&first, &second).stream(request, Call::default())).await;
        assert_eq!(heard.end.unwrap_err().kind, CallErrorKind::Incomplete);
        assert_eq!(second.calls(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_continued_answer_that_cannot_be_continued_is_incomplete() {
    let broken = || Play::Beats(vec![text("half"), cut()]);
    let (first, second) = (Scripted::new([broken()]), Scripted::new([fail(FaultKind::Unavailable)]));
    let heard = hear(continues(&first, &second).stream(ask("hello"), Call::default())).await;
    let error = heard.end.unwrap_err();
    assert_eq!((heard.text.as_str(), error.kind), ("half", CallErrorKind::Incomplete));
    assert_eq!(error.trail.attempts.len(), 1 + second.calls());
}
