//! Coordinates and sizes to vectors of the text decoder, and back.

use candle_core::{D, DType, Device, Result, Tensor};

use super::linear::{Builder, Linear, Mlp};
use super::{ModelError, RegionConfig};

/// The networks of coordinates and sizes.
pub(crate) struct RegionModel {
    coordinate_features: Tensor,
    size_features: Tensor,
    coordinate_encoder: Linear,
    size_encoder: Linear,
    coordinate_decoder: Mlp,
    size_decoder: Mlp,
    config: RegionConfig,
    device: Device,
    computed: DType,
}

impl RegionModel {
    pub(crate) fn load(builder: &Builder<'_>, config: &RegionConfig) -> std::result::Result<Self, ModelError> {
        let decoder = |name: &str, bins: usize| builder.mlp(name, [config.dim, config.inner_dim, bins]);
        Ok(Self {
            // Angles are turned many times, so what bf16 leaves of them would mean nothing.
            coordinate_features: builder.tensor("region.coord_features")?.to_dtype(DType::F32)?,
            size_features: builder.tensor("region.size_features")?.to_dtype(DType::F32)?,
            coordinate_encoder: builder.linear("region.coord_encoder", config.coord_feat_dim, config.dim)?,
            size_encoder: builder.linear("region.size_encoder", config.size_feat_dim, config.dim)?,
            coordinate_decoder: decoder("region.coord_decoder", config.coord_out_dim)?,
            size_decoder: decoder("region.size_decoder", config.size_out_dim)?,
            config: config.clone(),
            device: builder.device.clone(),
            computed: builder.computed,
        })
    }

    /// Vectors `(n, dim)` of coordinates 0..1.
    pub(crate) fn encode_coordinates(&self, values: &[f32]) -> Result<Tensor> {
        let values = Tensor::new(values, &self.device)?.unsqueeze(1)?;
        self.coordinate_encoder.forward(&fourier(&values, &self.coordinate_features)?.to_dtype(self.computed)?)
    }

    /// Vectors `(n, dim)` of widths and heights 0..1.
    pub(crate) fn encode_sizes(&self, values: &[[f32; 2]]) -> Result<Tensor> {
        let flat = values.as_flattened().to_vec();
        let values = Tensor::from_vec(flat, (values.len(), 2), &self.device)?;
        self.size_encoder.forward(&fourier(&values, &self.size_features)?.to_dtype(self.computed)?)
    }

    /// The likeliest coordinate bin of each hidden state `(n, dim)`.
    pub(crate) fn decode_coordinates(&self, hidden: &Tensor) -> Result<Vec<u32>> {
        self.coordinate_decoder.forward(hidden)?.argmax(D::Minus1)?.to_vec1()
    }

    /// The likeliest bins of width and height of each hidden state `(n, dim)`.
    pub(crate) fn decode_sizes(&self, hidden: &Tensor) -> Result<Vec<[u32; 2]>> {
        let bins = self.config.size_out_dim / 2;
        let logits = self.size_decoder.forward(hidden)?.reshape(((), 2, bins))?;
        let chosen: Vec<Vec<u32>> = logits.argmax(D::Minus1)?.to_vec2()?;
        Ok(chosen.iter().map(|pair| [pair[0], pair[1]]).collect())
    }

    /// The coordinate of `bin`: `bin / bins`.
    pub(crate) fn coordinate(&self, bin: u32) -> f32 {
        bin as f32 / self.config.coord_out_dim as f32
    }

    /// The width or height of `bin`: `2^(10 bin / (bins - 1) - 10)`, from a thousandth to one.
    pub(crate) fn size(&self, bin: u32) -> f32 {
        let last = (self.config.size_out_dim / 2 - 1).max(1) as f32;
        (bin as f32 / last * 10.0 - 10.0).exp2()
    }
}

/// Fourier features of `values (n, k)` with frequencies `weights (k, m)`: cosines, then sines, of `2 pi values weights`.
fn fourier(values: &Tensor, weights: &Tensor) -> Result<Tensor> {
    // A product whose sums do not depend on the number of rows.
    let mut angles =
        (values.narrow(1, 0, 1)? * (2.0 * std::f64::consts::PI))?.broadcast_mul(&weights.narrow(0, 0, 1)?)?;
    for index in 1..values.dim(1)? {
        let value = (values.narrow(1, index, 1)? * (2.0 * std::f64::consts::PI))?;
        angles = (angles + value.broadcast_mul(&weights.narrow(0, index, 1)?)?)?;
    }
    Tensor::cat(&[angles.cos()?, angles.sin()?], D::Minus1)
}
