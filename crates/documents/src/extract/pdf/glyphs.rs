//! The text operators of a content stream (ISO 32000-2, 9.4), and nothing else of it.

use std::{borrow::Cow, sync::Arc};

use hayro_cmap::BfString;
use hayro_font::{
    CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn, GlyphId,
    hayro_syntax::{
        content::{TypedIter, ops::TypedInstruction},
        object::{Array, Dict, Name, Number, Object, Stream, dict::keys},
        page::{Page, Resources},
    },
    kurbo::{Affine, Point, Rect},
};

use super::Glyph;
use crate::extract::{ExtractError, Limits};

/// Most operators of all pages and forms together.
const MOST_STEPS: usize = 2_000_000;

/// Most forms drawn on all pages together.
const MOST_FORMS: usize = 5_000;

/// Deepest nesting of forms within forms, and of saved states.
const DEEPEST: usize = 30;

/// Reads pages one after the other; what it counts, it counts over all of them.
pub(super) struct Reader<'pdf> {
    limits: Limits,
    steps: usize,
    forms: usize,
    unpacked: usize,
    text_bytes: usize,
    fonts: FontCache<'pdf>,
    font_resolver: FontResolverFn,
    cmap_resolver: CMapResolverFn,
}

#[derive(Clone)]
struct State<'pdf> {
    transform: Affine,
    font: Option<Font<'pdf>>,
    bold: bool,
    size: f64,
    character_space: f64,
    word_space: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

/// One content stream as it is read.
struct Run<'run, 'pdf> {
    state: State<'pdf>,
    saved: Vec<State<'pdf>>,
    line: Affine,
    text: Affine,
    resources: &'run Resources<'pdf>,
    depth: usize,
    /// Bounds of the path that is being built.
    path: Option<Rect>,
}

