//! Markdown, through a CommonMark parser: its text without the marks.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{ExtractError, Limits, TextBuilder, builder::Look, decode};

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<TextBuilder, ExtractError> {
    let text = decode(bytes)?;
    let mut reader =
        Reader { builder: TextBuilder::new(limits), line: String::new(), bold: 0, look: Look::default(), link: None };
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        reader.event(event)?;
    }
    reader.flush()?;
    Ok(reader.builder)
}

struct Reader {
    builder: TextBuilder,
    line: String,
    /// Bytes of the line that are bold.
    bold: usize,
    look: Look,
    /// The link's address, and where its text began.
    link: Option<(String, usize)>,
}

impl Reader {
    fn event(&mut self, event: Event<'_>) -> Result<(), ExtractError> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => {
                self.line.push_str(&text);
                if self.look.bold {
                    self.bold += text.len();
                }
                Ok(())
            }
            Event::SoftBreak | Event::HardBreak => self.flush(),
            Event::Rule => {
                self.builder.gap();
                Ok(())
            }
            // Markup is no text, but a break in it parts lines.
            Event::InlineHtml(html) | Event::Html(html) if html.starts_with("<br") => self.flush(),
            _ => Ok(()),
        }
    }

    fn start(&mut self, tag: Tag<'_>) -> Result<(), ExtractError> {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush()?;
                self.builder.gap();
                self.look.heading = Some(rank(level));
            }
            Tag::Paragraph => {
                self.flush()?;
                if !self.look.bullet {
                    self.builder.gap();
                }
            }
            Tag::Item => {
                self.flush()?;
                self.look.bullet = true;
            }
            Tag::Strong => self.look.bold = true,
            Tag::TableRow | Tag::TableHead | Tag::CodeBlock(_) => self.flush()?,
            Tag::TableCell if !self.line.is_empty() => self.line.push('\t'),
            Tag::Link { dest_url, .. } => self.link = Some((dest_url.into_string(), self.line.len())),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), ExtractError> {
        match tag {
            TagEnd::Heading(_) => {
                self.flush()?;
                self.look.heading = None;
            }
            TagEnd::Paragraph | TagEnd::TableRow | TagEnd::TableHead => self.flush()?,
            TagEnd::Item => {
                self.flush()?;
                self.look.bullet = false;
            }
            TagEnd::Strong => self.look.bold = false,
            TagEnd::Link => self.end_link(),
            _ => {}
        }
        Ok(())
    }

    /// A link's address belongs to the text where the words do not show it already.
    fn end_link(&mut self) {
        let Some((address, start)) = self.link.take() else { return };
        let bare = address.trim_start_matches("mailto:").trim_start_matches("tel:");
        let shown = self.line.get(start..).unwrap_or("");
        if !bare.contains(shown.trim()) || shown.trim().is_empty() {
            self.line.push_str(" (");
            self.line.push_str(bare);
            self.line.push(')');
        }
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        let line = std::mem::take(&mut self.line);
        let bold = self.bold * 2 > line.len() && !line.is_empty();
        self.bold = 0;
        if line.trim().is_empty() {
            return Ok(());
        }
        let (bullet, heading) = (self.look.bullet, self.look.heading);
        self.builder.line(&line, Look { bold, bullet, heading, ..Look::default() })?;
        // What follows within an item continues it.
        self.look.bullet = false;
        Ok(())
    }
}

fn rank(level: HeadingLevel) -> u8 {
    level as u8
}
