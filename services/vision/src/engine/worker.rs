//! The owner of the model: who may go, who may come, and the next step of all.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::ask::Job;
use super::images::ImageKey;
use super::pictures::Content;
use super::running::{Outcome, Running};
use super::shared::Shared;
use super::{EngineError, telemetry};
use crate::image::Crops;
use crate::model::{ModelError, ReadImage, ServedModel};
use crate::weights::Variant;

/// Failures of the device in a row after which nothing more is tried.
const MOST_FAULTS: u32 = 3;

pub(crate) struct Worker<M: ServedModel> {
    model: M,
    variants: HashMap<Arc<str>, Arc<Variant>>,
    shared: Arc<Shared>,
    running: Vec<Running<M::Generation>>,
    faults: u32,
    image_limit: u64,
    /// Requests that are answered at once.
    places: usize,
    crop_patches: usize,
}

/// A request that has all that it needs to start.
struct Admitted<I> {
    job: Job,
    image: Option<Arc<I>>,
    cached: bool,
}

/// What a look at the queue gave.
struct Taken<I> {
    ready: Vec<Admitted<I>>,
    /// Requests whose images have to be read first, with all that wait for the same image.
    unread: Vec<(ImageKey, Vec<Job>)>,
    /// Requests for another turn, in order.
    later: Vec<Job>,
}

impl<M: ServedModel> Worker<M> {
    pub(crate) fn new(model: M, variants: HashMap<Arc<str>, Arc<Variant>>, shared: Arc<Shared>) -> Self {
        let budget = model.cache_use().budget;
        let share = shared.settings.image_share.clamp(0.0, 1.0);
        // One image has to fit, or nothing could be asked about any.
        let image_limit = ((budget as f64 * share) as u64).max(model.image_bytes());
        let facts = model.facts();
        let (places, crop_patches) = (shared.settings.batch.min(facts.most_together), facts.crop_patches);
        Self { model, variants, shared, running: Vec::new(), faults: 0, image_limit, places, crop_patches }
    }

    /// Whether no request is being answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// How many requests are being answered.
    #[cfg(test)]
    pub(crate) fn running_count(&self) -> usize {
        self.running.len()
    }

    /// Lets requests go and come, and moves all on by one step.
    ///
    /// # Errors
    /// [`EngineError::Device`] when the device failed too often to go on.
    pub(crate) fn turn(&mut self, now: Instant) -> Result<(), EngineError> {
        let began = Instant::now();
        let before = self.running.len();
        self.running.retain(|running| !running.must_leave(now));
        let mut ended = before - self.running.len();
        let worked = self.admit(now).and_then(|()| self.step());
        let outcome = match worked {
            Ok(done) => {
                ended += done;
                Ok(())
            }
            Err(error) => {
                ended += self.running.len();
                self.fault(&error)
            }
        };
        let mut waiting = self.shared.waiting();
        waiting.pace.work(began.elapsed());
        waiting.pace.ended(ended);
        waiting.is_full = self.running.len() >= self.places;
        drop(waiting);
        self.publish();
        outcome
    }

    /// Ends everything that runs or waits.
    pub(crate) fn abandon(&mut self, error: &EngineError) {
        self.running.drain(..).for_each(|running| running.fail(error.clone()));
        for job in self.shared.waiting().queue.extract(|_| true) {
            job.refuse(error.clone());
        }
        self.publish();
    }

    /// Ends all requests that run; the error comes back when it was one too many.
    pub(crate) fn fault(&mut self, error: &EngineError) -> Result<(), EngineError> {
        tracing::error!(%error, running = self.running.len(), "the vision model's device failed: {error}");
        telemetry::fault();
        self.running.drain(..).for_each(|running| running.fail(error.clone()));
        self.faults += 1;
        if self.faults >= MOST_FAULTS { Err(error.clone()) } else { Ok(()) }
    }

    fn publish(&self) {
        let cache = self.model.cache_use();
        self.shared.cache_used.store(cache.reserved, Ordering::Relaxed);
        let images = self.shared.images().bytes();
        telemetry::memory(cache.reserved, cache.budget, images, self.running.len());
    }

    /// Takes requests in as far as there is room.
    fn admit(&mut self, now: Instant) -> Result<(), EngineError> {
        let room = self.places.saturating_sub(self.running.len());
        let mut taken = self.take(room, now);
        let outcome = self.read_images(&mut taken);
        if outcome.is_ok() && self.running.is_empty() && taken.ready.is_empty() && !taken.later.is_empty() {
            self.take_known(room, &mut taken);
        }
        let mut ready = std::mem::take(&mut taken.ready).into_iter();
        while let Some(admitted) = ready.next() {
            if let Some(refused) = self.begin(admitted, now) {
                taken.later.push(refused);
                taken.later.extend(ready.map(|admitted| admitted.job));
                break;
            }
        }
        let mut waiting = self.shared.waiting();
        for job in taken.later.into_iter().rev() {
            let caller = Arc::clone(&job.ask.caller);
            waiting.queue.push_back_to_front(&caller, job);
        }
        telemetry::queue_length(waiting.queue.len());
        outcome
    }