impl<'pdf> Reader<'pdf> {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            steps: 0,
            forms: 0,
            unpacked: 0,
            text_bytes: 0,
            fonts: FontCache::new(),
            font_resolver: Arc::new(|query| match query {
                FontQuery::Standard(font) => Some(font.get_font_data()),
                FontQuery::Fallback(query) => Some(query.pick_standard_font().get_font_data()),
            }),
            cmap_resolver: Arc::new(hayro_cmap::load_embedded),
        }
    }

    /// All glyphs of a page in the order in which they are drawn.
    pub(super) fn page(&mut self, page: &Page<'pdf>) -> Result<Vec<Glyph>, ExtractError> {
        let mut content = Vec::new();
        for stream in contents(page.raw()) {
            content.extend_from_slice(&self.unpack(&stream)?);
            content.push(b' ');
        }
        let state = State {
            transform: Affine::new(page.initial_transform(true).as_coeffs()),
            font: None,
            bold: false,
            size: 0.0,
            character_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        let mut glyphs = Vec::new();
        self.run(&content, state, page.resources(), 0, &mut glyphs)?;
        Ok(glyphs)
    }

    /// The streams were measured before; what counts here is how often they are used.
    fn unpack(&mut self, stream: &Stream<'pdf>) -> Result<Cow<'pdf, [u8]>, ExtractError> {
        let data = stream.decoded_data().unwrap_or_default();
        self.unpacked += data.len();
        let limit = self.limits.total_unpacked_bytes;
        if self.unpacked > limit { Err(ExtractError::TooLarge { what: "drawn bytes", limit }) } else { Ok(data) }
    }

    fn run(
        &mut self,
        content: &[u8],
        state: State<'pdf>,
        resources: &Resources<'pdf>,
        depth: usize,
        glyphs: &mut Vec<Glyph>,
    ) -> Result<(), ExtractError> {
        let mut run = Run {
            state,
            saved: Vec::new(),
            line: Affine::IDENTITY,
            text: Affine::IDENTITY,
            resources,
            depth,
            path: None,
        };
        let mut operators = TypedIter::new(content);
        while let Some(operator) = operators.next() {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return Err(ExtractError::TooLarge { what: "drawing steps", limit: MOST_STEPS });
            }
            self.step(&operator, &mut run, glyphs)?;
        }
        Ok(())
    }

    fn step(
        &mut self,
        operator: &TypedInstruction<'_, '_>,
        run: &mut Run<'_, 'pdf>,
        glyphs: &mut Vec<Glyph>,
    ) -> Result<(), ExtractError> {
        match operator {
            TypedInstruction::SaveState(_) if run.saved.len() < DEEPEST * 10 => run.saved.push(run.state.clone()),
            TypedInstruction::RestoreState(_) => {
                if let Some(state) = run.saved.pop() {
                    run.state = state;
                }
            }
            TypedInstruction::Transform(m) => {
                run.state.transform *= affine([m.0, m.1, m.2, m.3, m.4, m.5]);
            }
            TypedInstruction::BeginText(_) => (run.line, run.text) = (Affine::IDENTITY, Affine::IDENTITY),
            TypedInstruction::SetTextMatrix(m) => {
                run.line = affine([m.0, m.1, m.2, m.3, m.4, m.5]);
                run.text = run.line;
            }
            TypedInstruction::NextLine(by) => run.next_line(by.0.as_f64(), by.1.as_f64()),
            TypedInstruction::NextLineAndSetLeading(by) => {
                run.state.leading = -by.1.as_f64();
                run.next_line(by.0.as_f64(), by.1.as_f64());
            }
            TypedInstruction::NextLineUsingLeading(_) => run.next_line(0.0, -run.state.leading),
            TypedInstruction::CharacterSpacing(space) => run.state.character_space = space.0.as_f64(),
            TypedInstruction::WordSpacing(space) => run.state.word_space = space.0.as_f64(),
            TypedInstruction::HorizontalScaling(percent) => run.state.stretch = percent.0.as_f64() / 100.0,
            TypedInstruction::TextLeading(leading) => run.state.leading = leading.0.as_f64(),
            TypedInstruction::TextRise(rise) => run.state.rise = rise.0.as_f64(),
            TypedInstruction::TextFont(font) => self.set_font(font.0, font.1, run),
            TypedInstruction::ShowText(text) => self.show(text.0.as_bytes(), run, glyphs)?,
            TypedInstruction::NextLineAndShowText(text) => {
                run.next_line(0.0, -run.state.leading);
                self.show(text.0.as_bytes(), run, glyphs)?;
            }
            TypedInstruction::ShowTextWithParameters(text) => {
                run.state.word_space = text.0.as_f64();
                run.state.character_space = text.1.as_f64();
                run.next_line(0.0, -run.state.leading);
                self.show(text.2.as_bytes(), run, glyphs)?;
            }
            TypedInstruction::ShowTexts(texts) => {
                for part in texts.0.iter::<Object<'_>>() {
                    match part {
                        Object::String(text) => self.show(text.as_bytes(), run, glyphs)?,
                        Object::Number(by) => run.advance(-by.as_f64() / 1000.0 * run.state.size * run.state.stretch),
                        _ => {}
                    }
                }
            }
            TypedInstruction::XObject(form) => self.draw(form.0, run, glyphs)?,
            other => run.trace(other, glyphs),
        }
        Ok(())
    }

    fn set_font(&mut self, name: &Name<'_>, size: Number, run: &mut Run<'_, 'pdf>) {
        run.state.size = size.as_f64();
        let dict: Option<Dict<'pdf>> = run.resources.fonts.get(name.as_str());
        let base: Option<Name<'_>> = dict.as_ref().and_then(|dict| dict.get(keys::BASE_FONT));
        run.state.bold = base.is_some_and(|base| is_bold(base.as_str()));
        run.state.font = dict.and_then(|dict| self.fonts.font(&dict, &self.font_resolver, &self.cmap_resolver));
    }

    /// Draws a form within its own coordinates; pictures are left alone.
    fn draw(&mut self, name: &Name<'_>, run: &mut Run<'_, 'pdf>, glyphs: &mut Vec<Glyph>) -> Result<(), ExtractError> {
        let Some(form) = run.resources.x_objects.get::<Stream<'pdf>>(name.as_str()) else { return Ok(()) };
        let dict = form.dict();
        let subtype: Option<Name<'_>> = dict.get(keys::SUBTYPE);
        if subtype.is_none_or(|subtype| subtype.as_str() != "Form") {
            return Ok(());
        }
        if run.depth >= DEEPEST.min(self.limits.depth) {
            return Err(ExtractError::TooLarge { what: "forms within forms", limit: DEEPEST });
        }
        self.forms += 1;
        if self.forms > MOST_FORMS {
            return Err(ExtractError::TooLarge { what: "drawn forms", limit: MOST_FORMS });
        }
        let matrix = dict.get::<[f64; 6]>(keys::MATRIX).map_or(Affine::IDENTITY, Affine::new);
        let own = dict.get::<Dict<'pdf>>(keys::RESOURCES).map(Resources::new);
        let content = self.unpack(&form)?;
        let mut state = run.state.clone();
        state.transform *= matrix;
        self.run(&content, state, own.as_ref().unwrap_or(run.resources), run.depth + 1, glyphs)
    }

    fn show(&mut self, bytes: &[u8], run: &mut Run<'_, 'pdf>, glyphs: &mut Vec<Glyph>) -> Result<(), ExtractError> {
        let Some(font) = run.state.font.clone() else { return Ok(()) };
        let mut offset = 0;
        while offset < bytes.len() {
            self.steps += 1;
            let (code, length) = font.read_code(bytes, offset);
            offset += length.max(1);
            let State { size, character_space, word_space, stretch, .. } = run.state;
            let is_space = length == 1 && code == 32;
            let width = font.code_advance(code).x / 1000.0 * size;
            let spacing = character_space + if is_space { word_space } else { 0.0 };
            let text = unicode(&font, code);
            if let Some(glyph) = run.glyph(text, (width + character_space) * stretch) {
                self.text_bytes += glyph.text.len();
                glyphs.push(glyph);
            }
            run.advance((width + spacing) * stretch);
        }
        let limit = self.limits.text_bytes;
        if self.text_bytes > limit {
            return Err(ExtractError::TooLarge { what: "bytes of text", limit });
        }
        Ok(())
    }
}

