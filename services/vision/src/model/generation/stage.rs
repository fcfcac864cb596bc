//! What the stages of a generation remember.

use super::Wanted;
use crate::model::{BoundingBox, Event, Grounding, ModelError, Tokenizer, TokenizerConfig};

/// A reasoning, cut into chunks where it begins or ends to speak of places.
pub(super) struct Reasoning {
    chunks: Vec<Chunk>,
    tokens: usize,
}

#[derive(Default)]
struct Chunk {
    tokens: Vec<u32>,
    coordinates: Vec<f64>,
}

impl Default for Reasoning {
    fn default() -> Self {
        Self { chunks: vec![Chunk::default()], tokens: 0 }
    }
}

impl Reasoning {
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    pub(super) fn push(&mut self, token: u32, special: &TokenizerConfig) {
        self.tokens += 1;
        if token == special.start_ground_points_id || token == special.end_ground_id {
            self.chunks.push(Chunk::default());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.tokens.push(token);
        }
    }

    pub(super) fn push_coordinate(&mut self, value: f32) {
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.coordinates.push(f64::from(value));
        }
    }

    /// The text of all chunks; those with at least one point are grounding.
    pub(super) fn finish(&self, tokenizer: &Tokenizer) -> Result<Event, ModelError> {
        let mut text = String::new();
        let mut grounding = Vec::new();
        let mut start = 0;
        for chunk in &self.chunks {
            let decoded = tokenizer.decode(&chunk.tokens)?;
            let end = start + decoded.chars().count();
            let points: Vec<(f64, f64)> = chunk.coordinates.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            if !points.is_empty() {
                grounding.push(Grounding { start, end, points });
            }
            text.push_str(&decoded);
            start = end;
        }
        Ok(Event::Reasoning { text, grounding })
    }
}

/// The object that is being read: x, then y, then for boxes the size.
pub(super) struct Objects {
    boxes: bool,
    most: usize,
    found: usize,
    x: Option<f32>,
    y: Option<f32>,
}

impl Objects {
    pub(super) fn new(boxes: bool, most: usize) -> Self {
        Self { boxes, most, found: 0, x: None, y: None }
    }

    pub(super) fn wanted(&self) -> Wanted {
        match (self.x, self.y) {
            (None, _) => Wanted::Token,
            (Some(_), None) => Wanted::Coordinate,
            (Some(_), Some(_)) => Wanted::Size,
        }
    }

    pub(super) fn wants_x(&self) -> bool {
        self.x.is_none()
    }

    pub(super) fn is_full(&self) -> bool {
        self.found >= self.most
    }

    /// Positions that one object takes.
    pub(super) fn positions(&self) -> usize {
        if self.boxes { 3 } else { 2 }
    }

    pub(super) fn accept_coordinate(&mut self, value: f32) -> Option<Event> {
        let Some(x) = self.x else {
            self.x = Some(value);
            return None;
        };
        if self.boxes {
            self.y = Some(value);
            return None;
        }
        self.next();
        Some(Event::Point { x: f64::from(x), y: f64::from(value) })
    }

    /// The box around the centre, not clamped to the image.
    pub(super) fn accept_size(&mut self, size: [f32; 2]) -> Option<Event> {
        let (x, y) = (f64::from(self.x?), f64::from(self.y?));
        let [width, height] = size.map(|side| f64::from(side) / 2.0);
        self.next();
        Some(Event::Box(BoundingBox { x_min: x - width, y_min: y - height, x_max: x + width, y_max: y + height }))
    }

    fn next(&mut self) {
        self.found += 1;
        (self.x, self.y) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::weights::byte_tokenizer;

    #[test]
    fn chunks_with_a_whole_point_are_grounding() {
        let tokenizer = Tokenizer::parse(byte_tokenizer().to_string().as_bytes(), 300).unwrap();
        let special = TokenizerConfig::default();
        let mut reasoning = Reasoning::default();
        let say = |reasoning: &mut Reasoning, text: &str| {
            text.bytes().for_each(|byte| reasoning.push(10 + u32::from(byte), &special));
        };
        let place = |reasoning: &mut Reasoning, value: f32| {
            reasoning.push(special.coord_id, &special);
            reasoning.push_coordinate(value);
        };
        place(&mut reasoning, 0.5);
        say(&mut reasoning, "the \u{e9} ");
        reasoning.push(special.start_ground_points_id, &special);
        say(&mut reasoning, "cat");
        for value in [0.25, 0.75, 0.125] {
            place(&mut reasoning, value);
        }
        reasoning.push(special.end_ground_id, &special);
        say(&mut reasoning, " sits");
        let Event::Reasoning { text, grounding } = reasoning.finish(&tokenizer).unwrap() else { unreachable!() };
        assert_eq!(text, "the \u{e9} cat sits");
        assert_eq!(grounding, [Grounding { start: 6, end: 9, points: vec![(0.25, 0.75)] }]);
        assert_eq!(reasoning.tokens(), 21);
    }

    #[test]
    fn a_box_lies_around_its_centre_and_may_reach_over_the_edge() {
        let mut objects = Objects::new(true, 2);
        assert_eq!(objects.wanted(), Wanted::Token);
        assert_eq!((objects.accept_coordinate(0.25), objects.wanted()), (None, Wanted::Coordinate));
        assert_eq!((objects.accept_coordinate(0.5), objects.wanted()), (None, Wanted::Size));
        let found = BoundingBox { x_min: -0.25, y_min: 0.375, x_max: 0.75, y_max: 0.625 };
        assert_eq!(objects.accept_size([1.0, 0.25]), Some(Event::Box(found)));
        assert_eq!((objects.wanted(), objects.is_full()), (Wanted::Token, false));
        let mut points = Objects::new(false, 1);
        assert_eq!(points.accept_coordinate(0.25), None);
        assert_eq!(points.accept_coordinate(0.5), Some(Event::Point { x: 0.25, y: 0.5 }));
        assert!(points.is_full());
    }
}