    /// Takes at most `room` requests from the queue, with no more images to read than one pass takes.
    fn take(&self, room: usize, now: Instant) -> Taken<M::Image> {
        let mut taken = Taken { ready: Vec::new(), unread: Vec::new(), later: Vec::new() };
        let mut waiting = self.shared.waiting();
        waiting.let_go(now);
        let jobs: Vec<Job> = (0..room).map_while(|_| waiting.queue.pop()).collect();
        drop(waiting);
        let mut tokens = 0;
        for mut job in jobs {
            let Some(picture) = &mut job.picture else {
                taken.ready.push(Admitted { job, image: None, cached: false });
                continue;
            };
            let known = match &picture.content {
                Content::Read(image) => Some(Arc::clone(image)),
                Content::Cut(_) => self.shared.images().get(&picture.key),
            };
            let known = known.and_then(own::<M::Image>);
            if known.is_some() {
                taken.ready.push(Admitted { job, image: known, cached: true });
                continue;
            }
            let key = picture.key.clone();
            if let Some((_, jobs)) = taken.unread.iter_mut().find(|(other, _)| *other == key) {
                jobs.push(job);
                continue;
            }
            let cost = picture.crops().map_or(0, |crops| crops.count() * self.crop_patches);
            if !taken.unread.is_empty() && tokens + cost > self.shared.settings.encode_tokens {
                taken.later.push(job);
                continue;
            }
            tokens += cost;
            taken.unread.push((key, vec![job]));
        }
        taken
    }

    /// Takes requests whose images were read before they came, wherever they wait: they hold those images, which would
    /// have to leave before the first in line could start.
    fn take_known(&self, room: usize, taken: &mut Taken<M::Image>) {
        let mut left = room;
        let known = self.shared.waiting().queue.extract(|job| {
            let is_known = matches!(&job.picture, Some(picture) if matches!(picture.content, Content::Read(_)));
            let is_taken = is_known && left > 0;
            left -= usize::from(is_taken);
            is_taken
        });
        taken.ready.extend(known.into_iter().map(|job| {
            let image = match &job.picture {
                Some(picture) => match &picture.content {
                    Content::Read(image) => own::<M::Image>(Arc::clone(image)),
                    Content::Cut(_) => None,
                },
                None => None,
            };
            Admitted { job, image, cached: true }
        }));
    }

    /// Encodes the images of `taken.unread` in one go and moves their requests to those that are ready, or back.
    fn read_images(&mut self, taken: &mut Taken<M::Image>) -> Result<(), EngineError> {
        let each = self.model.image_bytes();
        let mut groups = Vec::new();
        for (key, jobs) in std::mem::take(&mut taken.unread) {
            let wanted = each * (groups.len() as u64 + 1);
            // Images in use cannot be let go. While all of their share is, they may have what is free besides; when that
            // is taken, too, those who use them end, and then there is room.
            let usage = self.model.cache_use();
            let has_room = self.shared.images().shrink(self.image_limit.saturating_sub(wanted));
            if has_room || usage.budget.saturating_sub(usage.reserved) >= 2 * wanted {
                groups.push((key, jobs));
            } else {
                taken.later.extend(jobs);
            }
        }
        if groups.is_empty() {
            return Ok(());
        }
        let read = self.encode(&groups);
        match read {
            Ok(images) => {
                for ((key, jobs), image) in groups.into_iter().zip(images) {
                    let remembered: Arc<dyn ReadImage> = Arc::clone(&image) as _;
                    self.shared.images().insert(key, remembered);
                    for (index, job) in jobs.into_iter().enumerate() {
                        let image = Some(Arc::clone(&image));
                        // Those after the first found it there.
                        taken.ready.push(Admitted { job, image, cached: index > 0 });
                    }
                }
                Ok(())
            }
            Err(ModelError::CacheFull { .. }) if !self.running.is_empty() || !taken.ready.is_empty() => {
                taken.later.extend(groups.into_iter().flat_map(|(_, jobs)| jobs));
                Ok(())
            }
            Err(error) => {
                let error = EngineError::from(error);
                let jobs = groups.into_iter().flat_map(|(_, jobs)| jobs);
                jobs.for_each(|job| job.refuse(error.clone()));
                if matches!(error, EngineError::Device(_)) { Err(error) } else { Ok(()) }
            }
        }
    }