impl Run<'_, '_> {
    /// Follows paths as far as to see small filled dots: some writers draw their bullets instead of writing them.
    fn trace(&mut self, operator: &TypedInstruction<'_, '_>, glyphs: &mut Vec<Glyph>) {
        let at = |x: Number, y: Number| Point::new(x.as_f64(), y.as_f64());
        match operator {
            TypedInstruction::MoveTo(to) => self.reach(&[at(to.0, to.1)]),
            TypedInstruction::LineTo(to) => self.reach(&[at(to.0, to.1)]),
            TypedInstruction::CubicTo(to) => self.reach(&[at(to.0, to.1), at(to.2, to.3), at(to.4, to.5)]),
            TypedInstruction::CubicStartTo(to) => self.reach(&[at(to.0, to.1), at(to.2, to.3)]),
            TypedInstruction::CubicEndTo(to) => self.reach(&[at(to.0, to.1), at(to.2, to.3)]),
            TypedInstruction::RectPath(rect) => {
                let (x, y) = (rect.0.as_f64(), rect.1.as_f64());
                self.reach(&[Point::new(x, y), Point::new(x + rect.2.as_f64(), y + rect.3.as_f64())]);
            }
            TypedInstruction::FillPathNonZero(_)
            | TypedInstruction::FillPathNonZeroCompatibility(_)
            | TypedInstruction::FillPathEvenOdd(_)
            | TypedInstruction::FillAndStrokeNonZero(_)
            | TypedInstruction::FillAndStrokeEvenOdd(_) => glyphs.extend(self.path.take().and_then(dot)),
            TypedInstruction::StrokePath(_) | TypedInstruction::EndPath(_) => self.path = None,
            _ => {}
        }
    }

