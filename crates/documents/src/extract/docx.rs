//! DOCX (ISO/IEC 29500): the document's paragraphs with text boxes, tables, headers, footers and notes.

use std::collections::BTreeMap;

use super::{
    Archive, ExtractError, Limits, TextBuilder,
    flow::Flow,
    xml::{Attributes, Visitor, walk},
};

const FORMAT: &str = "DOCX";

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<TextBuilder, ExtractError> {
    let mut archive = Archive::open(bytes, FORMAT, limits)?;
    let Some(document) = archive.read("word/document.xml")? else {
        return Err(ExtractError::broken(FORMAT, "word/document.xml is missing"));
    };
    let mut styles = Styles::default();
    if let Some(part) = archive.read("word/styles.xml")? {
        walk(&part, FORMAT, limits, &mut styles)?;
    }
    let mut flow = Flow::new();
    for name in parts(&archive, "word/header") {
        read_part(&mut archive, &name, limits, &styles, &mut flow)?;
    }
    let links = links(&mut archive, "document", limits)?;
    let mut body = Body::new(&styles, links, &mut flow);
    walk(&document, FORMAT, limits, &mut body)?;
    for prefix in ["word/footnotes", "word/endnotes", "word/footer"] {
        for name in parts(&archive, prefix) {
            read_part(&mut archive, &name, limits, &styles, &mut flow)?;
        }
    }
    let mut builder = TextBuilder::new(limits);
    flow.write(&mut builder)?;
    Ok(builder)
}

fn parts(archive: &Archive<'_>, prefix: &str) -> Vec<String> {
    let mut names = archive.names();
    names.retain(|name| name.starts_with(prefix) && name.ends_with(".xml"));
    names.sort();
    names
}

fn read_part(
    archive: &mut Archive<'_>,
    name: &str,
    limits: &Limits,
    styles: &Styles,
    flow: &mut Flow,
) -> Result<(), ExtractError> {
    let Some(part) = archive.read(name)? else { return Ok(()) };
    let stem = name.trim_start_matches("word/").trim_end_matches(".xml").to_owned();
    let links = links(archive, &stem, limits)?;
    flow.block();
    walk(&part, FORMAT, limits, &mut Body::new(styles, links, flow))?;
    flow.block();
    Ok(())
}

/// Addresses by the id that a hyperlink names.
fn links(archive: &mut Archive<'_>, stem: &str, limits: &Limits) -> Result<BTreeMap<String, String>, ExtractError> {
    struct Relations(BTreeMap<String, String>);
    impl Visitor for Relations {
        fn start(&mut self, name: &str, attributes: &Attributes<'_>) -> Result<(), ExtractError> {
            if name == "Relationship"
                && let (Some(id), Some(target)) = (attributes.get("Id"), attributes.get("Target"))
            {
                self.0.insert(id, target);
            }
            Ok(())
        }
        fn end(&mut self, _: &str) -> Result<(), ExtractError> {
            Ok(())
        }
        fn text(&mut self, _: &str) {}
    }
    let mut relations = Relations(BTreeMap::new());
    if let Some(part) = archive.read(&format!("word/_rels/{stem}.xml.rels"))? {
        walk(&part, FORMAT, limits, &mut relations)?;
    }
    Ok(relations.0)
}

/// What a named style says about its paragraphs.
#[derive(Debug, Clone, Copy, Default)]
struct Style {
    heading: Option<u8>,
    bold: bool,
    size: f32,
    bullet: bool,
}

#[derive(Default)]
struct Styles {
    by_id: BTreeMap<String, Style>,
    current: Option<String>,
    /// Points of the document's plain letters.
    size: f32,
    in_defaults: bool,
}

impl Visitor for Styles {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>) -> Result<(), ExtractError> {
        let value = attributes.get("val");
        match name {
            "docDefaults" => self.in_defaults = true,
            "style" => self.current = attributes.get("styleId"),
            "sz" if self.in_defaults => self.size = half_points(value.as_deref()),
            _ => {}
        }
        let Some(id) = &self.current else { return Ok(()) };
        let style = self.by_id.entry(id.clone()).or_default();
        match name {
            "name" => style.heading = style.heading.or(heading_level(value.as_deref().unwrap_or(""))),
            "outlineLvl" => style.heading = value.and_then(|level| level.parse::<u8>().ok()).map(|level| level + 1),
            "b" => style.bold = is_on(value.as_deref()),
            "sz" => style.size = half_points(value.as_deref()),
            "numPr" => style.bullet = true,
            _ => {}
        }
        style.heading = style.heading.filter(|level| *level <= 9);
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "docDefaults" => self.in_defaults = false,
            "style" => self.current = None,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, _: &str) {}
}