    fn encode(&self, groups: &[(ImageKey, Vec<Job>)]) -> Result<Vec<Arc<M::Image>>, ModelError> {
        let began = Instant::now();
        let first = |jobs: &[Job]| jobs.first().map_or_else(tracing::Span::none, |job| job.span.clone());
        let crops: Vec<&Crops> = groups
            .iter()
            .filter_map(|(_, jobs)| jobs.first().and_then(|job| job.picture.as_ref()).and_then(|it| it.crops()))
            .collect();
        let count = crops.iter().map(|crops| crops.count()).sum();
        let spans: Vec<_> = groups
            .iter()
            .map(|(_, jobs)| tracing::info_span!(parent: &first(jobs), "encode", images = groups.len(), crops = count))
            .collect();
        let embeddings = guarded(|| self.model.encode(&crops, self.shared.settings.encode_tokens))?;
        drop(spans);
        telemetry::encoded(groups.len(), count, began.elapsed());
        if embeddings.len() != groups.len() {
            return Err(ModelError::Request("an image was not cut".to_owned()));
        }
        let images: Vec<_> = groups
            .iter()
            .zip(&embeddings)
            .map(|((key, _), embedding)| (embedding, self.variants.get(&key.variant).cloned()))
            .collect();
        let spans: Vec<_> =
            groups.iter().map(|(_, jobs)| tracing::info_span!(parent: &first(jobs), "prefill")).collect();
        let read = self.evicting(|| guarded(|| self.model.read(&images)));
        drop(spans);
        read
    }

    /// Tries again with fewer remembered images for as long as the cache is full.
    fn evicting<T>(&self, mut attempt: impl FnMut() -> Result<T, ModelError>) -> Result<T, ModelError> {
        loop {
            match attempt() {
                Err(ModelError::CacheFull { .. }) if self.shared.images().evict() => {}
                outcome => return outcome,
            }
        }
    }

    /// Starts a request. Gives it back where there is no memory for it now.
    fn begin(&mut self, admitted: Admitted<M::Image>, now: Instant) -> Option<Job> {
        let Admitted { job, image, cached } = admitted;
        let image_tokens = image.as_ref().map_or(0, |image| image.positions());
        // An image that was read knows its variant.
        let variant = || if image.is_some() { None } else { self.variants.get(&job.ask.variant).cloned() };
        let started = self.evicting(|| self.model.begin(&job.ask.request, image.clone(), variant()));
        match started {
            Ok(generation) => {
                telemetry::waited(now.saturating_duration_since(job.queued));
                if image.is_some() {
                    telemetry::image(cached);
                }
                self.running.push(Running::new(job, generation, now, cached, image_tokens));
                None
            }
            Err(ModelError::CacheFull { .. }) if !self.running.is_empty() => Some(job),
            Err(error) => {
                job.refuse(error.into());
                None
            }
        }
    }

    /// One step of all; how many ended.
    fn step(&mut self) -> Result<usize, EngineError> {
        if self.running.is_empty() {
            return Ok(0);
        }
        let began = Instant::now();
        let mut generations: Vec<_> = self.running.iter_mut().map(|running| &mut running.generation).collect();
        guarded(|| self.model.advance(&mut generations)).map_err(|error| EngineError::Device(error.to_string()))?;
        telemetry::stepped(self.running.len(), began.elapsed());
        self.faults = 0;
        let now = Instant::now();
        let before = self.running.len();
        let shared = &self.shared;
        self.running.retain_mut(|running| match running.deliver(now) {
            Outcome::GoesOn => true,
            Outcome::Ended => false,
            Outcome::Damaged => {
                if let Some(key) = &running.image {
                    shared.images().forget(key);
                }
                false
            }
        });
        Ok(before - self.running.len())
    }
}

/// An image of the engine's only model as that model's own.
fn own<I: ReadImage>(image: Arc<dyn ReadImage>) -> Option<Arc<I>> {
    let image: Arc<dyn Any + Send + Sync> = image;
    image.downcast().ok()
}

/// Runs a computation; a panic in it is a failure of the device like any other.
fn guarded<T>(work: impl FnOnce() -> Result<T, ModelError>) -> Result<T, ModelError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome,
        Err(panic) => Err(ModelError::Inference(candle_core::Error::Msg(words(panic.as_ref())))),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a computation panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_computation_is_a_failure_of_the_device() {
        let outcome = guarded::<()>(|| std::panic::resume_unwind(Box::new("kernel 5 is gone")));
        assert!(matches!(outcome, Err(ModelError::Inference(error)) if error.to_string() == "kernel 5 is gone"));
    }
}
