//! The flow of an office text: paragraphs, text boxes and tables, which nest in one another.

use super::{ExtractError, TextBuilder, builder::Look};

/// A paragraph that is finished.
struct Paragraph {
    text: String,
    look: Look,
    block: bool,
}

/// A paragraph that is being read.
#[derive(Default)]
pub(super) struct Open {
    pub text: String,
    /// Bytes of it that are bold.
    pub bold: usize,
    /// Largest size of letters in it, in points.
    pub size: f32,
    pub heading: Option<u8>,
    pub bullet: bool,
    /// The link that is open: its address and where its words begin.
    pub link: Option<(String, usize)>,
}

#[derive(Default)]
struct Table {
    rows: usize,
    cells: Vec<Vec<Paragraph>>,
}

/// Collects paragraphs in reading order. A row whose cells hold one line each becomes one line with tabs.
pub(super) struct Flow {
    open: Vec<Open>,
    tables: Vec<Table>,
    done: Vec<Paragraph>,
    block: bool,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self { open: Vec::new(), tables: Vec::new(), done: Vec::new(), block: true }
    }

    pub(super) fn begin_paragraph(&mut self) {
        self.open.push(Open::default());
    }

    /// The paragraph at hand.
    pub(super) fn paragraph(&mut self) -> Option<&mut Open> {
        self.open.last_mut()
    }

    pub(super) fn push(&mut self, text: &str, bold: bool, size: f32) {
        let Some(open) = self.open.last_mut() else { return };
        open.text.push_str(text);
        if !text.trim().is_empty() {
            open.size = open.size.max(size);
            open.bold += if bold { text.len() } else { 0 };
        }
    }

    pub(super) fn begin_link(&mut self, address: String) {
        if let Some(open) = self.open.last_mut() {
            open.link = Some((address, open.text.len()));
        }
    }

    /// Adds a web address that the link's words do not show.
    pub(super) fn end_link(&mut self) {
        let Some(open) = self.open.last_mut() else { return };
        let Some((address, start)) = open.link.take() else { return };
        let bare = address.trim_start_matches("mailto:").trim_start_matches("tel:");
        let shown = open.text.get(start..).unwrap_or("").trim();
        let outside = address.starts_with("http") || address.starts_with("mailto:");
        if outside && (shown.is_empty() || !bare.contains(shown)) {
            open.text.push_str(&format!(" ({bare})"));
        }
    }

    pub(super) fn end_paragraph(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let bold = open.bold > 0 && open.bold * 2 > open.text.trim().len();
        for (index, line) in open.text.split('\n').enumerate() {
            let bullet = open.bullet && index == 0;
            let look = Look { size: open.size, bold, heading: open.heading, bullet };
            let block = std::mem::take(&mut self.block);
            self.add(Paragraph { text: line.to_owned(), look, block });
        }
    }

    fn add(&mut self, paragraph: Paragraph) {
        match self.tables.last_mut().and_then(|table| table.cells.last_mut()) {
            Some(cell) => cell.push(paragraph),
            None => self.done.push(paragraph),
        }
    }

    /// A text box, header or footer begins or ends.
    pub(super) fn block(&mut self) {
        self.block = true;
    }

    pub(super) fn begin_table(&mut self) {
        self.tables.push(Table::default());
    }

    pub(super) fn begin_cell(&mut self) {
        if let Some(table) = self.tables.last_mut() {
            table.cells.push(Vec::new());
        }
    }

    pub(super) fn end_row(&mut self) {
        let Some(table) = self.tables.last_mut() else { return };
        table.rows += 1;
        let mut cells = std::mem::take(&mut table.cells);
        for cell in &mut cells {
            cell.retain(|paragraph| !paragraph.text.trim().is_empty());
        }
        cells.retain(|cell| !cell.is_empty());
        for paragraph in row(cells) {
            self.add_outside(paragraph);
        }
    }

    /// A row's text goes to the cell that the table stands in, if any.
    fn add_outside(&mut self, paragraph: Paragraph) {
        let outer = self.tables.len().checked_sub(2).and_then(|index| self.tables.get_mut(index));
        match outer.and_then(|table| table.cells.last_mut()) {
            Some(cell) => cell.push(paragraph),
            None => self.done.push(paragraph),
        }
    }

    pub(super) fn end_table(&mut self) {
        self.end_row();
        self.tables.pop();
        self.block = true;
    }

    /// Writes everything, sizes against the one that most of the text has.
    pub(super) fn write(self, builder: &mut TextBuilder) -> Result<(), ExtractError> {
        let usual = usual_size(&self.done);
        for paragraph in self.done {
            if paragraph.block {
                builder.block();
            }
            let size = if paragraph.look.size > 0.0 { paragraph.look.size / usual } else { 1.0 };
            builder.line(&paragraph.text, Look { size, ..paragraph.look })?;
        }
        Ok(())
    }
}

/// Cells side by side: one line with tabs as long as every cell but the last holds a single short line, which is how
/// dates are set beside a position; else one cell after the other.
fn row(mut cells: Vec<Vec<Paragraph>>) -> Vec<Paragraph> {
    let count = cells.len();
    let short = |cell: &Vec<Paragraph>| cell.len() == 1 && cell.iter().all(|line| line.text.len() <= 120);
    let beside = count > 1 && cells.iter().take(count - 1).all(short);
    if beside && let Some(mut last) = cells.pop() {
        let mut head: Vec<Paragraph> = cells.into_iter().flatten().collect();
        let looks_alike = last.len() == 1 || head.iter().all(|cell| cell.text.len() <= 40);
        if looks_alike && !last.is_empty() {
            head.push(last.remove(0));
            let look = head.iter().map(|cell| cell.look).max_by(|a, b| a.bold.cmp(&b.bold)).unwrap_or_default();
            let text = head.iter().map(|cell| cell.text.trim()).collect::<Vec<_>>().join("\t");
            let first = Paragraph { text, look: Look { bullet: false, ..look }, block: false };
            return std::iter::once(first).chain(last).collect();
        }
        head.extend(last);
        return head;
    }
    for cell in &mut cells {
        if let Some(first) = cell.first_mut() {
            first.block = count > 1;
        }
    }
    cells.into_iter().flatten().collect()
}

fn usual_size(paragraphs: &[Paragraph]) -> f32 {
    let mut weights: Vec<(f32, usize)> = Vec::new();
    for Paragraph { text, look, .. } in paragraphs.iter().filter(|paragraph| paragraph.look.size > 0.0) {
        match weights.iter_mut().find(|(size, _)| (*size - look.size).abs() < 0.1) {
            Some((_, weight)) => *weight += text.len(),
            None => weights.push((look.size, text.len())),
        }
    }
    weights.into_iter().max_by_key(|(_, weight)| *weight).map_or(1.0, |(size, _)| size)
}
