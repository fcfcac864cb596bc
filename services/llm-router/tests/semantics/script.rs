//! Scripted backends and the world around them.

use std::{
    collections::VecDeque,
    fmt::Debug,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aerie_config::{Llm, LlmBackend, LlmChain, Loader};
use aerie_llm_router::{
    answer::{Completion, Embeddings, FinishReason, Piece, Usage},
    backend::{Backend, Hop, Pieces},
    call::{Answer, AnswerEvent, Call, CallError},
    chat::{ChatRequest, EmbedRequest, Message, Role, Schema},
    engine::{AnswerStream, Capabilities, Engine, EngineBackend, EngineDeps, WallClock},
    fault::{Fault, FaultKind},
};
use futures::{StreamExt, stream as streams};
use tokio::time::sleep;

/// What a backend does when it is asked.
#[derive(Debug, Clone)]
pub enum Play {
    Say(Completion),
    Fail(Fault),
    Hang,
    /// Waits, then plays.
    After(Duration, Box<Play>),
    /// Beats of a streamed answer.
    Beats(Vec<Beat>),
}

#[derive(Debug, Clone)]
pub enum Beat {
    Piece(Piece),
    Wait(Duration),
    Fail(Fault),
    Hang,
}

pub fn say(text: &str) -> Play {
    Play::Say(Completion { content: text.into(), usage: Some(usage(10, 5)), ..Completion::default() })
}

pub fn fail(kind: FaultKind) -> Play {
    Play::Fail(Fault::new(kind, format!("scripted {kind}")))
}

pub fn busy(wait: Duration) -> Play {
    Play::Fail(Fault::new(FaultKind::Overloaded, "slow down").retry_after(Some(wait)))
}

pub fn after(wait: Duration, play: Play) -> Play {
    Play::After(wait, Box::new(play))
}

pub fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

pub fn started() -> Beat {
    Beat::Piece(Piece::Started { id: "id".into(), model: "model".into() })
}

pub fn text(text: &str) -> Beat {
    Beat::Piece(Piece::Content(text.into()))
}

pub fn finish() -> Beat {
    Beat::Piece(Piece::Finish(FinishReason::Stop))
}

pub fn cut() -> Beat {
    Beat::Fail(Fault::new(FaultKind::Incomplete, "the connection broke"))
}

/// A streamed answer of these texts.
pub fn texts(words: &[&str]) -> Play {
    let words = words.iter().map(|word| text(word));
    let usage = Beat::Piece(Piece::Usage(usage(10, 5)));
    Play::Beats([started()].into_iter().chain(words).chain([finish(), usage]).collect())
}

/// A backend that plays its plays in turn, the last one again and again.
#[derive(Debug)]
pub struct Scripted {
    plays: Mutex<VecDeque<Play>>,
    asked: Mutex<Vec<(ChatRequest, Hop)>>,
    pub calls: AtomicUsize,
    pub dropped: Arc<AtomicUsize>,
    pub running: Arc<AtomicUsize>,
    pub most_running: AtomicUsize,
    pub models: Mutex<Result<Vec<String>, Fault>>,
    pub listed: AtomicUsize,
    pub vectors: usize,
}

impl Scripted {
    pub fn new(plays: impl IntoIterator<Item = Play>) -> Arc<Self> {
        Arc::new(Self {
            plays: Mutex::new(plays.into_iter().collect()),
            asked: Mutex::default(),
            calls: AtomicUsize::default(),
            dropped: Arc::default(),
            running: Arc::default(),
            most_running: AtomicUsize::default(),
            models: Mutex::new(Ok(vec!["listed".into()])),
            listed: AtomicUsize::default(),
            vectors: 3,
        })
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub fn dropped(&self) -> usize {
        self.dropped.load(Ordering::Relaxed)
    }

    pub fn question(&self, call: usize) -> ChatRequest {
        self.asked.lock().unwrap()[call].0.clone()
    }

    pub fn hop(&self, call: usize) -> Hop {
        self.asked.lock().unwrap()[call].1.clone()
    }

    /// From now on it plays this.
    pub fn now(&self, play: Play) {
        *self.plays.lock().unwrap() = [play].into();
    }

    fn next(&self, request: &ChatRequest, hop: &Hop) -> (Play, Visit) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.asked.lock().unwrap().push((request.clone(), hop.clone()));
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_running.fetch_max(running, Ordering::Relaxed);
        let visit = Visit { dropped: self.dropped.clone(), running: self.running.clone(), over: false };
        let mut plays = self.plays.lock().unwrap();
        let play = if plays.len() > 1 { plays.pop_front() } else { plays.front().cloned() };
        (play.expect("a script"), visit)
    }
}

/// Notices that a call was dropped in the middle.
struct Visit {
    dropped: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
    over: bool,
}

impl Visit {
    fn end(&mut self) {
        self.over = true;
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        self.dropped.fetch_add(usize::from(!self.over), Ordering::Relaxed);
    }
}

async fn wait_for(mut play: Play) -> Play {
    while let Play::After(wait, next) = play {
        sleep(wait).await;
        play = *next;
    }
    play
}

#[async_trait::async_trait]
impl Backend for Scripted {
    async fn complete(&self, request: &ChatRequest, hop: &Hop) -> Result<Completion, Fault> {
        let (play, mut visit) = self.next(request, hop);
        let outcome = match wait_for(play).await {
            Play::Say(completion) => Ok(completion),
            Play::Fail(fault) => Err(fault),
            Play::Hang | Play::After(..) => std::future::pending().await,
            Play::Beats(_) => panic!("beats are for streams"),
        };
        visit.end();
        outcome
    }

    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        let (play, mut visit) = self.next(request, hop);
        let beats = match wait_for(play).await {
            Play::Beats(beats) => beats,
            Play::Say(completion) => {
                let Play::Beats(beats) = texts(&[&completion.content]) else { unreachable!() };
                beats
            }
            Play::Fail(fault) => {
                visit.end();
                return Err(fault);
            }
            Play::Hang | Play::After(..) => std::future::pending().await,
        };
        Ok(Box::pin(streams::unfold((VecDeque::from(beats), visit), |(mut beats, mut visit)| async move {
            loop {
                let Some(beat) = beats.pop_front() else {
                    visit.end();
                    return None;
                };
                match beat {
                    Beat::Piece(piece) => return Some((Ok(piece), (beats, visit))),
                    Beat::Wait(wait) => sleep(wait).await,
                    Beat::Hang => std::future::pending().await,
                    Beat::Fail(fault) => {
                        visit.end();
                        return Some((Err(fault), (VecDeque::new(), visit)));
                    }
                }
            }
        })))
    }

    async fn embed(&self, request: &EmbedRequest, hop: &Hop) -> Result<Embeddings, Fault> {
        let (play, mut visit) = self.next(&ChatRequest::default(), hop);
        let outcome = match wait_for(play).await {
            Play::Say(_) => {
                let vectors = vec![vec![0.5; self.vectors]; request.inputs.len()];
                Ok(Embeddings { vectors, model: hop.model.clone(), usage: Some(usage(4, 0)) })
            }
            Play::Fail(fault) => Err(fault),
            _ => std::future::pending().await,
        };
        visit.end();
        outcome
    }

    async fn models(&self, _: &Hop) -> Result<Vec<String>, Fault> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        self.models.lock().unwrap().clone()
    }

    fn untold(&self, _: &Schema) -> Vec<String> {
        vec!["/minLength".into()]
    }
}

