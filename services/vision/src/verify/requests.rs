//! Requests: alone, together in several orders of joining, and on prefixes that were made in other company.

use super::golden::{GoldenRequest, GoldenSet, GoldenVariant};
use super::images::Images;
use super::runner::Checker;
use crate::model::{
    BoundingBox, CaptionLength, Context, Event, Finish, Generation, Grounding, Model, ModelError, Request, Sampling,
    SpatialReference,
};

/// Objects of a detection where a set does not say.
const MAX_OBJECTS: usize = 6;
/// Steps whose logits are compared.
const STEPS: usize = 4;
/// Largest error of a box's side: a power of two in f32 against one in double precision.
const SIDE_TOLERANCE: f64 = 1e-6;

/// A request of a set with all that it takes to run it.
struct Case<'a> {
    name: String,
    golden: &'a GoldenRequest,
    request: Request,
    context: Context,
}

/// What a request gave.
#[derive(Default)]
struct Outcome {
    pieces: Vec<String>,
    reasoning: Option<Event>,
    boxes: Vec<BoundingBox>,
    points: Vec<(f64, f64)>,
    finish: Option<Finish>,
}

impl Checker<'_> {
    /// Checks every request of the set.
    pub(crate) fn requests(&mut self, model: &Model, images: &Images) -> Result<(), ModelError> {
        let alone = cases(self.golden, |image| images.alone.get(image).map(|prefix| Context::Image(prefix.clone())))?;
        let together =
            cases(self.golden, |image| images.together.get(image).map(|prefix| Context::Image(prefix.clone())))?;
        for case in &alone {
            self.alone(model, case)?;
        }
        self.joined(model, &alone, "all at once", |_| 0)?;
        self.joined(model, &alone, "joining one by one", |index| index)?;
        self.joined(model, &alone, "joining three at a time, the last first", |index| (alone.len() - index) / 3 * 2)?;
        self.joined(model, &together, "after encoding anew beside others", |index| index % 5)
    }

    /// Checks the request with adapters, and that it leaves others alone.
    pub(crate) fn variant(&mut self, model: &Model, images: &Images) -> Result<(), ModelError> {
        let golden = self.golden;
        let Some(GoldenVariant { file, image, request }) = &golden.answers.lora else { return Ok(()) };
        let Some(encoded) = images.encoded.get(image) else { return Ok(()) };
        let variant = model.load_variant(&golden.folder.join(file))?;
        let prefix = model.prefill_image(&encoded.embedding, Some(variant))?;
        let name = match request.length.as_deref() {
            Some(length) => format!("lora.{}_{length}", request.kind),
            None => format!("lora.{}", request.kind),
        };
        let case = Case {
            name,
            golden: request,
            request: parse(request, golden.max_tokens())?,
            context: Context::Image(prefix),
        };
        self.alone(model, &case)?;
        let mut cases =
            cases(self.golden, |image| images.alone.get(image).map(|prefix| Context::Image(prefix.clone())))?;
        cases.insert(cases.len() / 2, case);
        self.joined(model, &cases, "beside a variant", |index| index / 4)
    }

    fn alone(&mut self, model: &Model, case: &Case<'_>) -> Result<(), ModelError> {
        let mut generation = model.start(&case.request, case.context.clone())?;
        generation.keep_logits(STEPS);
        let mut outcome = Outcome::default();
        while !generation.is_finished() {
            model.step(&mut [&mut generation])?;
            outcome.add(generation.take_events());
        }
        self.logits(case, &generation);
        self.compare(case, "alone", &generation, &outcome);
        Ok(())
    }

    /// Runs `cases` together; each joins at the step that `joins` says.
    fn joined(
        &mut self,
        model: &Model,
        cases: &[Case<'_>],
        how: &str,
        joins: impl Fn(usize) -> usize,
    ) -> Result<(), ModelError> {
        let mut waiting: Vec<(usize, usize)> = (0..cases.len()).map(|index| (joins(index), index)).collect();
        let mut running: Vec<(usize, Generation, Outcome)> = Vec::new();
        let mut step = 0;
        while !waiting.is_empty() || !running.is_empty() {
            let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(join, _)| *join <= step);
            waiting = later;
            for (_, index) in now {
                let generation = model.start(&cases[index].request, cases[index].context.clone())?;
                running.push((index, generation, Outcome::default()));
            }
            model.step(&mut running.iter_mut().map(|(_, generation, _)| generation).collect::<Vec<_>>())?;
            for (_, generation, outcome) in &mut running {
                outcome.add(generation.take_events());
            }
            let (done, going): (Vec<_>, Vec<_>) = running.into_iter().partition(|(_, one, _)| one.is_finished());
            running = going;
            for (index, generation, outcome) in done {
                self.compare(&cases[index], how, &generation, &outcome);
            }
            step += 1;
        }
        Ok(())
    }

    fn logits(&mut self, case: &Case<'_>, generation: &Generation) {
        let transcript = generation.transcript();
        let Some(prompt) = transcript.prompts.first() else { return };
        self.rows(&format!("{}.prefill_logits", case.name), std::slice::from_ref(&prompt.logits));
        self.rows(&format!("{}.prefill_hidden_last", case.name), std::slice::from_ref(&prompt.hidden));
        // What follows depends on what was decided.
        if !self.is_decided(case.golden) {
            return;
        }
        self.rows(&format!("{}.step_logits", case.name), &prompt.step_logits);
        if let Some(answer) = transcript.prompts.get(1) {
            self.rows(&format!("{}.answer_prefill_logits", case.name), std::slice::from_ref(&answer.logits));
        }
    }

    fn compare(&mut self, case: &Case<'_>, how: &str, generation: &Generation, outcome: &Outcome) {
        let (golden, transcript) = (case.golden, generation.transcript());
        let name = format!("{}, {how}", case.name);
        let Some(prompt) = transcript.prompts.first() else { return };
        self.equal("prompt ids", &name, &golden.prompt_ids, &prompt.ids);
        self.equal("position", &name, &golden.pos, &prompt.position);
        if !self.is_decided(golden) {
            return;
        }
        match &case.request {
            Request::Detect { max_objects, .. } | Request::Point { max_objects, .. } => {
                self.objects(case, &name, *max_objects, generation, outcome);
            }
            Request::Query { reasoning: true, .. } => self.reasoned(case, &name, generation, outcome),
            _ => {
                self.equal("generated ids", &name, &golden.generated_ids, &prompt.generated);
                self.stop(&name, golden.stop.as_deref(), prompt.generated.len() >= self.golden.max_tokens(), outcome);
                self.text(&name, golden.text.as_deref(), outcome);
                self.equal("stream pieces", &name, &golden.stream_chunks, &outcome.pieces);
            }
        }
    }

    fn text(&mut self, name: &str, expected: Option<&str>, outcome: &Outcome) {
        if let Some(expected) = expected {
            self.equal("text", name, expected, outcome.pieces.concat().as_str());
        }
    }

    fn reasoned(&mut self, case: &Case<'_>, name: &str, generation: &Generation, outcome: &Outcome) {
        let (golden, transcript) = (case.golden, generation.transcript());
        let reasoning = transcript.prompts.first().cloned().unwrap_or_default();
        let answer = transcript.prompts.get(1).cloned().unwrap_or_default();
        self.equal("reasoning ids", name, &golden.reasoning_ids, &reasoning.generated);
        self.equal("coordinate bins", name, &golden.coord_bins, &transcript.coordinate_bins);
        if let Some(Event::Reasoning { text, grounding }) = &outcome.reasoning {
            self.equal("reasoning text", name, golden.reasoning_text.as_deref().unwrap_or_default(), text.as_str());
            let expected: Vec<Grounding> = golden
                .grounding
                .iter()
                .map(|part| Grounding {
                    start: part.start_idx,
                    end: part.end_idx,
                    points: part.points.iter().map(|[x, y]| (*x, *y)).collect(),
                })
                .collect();
            self.equal("grounding", name, &expected, grounding);
        }
        self.equal("prompt ids", name, &golden.answer_prompt_ids, &answer.ids);
        self.equal("position", name, &golden.answer_pos, &answer.position);
        self.equal("generated ids", name, &golden.answer_ids, &answer.generated);
        self.stop(name, golden.answer_stop.as_deref(), answer.generated.len() >= self.golden.max_tokens(), outcome);
        self.text(name, golden.answer.as_deref(), outcome);
    }

    fn objects(&mut self, case: &Case<'_>, name: &str, most: usize, generation: &Generation, outcome: &Outcome) {
        let (golden, transcript) = (case.golden, generation.transcript());
        self.equal("x bins", name, &golden.x_bins, &transcript.x_bins);
        self.equal("y bins", name, &golden.y_bins, &transcript.y_bins);
        let sides = |side: usize| transcript.size_bins.iter().map(|bins| bins[side]).collect::<Vec<_>>();
        self.equal("width bins", name, &golden.w_bins, &sides(0));
        self.equal("height bins", name, &golden.h_bins, &sides(1));
        let found: Vec<Vec<f64>> = match &case.request {
            Request::Detect { .. } => {
                outcome.boxes.iter().map(|found| vec![found.x_min, found.y_min, found.x_max, found.y_max]).collect()
            }
            _ => outcome.points.iter().map(|(x, y)| vec![*x, *y]).collect(),
        };
        let keys: &[&str] = if golden.kind == "detect" { &["x_min", "y_min", "x_max", "y_max"] } else { &["x", "y"] };
        let expected: Vec<Vec<f64>> = golden
            .result
            .iter()
            .map(|object| keys.iter().map(|key| object.get(*key).copied().unwrap_or(f64::NAN)).collect())
            .collect();
        let close = expected.len() == found.len()
            && expected.iter().flatten().zip(found.iter().flatten()).all(|(a, b)| (a - b).abs() <= SIDE_TOLERANCE);
        if close {
            self.equal("objects", name, &expected, &expected);
        } else {
            self.equal("objects", name, &expected, &found);
        }
        self.stop(name, golden.stop.as_deref(), expected.len() >= most, outcome);
    }

    /// At its limit the reference computes one more decision that it never uses; a set may name that one.
    fn stop(&mut self, name: &str, expected: Option<&str>, at_limit: bool, outcome: &Outcome) {
        let Some(expected) = expected else { return };
        let found = match &outcome.finish {
            Some(Finish::Stop) if expected == "eos" => "eos",
            Some(Finish::Stop) => "stop_token",
            Some(Finish::MaxTokens | Finish::MaxObjects) if at_limit => expected,
            Some(Finish::MaxTokens) => "max_tokens",
            Some(Finish::MaxObjects) => "max_objects",
            Some(Finish::ContextFull) => "context_full",
            Some(Finish::Failed(reason)) => reason,
            None => "nothing",
        };
        self.equal("stop", name, expected, found);
    }
}

