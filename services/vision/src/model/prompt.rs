//! From a request to the prompt and the limits of its generation.

use std::sync::Arc;

use super::cache::SequenceCache;
use super::generation::{Input, Start, Task};
use super::{BoundingBox, CaptionLength, Generation, ImagePrefix, Model, ModelError, Request, Sampling};
use super::{SpatialReference, Template};
use crate::weights::Variant;

/// Most characters of a question or an object's name; longer ones could not fit the context.
const MOST_CHARACTERS: usize = 1 << 16;

/// What a request is about.
#[derive(Clone)]
pub enum Context {
    /// An image; the request is answered by the variant that its prefix was computed with.
    Image(Arc<ImagePrefix>),
    /// Nothing but the question, answered by a variant or the plain model.
    NoImage(Option<Arc<Variant>>),
}

impl Model {
    /// Makes a generation of `request` and reserves all the cache that it may need.
    ///
    /// # Errors
    /// [`ModelError::Request`] for a request that this model cannot answer or whose numbers are out of range,
    /// [`ModelError::PromptTooLong`], or [`ModelError::CacheFull`] while others hold the cache.
    pub fn start(&self, request: &Request, context: Context) -> Result<Generation, ModelError> {
        let (prefix, variant) = match context {
            Context::Image(prefix) => {
                let variant = prefix.variant().cloned();
                (Some(prefix), variant)
            }
            Context::NoImage(variant) => (None, variant),
        };
        let plan = self.plan(request, prefix.is_some())?;
        let before = prefix.as_ref().map_or(0, |prefix| prefix.positions());
        let room = self.config.text.max_context.saturating_sub(before);
        // One position has to be left, or nothing could be said.
        if plan.prompt.len() >= room {
            let limit = room.saturating_sub(1);
            return Err(ModelError::PromptTooLong { tokens: plan.prompt.len(), limit });
        }
        let positions = plan.positions.min(room);
        Ok(Generation::new(Start {
            tokenizer: Arc::clone(&self.tokenizer),
            special: Arc::clone(&self.special),
            cache: SequenceCache::new(&self.pool, prefix, positions)?,
            variant,
            sampling: plan.sampling,
            prompt: plan.prompt,
            limit: before + positions,
            task: plan.task,
        }))
    }

    /// Bytes of cache that `request` reserves when it starts.
    ///
    /// # Errors
    /// [`ModelError::Request`] as [`Self::start`].
    pub fn request_bytes(&self, request: &Request, has_image: bool) -> Result<u64, ModelError> {
        let plan = self.plan(request, has_image)?;
        Ok(self.cache_bytes(plan.positions.min(self.config.text.max_context)))
    }

    fn plan(&self, request: &Request, has_image: bool) -> Result<Plan, ModelError> {
        match request {
            Request::Caption { length, sampling } => {
                needs_image(has_image, "caption")?;
                self.caption(*length, sampling)
            }
            Request::Query { question, references, reasoning, sampling } => {
                if !references.is_empty() {
                    needs_image(has_image, "question about places")?;
                }
                self.query(question, references, *reasoning, sampling, has_image)
            }
            Request::Detect { object, max_objects } => {
                needs_image(has_image, "detection")?;
                let template = offered(self.special.templates.detect.as_ref(), "detect")?;
                self.objects(template, object, *max_objects, true)
            }
            Request::Point { object, max_objects } => {
                needs_image(has_image, "pointing")?;
                let template = offered(self.special.templates.point.as_ref(), "point")?;
                self.objects(template, object, *max_objects, false)
            }
        }
    }

    fn caption(&self, length: CaptionLength, sampling: &Sampling) -> Result<Plan, ModelError> {
        check_sampling(sampling)?;
        let templates = offered(self.special.templates.caption.as_ref(), "caption")?;
        let ids = match length {
            CaptionLength::Short => &templates.short,
            CaptionLength::Normal => &templates.normal,
            CaptionLength::Long => &templates.long,
        };
        if ids.is_empty() {
            return Err(ModelError::Request(format!("this model has no prompt for a {length:?} caption")));
        }
        let prompt: Vec<Input> = ids.iter().copied().map(Input::Token).collect();
        let positions = prompt.len().saturating_add(sampling.max_tokens);
        Ok(Plan { prompt, positions, sampling: *sampling, task: Task::Answer })
    }

