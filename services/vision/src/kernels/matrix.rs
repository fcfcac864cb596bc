//! Products of rows and weights.

use std::cell::RefCell;
use std::io;

use super::Level;
use super::activations::Scratch;
use super::memory::Buffer;
use super::pack::{BLOCK, Kind, PANEL, Source, pack};
use super::pool::{Shares, parallel};
use super::rows::finish_rows;
use super::tile::{Tile, multiply_tile};

/// Rows that a task computes for one panel.
const ROWS: usize = 96;
/// Rows of a decoding step.
const FEW: usize = 16;
/// Bytes of a panel that are used for all of a task's rows before the next ones: less than the innermost cache holds.
const PANEL_BYTES: usize = 32 << 10;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The weights of a linear layer, packed.
pub(crate) struct Matrix {
    kind: Kind,
    outputs: usize,
    inputs: usize,
    panels: Buffer,
    level: Level,
}

/// What becomes of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It is the result.
    Store,
    /// The tanh form of GELU is applied to it.
    Gelu,
    /// It is added to what was there.
    Add,
}

impl Matrix {
    /// Packs `source`, `(outputs, inputs)`. Weights that are not quantised are kept as `kind`.
    ///
    /// # Errors
    /// A source of another size, or no memory.
    pub(crate) fn pack(source: Source<'_>, outputs: usize, inputs: usize, kind: Kind) -> io::Result<Self> {
        let (kind, panels) = pack(source, outputs, inputs, kind)?;
        Ok(Self { kind, outputs, inputs, panels, level: Level::detect() })
    }

    /// Computes with the kernels of another level.
    #[cfg(test)]
    pub(crate) fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    /// Whether the input is rounded to bf16 or less.
    pub(crate) fn is_narrow(&self) -> bool {
        !matches!(self.kind, Kind::F32 | Kind::F16)
    }

    /// `x (rows, inputs)` times the weights plus `bias`, finished as `finish` says, to `out (rows, outputs)`.
    ///
    /// Does nothing where a slice has another length.
    pub(crate) fn multiply(&self, x: &[f32], bias: &[f32], finish: Finish, out: &mut [f32]) {
        let rows = x.len() / self.inputs.max(1);
        if rows == 0 || bias.len() != self.outputs || out.len() != rows * self.outputs {
            debug_assert!(rows == 0, "slices of another length");
            return;
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.prepare(self.level, self.kind, x, rows, self.inputs);
            self.multiply_prepared(x, scratch, rows, bias, finish, out);
        });
    }

    #[allow(unsafe_code)]
    fn multiply_prepared(
        &self,
        x: &[f32],
        scratch: &Scratch,
        rows: usize,
        bias: &[f32],
        finish: Finish,
        out: &mut [f32],
    ) {
        let units = self.inputs.div_ceil(self.kind.unit());
        let panel_bytes = units * self.kind.unit_bytes();
        let step = (PANEL_BYTES / self.kind.unit_bytes()).max(1);
        let chunks = rows.div_ceil(ROWS);
        let out = Shares::new(out);
        parallel(chunks * self.outputs.div_ceil(PANEL), &|task| {
            let (panel, first) = (task / chunks, task % chunks * ROWS);
            let count = ROWS.min(rows - first);
            let Some(bytes) = self.panels.bytes().get(panel * panel_bytes..(panel + 1) * panel_bytes) else { return };
            // Clearing many rows takes longer than computing one.
            let (mut few, mut many);
            let sums = if count <= FEW {
                few = [[0.0; PANEL]; FEW];
                &mut few[..count]
            } else {
                many = [[0.0; PANEL]; ROWS];
                &mut many[..count]
            };
            for start in (0..units).step_by(step) {
                let part = start..units.min(start + step);
                let weights = &bytes[part.start * self.kind.unit_bytes()..part.end * self.kind.unit_bytes()];
                let inputs = self.inputs;
                let tile = Tile { kind: self.kind, x, inputs, scratch, rows, first, weights, start };
                multiply_tile(self.level, &tile, sums);
            }
            let (left, width) = (panel * PANEL, PANEL.min(self.outputs - panel * PANEL));
            let bias = &bias[left..left + width];
            for (row, sums) in sums.iter().enumerate() {
                // SAFETY: every task has another panel or other rows.
                let target = unsafe { out.part((first + row) * self.outputs + left, width) };
                finish_rows(self.level, &sums[..width], bias, finish, target);
            }
        });
    }
}

/// Blocks of 32 inputs in a unit of `kind`.
pub(crate) fn blocks(kind: Kind) -> usize {
    kind.unit() / BLOCK
}

#[cfg(test)]
mod tests;
