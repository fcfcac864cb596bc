//! Running the network: images, prefixes, and steps of many generations.

use std::sync::Arc;

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use super::cache::SequenceCache;
use super::generation::{Input, NO_TOKEN, Wanted};
use super::text::{Chosen, Part};
use super::{Generation, ImagePrefix, Model, ModelError};
use crate::image::{Crops, Picture};
use crate::weights::Variant;

/// Positions of one prompt that a step computes at most; longer prompts take several steps.
const PROMPT_ROWS: usize = 512;

/// The tokens of an image, `(tokens, text dim)`.
pub struct ImageEmbedding {
    tokens: Tensor,
}

/// What a generation decides on a token with.
struct Choice {
    /// What the device found.
    likeliest: Option<Option<u32>>,
    logits: Vec<f32>,
    token: Option<u32>,
}

/// An image's tokens with what they were made from, for comparisons.
pub struct EncodedImage {
    /// Features of every crop, `(crops, patches, dim)`.
    pub features: Tensor,
    /// Features of the local crops stitched to one grid, `(rows, columns, dim)`.
    pub stitched: Tensor,
    /// The image's tokens.
    pub embedding: ImageEmbedding,
}

impl ImageEmbedding {
    /// The tokens, `(tokens, text dim)`.
    pub fn tokens(&self) -> &Tensor {
        &self.tokens
    }
}

impl Model {
    /// Cuts a picture into the crops that this model reads.
    ///
    /// # Errors
    /// [`ModelError::Image`] where the model's geometry leaves nothing of it.
    pub fn cut(&self, picture: &Picture) -> Result<Crops, ModelError> {
        Ok(Crops::cut(picture, &self.config.vision.geometry())?)
    }

    /// Encodes the crops of several images together, at most `token_budget` patches in one pass (but always a crop).
    ///
    /// # Errors
    /// [`ModelError::Request`] for crops of another geometry, [`ModelError::Inference`] for a fault of the device.
    pub fn encode_images(&self, images: &[&Crops], token_budget: usize) -> Result<Vec<ImageEmbedding>, ModelError> {
        let Some(features) = self.checked_features(images, token_budget)? else { return Ok(Vec::new()) };
        let tokens = self.vision.project_all(&features, images)?;
        Ok(tokens.into_iter().map(|tokens| ImageEmbedding { tokens }).collect())
    }

    /// As [`Self::encode_images`], with the features on the way.
    ///
    /// # Errors
    /// As [`Self::encode_images`].
    pub fn encode_images_fully(&self, images: &[&Crops], token_budget: usize) -> Result<Vec<EncodedImage>, ModelError> {
        let Some(features) = self.checked_features(images, token_budget)? else { return Ok(Vec::new()) };
        let tokens = self.vision.project_all(&features, images)?;
        let mut encoded = Vec::with_capacity(images.len());
        let mut start = 0;
        for (crops, tokens) in images.iter().zip(tokens) {
            let features = features.narrow(0, start, crops.count())?;
            start += crops.count();
            let stitched = self.vision.stitch(&features.narrow(0, 1, crops.tiling().tiles())?, crops)?;
            encoded.push(EncodedImage { features, stitched, embedding: ImageEmbedding { tokens } });
        }
        Ok(encoded)
    }

