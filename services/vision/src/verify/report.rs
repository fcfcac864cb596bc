//! What a comparison found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// The outcome of [`verify`](super::verify).
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Every tensor that was compared, with its largest error.
    pub tensors: Vec<TensorCheck>,
    /// How many values had to be equal and were, by what they are (ids, bins, texts, …).
    pub equal: BTreeMap<String, usize>,
    /// Everything that had to be equal and was not.
    pub differences: Vec<Difference>,
    /// Answers that were not compared, because the model's numbers are narrower than those that decided them.
    pub undecided: usize,
    /// Tensors of the set that nothing was compared with.
    pub unchecked: Vec<String>,
}

/// A tensor against its expected numbers.
#[derive(Clone, Debug, Serialize)]
pub struct TensorCheck {
    /// Its name in the set.
    pub name: String,
    /// The largest absolute error; infinite where the shapes differ or a number is none.
    pub largest_error: f32,
    /// The largest absolute error that is allowed.
    pub tolerance: f32,
}

/// Something that had to be equal and is not.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// What it is, with the way it was run.
    pub name: String,
    /// What the set says.
    pub expected: String,
    /// What came out.
    pub found: String,
}

impl TensorCheck {
    /// Whether the error is within its tolerance.
    pub fn holds(&self) -> bool {
        self.largest_error <= self.tolerance
    }
}

impl Report {
    /// Whether nothing differs.
    pub fn holds(&self) -> bool {
        self.differences.is_empty() && self.tensors.iter().all(TensorCheck::holds)
    }

    /// The largest error of the tensors whose name ends with each kind, by kind.
    pub fn largest_errors(&self) -> BTreeMap<&str, f32> {
        let mut largest = BTreeMap::new();
        for tensor in &self.tensors {
            let kind = tensor.name.rsplit('.').next().unwrap_or_default();
            let entry = largest.entry(kind).or_insert(0.0f32);
            *entry = entry.max(tensor.largest_error);
        }
        largest
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tensor in &self.tensors {
            let mark = if tensor.holds() { "ok  " } else { "FAIL" };
            let TensorCheck { name, largest_error, tolerance } = tensor;
            writeln!(formatter, "{mark} {name}: largest error {largest_error:.2e}, allowed {tolerance:.0e}")?;
        }
        for (kind, count) in &self.equal {
            writeln!(formatter, "ok   {kind}: {count} equal")?;
        }
        for Difference { name, expected, found } in &self.differences {
            writeln!(formatter, "FAIL {name}: expected {expected}, found {found}")?;
        }
        for name in &self.unchecked {
            writeln!(formatter, "note {name} was not compared with anything")?;
        }
        if self.undecided > 0 {
            let undecided = self.undecided;
            writeln!(formatter, "note {undecided} answers were decided too narrowly to be compared in this precision")?;
        }
        let failed = self.tensors.iter().filter(|tensor| !tensor.holds()).count();
        let (tensors, differences) = (self.tensors.len(), self.differences.len());
        write!(formatter, "{tensors} tensors, {failed} over their tolerance; {differences} differences")
    }
}