/// A clock of days that a test sets.
#[derive(Debug, Default)]
pub struct Day(pub AtomicU64);

impl WallClock for Day {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// Settings and backends of an engine.
pub struct World {
    pub settings: Llm,
    pub backends: Vec<EngineBackend>,
    pub day: Arc<Day>,
    pub conventions: Option<String>,
}

impl World {
    pub fn new() -> Self {
        let settings = Loader::new().load().unwrap().llm;
        Self { settings, backends: Vec::new(), day: Arc::default(), conventions: None }
    }

    /// A world of these backends, in this order.
    pub fn of<const N: usize>(backends: [(&str, &Arc<Scripted>); N]) -> Self {
        backends.into_iter().fold(Self::new(), |world, (name, backend)| world.backend(name, backend, |_| {}))
    }

    /// Adds a backend that can do everything; `change` says otherwise.
    pub fn backend(mut self, name: &str, backend: &Arc<Scripted>, change: impl FnOnce(&mut EngineBackend)) -> Self {
        let settings: LlmBackend =
            serde_json::from_value(serde_json::json!({"kind": "openai", "model": "gpt"})).unwrap();
        let capabilities = Capabilities::of(&settings);
        let mut added =
            EngineBackend { name: name.into(), settings, backend: backend.clone(), local: false, capabilities };
        change(&mut added);
        self.backends.push(added);
        self
    }

    pub fn set(mut self, change: impl FnOnce(&mut Llm)) -> Self {
        change(&mut self.settings);
        self
    }

    pub fn chain(self, work: &str, names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.set(|settings| drop(settings.chains.insert(work.into(), LlmChain::Order(names))))
    }

    pub fn engine(self) -> Engine {
        let Self { settings, backends, day, conventions } = self;
        Engine::new(EngineDeps { settings: &settings, backends, clock: day, conventions, seed: 7 }).unwrap()
    }
}

pub fn ask(words: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::text(Role::User, words)], ..ChatRequest::default() }
}

pub async fn complete(engine: &Engine) -> Result<Answer, CallError> {
    engine.complete(ask("hello"), Call::default()).await
}

/// Everything that a stream gave: its text, its events, and how it ended.
#[derive(Debug)]
pub struct Heard {
    pub text: String,
    pub pieces: Vec<Piece>,
    pub end: Result<aerie_llm_router::answer::Trail, CallError>,
}

pub async fn hear(mut answers: AnswerStream) -> Heard {
    let (mut text, mut pieces, mut end) = (String::new(), Vec::new(), None);
    while let Some(event) = answers.next().await {
        assert!(end.is_none(), "nothing follows the end: {event:?}");
        match event {
            Ok(AnswerEvent::Piece(piece)) => {
                if let Piece::Content(part) = &piece {
                    text.push_str(part);
                }
                pieces.push(piece);
            }
            Ok(AnswerEvent::End(trail)) => end = Some(Ok(trail)),
            Err(error) => end = Some(Err(error)),
        }
    }
    Heard { text, pieces, end: end.expect("an end") }
}

pub async fn stream(engine: &Engine) -> Heard {
    hear(engine.stream(ask("hello"), Call::default())).await
}

/// Backends and causes of a trail.
pub fn causes(trail: &aerie_llm_router::answer::Trail) -> Vec<(&str, Option<FaultKind>)> {
    trail.attempts.iter().map(|attempt| (attempt.backend.as_str(), attempt.fault)).collect()
}

pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