    fn query(
        &self,
        question: &str,
        references: &[SpatialReference],
        reasoning: bool,
        sampling: &Sampling,
        has_image: bool,
    ) -> Result<Plan, ModelError> {
        check_sampling(sampling)?;
        let template = offered(self.special.templates.query.as_ref(), "query")?;
        let mut prompt = Vec::new();
        if !has_image {
            prompt.push(Input::Token(self.special.bos_id));
        }
        prompt.extend(template.prefix.iter().copied().map(Input::Token));
        for reference in references {
            prompt.extend(place(reference)?);
        }
        prompt.extend(self.words(question)?);
        let suffix = || template.suffix.iter().copied().map(Input::Token);
        prompt.extend(suffix());
        let answer = sampling.max_tokens;
        if reasoning {
            prompt.push(Input::Token(self.special.thinking_id));
            let positions = prompt.len().saturating_add(answer).saturating_add(template.suffix.len());
            let positions = positions.saturating_add(answer);
            return Ok(Plan { prompt, positions, sampling: *sampling, task: Task::ReasonedAnswer });
        }
        // The suffix stands twice: the model was trained so.
        prompt.extend(suffix());
        let positions = prompt.len().saturating_add(answer);
        Ok(Plan { prompt, positions, sampling: *sampling, task: Task::Answer })
    }

    fn objects(&self, template: &Template, object: &str, most: usize, boxes: bool) -> Result<Plan, ModelError> {
        if most == 0 {
            return Err(ModelError::Request("max_objects is 0; ask for at least 1".to_owned()));
        }
        let tokens = |ids: &[u32]| ids.iter().copied().map(Input::Token).collect::<Vec<_>>();
        let mut prompt = tokens(&template.prefix);
        prompt.extend(self.words(&format!(" {object}"))?);
        prompt.extend(tokens(&template.suffix));
        let positions = prompt.len().saturating_add(most.saturating_mul(if boxes { 3 } else { 2 }));
        let sampling = Sampling::greedy(usize::MAX);
        Ok(Plan { prompt, positions, sampling, task: Task::Objects { boxes, most } })
    }

    fn words(&self, text: &str) -> Result<Vec<Input>, ModelError> {
        check_text(text)?;
        Ok(self.tokenizer.encode_plain(text)?.into_iter().map(Input::Token).collect())
    }
}

/// What a request comes to.
struct Plan {
    prompt: Vec<Input>,
    /// Positions of the prompt and of all that may follow.
    positions: usize,
    sampling: Sampling,
    task: Task,
}

fn needs_image(has_image: bool, what: &str) -> Result<(), ModelError> {
    if has_image { Ok(()) } else { Err(ModelError::Request(format!("a {what} needs an image; send one"))) }
}

fn offered<'a, T>(template: Option<&'a T>, skill: &str) -> Result<&'a T, ModelError> {
    template.ok_or_else(|| ModelError::Request(format!("this model has no prompt for {skill}; use another skill")))
}

/// Refuses text that is too long to be looked at.
pub(super) fn check_text(text: &str) -> Result<(), ModelError> {
    if text.len() > MOST_CHARACTERS {
        let message = format!("text of {} bytes is over the limit of {MOST_CHARACTERS}; shorten it", text.len());
        return Err(ModelError::Request(message));
    }
    Ok(())
}

pub(super) fn check_sampling(sampling: &Sampling) -> Result<(), ModelError> {
    let Sampling { temperature, top_p, max_tokens, .. } = *sampling;
    if !temperature.is_finite() || temperature < 0.0 {
        return Err(ModelError::Request(format!("temperature is {temperature}; use 0 or a positive number")));
    }
    if !(0.0..=1.0).contains(&top_p) {
        return Err(ModelError::Request(format!("top_p is {top_p}; it must lie between 0 and 1")));
    }
    if max_tokens == 0 {
        return Err(ModelError::Request("max_tokens is 0; ask for at least 1".to_owned()));
    }
    Ok(())
}

/// A point stands as two coordinates, a box as the two of its centre and its size.
fn place(reference: &SpatialReference) -> Result<Vec<Input>, ModelError> {
    let check = |values: &[f64]| match values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        Some(value) => Err(ModelError::Request(format!("coordinate {value} must lie between 0 and 1"))),
        None => Ok(()),
    };
    match *reference {
        SpatialReference::Point { x, y } => {
            check(&[x, y])?;
            Ok(vec![Input::Coordinate(x as f32), Input::Coordinate(y as f32)])
        }
        SpatialReference::Box(BoundingBox { x_min, y_min, x_max, y_max }) => {
            check(&[x_min, y_min, x_max, y_max])?;
            if x_min > x_max || y_min > y_max {
                let message =
                    format!("box {x_min}, {y_min}, {x_max}, {y_max} is inside out; give the smaller sides first");
                return Err(ModelError::Request(message));
            }
            let centre = |low: f64, high: f64| Input::Coordinate(((low + high) / 2.0) as f32);
            let size = [(x_max - x_min) as f32, (y_max - y_min) as f32];
            Ok(vec![centre(x_min, x_max), centre(y_min, y_max), Input::Size(size)])
        }
    }
}