    fn reach(&mut self, points: &[Point]) {
        for point in points {
            let point = self.state.transform * *point;
            let here = Rect::from_points(point, point);
            self.path = Some(self.path.map_or(here, |path| path.union(here)));
        }
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.line *= Affine::translate((x, y));
        self.text = self.line;
    }

    fn advance(&mut self, by: f64) {
        self.text *= Affine::translate((by, 0.0));
    }

    /// Where a glyph lies on the page. Turned text is turned back, so that its lines are level for what follows.
    fn glyph(&self, text: String, width: f64) -> Option<Glyph> {
        let whole = self.state.transform * self.text;
        let origin = whole * Point::new(0.0, self.state.rise);
        let end = whole * Point::new(width, self.state.rise);
        let up = whole * Point::new(0.0, self.state.rise + self.state.size);
        let size = (up - origin).hypot();
        let direction = end - origin;
        let (turn, level) = match (direction.x.abs() >= direction.y.abs(), direction.x + direction.y >= 0.0) {
            (true, true) => (0, [origin.x, end.x, origin.y]),
            (false, true) => (1, [origin.y, end.y, -origin.x]),
            (true, false) => (2, [-origin.x, -end.x, -origin.y]),
            (false, false) => (3, [-origin.y, -end.y, origin.x]),
        };
        let [x0, x1, y] = level.map(|value| value as f32);
        let is_real = [x0, x1, y].iter().all(|value| value.is_finite() && value.abs() < 1e6);
        let visible = is_real && size > 0.1 && size < 2000.0 && !text.is_empty();
        visible.then_some(Glyph { text, x0, x1, y, size: size as f32, bold: self.state.bold, turn })
    }
}

/// A filled shape as small and as wide as high as a bullet is. It stands a little above the base line.
fn dot(path: Rect) -> Option<Glyph> {
    let (width, height) = (path.width(), path.height());
    let is_dot = (1.2..7.0).contains(&width) && (1.2..7.0).contains(&height) && (0.7..1.4).contains(&(width / height));
    let [x0, x1, y] = [path.x0, path.x1, path.y1 + 1.5].map(|value| value as f32);
    let size = 9.0;
    is_dot.then(|| Glyph { text: "•".to_owned(), x0, x1, y, size, bold: false, turn: 0 })
}

fn affine(numbers: [Number; 6]) -> Affine {
    Affine::new(numbers.map(|number| number.as_f64()))
}

fn contents<'pdf>(page: &Dict<'pdf>) -> Vec<Stream<'pdf>> {
    if let Some(stream) = page.get::<Stream<'pdf>>(keys::CONTENTS) {
        return vec![stream];
    }
    let array = page.get::<Array<'pdf>>(keys::CONTENTS);
    array.map(|array| array.iter::<Stream<'pdf>>().collect()).unwrap_or_default()
}

fn is_bold(font: &str) -> bool {
    let font = font.to_ascii_lowercase();
    ["bold", "black", "heavy", "semibd", "demi"].iter().any(|weight| font.contains(weight))
}

/// What a code stands for. Ligatures become their letters, as a reader types them.
fn unicode(font: &Font<'_>, code: u32) -> String {
    let found = match font.glyph(GlyphId::NOTDEF, code) {
        FontGlyph::Outline(glyph) => glyph.as_unicode(),
        FontGlyph::Type3(glyph) => glyph.as_unicode(),
    };
    match found {
        Some(BfString::Char(character)) => letters(character),
        Some(BfString::String(text)) => text.chars().map(letters).collect(),
        None => String::new(),
    }
}

fn letters(character: char) -> String {
    match character {
        'ﬀ' => "ff".to_owned(),
        'ﬁ' => "fi".to_owned(),
        'ﬂ' => "fl".to_owned(),
        'ﬃ' => "ffi".to_owned(),
        'ﬄ' => "ffl".to_owned(),
        'ﬅ' | 'ﬆ' => "st".to_owned(),
        '\0' => String::new(),
        other => other.to_string(),
    }
}