impl Outcome {
    fn add(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Text(piece) => self.pieces.push(piece),
                Event::Box(found) => self.boxes.push(found),
                Event::Point { x, y } => self.points.push((x, y)),
                Event::Finished(finish) => self.finish = Some(finish),
                reasoning @ Event::Reasoning { .. } => self.reasoning = Some(reasoning),
            }
        }
    }
}

fn parse(golden: &GoldenRequest, max_tokens: usize) -> Result<Request, ModelError> {
    let sampling = Sampling::greedy(max_tokens);
    let unknown = |what: &str, value: &str| ModelError::Request(format!("{what} {value:?} of the set is not known"));
    let object = golden.object.clone().unwrap_or_default();
    let max_objects = golden.max_objects.unwrap_or(MAX_OBJECTS);
    match golden.kind.as_str() {
        "caption" => {
            let length = match golden.length.as_deref().unwrap_or("normal") {
                "short" => CaptionLength::Short,
                "normal" => CaptionLength::Normal,
                "long" => CaptionLength::Long,
                other => return Err(unknown("length", other)),
            };
            Ok(Request::Caption { length, sampling })
        }
        "query" => {
            let references = golden.spatial_refs.iter().flatten().map(|reference| match reference.as_slice() {
                [x, y] => Ok(SpatialReference::Point { x: *x, y: *y }),
                [x_min, y_min, x_max, y_max] => Ok(SpatialReference::Box(BoundingBox {
                    x_min: *x_min,
                    y_min: *y_min,
                    x_max: *x_max,
                    y_max: *y_max,
                })),
                other => Err(unknown("place", &format!("{other:?}"))),
            });
            let references = references.collect::<Result<_, _>>()?;
            let question = golden.question.clone().unwrap_or_default();
            Ok(Request::Query { question, references, reasoning: golden.reasoning, sampling })
        }
        "detect" => Ok(Request::Detect { object, max_objects }),
        "point" => Ok(Request::Point { object, max_objects }),
        other => Err(unknown("kind", other)),
    }
}

/// Every request of the set whose image has a context.
fn cases(golden: &GoldenSet, context: impl Fn(&str) -> Option<Context>) -> Result<Vec<Case<'_>>, ModelError> {
    let mut cases = Vec::new();
    for (image, of_image) in &golden.answers.images {
        for (name, request) in &of_image.requests {
            let Some(context) = context(image) else { continue };
            let name = format!("{image}.{name}");
            cases.push(Case { name, golden: request, request: parse(request, golden.max_tokens())?, context });
        }
    }
    if let Some(request) = &golden.answers.text_only {
        let context = Context::NoImage(None);
        cases.push(Case {
            name: "text_only".to_owned(),
            golden: request,
            request: parse(request, golden.max_tokens())?,
            context,
        });
    }
    Ok(cases)
}
