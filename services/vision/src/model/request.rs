//! What can be asked of the model, and what it answers.

use super::Sampling;

/// Objects of a detection or pointing when the caller does not say.
pub const DEFAULT_MAX_OBJECTS: usize = 50;

/// A question to the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Describe the image.
    Caption {
        /// How long the text should be.
        length: CaptionLength,
        /// How its tokens are drawn.
        sampling: Sampling,
    },
    /// Answer a question, about an image or without one.
    Query {
        /// The question.
        question: String,
        /// Points and boxes that the question is about.
        references: Vec<SpatialReference>,
        /// Whether the model thinks aloud first.
        reasoning: bool,
        /// How tokens are drawn.
        sampling: Sampling,
    },
    /// Draw boxes around every `object`.
    Detect {
        /// What to look for.
        object: String,
        /// Boxes at most.
        max_objects: usize,
    },
    /// Point at every `object`.
    Point {
        /// What to look for.
        object: String,
        /// Points at most.
        max_objects: usize,
    },
}

/// How long a caption should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptionLength {
    /// A sentence.
    Short,
    /// A few sentences.
    #[default]
    Normal,
    /// A paragraph or more.
    Long,
}

/// A place in an image, from 0 at the left and top to 1 at the right and bottom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SpatialReference {
    /// A point.
    Point {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// A box.
    Box(BoundingBox),
}

/// A box, from 0 at the left and top to 1 at the right and bottom. The model's own may reach over the edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// Left side.
    pub x_min: f64,
    /// Top side.
    pub y_min: f64,
    /// Right side.
    pub x_max: f64,
    /// Bottom side.
    pub y_max: f64,
}

/// Part of a reasoning that is about places in the image.
#[derive(Clone, Debug, PartialEq)]
pub struct Grounding {
    /// First character of the part.
    pub start: usize,
    /// Character after its last.
    pub end: usize,
    /// The places `(x, y)`.
    pub points: Vec<(f64, f64)>,
}

/// What a generation gives while it runs, in this order: reasoning, texts or objects, the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// All of the reasoning, before the first piece of the answer.
    Reasoning {
        /// Its text.
        text: String,
        /// Its parts about places.
        grounding: Vec<Grounding>,
    },
    /// The next piece of the text; joined, the pieces are the text.
    Text(String),
    /// The next box.
    Box(BoundingBox),
    /// The next point.
    Point {
        /// From the left, 0 to 1.
        x: f64,
        /// From the top, 0 to 1.
        y: f64,
    },
    /// The end.
    Finished(Finish),
}

/// Why a generation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model said that it is done.
    Stop,
    /// The most tokens asked for were made.
    MaxTokens,
    /// The most objects asked for were found.
    MaxObjects,
    /// The model's context is full.
    ContextFull,
    /// The model gave no usable number; nothing else of this request follows.
    Failed(String),
}
