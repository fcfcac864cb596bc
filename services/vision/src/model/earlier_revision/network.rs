//! The network of candle-transformers, plain or quantised.

use candle_core::{DType, Device, Module, Result, Shape, Tensor};
use candle_nn::{Init, VarBuilder, var_builder::SimpleBackend};
use candle_transformers::models::{mixformer, moondream, quantized_mixformer, quantized_moondream};
use candle_transformers::quantized_var_builder;

use super::measures::Measures;
use crate::image::Crops;
use crate::model::ModelError;
use crate::weights::{Weights, canonical_name};

/// The two parts of a model.
pub(super) struct Network {
    pub(super) encoder: Encoder,
    /// A decoder that has read nothing; sequences take clones of it, which share its weights.
    pub(super) decoder: Decoder,
}

/// The image encoder with its projection.
pub(super) enum Encoder {
    Plain(moondream::VisionEncoder),
    Quantized(quantized_moondream::VisionEncoder),
}

/// The text decoder with the keys and values of what it has read.
#[derive(Clone)]
pub(super) enum Decoder {
    Plain(mixformer::MixFormerSequentialForCausalLM),
    Quantized(quantized_mixformer::MixFormerSequentialForCausalLM),
}

impl Network {
    /// Makes both parts of `weights`, plain ones kept as `dtype`.
    pub(super) fn load(
        weights: Weights,
        measures: &Measures,
        dtype: DType,
        device: &Device,
    ) -> std::result::Result<Self, ModelError> {
        let config = measures.network().map_err(|error| ModelError::Request(error.to_string()))?;
        if let Some(file) = weights.gguf_file() {
            let builder = quantized_var_builder::VarBuilder::from_gguf(file, device);
            let model = builder.and_then(|builder| quantized_moondream::Model::new(&config, builder));
            let model = model.map_err(|error| ModelError::file(file, error))?;
            let (encoder, decoder) = (model.vision_encoder, model.text_model);
            return Ok(Self { encoder: Encoder::Quantized(encoder), decoder: Decoder::Quantized(decoder) });
        }
        let builder = VarBuilder::from_backend(Box::new(Named(weights)), dtype, device.clone());
        let moondream::Model { text_model, vision_encoder } = moondream::Model::new(&config, builder)?;
        Ok(Self { encoder: Encoder::Plain(vision_encoder), decoder: Decoder::Plain(text_model) })
    }
}

impl Encoder {
    /// The only crop as `(1, 3, side, side)`, from -1 to 1.
    pub(super) fn pixels(crops: &Crops, dtype: DType, device: &Device) -> Result<Tensor> {
        let side = crops.side();
        let level = |level: &u8| (f32::from(*level) / 255.0 - 0.5) / 0.5;
        let levels: Vec<f32> =
            (0..3).flat_map(|channel| crops.pixels().iter().skip(channel).step_by(3).map(level)).collect();
        Tensor::from_vec(levels, (1, 3, side, side), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }

    /// The tokens `(1, patches, dim)` of a picture.
    pub(super) fn encode(&self, pixels: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(encoder) => encoder.forward(pixels),
            Self::Quantized(encoder) => encoder.forward(pixels),
        }
    }
}

impl Decoder {
    /// Logits after `tokens`.
    pub(super) fn read(&mut self, tokens: &[u32], device: &Device) -> Result<Vec<f32>> {
        let tokens = Tensor::new(tokens, device)?.unsqueeze(0)?;
        let logits = match self {
            Self::Plain(decoder) => decoder.forward(&tokens),
            Self::Quantized(decoder) => decoder.forward(&tokens),
        };
        numbers(&logits?)
    }

    /// Logits after `first`, an image and `tokens`.
    pub(super) fn read_image(
        &mut self,
        first: u32,
        image: &Tensor,
        tokens: &[u32],
        device: &Device,
    ) -> Result<Vec<f32>> {
        let first = Tensor::new(&[[first]], device)?;
        let tokens = Tensor::new(tokens, device)?.unsqueeze(0)?;
        let logits = match self {
            Self::Plain(decoder) => decoder.forward_with_img(&first, &tokens, image),
            Self::Quantized(decoder) => decoder.forward_with_img(&first, &tokens, image),
        };
        numbers(&logits?)
    }
}

fn numbers(logits: &Tensor) -> Result<Vec<f32>> {
    logits.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
}

/// Tensors by the names of the releases, whatever the file calls them.
struct Named(Weights);

impl SimpleBackend for Named {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, device: &Device) -> Result<Tensor> {
        let tensor = self.get_unchecked(name, dtype, device)?;
        if *tensor.shape() != shape {
            candle_core::bail!("{name} is {:?} and should be {shape:?}", tensor.shape());
        }
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        self.0.tensor(&canonical_name(name).0, dtype, device).map_err(candle_core::Error::wrap)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.0.shapes().contains_key(&canonical_name(name).0)
    }
}
