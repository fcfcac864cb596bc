//! Every tensor that a configuration asks for.

use crate::model::Config;

/// What a tensor is for; it decides how it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorRole {
    /// Weight `(out, in)` of a linear layer of the image encoder or the text decoder: these may be quantised.
    Linear,
    /// Anything else: biases, norms, embeddings, and the small region networks.
    Plain,
}

/// One tensor of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTensor {
    /// Its canonical name, which is the release's without the prefix `model.`.
    pub name: String,
    /// Its shape, rows first.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: TensorRole,
}

/// Every tensor that `config` asks for, in the order of the network.
pub fn expected_tensors(config: &Config) -> Vec<ExpectedTensor> {
    let mut list = List(Vec::new());
    let vision = &config.vision;
    list.linear("vision.patch_emb", vision.patch_dim(), vision.enc_dim);
    list.plain("vision.pos_emb", &[1, vision.patches(), vision.enc_dim]);
    for index in 0..vision.enc_n_layers {
        let block = format!("vision.blocks.{index}");
        list.norm(&format!("{block}.ln1"), vision.enc_dim);
        list.linear(&format!("{block}.attn.qkv"), vision.enc_dim, 3 * vision.enc_dim);
        list.linear(&format!("{block}.attn.proj"), vision.enc_dim, vision.enc_dim);
        list.norm(&format!("{block}.ln2"), vision.enc_dim);
        list.linear(&format!("{block}.mlp.fc1"), vision.enc_dim, vision.enc_ff_dim);
        list.linear(&format!("{block}.mlp.fc2"), vision.enc_ff_dim, vision.enc_dim);
    }
    list.norm("vision.post_ln", vision.enc_dim);
    list.linear("vision.proj_mlp.fc1", 2 * vision.enc_dim, vision.proj_inner_dim);
    list.linear("vision.proj_mlp.fc2", vision.proj_inner_dim, vision.proj_out_dim);

    let text = &config.text;
    list.plain("text.wte", &[text.vocab_size, text.dim]);
    for index in 0..text.n_layers {
        let block = format!("text.blocks.{index}");
        list.norm(&format!("{block}.ln"), text.dim);
        list.linear(&format!("{block}.attn.qkv"), text.dim, text.dim + 2 * text.kv_dim());
        list.linear(&format!("{block}.attn.proj"), text.dim, text.dim);
        list.linear(&format!("{block}.mlp.fc1"), text.dim, text.ff_dim);
        list.linear(&format!("{block}.mlp.fc2"), text.ff_dim, text.dim);
    }
    list.norm("text.post_ln", text.dim);
    list.linear("text.lm_head", text.dim, text.vocab_size);

    let region = &config.region;
    list.plain("region.coord_features", &[1, region.coord_feat_dim / 2]);
    list.plain("region.size_features", &[2, region.size_feat_dim / 2]);
    list.plain_linear("region.coord_encoder", region.coord_feat_dim, region.dim);
    list.plain_linear("region.size_encoder", region.size_feat_dim, region.dim);
    list.plain_linear("region.coord_decoder.fc1", region.dim, region.inner_dim);
    list.plain_linear("region.coord_decoder.fc2", region.inner_dim, region.coord_out_dim);
    list.plain_linear("region.size_decoder.fc1", region.dim, region.inner_dim);
    list.plain_linear("region.size_decoder.fc2", region.inner_dim, region.size_out_dim);
    list.0
}

struct List(Vec<ExpectedTensor>);

impl List {
    fn add(&mut self, name: String, shape: &[usize], role: TensorRole) {
        self.0.push(ExpectedTensor { name, shape: shape.to_vec(), role });
    }

    fn plain(&mut self, name: &str, shape: &[usize]) {
        self.add(name.to_owned(), shape, TensorRole::Plain);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.plain(&format!("{name}.weight"), &[width]);
        self.plain(&format!("{name}.bias"), &[width]);
    }

    fn linear(&mut self, name: &str, input: usize, output: usize) {
        self.add(format!("{name}.weight"), &[output, input], TensorRole::Linear);
        self.plain(&format!("{name}.bias"), &[output]);
    }

    fn plain_linear(&mut self, name: &str, input: usize, output: usize) {
        self.plain(&format!("{name}.weight"), &[output, input]);
        self.plain(&format!("{name}.bias"), &[output]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_has_its_592_tensors_and_1_927_237_104_parameters() {
        let tensors = expected_tensors(&Config::default());
        assert_eq!(tensors.len(), 592);
        assert_eq!(tensors.iter().map(|t| t.shape.iter().product::<usize>()).sum::<usize>(), 1_927_237_104);
    }
}
