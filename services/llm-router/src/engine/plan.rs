//! Which backends a call may ask, in which order, and why not the others.

use std::sync::Arc;

use aerie_config::BackendKind;
use tokio::time::Instant;

use super::{
    chain::{Chain, Entry},
    dice::Dice,
    estimate::Estimate,
    lane::Lane,
};
use crate::{
    call::{CallErrorKind, Consent},
    chat::{ChatRequest, EmbedRequest, OutputFormat},
};

/// What a call needs of a backend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    chat: bool,
    images: bool,
    tools: bool,
    schema: Schema,
    dimensions: Option<u32>,
    vectors: bool,
    pub(crate) estimate: Estimate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schema {
    None,
    /// Better a backend that can be held to it; another one is told in words, and both are checked.
    Wanted,
    Required,
}

impl Need {
    pub(crate) fn of_chat(request: &ChatRequest) -> Self {
        let schema = match &request.output {
            OutputFormat::Schema { strict: true, .. } => Schema::Required,
            OutputFormat::Schema { .. } => Schema::Wanted,
            OutputFormat::Text | OutputFormat::JsonObject => Schema::None,
        };
        Self {
            chat: true,
            images: request.has_images(),
            tools: !request.tools.is_empty(),
            schema,
            dimensions: None,
            vectors: false,
            estimate: Estimate::of_chat(request),
        }
    }

    pub(crate) fn of_embedding(request: &EmbedRequest) -> Self {
        Self {
            chat: false,
            images: false,
            tools: false,
            schema: Schema::None,
            dimensions: request.dimensions,
            vectors: true,
            estimate: Estimate::of_embedding(request),
        }
    }
}

/// Why a backend is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Disabled,
    NotLocal,
    NotAcknowledged,
    NoChat,
    NoImages,
    NoTools,
    NoSchema,
    NoVectors,
    Dimensions(u32),
    Context { reads: u32, least: u64 },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Disabled => formatter.write_str("is switched off"),
            Self::NotLocal => formatter.write_str("is not local, and the call is for local backends only"),
            Self::NotAcknowledged => formatter.write_str("is not local, and the person has not agreed to it"),
            Self::NoChat => formatter.write_str("answers no questions"),
            Self::NoImages => formatter.write_str("takes no images"),
            Self::NoTools => formatter.write_str("calls no functions"),
            Self::NoSchema => formatter.write_str("cannot be held to a schema"),
            Self::NoVectors => formatter.write_str("makes no vectors"),
            Self::Dimensions(length) => write!(formatter, "makes vectors of {length}"),
            Self::Context { reads, least } => {
                write!(formatter, "reads {reads} tokens, and the question has {least} at the very least")
            }
        }
    }
}

/// The backends of a call.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) chain: Arc<Chain>,
    pub(crate) need: Need,
    /// In the order in which they are asked.
    pub(crate) candidates: Vec<Arc<Entry>>,
    excluded: Vec<(Arc<str>, Reason)>,
}

impl Plan {
    pub(crate) fn new(chain: Arc<Chain>, need: Need, consent: &Consent, dice: &Dice) -> Self {
        let mut candidates = Vec::with_capacity(chain.entries.len());
        let mut excluded = Vec::new();
        for entry in &chain.entries {
            match excludes(&entry.lane, &need, consent) {
                None => candidates.push(entry.clone()),
                Some(reason) => excluded.push((entry.lane.name.clone(), reason)),
            }
        }
        if chain.weighted {
            candidates = draw(candidates, dice);
        }
        if need.schema == Schema::Wanted {
            candidates.sort_by_key(|entry| !entry.lane.capabilities.schema);
        }
        Self { chain, need, candidates, excluded }
    }

    /// What it means that no backend is left.
    pub(crate) fn nobody(&self) -> (CallErrorKind, String) {
        let too_long = |(_, reason): &(_, Reason)| matches!(reason, Reason::Context { .. });
        if self.excluded.iter().any(too_long) {
            let message =
                format!("the question is too long for every backend that may be asked: {}", self.exclusions());
            return (CallErrorKind::ContextTooLong, message);
        }
        let message = if self.excluded.is_empty() {
            "no backend is configured; start a local model server or name one in the section llm of the settings".into()
        } else {
            format!("no backend of chain {} may be asked: {}", self.chain.name, self.exclusions())
        };
        (CallErrorKind::NoBackend, message)
    }

    /// Who was left out and why; empty when nobody was.
    pub(crate) fn exclusions(&self) -> String {
        let words: Vec<String> = self.excluded.iter().map(|(name, reason)| format!("{name} {reason}")).collect();
        words.join("; ")
    }
}

fn excludes(lane: &Lane, need: &Need, consent: &Consent) -> Option<Reason> {
    let can = &lane.capabilities;
    let acknowledged = |names: &Vec<String>| names.iter().any(|name| **name == *lane.name);
    let reasons = [
        (!lane.settings.enabled, Reason::Disabled),
        (consent.local_only && !lane.local, Reason::NotLocal),
        (!lane.local && !consent.acknowledged.as_ref().is_none_or(acknowledged), Reason::NotAcknowledged),
        (need.chat && !can.chat, Reason::NoChat),
        (need.images && !can.images, Reason::NoImages),
        (need.tools && !can.tools, Reason::NoTools),
        (need.schema == Schema::Required && !can.schema, Reason::NoSchema),
        (need.vectors && !can.embeddings, Reason::NoVectors),
    ];
    if let Some((_, reason)) = reasons.into_iter().find(|(holds, _)| *holds) {
        return Some(reason);
    }
    let least = need.estimate.least;
    if let Some(reads) = can.context_tokens.filter(|reads| least > u64::from(*reads)) {
        return Some(Reason::Context { reads, least });
    }
    let length = can.embedding_dimensions.filter(|length| !makes(lane.kind, *length, need.dimensions))?;
    Some(Reason::Dimensions(length))
}

/// Whether vectors of this length can be had. Some providers shorten their vectors when asked to.
fn makes(kind: BackendKind, length: u32, wanted: Option<u32>) -> bool {
    let shortens = matches!(kind, BackendKind::OpenAi | BackendKind::Gemini);
    wanted.is_none_or(|wanted| wanted == length || (shortens && wanted < length))
}

/// Orders a weighted chain: each place is drawn by weight, those of weight 0 come last. For the first place another
/// backend of the same weight is drawn, and the one that is expected to answer sooner goes first ("power of two choices",
/// Mitzenmacher 2001), so that equals share by speed and unequals by weight.
fn draw(mut left: Vec<Arc<Entry>>, dice: &Dice) -> Vec<Arc<Entry>> {
    let mut order = Vec::with_capacity(left.len());
    while let Some(index) = draw_one(&left, dice) {
        order.push(left.swap_remove(index));
    }
    let Some(first) = order.first() else { return order };
    let equals: Vec<usize> = (1..order.len()).filter(|index| order[*index].weight == first.weight).collect();
    if let Some(rival) = equals.get(dice.below(equals.len() as u64) as usize) {
        let now = Instant::now();
        if order[*rival].lane.load(now) < first.lane.load(now) {
            order.swap(0, *rival);
        }
    }
    order
}

fn draw_one(left: &[Arc<Entry>], dice: &Dice) -> Option<usize> {
    let total: u64 = left.iter().map(|entry| u64::from(entry.weight)).sum();
    if total == 0 {
        return (!left.is_empty()).then_some(0);
    }
    let mut drawn = dice.below(total);
    left.iter().position(|entry| {
        let weight = u64::from(entry.weight);
        let here = drawn < weight;
        drawn = drawn.saturating_sub(weight);
        here
    })
}