fn heading_level(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    match name.as_str() {
        "title" => Some(1),
        _ => name.strip_prefix("heading ")?.trim().parse().ok().filter(|level| *level <= 9),
    }
}

fn is_on(value: Option<&str>) -> bool {
    !matches!(value, Some("0" | "false" | "off"))
}

fn half_points(value: Option<&str>) -> f32 {
    value.and_then(|value| value.parse::<f32>().ok()).map_or(0.0, |size| size / 2.0)
}

struct Body<'flow> {
    styles: &'flow Styles,
    links: BTreeMap<String, String>,
    flow: &'flow mut Flow,
    /// Style of the paragraph at hand, one for each that is open.
    paragraph: Vec<Style>,
    run_bold: bool,
    run_size: f32,
    in_text: bool,
    /// Depth inside elements whose text is not part of the document.
    skipped: usize,
    /// Inside of the properties of a paragraph, where run properties belong to its mark.
    in_paragraph_properties: bool,
}

impl<'flow> Body<'flow> {
    fn new(styles: &'flow Styles, links: BTreeMap<String, String>, flow: &'flow mut Flow) -> Self {
        Self {
            styles,
            links,
            flow,
            paragraph: Vec::new(),
            run_bold: false,
            run_size: 0.0,
            in_text: false,
            skipped: 0,
            in_paragraph_properties: false,
        }
    }

    fn apply_style(&mut self, id: &str) {
        let Some(style) = self.styles.by_id.get(id).copied() else { return };
        if let Some(current) = self.paragraph.last_mut() {
            *current = style;
        }
        if let Some(open) = self.flow.paragraph() {
            open.heading = style.heading;
            open.bullet |= style.bullet;
        }
    }

    fn begin_run(&mut self) {
        let style = self.paragraph.last().copied().unwrap_or_default();
        self.run_bold = style.bold;
        self.run_size = if style.size > 0.0 { style.size } else { self.styles.size };
    }

    fn push(&mut self, text: &str) {
        self.flow.push(text, self.run_bold, self.run_size);
    }
}

/// The older twin of a drawing, deleted text, field codes: none of it is what a reader sees.
fn is_hidden(name: &str) -> bool {
    matches!(name, "Fallback" | "del" | "instrText" | "delText" | "moveFrom")
}

impl Visitor for Body<'_> {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>) -> Result<(), ExtractError> {
        if self.skipped > 0 || is_hidden(name) {
            self.skipped += 1;
            return Ok(());
        }
        let value = || attributes.get("val");
        match name {
            "p" => {
                self.flow.begin_paragraph();
                self.paragraph.push(Style::default());
            }
            "pPr" => self.in_paragraph_properties = true,
            "pStyle" => self.apply_style(&value().unwrap_or_default()),
            "outlineLvl" => {
                let level = value().and_then(|level| level.parse::<u8>().ok()).filter(|level| *level < 9);
                if let (Some(level), Some(open)) = (level, self.flow.paragraph()) {
                    open.heading = Some(level + 1);
                }
            }
            "numId" => {
                let listed = value().is_some_and(|id| id != "0");
                if let Some(open) = self.flow.paragraph() {
                    open.bullet = listed;
                }
            }
            "r" => self.begin_run(),
            "b" if !self.in_paragraph_properties => self.run_bold = is_on(value().as_deref()),
            "sz" if !self.in_paragraph_properties => self.run_size = half_points(value().as_deref()),
            "t" => self.in_text = true,
            "tab" if !self.in_paragraph_properties => self.push("\t"),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "hyperlink" => {
                let address = attributes.get("id").and_then(|id| self.links.get(&id).cloned());
                self.flow.begin_link(address.unwrap_or_default());
            }
            "txbxContent" => self.flow.block(),
            "tbl" => self.flow.begin_table(),
            "tc" => self.flow.begin_cell(),
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
            "p" => {
                self.flow.end_paragraph();
                self.paragraph.pop();
            }
            "pPr" => self.in_paragraph_properties = false,
            "t" => self.in_text = false,
            "hyperlink" => self.flow.end_link(),
            "txbxContent" => self.flow.block(),
            "tr" => self.flow.end_row(),
            "tbl" => self.flow.end_table(),
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.in_text && self.skipped == 0 {
            self.push(text);
        }
    }
}