    /// Features of all crops of `images`, if there are any.
    fn checked_features(&self, images: &[&Crops], token_budget: usize) -> Result<Option<Tensor>, ModelError> {
        let side = self.config.vision.crop_size;
        if let Some(crops) = images.iter().find(|crops| crops.side() != side) {
            let message =
                format!("crops of {} pixels do not fit a model of {side}; cut them with this model", crops.side());
            return Err(ModelError::Request(message));
        }
        if images.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.crop_features(images, token_budget)?))
    }

    /// Features `(crops, patches, dim)` of all crops of `images`.
    fn crop_features(&self, images: &[&Crops], token_budget: usize) -> Result<Tensor, ModelError> {
        let vision = &self.config.vision;
        let crop_bytes = vision.crop_size * vision.crop_size * 3;
        let crops: usize = images.iter().map(|crops| crops.count()).sum();
        let at_once = (token_budget / vision.patches()).clamp(1, crops.max(1));
        let crops: Vec<&[u8]> = images.iter().flat_map(|crops| crops.pixels().chunks_exact(crop_bytes)).collect();
        let passes = crops.chunks(at_once).map(|crops| self.vision.features(crops));
        let passes = passes.collect::<candle_core::Result<Vec<_>>>()?;
        if let [only] = passes.as_slice() { Ok(only.clone()) } else { Ok(Tensor::cat(&passes, 0)?) }
    }

    /// Computes the keys and values of the first token and an image.
    ///
    /// # Errors
    /// [`ModelError::CacheFull`] where requests and images hold too much of the cache, [`ModelError::Inference`] for a
    /// fault of the device.
    pub fn prefill_image(
        &self,
        image: &ImageEmbedding,
        variant: Option<Arc<Variant>>,
    ) -> Result<Arc<ImagePrefix>, ModelError> {
        let prefix = self.prefill_images(&[(image, variant)])?.pop();
        Ok(prefix.ok_or_else(|| candle_core::Error::Msg("an image without keys".into()))?)
    }

    /// As [`Self::prefill_image`] for several images, which a GPU computes in one pass.
    ///
    /// # Errors
    /// As [`Self::prefill_image`]; then there is none of them.
    pub fn prefill_images(
        &self,
        images: &[(&ImageEmbedding, Option<Arc<Variant>>)],
    ) -> Result<Vec<Arc<ImagePrefix>>, ModelError> {
        // A CPU is busy with one already, and several only take more memory.
        let at_once = if self.device.is_cpu() { 1 } else { images.len().max(1) };
        let mut prefixes = Vec::with_capacity(images.len());
        for images in images.chunks(at_once) {
            let first = self.text.embed(&[self.special.bos_id])?;
            let pieces: Vec<_> = images.iter().flat_map(|(image, _)| [&first, &image.tokens]).collect();
            let embeds = Tensor::cat(&pieces, 0)?;
            let rows = embeds.dim(0)? / images.len();
            let caches = images.iter().map(|_| SequenceCache::for_image(&self.pool, rows));
            let mut caches = caches.collect::<Result<Vec<_>, _>>()?;
            let parts = caches.iter_mut().zip(images).map(|(cache, (_, variant))| Part {
                cache,
                rows,
                bidirectional: true,
                variant: variant.as_deref(),
            });
            self.text.forward(&embeds, &mut parts.collect::<Vec<_>>())?;
            for (cache, (_, variant)) in caches.into_iter().zip(images) {
                let prefix = cache.into_prefix(variant.clone());
                let prefix = prefix.ok_or_else(|| candle_core::Error::Msg("an image without keys".into()))?;
                prefixes.push(Arc::new(prefix));
            }
        }
        Ok(prefixes)
    }

    /// Moves generations on by one step: each computes its next position, or up to 512 of its prompt, and decides.
    ///
    /// Finished generations are left as they are. What a generation gives does not depend on the others.
    ///
    /// # Errors
    /// [`ModelError::Inference`] for a fault of the device: then none of the generations can go on. Numbers that are
    /// none end only the generation that they came up in.
    pub fn step(&self, generations: &mut [&mut Generation]) -> Result<(), ModelError> {
        let mut inputs = Vec::new();
        let mut counts = Vec::with_capacity(generations.len());
        let mut banned = Vec::with_capacity(generations.len());
        for generation in generations.iter_mut() {
            let next = generation.next_inputs(PROMPT_ROWS);
            if !next.is_empty() {
                banned.push(generation.banned());
            }
            counts.push(next.len());
            inputs.extend(next);
        }
        if inputs.is_empty() {
            return Ok(());
        }
        let mut parts = Vec::with_capacity(generations.len());
        for (generation, rows) in generations.iter_mut().zip(&counts).filter(|(_, rows)| **rows > 0) {
            let (cache, variant) = generation.sequence();
            parts.push(Part { cache, rows: *rows, bidirectional: false, variant });
        }
        let (hidden, chosen) = match self.step_together(&inputs, &mut parts, &banned)? {
            Some((hidden, chosen)) => (hidden, Some(chosen)),
            None => (self.text.forward(&self.embed(&inputs)?, &mut parts)?, None),
        };
        self.decide(generations, &counts, &hidden, chosen)
    }

    /// One position of every sequence with the kernels of a GPU, where they can do it.
    #[cfg(feature = "cuda")]
    fn step_together(
        &self,
        inputs: &[Input],
        parts: &mut [Part<'_>],
        banned: &[[u32; 2]],
    ) -> Result<Option<(Tensor, Chosen)>, ModelError> {
        use crate::cuda::RowInput;
        if inputs.len() != parts.len() {
            return Ok(None);
        }
        let vector = |input: &Input| match input {
            Input::Token(_) => Ok(None),
            Input::Coordinate(_) | Input::Size(_) => self.embed(&[*input]).map(Some),
        };
        let vectors = inputs.iter().map(vector).collect::<candle_core::Result<Vec<_>>>()?;
        let rows = inputs.iter().zip(&vectors).filter_map(|(input, vector)| match (input, vector) {
            (Input::Token(id), _) => Some(RowInput::Token(*id)),
            (_, vector) => vector.as_ref().map(RowInput::Vector),
        });
        self.text.step(&rows.collect::<Vec<_>>(), parts, banned)
    }

    /// Only a GPU has kernels for that.
    #[cfg(not(feature = "cuda"))]
    fn step_together(
        &self,
        _: &[Input],
        _: &mut [Part<'_>],
        _: &[[u32; 2]],
    ) -> Result<Option<(Tensor, Chosen)>, ModelError> {
        Ok(None)
    }

    /// Lets every generation whose last position was computed decide what follows.
    fn decide(
        &self,
        generations: &mut [&mut Generation],
        counts: &[usize],
        hidden: &Tensor,
        chosen: Option<Chosen>,
    ) -> Result<(), ModelError> {
        let mut row = 0;
        let mut open = Vec::new();
        for (index, (generation, count)) in generations.iter_mut().zip(counts).enumerate() {
            row += count;
            if *count == 0 {
                continue;
            }
            if let Some(wanted) = generation.wanted() {
                if generation.wants_hidden() {
                    generation.record_hidden(self.rows(hidden, &[row - 1])?.to_dtype(DType::F32)?.get(0)?.to_vec1()?);
                }
                open.push((index, row - 1, wanted));
            }
        }
        let tokens: Vec<_> = open.iter().copied().filter(|(_, _, wanted)| *wanted == Wanted::Token).collect();
        open.retain(|(_, _, wanted)| *wanted != Wanted::Token);
        if !tokens.is_empty() {
            let rows: Vec<usize> = tokens.iter().map(|(_, row, _)| *row).collect();
            let banned =
                |index: &usize| generations.get(*index).map_or([NO_TOKEN; 2], |generation| generation.banned());
            // Of a step in one go every row is there, else those that are wanted.
            let (chosen, rows) = match chosen {
                Some(chosen) => (chosen, rows),
                None => {
                    let banned: Vec<_> = tokens.iter().map(|(index, ..)| banned(index)).collect();
                    (self.text.choose(&self.rows(hidden, &rows)?, &banned)?, (0..rows.len()).collect())
                }
            };
            let mut wants_logits = Vec::with_capacity(rows.len());
            for ((index, ..), row) in tokens.iter().zip(&rows) {
                let Some(generation) = generations.get(*index) else { continue };
                let is_known = generation.is_greedy() && chosen.token(*row).is_some();
                wants_logits.push(!is_known || generation.keeps_logits());
            }
            let wanted: Vec<usize> =
                rows.iter().zip(&wants_logits).filter(|(_, it)| **it).map(|(row, _)| *row).collect();
            let mut logits = chosen.logits(&wanted)?.into_iter();
            let mut choices: Vec<_> = generations.iter_mut().map(|_| None).collect();
            for (((index, ..), at), wants_logits) in tokens.iter().zip(&rows).zip(wants_logits) {
                let logits = if wants_logits { logits.next().unwrap_or_default() } else { Vec::new() };
                if let Some(choice) = choices.get_mut(*index) {
                    *choice = Some(Choice { likeliest: chosen.token(*at), logits, token: None });
                }
            }
            // Drawing takes as long as a step on a GPU does, so that all draw at once.
            generations.par_iter_mut().zip(&mut choices).for_each(|(generation, choice)| {
                let Some(choice) = choice else { return };
                choice.token = match choice.likeliest {
                    Some(likeliest) if generation.is_greedy() => likeliest,
                    _ => generation.choose(&choice.logits),
                };
            });
            for (index, row, _) in tokens {
                let (Some(generation), Some(Some(choice))) = (generations.get_mut(index), choices.get(index)) else {
                    continue;
                };
                let wanted = generation.accept_choice(choice.token, &choice.logits)?;
                open.extend(wanted.map(|wanted| (index, row, wanted)));
            }
        }
        self.decide_places(generations, &open, hidden)
    }

    fn decide_places(
        &self,
        generations: &mut [&mut Generation],
        open: &[(usize, usize, Wanted)],
        hidden: &Tensor,
    ) -> Result<(), ModelError> {
        let of = |kind: Wanted| -> (Vec<usize>, Vec<usize>) {
            open.iter().filter(|(_, _, wanted)| *wanted == kind).map(|(index, row, _)| (*index, *row)).unzip()
        };
        let (indices, rows) = of(Wanted::Coordinate);
        if !rows.is_empty() {
            for (index, bin) in indices.into_iter().zip(self.region.decode_coordinates(&self.rows(hidden, &rows)?)?) {
                let Some(generation) = generations.get_mut(index) else { continue };
                generation.accept_coordinate(bin, self.region.coordinate(bin))?;
            }
        }
        let (indices, rows) = of(Wanted::Size);
        if !rows.is_empty() {
            for (index, bins) in indices.into_iter().zip(self.region.decode_sizes(&self.rows(hidden, &rows)?)?) {
                let Some(generation) = generations.get_mut(index) else { continue };
                generation.accept_size(bins, bins.map(|bin| self.region.size(bin)))?;
            }
        }
        Ok(())
    }

    fn rows(&self, hidden: &Tensor, rows: &[usize]) -> candle_core::Result<Tensor> {
        let rows: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
        hidden.index_select(&Tensor::new(rows, &self.device)?, 0)
    }

    /// Vectors `(n, dim)` of what stands at each position.
    fn embed(&self, inputs: &[Input]) -> candle_core::Result<Tensor> {
        let mut ids = Vec::with_capacity(inputs.len());
        let (mut coordinates, mut sizes) = (Vec::new(), Vec::new());
        for input in inputs {
            match input {
                Input::Token(id) => ids.push(*id),
                Input::Coordinate(value) => coordinates.push(*value),
                Input::Size(size) => sizes.push(*size),
            }
        }
        let mut tables = Vec::with_capacity(3);
        if !ids.is_empty() {
            tables.push(self.text.embed(&ids)?);
        }
        if !coordinates.is_empty() {
            tables.push(self.region.encode_coordinates(&coordinates)?);
        }
        if !sizes.is_empty() {
            tables.push(self.region.encode_sizes(&sizes)?);
        }
        if tables.len() == 1 {
            return Ok(tables.swap_remove(0));
        }
        let (mut id, mut coordinate, mut size) = (0, ids.len(), ids.len() + coordinates.len());
        let order = inputs.iter().map(|input| {
            let next = match input {
                Input::Token(_) => &mut id,
                Input::Coordinate(_) => &mut coordinate,
                Input::Size(_) => &mut size,
            };
            *next += 1;
            (*next - 1) as u32
        });
        Tensor::cat(&tables, 0)?.index_select(&Tensor::new(order.collect::<Vec<_>>(), &self.device)?, 0)
    }

    /// Vectors `(n, dim)` of coordinates 0..1, as the model reads them.
    ///
    /// # Errors
    /// [`ModelError::Inference`] for a fault of the device.
    pub fn encode_coordinates(&self, values: &[f32]) -> Result<Tensor, ModelError> {
        Ok(self.region.encode_coordinates(values)?)
    }

    /// Vectors `(n, dim)` of widths and heights 0..1, as the model reads them.
    ///
    /// # Errors
    /// [`ModelError::Inference`] for a fault of the device.
    pub fn encode_sizes(&self, values: &[[f32; 2]]) -> Result<Tensor, ModelError> {
        Ok(self.region.encode_sizes(values)?)
    }
}
