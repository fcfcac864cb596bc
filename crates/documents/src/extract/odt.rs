//! ODT (OpenDocument 1.3): the text's paragraphs with lists, tables, text boxes, notes, headers and footers.

use std::collections::BTreeMap;

use super::{
    Archive, ExtractError, Limits, TextBuilder,
    flow::Flow,
    xml::{Attributes, Visitor, walk},
};

const FORMAT: &str = "ODT";

/// Most blanks that one `text:s` stands for.
const MOST_BLANKS: usize = 200;

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<TextBuilder, ExtractError> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    let Some(content) = archive.read("content.xml")? else {
        return Err(ExtractError::broken(FORMAT, "content.xml is missing"));
    };
    let mut flow = Flow::new();
    let mut body = Body::new(&mut flow);
    if let Some(styles) = archive.read("styles.xml")? {
        walk(&styles, FORMAT, limits, &mut body)?;
    }
    body.flow.block();
    walk(&content, FORMAT, limits, &mut body)?;
    let mut builder = TextBuilder::new(limits);
    flow.write(&mut builder)?;
    Ok(builder)
}

#[derive(Debug, Clone, Copy, Default)]
struct Style {
    bold: bool,
    size: f32,
}

struct Body<'flow> {
    flow: &'flow mut Flow,
    styles: BTreeMap<String, Style>,
    /// The style that is being defined.
    defined: Option<String>,
    /// Styles of the paragraph and of the spans in it, innermost last.
    stack: Vec<Style>,
    lists: usize,
    skipped: usize,
    fresh_item: bool,
}

impl<'flow> Body<'flow> {
    fn new(flow: &'flow mut Flow) -> Self {
        Self {
            flow,
            styles: BTreeMap::new(),
            defined: None,
            stack: Vec::new(),
            lists: 0,
            skipped: 0,
            fresh_item: false,
        }
    }

    fn push(&mut self, text: &str) {
        let style = self.stack.last().copied().unwrap_or_default();
        self.flow.push(text, style.bold, style.size);
    }

    fn style(&self, attributes: &Attributes<'_>) -> Style {
        attributes.get("style-name").and_then(|name| self.styles.get(&name).copied()).unwrap_or_default()
    }

    fn define(&mut self, attributes: &Attributes<'_>) {
        let Some(style) = self.defined.as_ref().and_then(|name| self.styles.get_mut(name)) else { return };
        if let Some(weight) = attributes.get("font-weight") {
            style.bold = matches!(weight.as_str(), "bold" | "600" | "700" | "800" | "900");
        }
        let size = attributes.get("font-size").and_then(|size| size.strip_suffix("pt")?.parse().ok());
        style.size = size.unwrap_or(style.size);
    }
}

impl Visitor for Body<'_> {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>) -> Result<(), ExtractError> {
        if self.skipped > 0 || matches!(name, "annotation" | "tracked-changes" | "forms") {
            self.skipped += 1;
            return Ok(());
        }
        match name {
            "style" => {
                self.defined = attributes.get("name");
                let parent = attributes.get("parent-style-name").and_then(|name| self.styles.get(&name).copied());
                if let Some(name) = &self.defined {
                    self.styles.insert(name.clone(), parent.unwrap_or_default());
                }
            }
            "text-properties" => self.define(attributes),
            "p" | "h" => {
                let style = self.style(attributes);
                self.stack.push(style);
                self.flow.begin_paragraph();
                let level = attributes.get("outline-level").and_then(|level| level.parse().ok());
                let bullet = self.lists > 0 && std::mem::take(&mut self.fresh_item);
                if let Some(open) = self.flow.paragraph() {
                    open.heading = (name == "h").then(|| level.unwrap_or(1));
                    open.bullet = bullet && name == "p";
                }
            }
            "span" => {
                let outer = self.stack.last().copied().unwrap_or_default();
                let own = self.style(attributes);
                let size = if own.size > 0.0 { own.size } else { outer.size };
                self.stack.push(Style { bold: own.bold || outer.bold, size });
            }
            "s" => {
                let count = attributes.get("c").and_then(|count| count.parse().ok()).unwrap_or(1_usize);
                self.push(&" ".repeat(count.min(MOST_BLANKS)));
            }
            "tab" => self.push("\t"),
            "line-break" => self.push("\n"),
            "a" => self.flow.begin_link(attributes.get("href").unwrap_or_default()),
            "list" => self.lists += 1,
            "list-item" => self.fresh_item = true,
            "text-box" | "header" | "footer" => self.flow.block(),
            "table" => self.flow.begin_table(),
            "table-cell" => self.flow.begin_cell(),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), ExtractError> {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        match name {
            "style" => self.defined = None,
            "p" | "h" => {
                self.flow.end_paragraph();
                self.stack.pop();
            }
            "span" => {
                self.stack.pop();
            }
            "a" => self.flow.end_link(),
            "list" => self.lists = self.lists.saturating_sub(1),
            "text-box" | "header" | "footer" => self.flow.block(),
            "table-row" => self.flow.end_row(),
            "table" => self.flow.end_table(),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        // White space outside of paragraphs has none open to go to.
        if self.skipped == 0 {
            self.push(text);
        }
    }
}
