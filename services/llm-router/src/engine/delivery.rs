//! A streamed answer from its commit point to its end: a clean end, or an error that says that it broke off.
//!
//! The finish reason is held back until the answer is known to be whole, so that a caller never sees an end and then an
//! error.

use std::borrow::Cow;

use aerie_config::AfterBreak;

use super::{
    Emitter,
    opening::{Opening, Streamed},
    route::Route,
    said::Said,
    silence::Silence,
    telemetry,
    visit::{Visit, Won},
    whole::nothing,
};
use crate::{
    answer::{Completion, Piece, Trail, Usage},
    call::{AnswerEvent, CallError, CallErrorKind},
    chat::{ChatRequest, Message, OutputFormat, Role},
    extract::document::Document,
    fault::{Fault, FaultKind},
};

/// Delivers a streamed answer and returns it, as far as `keep` asks for, with how it came about.
pub(crate) async fn deliver(
    route: &Route<'_>,
    request: &ChatRequest,
    document: Option<&Document>,
    keep: bool,
    emitter: &Emitter,
) -> Result<(Completion, Trail), CallError> {
    let policy = &route.shared.settings.stream;
    let goes_on = policy.after_break == AfterBreak::Continue && may_go_on(request);
    let recorded = route.shared.recording.prompts;
    let mut said = Said::new(keep || goes_on || recorded || document.is_some());
    let mut question = Cow::Borrowed(request);
    let mut delivery = Delivery { route, document, emitter, after_seam: false };
    loop {
        let work = Streamed { request: &question, document, policy, emitter };
        let begun = said.has_content;
        let won = match route.run(&work).await {
            Ok(won) => won,
            Err(error) if begun => return Err(incomplete(error, CallErrorKind::Incomplete, &said)),
            Err(error) => return Err(error),
        };
        let Won { answer, visit, .. } = won;
        let fault = match delivery.rest(answer, &visit, &mut said).await {
            Ok(()) => return delivery.end(visit, said).await,
            Err(fault) => fault,
        };
        let used = said.settled(&route.plan.need.estimate);
        route.broke(visit, &fault, used);
        said.goes_on(used);
        let text = said.completion.content.trim_end();
        let can = goes_on && is_break(fault.kind) && said.completion.tool_calls.is_empty();
        if !can || text.is_empty() || !route.has_next() {
            let kind = match fault.kind {
                FaultKind::InvalidDocument => CallErrorKind::InvalidDocument,
                _ => CallErrorKind::Incomplete,
            };
            let error = CallError { message: broken(&fault), ..route.failure() };
            return Err(incomplete(error, kind, &said));
        }
        question = Cow::Owned(continued(request, text));
        delivery.after_seam = text.len() < said.completion.content.len();
    }
}

struct Delivery<'a> {
    route: &'a Route<'a>,
    document: Option<&'a Document>,
    emitter: &'a Emitter,
    /// Whether the next text follows a space that was delivered but not shown to the backend that goes on.
    after_seam: bool,
}

impl Delivery<'_> {
    async fn rest(&mut self, opening: Opening, visit: &Visit, said: &mut Said) -> Result<(), Fault> {
        let lane = &visit.entry.lane;
        let Opening { held, rest, mut cut, deadline } = opening;
        for piece in held {
            // The document was cut out of what was held already.
            self.piece(piece, said).await;
        }
        let Some(mut pieces) = rest else { return self.check(said) };
        let mut silence = Silence::new(&lane.timeouts, deadline);
        while let Some(piece) = silence.next(&mut pieces).await {
            match piece? {
                Piece::Dropped => telemetry::count_dropped(lane),
                Piece::Content(text) => {
                    let text = match &mut cut {
                        Some(cut) => cut.push(&text).to_owned(),
                        None => text,
                    };
                    self.piece(Piece::Content(text), said).await;
                }
                piece => self.piece(piece, said).await,
            }
        }
        self.check(said)
    }

    async fn piece(&mut self, piece: Piece, said: &mut Said) {
        let piece = match piece {
            Piece::Content(text) if self.after_seam => {
                let text = text.trim_start();
                self.after_seam = text.is_empty();
                Piece::Content(text.to_owned())
            }
            piece => piece,
        };
        let again = matches!(piece, Piece::Started { .. }) && said.has_content;
        let empty = matches!(&piece, Piece::Content(text) | Piece::Reasoning(text) if text.is_empty());
        if again || empty {
            return;
        }
        said.add(&piece);
        if !matches!(piece, Piece::Finish(_) | Piece::Usage(_)) {
            self.emitter.emit(Ok(AnswerEvent::Piece(piece))).await;
        }
    }

    /// Whether a clean end is one.
    fn check(&self, said: &mut Said) -> Result<(), Fault> {
        if !said.has_content {
            return Err(nothing(said.completion.finish));
        }
        if let Some(document) = self.document {
            let repaired = document
                .settle(&mut said.completion)
                .map_err(|mistakes| Fault::new(FaultKind::InvalidDocument, mistakes))?;
            if repaired {
                let message = "it is not quite JSON, and what was delivered cannot be repaired any more";
                return Err(Fault::new(FaultKind::InvalidDocument, message));
            }
        }
        Ok(())
    }

    async fn end(&self, visit: Visit, said: Said) -> Result<(Completion, Trail), CallError> {
        let settled = said.settled(&self.route.plan.need.estimate);
        telemetry::answered(&visit.span, &said.completion, self.route.shared.recording);
        let trail = self.route.finish(visit, said.completion.usage, settled);
        let reason = said.finish().unwrap_or_default();
        self.emitter.emit(Ok(AnswerEvent::Piece(Piece::Finish(reason)))).await;
        let usage = said.completion.usage.map(|usage| said.total(usage));
        if let Some(usage) = usage {
            self.emitter.emit(Ok(AnswerEvent::Piece(Piece::Usage(usage)))).await;
        }
        Ok((Completion { usage, ..said.completion }, trail))
    }
}

/// Another backend can go on with a text, but not with half a function call or document.
fn may_go_on(request: &ChatRequest) -> bool {
    request.tools.is_empty() && matches!(request.output, OutputFormat::Text)
}

fn is_break(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Incomplete
            | FaultKind::Timeout(_)
            | FaultKind::Connect
            | FaultKind::Unavailable
            | FaultKind::Overloaded
            | FaultKind::Malformed
    )
}

/// The question with the answer so far as its last message, which models take as their own beginning. Spaces at its end are
/// left out: some providers refuse them.
fn continued(request: &ChatRequest, text: &str) -> ChatRequest {
    let mut request = request.clone();
    request.messages.push(Message::text(Role::Assistant, text));
    request
}

fn broken(fault: &Fault) -> String {
    match fault.kind {
        FaultKind::InvalidDocument => format!("the document that was delivered is not valid: {}", fault.message),
        _ => format!("the answer broke off after its beginning was delivered: {}", fault.message),
    }
}

fn incomplete(error: CallError, kind: CallErrorKind, said: &Said) -> CallError {
    CallError { kind, usage: Some(said.total(Usage::default())), retry_after: None, ..error }
}
