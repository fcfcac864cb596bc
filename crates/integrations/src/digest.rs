//! A digest as text.

use crate::Digest;

impl Digest {
    /// The sections as plain text that is Markdown as well.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for section in &self.sections {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&section.title);
            text.push('\n');
            for line in &section.lines {
                text.push_str("- ");
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}
