#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use candle_core::DType;
use tempfile::TempDir;

use super::worker::Worker;
use super::*;
use crate::model::{CaptionLength, Event, Finish, LoadOptions, Model, Request, Sampling, ServedModel};
use crate::testing::{noise, tiny_config};
use crate::weights::write_random_model;

fn folder(seed: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_random_model(folder.path(), &tiny_config(), DType::F32, seed).unwrap();
    folder
}

fn model(seed: u64, cache_budget: u64) -> Model {
    let options = LoadOptions { cache_budget, ..LoadOptions::default() };
    Model::load(folder(seed).path(), &options).unwrap()
}

/// An engine whose turns are made by the test.
fn engine_of<M: ServedModel>(model: M, settings: EngineSettings) -> (Engine, Worker<M>) {
    let engine = Engine::new(settings);
    let info = thread::describe(&model, "tiny".into(), "cpu".into(), Vec::new());
    engine.shared.state.send_replace(State::Ready(Arc::new(info)));
    let worker = Worker::new(model, HashMap::new(), Arc::clone(&engine.shared));
    (engine, worker)
}

fn engine(settings: EngineSettings) -> (Engine, Worker<Model>) {
    engine_of(model(1, 1 << 30), settings)
}

fn png(seed: u32) -> Bytes {
    let picture = noise(40, 20, seed).unwrap();
    let image = ::image::RgbImage::from_raw(40, 20, picture.pixels().to_vec()).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ::image::ImageFormat::Png).unwrap();
    bytes.into_inner().into()
}

fn caption(caller: &str, seed: u32) -> Ask {
    let request = Request::Caption { length: CaptionLength::Short, sampling: Sampling::greedy(12) };
    Ask { caller: caller.into(), image: Some(png(seed)), variant: String::new(), request, deadline: None }
}

fn drawn(caller: &str, image: u32, seed: u64) -> Ask {
    let sampling = Sampling { temperature: 1.5, top_p: 0.95, seed, max_tokens: 30 };
    let question = "What?".to_owned();
    let request = Request::Query { question, references: Vec::new(), reasoning: seed.is_multiple_of(2), sampling };
    Ask { request, ..caption(caller, image) }
}

/// Turns until nothing runs or waits.
fn finish<M: ServedModel>(engine: &Engine, worker: &mut Worker<M>) {
    while !worker.is_idle() || !engine.shared.waiting().queue.is_empty() {
        worker.turn(Instant::now()).unwrap();
    }
}

async fn read(mut answer: Answer) -> (Vec<Event>, Result<Summary, EngineError>) {
    let mut events = Vec::new();
    loop {
        match answer.next().await.unwrap() {
            Ok(Piece::Event(event)) => events.push(event),
            Ok(Piece::End(summary)) => return (events, Ok(summary)),
            Err(error) => return (events, Err(error)),
        }
    }
}

