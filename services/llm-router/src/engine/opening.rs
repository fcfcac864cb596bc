//! A streamed answer up to its commit point: from there on the caller has seen it, and no other backend can take over.
//!
//! Until the first content everything is held back, except keep-alives, which go on to the caller at once. The hold policy
//! moves the point further back: a few pieces, or a time, in which an answer that breaks off or crawls can still be
//! replaced unseen.

use std::time::Duration;

use aerie_config::LlmStream;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::{
    Emitter,
    route::{Ask, Work},
    said::Said,
    telemetry::{self, Operation},
    whole::{nothing, question},
};
use crate::{
    answer::{FinishReason, Piece, Usage},
    backend::Pieces,
    call::AnswerEvent,
    chat::ChatRequest,
    extract::{cut::Cut, document::Document},
    fault::{Fault, FaultKind, Stage},
};

/// Most pieces and bytes that are held back, whatever the policy says.
const MOST_PIECES: usize = 256;
const MOST_BYTES: usize = 256 * 1024;

/// Asks for a streamed answer.
#[derive(Debug)]
pub(crate) struct Streamed<'a> {
    pub(crate) request: &'a ChatRequest,
    pub(crate) document: Option<&'a Document>,
    pub(crate) policy: &'a LlmStream,
    pub(crate) emitter: &'a Emitter,
}

/// An answer whose beginning is there.
pub(crate) struct Opening {
    /// What was held back, content included.
    pub(crate) held: Vec<Piece>,
    /// The rest; none when the answer is already whole.
    pub(crate) rest: Option<Pieces>,
    /// Cuts the document out of the content, for answers that must be one.
    pub(crate) cut: Option<Cut>,
    /// The provider's limits on the rest.
    pub(crate) deadline: Instant,
}

impl Work for Streamed<'_> {
    type Answer = Opening;
    const OPERATION: Operation = Operation::Chat;
    const STREAMED: bool = true;

    async fn ask(&self, ask: Ask<'_>) -> Result<Opening, Fault> {
        let sent = Instant::now();
        let question = question(self.request, self.document, ask);
        let headers = sent + ask.hop.headers;
        let opened = timeout_at(headers, ask.lane.backend.stream(&question, ask.hop)).await;
        let mut pieces = opened.unwrap_or_else(|_| Err(late(Stage::Headers, sent)))?;
        let mut holding = Holding::new(self, ask, sent);
        let ended = loop {
            let Ok(piece) = timeout_at(holding.limit(), pieces.next()).await else {
                if holding.on_limit()? {
                    break false;
                }
                continue;
            };
            match piece {
                Some(Ok(piece)) => {
                    if holding.push(piece)? {
                        break false;
                    }
                }
                Some(Err(fault)) => return Err(fault),
                None => break true,
            }
        };
        holding.open(pieces, ended)
    }

    fn request(&self) -> Option<&ChatRequest> {
        Some(self.request)
    }
}

/// What is held back.
struct Holding<'a> {
    work: &'a Streamed<'a>,
    ask: Ask<'a>,
    sent: Instant,
    first_token: Instant,
    /// When content came first.
    content_at: Option<Instant>,
    last_at: Instant,
    held: Vec<Piece>,
    started: Option<Piece>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    contents: usize,
    bytes: usize,
    characters: usize,
    text_without_document: bool,
    cut: Option<Cut>,
}

impl<'a> Holding<'a> {
    fn new(work: &'a Streamed<'a>, ask: Ask<'a>, sent: Instant) -> Self {
        Self {
            work,
            ask,
            sent,
            first_token: sent + Duration::from_millis(ask.lane.timeouts.first_token_ms),
            content_at: None,
            last_at: sent,
            held: Vec::new(),
            started: None,
            finish: None,
            usage: None,
            contents: 0,
            bytes: 0,
            characters: 0,
            text_without_document: false,
            cut: work.document.map(|_| Cut::default()),
        }
    }

    /// Until when to wait for the next piece.
    fn limit(&self) -> Instant {
        let Some(content_at) = self.content_at else { return self.first_token };
        let between = self.last_at + Duration::from_millis(self.ask.lane.timeouts.between_tokens_ms);
        match self.work.policy.hold_ms {
            0 => between,
            hold => between.min(content_at + Duration::from_millis(hold)),
        }
    }

    /// The limit passed: true when the time of holding is over.
    fn on_limit(&self) -> Result<bool, Fault> {
        let Some(content_at) = self.content_at else { return Err(late(Stage::FirstToken, self.sent)) };
        let hold = Duration::from_millis(self.work.policy.hold_ms);
        if !hold.is_zero() && content_at.elapsed() >= hold {
            return self.fast_enough().map(|()| true);
        }
        Err(late(Stage::BetweenTokens, self.last_at))
    }

