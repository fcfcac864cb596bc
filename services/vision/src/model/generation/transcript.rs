//! What a generation was fed and decided, for usage figures and comparisons.

use super::Input;
use crate::model::TokenizerConfig;

/// Everything that was fed and decided.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// The prompt, and after a reasoning the prompt of the answer.
    pub prompts: Vec<PromptTrace>,
    /// Bins of coordinates in the reasoning.
    pub coordinate_bins: Vec<u32>,
    /// Bins of the objects' x.
    pub x_bins: Vec<u32>,
    /// Bins of the objects' y.
    pub y_bins: Vec<u32>,
    /// Bins of the boxes' widths and heights.
    pub size_bins: Vec<[u32; 2]>,
    /// Steps whose logits are kept, where logits are kept at all.
    keep: Option<usize>,
}

/// One prompt and what followed it.
#[derive(Clone, Debug, Default)]
pub struct PromptTrace {
    /// Its tokens; places stand as their special tokens.
    pub ids: Vec<u32>,
    /// Its first position.
    pub position: usize,
    /// Tokens decided after it, without the one that ended them.
    pub generated: Vec<u32>,
    /// Logits after it, where they are kept.
    pub logits: Vec<f32>,
    /// Logits of the first steps, where they are kept.
    pub step_logits: Vec<Vec<f32>>,
    /// Hidden state after it, before the final norm, where logits are kept.
    pub hidden: Vec<f32>,
}

impl Transcript {
    /// Tokens of all prompts.
    pub fn prompt_tokens(&self) -> usize {
        self.prompts.iter().map(|prompt| prompt.ids.len()).sum()
    }

    /// Tokens and parts of objects that were decided.
    pub fn generated_tokens(&self) -> usize {
        let tokens: usize = self.prompts.iter().map(|prompt| prompt.generated.len()).sum();
        tokens + self.x_bins.len() + self.y_bins.len() + self.size_bins.len()
    }

    pub(super) fn keep_logits(&mut self, steps: usize) {
        self.keep = Some(steps);
    }

    pub(super) fn keeps_logits(&self) -> bool {
        self.keep.is_some()
    }

    pub(super) fn begin(&mut self, inputs: &[Input], position: usize, special: &TokenizerConfig) {
        let id = |input: &Input| match input {
            Input::Token(id) => *id,
            Input::Coordinate(_) => special.coord_id,
            Input::Size(_) => special.size_id,
        };
        self.prompts.push(PromptTrace { ids: inputs.iter().map(id).collect(), position, ..PromptTrace::default() });
    }

    pub(super) fn record_token(&mut self, token: u32) {
        if let Some(prompt) = self.prompts.last_mut() {
            prompt.generated.push(token);
        }
    }

    pub(super) fn record_hidden(&mut self, hidden: Vec<f32>) {
        if let Some(prompt) = self.prompts.last_mut() {
            prompt.hidden = hidden;
        }
    }

    pub(super) fn record_logits(&mut self, logits: &[f32], after_prompt: bool) {
        let (Some(keep), Some(prompt)) = (self.keep, self.prompts.last_mut()) else { return };
        if after_prompt {
            prompt.logits = logits.to_vec();
        } else if prompt.step_logits.len() < keep {
            prompt.step_logits.push(logits.to_vec());
        }
    }

    pub(super) fn record_coordinate(&mut self, bin: u32) {
        self.coordinate_bins.push(bin);
    }

    pub(super) fn record_object_coordinate(&mut self, bin: u32, is_x: bool) {
        if is_x { self.x_bins.push(bin) } else { self.y_bins.push(bin) }
    }

    pub(super) fn record_size(&mut self, bins: [u32; 2]) {
        self.size_bins.push(bins);
    }
}