async fn refused(engine: &Engine, ask: Ask) -> EngineError {
    match engine.ask(ask).await {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn answers_do_not_depend_on_who_else_asks_or_when_they_come() {
    let mut alone = Vec::new();
    for seed in 0..6 {
        let (engine, mut worker) = engine(EngineSettings::default());
        let answer = engine.ask(drawn("a", (seed % 3) as u32, seed)).await.unwrap();
        finish(&engine, &mut worker);
        alone.push(read(answer).await.0);
    }
    let (engine, mut worker) = engine(EngineSettings { batch: 4, encode_tokens: 40, ..EngineSettings::default() });
    let mut together = Vec::new();
    for seed in 0..6 {
        together.push(engine.ask(drawn(&format!("caller {}", seed % 4), (seed % 3) as u32, seed)).await.unwrap());
        worker.turn(Instant::now()).unwrap();
    }
    assert!(worker.running_count() > 1);
    finish(&engine, &mut worker);
    for (answer, alone) in together.into_iter().zip(alone) {
        let (events, summary) = read(answer).await;
        assert_eq!(events, alone);
        let summary = summary.unwrap();
        assert_eq!(summary.image_tokens, 17);
        assert!(summary.prompt_tokens > 3 && summary.first_piece_time <= summary.total_time);
    }
}

#[tokio::test]
async fn an_image_is_read_once_however_many_ask_about_it() {
    let (engine, mut worker) = engine(EngineSettings::default());
    let mut answers = Vec::new();
    for caller in ["a", "b", "c"] {
        answers.push(engine.ask(caption(caller, 1)).await.unwrap());
    }
    finish(&engine, &mut worker);
    let one = engine.shared.images().bytes();
    let mut texts = Vec::new();
    for (index, answer) in answers.into_iter().enumerate() {
        let (events, summary) = read(answer).await;
        assert_eq!(summary.unwrap().image_cached, index > 0);
        texts.push(events);
    }
    let again = engine.ask(caption("d", 1)).await.unwrap();
    let other = engine.ask(caption("d", 2)).await.unwrap();
    finish(&engine, &mut worker);
    let (events, summary) = read(again).await;
    assert!(summary.unwrap().image_cached);
    assert!(!read(other).await.1.unwrap().image_cached);
    texts.push(events);
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    assert_eq!(engine.shared.images().bytes(), 2 * one);
}

#[tokio::test]
async fn a_caller_who_leaves_gives_everything_back_at_the_next_step() {
    let (engine, mut worker) = engine(EngineSettings { batch: 1, ..EngineSettings::default() });
    let first = engine.ask(drawn("a", 1, 1)).await.unwrap();
    let waiting = engine.ask(drawn("a", 1, 3)).await.unwrap();
    worker.turn(Instant::now()).unwrap();
    assert_eq!(worker.running_count(), 1);
    drop((first, waiting));
    worker.turn(Instant::now()).unwrap();
    assert!(worker.is_idle() && engine.shared.waiting().queue.is_empty());
    assert_eq!(engine.cache_used(), engine.shared.images().bytes());
}

#[tokio::test]
async fn a_late_request_leaves_whether_it_waits_or_runs() {
    let (engine, mut worker) = engine(EngineSettings { batch: 1, ..EngineSettings::default() });
    let running = engine.ask(drawn("a", 1, 1)).await.unwrap();
    let waiting = engine.ask(drawn("b", 1, 1)).await.unwrap();
    let now = Instant::now();
    worker.turn(now).unwrap();
    assert_eq!(worker.running_count(), 1);
    worker.turn(now + EngineSettings::default().deadline + Duration::from_secs(1)).unwrap();
    assert!(worker.is_idle());
    for answer in [running, waiting] {
        assert_eq!(read(answer).await.1, Err(EngineError::DeadlineExceeded));
    }
    let past = Ask { deadline: Some(now), ..caption("a", 1) };
    assert_eq!(refused(&engine, past).await, EngineError::DeadlineExceeded);
}

#[tokio::test]
async fn callers_take_turns() {
    let (engine, mut worker) = engine(EngineSettings { batch: 1, ..EngineSettings::default() });
    let mut answers = Vec::new();
    for caller in ["greedy", "greedy", "greedy", "modest"] {
        answers.push((caller, engine.ask(caption(caller, 1)).await.unwrap()));
    }
    let mut order = Vec::new();
    while !answers.is_empty() {
        worker.turn(Instant::now()).unwrap();
        for (caller, _) in answers.extract_if(.., |(_, answer)| answer.has_ended()) {
            order.push(caller);
        }
    }
    assert_eq!(order, ["greedy", "modest", "greedy", "greedy"]);
}

#[tokio::test]
async fn a_full_queue_refuses_and_those_who_left_make_room() {
    let settings = EngineSettings { queue: 3, queue_per_caller: 2, ..EngineSettings::default() };
    let (engine, _worker) = engine(settings);
    let first = engine.ask(caption("a", 1)).await.unwrap();
    let _second = engine.ask(caption("a", 1)).await.unwrap();
    let error = refused(&engine, caption("a", 1)).await;
    assert!(matches!(error, EngineError::QueueFull { waiting: 2, limit: 2, .. }), "{error}");
    let _third = engine.ask(caption("b", 1)).await.unwrap();
    let error = refused(&engine, caption("c", 1)).await;
    assert!(matches!(error, EngineError::QueueFull { waiting: 3, limit: 3, .. }), "{error}");
    drop(first);
    assert!(engine.ask(caption("c", 1)).await.is_ok());
}

#[tokio::test]
async fn who_could_not_be_in_time_is_told_when_to_come_again() {
    let (engine, _worker) = engine(EngineSettings::default());
    engine.shared.waiting().pace.work(Duration::from_secs(10));
    engine.shared.waiting().pace.ended(1);
    let _first = engine.ask(caption("a", 1)).await.unwrap();
    let soon = || Some(Instant::now() + Duration::from_secs(5));
    let error = refused(&engine, Ask { deadline: soon(), ..caption("b", 1) }).await;
    let EngineError::DeadlineTooShort { wait_ms, left_ms, retry_after } = error else { panic!("{error}") };
    assert!(wait_ms == 10_000 && left_ms <= 5_000 && retry_after >= Duration::from_secs(5));
    let patient = Some(Instant::now() + Duration::from_secs(60));
    assert!(engine.ask(Ask { deadline: patient, ..caption("b", 1) }).await.is_ok());
}

#[tokio::test]
async fn memory_for_two_images_serves_many() {
    let probe = model(1, 1 << 30);
    // Two images, and two requests of a block each.
    let budget = 2 * probe.cache_bytes(17) + 2 * probe.cache_bytes(64);
    let share = (2 * probe.cache_bytes(17)) as f64 / budget as f64;
    let (engine, mut worker) =
        engine_of(model(1, budget), EngineSettings { image_share: share, ..EngineSettings::default() });
    let mut answers = Vec::new();
    for image in 0..5 {
        answers.push(engine.ask(caption("a", image)).await.unwrap());
        answers.push(engine.ask(caption("b", image)).await.unwrap());
    }
    worker.turn(Instant::now()).unwrap();
    assert!((1..=2).contains(&worker.running_count()), "{}", worker.running_count());
    while !worker.is_idle() || !engine.shared.waiting().queue.is_empty() {
        worker.turn(Instant::now()).unwrap();
        assert!(engine.cache_used() <= budget);
    }
    for answer in answers {
        assert!(read(answer).await.1.is_ok());
    }
}

#[tokio::test]
async fn a_request_that_can_never_fit_is_refused_and_does_not_block() {
    let probe = model(1, 1 << 30);
    let budget = probe.cache_bytes(17) + probe.cache_bytes(64);
    let (engine, mut worker) = engine_of(model(1, budget), EngineSettings::default());
    let sampling = Sampling::greedy(200);
    let large = Request::Caption { length: CaptionLength::Short, sampling };
    let large = engine.ask(Ask { request: large, ..caption("a", 1) }).await.unwrap();
    let small = engine.ask(caption("a", 1)).await.unwrap();
    finish(&engine, &mut worker);
    assert!(matches!(read(large).await.1, Err(EngineError::TooLarge(_))));
    assert!(read(small).await.1.is_ok());
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let (engine, mut worker) = engine(EngineSettings::default());
    let broken = Ask { image: Some(Bytes::from_static(b"\x89PNG\r\n\x1a\nnothing")), ..caption("a", 1) };
    assert!(matches!(refused(&engine, broken).await, EngineError::Invalid { field: "image", .. }));
    let error = refused(&engine, Ask { variant: "chart".into(), ..caption("a", 1) }).await.to_string();
    assert_eq!(error, "variant \"chart\" is not loaded; known are: none");
    let long = Request::Query {
        question: "x".repeat(400),
        references: Vec::new(),
        reasoning: false,
        sampling: Sampling::greedy(1),
    };
    let long = engine.ask(Ask { request: long, ..caption("a", 1) }).await.unwrap();
    finish(&engine, &mut worker);
    let error = read(long).await.1.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

/// A model whose logits are no numbers.
fn damaged() -> TempDir {
    let folder = folder(7);
    let file = folder.path().join("model.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let parsed: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let offset = parsed["model.text.lm_head.bias"]["data_offsets"][0].as_u64().unwrap() as usize + 8 + header;
    bytes[offset..offset + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    folder
}

#[tokio::test]
async fn numbers_that_are_none_cost_their_request_and_are_not_remembered() {
    let model = Model::load(damaged().path(), &LoadOptions::default()).unwrap();
    let (engine, mut worker) = engine_of(model, EngineSettings::default());
    for _ in 0..5 {
        let answer = engine.ask(caption("a", 1)).await.unwrap();
        finish(&engine, &mut worker);
        assert!(matches!(read(answer).await.1, Err(EngineError::NoNumbers(_))));
        assert_eq!((engine.shared.images().bytes(), engine.cache_used()), (0, 0));
    }
}

#[tokio::test]
async fn a_failing_device_costs_what_runs_and_is_given_up_when_it_goes_on_failing() {
    let (engine, mut worker) = engine(EngineSettings::default());
    let error = EngineError::Device("gone".into());
    for time in 1..=4 {
        let answer = engine.ask(drawn("a", 1, 1)).await.unwrap();
        worker.turn(Instant::now()).unwrap();
        let outcome = worker.fault(&error);
        assert_eq!(read(answer).await.1, Err(error.clone()));
        // The step between two failures went well, so that they are not in a row.
        assert_eq!((time, outcome), (time, Ok(())));
    }
    assert_eq!((worker.fault(&error), worker.fault(&error)), (Ok(()), Err(error)));
}

async fn settled(engine: &Engine) -> State {
    let mut state = engine.state();
    let state = state.wait_for(|state| !matches!(state, State::Loading)).await.unwrap();
    state.clone()
}

fn source(folder: &TempDir) -> EngineSource {
    let folder = folder.path().to_owned();
    EngineSource::Folder { folder, name: "tiny".into(), options: LoadOptions::default(), variants: Default::default() }
}

#[tokio::test]
async fn the_thread_answers_after_its_test_and_ends_when_told() {
    let folder = folder(1);
    let engine = start(source(&folder), EngineSettings::default()).unwrap();
    let State::Ready(info) = settled(&engine).await else { panic!("not ready") };
    assert_eq!((info.name.as_str(), info.device.as_str(), info.context), ("tiny", "cpu", 256));
    let (_, summary) = read(engine.ask(caption("a", 1)).await.unwrap()).await;
    assert!(matches!(summary.unwrap().finish, Finish::Stop | Finish::MaxTokens));
    engine.stop();
    engine.state().wait_for(|state| matches!(state, State::Stopped)).await.unwrap();
    assert_eq!(refused(&engine, caption("a", 1)).await, EngineError::Stopping);
}

#[tokio::test]
async fn a_model_that_fails_its_test_does_not_serve() {
    let folder = damaged();
    let engine = start(source(&folder), EngineSettings::default()).unwrap();
    let State::Failed(message) = settled(&engine).await else { panic!("it serves") };
    assert!(message.contains("fails its test of itself"), "{message}");
    assert!(matches!(refused(&engine, caption("a", 1)).await, EngineError::Failed(_)));
    let missing = start(EngineSource::Missing("fetch it".into()), EngineSettings::default()).unwrap();
    assert_eq!(refused(&missing, caption("a", 1)).await, EngineError::Missing("fetch it".into()));
}
