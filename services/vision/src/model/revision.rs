//! Which revision of Moondream2 weights belong to, by the names and shapes of their tensors.

use std::collections::BTreeMap;

use super::ModelError;

/// Names of tensors shown where none is known.
const SHOWN: usize = 4;

/// A network that weights may belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// That of 2025: local crops, boxes and points, reasoning.
    Current,
    /// That of spring 2024, before 2024-05-20: the whole picture at once, and nothing but text.
    Spring2024,
}

/// Something that a model may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skill {
    /// Describing an image.
    Caption,
    /// Answering questions.
    Query,
    /// Drawing boxes.
    Detect,
    /// Pointing.
    Point,
    /// Thinking aloud before an answer.
    Reasoning,
    /// Questions about places in an image.
    References,
}

impl Skill {
    /// Every skill.
    pub const ALL: [Self; 6] =
        [Self::Caption, Self::Query, Self::Detect, Self::Point, Self::Reasoning, Self::References];

    /// What a model without it cannot do.
    pub fn words(self) -> &'static str {
        match self {
            Self::Caption => "describe images",
            Self::Query => "answer questions",
            Self::Detect => "draw boxes",
            Self::Point => "point at things",
            Self::Reasoning => "think aloud",
            Self::References => "be asked about places in an image",
        }
    }
}

impl Revision {
    /// The last release of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "2025-06-21",
            Self::Spring2024 => "2024-04-02",
        }
    }

    /// The revision of tensors of these names, which are canonical, and shapes.
    ///
    /// # Errors
    /// [`ModelError::Request`] for those of no revision that can be run; it says which would do.
    pub(crate) fn of(tensors: &BTreeMap<String, Vec<usize>>) -> Result<Self, ModelError> {
        let has = |prefix: &str| tensors.keys().any(|name| name.starts_with(prefix));
        if has("region.") {
            return Ok(Self::Current);
        }
        if !has("vision.") || !has("text.") {
            let shown: Vec<_> = tensors.keys().take(SHOWN).map(String::as_str).collect();
            let message = format!(
                "the weights are not those of a Moondream2: they hold no image encoder and text decoder that are known, \
                 but {}; fetch the current model with `aerie vision fetch`",
                if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
            );
            return Err(ModelError::Request(message));
        }
        // From 2024-05-20 on the projection reads the whole picture and its crops side by side.
        let last = |name: &str| tensors.get(name).and_then(|shape| shape.last());
        match (last("vision.proj_mlp.fc1.weight"), last("vision.pos_emb")) {
            (Some(read), Some(width)) if *read == 2 * width => Err(ModelError::Request(
                "the weights are of a Moondream2 between 2024-05-20 and 2024-12, which cannot be run; fetch the current \
                 model with `aerie vision fetch`, or take a revision up to 2024-04-02"
                    .to_owned(),
            )),
            _ => Ok(Self::Spring2024),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tensors(list: &[(&str, &[usize])]) -> BTreeMap<String, Vec<usize>> {
        list.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect()
    }

    #[test]
    fn a_revision_is_known_by_its_tensors() {
        let base: [(&str, &[usize]); 2] = [("text.wte", &[51_200, 2048]), ("vision.pos_emb", &[1, 729, 1152])];
        let with = |name, shape: &'static [usize]| tensors(&[base[0], base[1], (name, shape)]);
        assert_eq!(Revision::of(&with("region.coord_features", &[1, 128])).unwrap(), Revision::Current);
        assert_eq!(Revision::of(&with("vision.proj_mlp.fc1.weight", &[8192, 1152])).unwrap(), Revision::Spring2024);
        let between = Revision::of(&with("vision.proj_mlp.fc1.weight", &[8192, 2304])).unwrap_err().to_string();
        assert!(between.contains("between 2024-05-20 and 2024-12"), "{between}");
    }

    #[test]
    fn other_weights_are_told_by_their_names() {
        let other = Revision::of(&tensors(&[("encoder.layer.0.weight", &[4])])).unwrap_err().to_string();
        assert!(other.contains("not those of a Moondream2") && other.contains("encoder.layer.0.weight"), "{other}");
        assert!(Revision::of(&BTreeMap::new()).unwrap_err().to_string().contains("but nothing"));
    }
}