    /// Takes a piece: true when the commit point is reached.
    fn push(&mut self, piece: Piece) -> Result<bool, Fault> {
        match piece {
            Piece::KeepAlive => {
                self.work.emitter.offer(Ok(AnswerEvent::Piece(Piece::KeepAlive)));
                return Ok(false);
            }
            Piece::Dropped => {
                telemetry::count_dropped(self.ask.lane);
                return Ok(false);
            }
            // Of what says nothing yet only the last is kept: however much of it comes, little is held.
            Piece::Started { .. } => self.started = Some(piece),
            Piece::Finish(finish) => self.finish = Some(finish),
            Piece::Usage(usage) => self.usage = Some(usage),
            Piece::Content(text) => return self.content(text),
            Piece::Reasoning(text) if text.is_empty() => {}
            Piece::Reasoning(_) | Piece::ToolCall(_) => return self.hold(piece),
        }
        Ok(false)
    }

    fn content(&mut self, text: String) -> Result<bool, Fault> {
        let text = match &mut self.cut {
            None => text,
            Some(cut) => {
                self.text_without_document |= !text.trim().is_empty();
                cut.push(&text).to_owned()
            }
        };
        if text.is_empty() { Ok(false) } else { self.hold(Piece::Content(text)) }
    }

    fn hold(&mut self, piece: Piece) -> Result<bool, Fault> {
        let now = Instant::now();
        self.last_at = now;
        self.content_at.get_or_insert(now);
        let text = match &piece {
            Piece::Content(text) | Piece::Reasoning(text) => text,
            Piece::ToolCall(call) => &call.arguments,
            _ => "",
        };
        self.contents += 1;
        self.bytes += text.len();
        self.characters += text.chars().count();
        self.held.push(piece);
        let LlmStream { hold_pieces, hold_ms, .. } = *self.work.policy;
        let enough = hold_pieces > 0 && self.contents >= hold_pieces as usize;
        let full = self.held.len() >= MOST_PIECES || self.bytes >= MOST_BYTES;
        if (hold_pieces == 0 && hold_ms == 0) || full {
            return Ok(true);
        }
        if enough {
            return self.fast_enough().map(|()| true);
        }
        Ok(false)
    }

    /// A beginning that crawls is given up, as long as another backend is left.
    fn fast_enough(&self) -> Result<(), Fault> {
        let least = self.work.policy.least_characters_per_second;
        let Some(content_at) = self.content_at.filter(|_| least > 0 && !self.ask.last) else { return Ok(()) };
        let seconds = content_at.elapsed().as_secs_f64();
        let rate = self.characters as f64 / seconds.max(1e-3);
        if rate >= f64::from(least) {
            return Ok(());
        }
        let message = format!("{rate:.1} characters a second; at least {least} are asked for");
        Err(Fault::new(FaultKind::Timeout(Stage::BetweenTokens), message))
    }

    fn open(self, pieces: Pieces, ended: bool) -> Result<Opening, Fault> {
        if ended && self.held.is_empty() {
            return Err(if self.text_without_document {
                Fault::new(FaultKind::InvalidDocument, "the answer holds no JSON")
            } else {
                nothing(self.finish.unwrap_or_default())
            });
        }
        if ended && let Some(document) = self.work.document {
            // All of it is still here: a document that does not fit is no loss yet.
            fits(&self.held, document)?;
        }
        let usage = self.usage.map(Piece::Usage);
        let finish = self.finish.map(Piece::Finish);
        let held: Vec<Piece> = self.started.into_iter().chain(self.held).chain(finish).chain(usage).collect();
        let rest = (!ended).then_some(pieces);
        Ok(Opening { held, rest, cut: self.cut, deadline: self.ask.hop.deadline })
    }
}

/// Whether the held content is a document that fits, as it is.
fn fits(held: &[Piece], document: &Document) -> Result<(), Fault> {
    let mut said = Said::new(true);
    held.iter().for_each(|piece| said.add(piece));
    match document.settle(&mut said.completion) {
        Ok(false) => Ok(()),
        Ok(true) => Err(Fault::new(FaultKind::InvalidDocument, "the answer is not quite JSON")),
        Err(mistakes) => Err(Fault::new(FaultKind::InvalidDocument, mistakes)),
    }
}

fn late(stage: Stage, since: Instant) -> Fault {
    let waited = since.elapsed().as_millis();
    let message = match stage {
        Stage::Headers => format!("no answer within {waited} ms"),
        Stage::FirstToken => format!("no first token within {waited} ms"),
        _ => format!("no token for {waited} ms"),
    };
    Fault::new(FaultKind::Timeout(stage), message)
}
