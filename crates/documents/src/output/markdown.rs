//! Markdown. A person's text is escaped, so that it reads as written.

use crate::content::{EntryContent, GroupContent, LetterContent, ResumeContent};

/// A résumé as Markdown.
pub fn resume_markdown(resume: &ResumeContent) -> String {
    let mut out = Markdown::default();
    out.block(&format!("# {}", escaped(&resume.name)));
    if !resume.headline.is_empty() {
        out.block(&format!("**{}**", escaped(&resume.headline)));
    }
    let contact = resume.contact.iter().map(|line| escaped(line));
    let links = resume.links.iter().map(|link| format!("<{}>", link.url.replace(['<', '>', ' '], "")));
    out.block(&contact.chain(links).collect::<Vec<_>>().join(" · "));
    out.section(&resume.labels.summary, !resume.summary.is_empty());
    out.block(&escaped(&resume.summary));
    out.entries(&resume.labels.experience, &resume.positions);
    out.entries(&resume.labels.education, &resume.education);
    out.section(&resume.labels.skills, !resume.skills.is_empty());
    out.list(resume.skills.iter().map(group_line));
    out.section(&resume.labels.languages, !resume.languages.is_empty());
    out.list(resume.languages.iter().map(|item| escaped(item)));
    out.section(&resume.labels.certificates, !resume.certificates.is_empty());
    out.list(resume.certificates.iter().map(|item| escaped(item)));
    for section in &resume.sections {
        out.section(&section.name, true);
        out.list(section.items.iter().map(|item| escaped(item)));
    }
    out.text
}

/// A letter as Markdown.
pub fn letter_markdown(letter: &LetterContent) -> String {
    let mut out = Markdown::default();
    let lines = |lines: &[String]| lines.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("  \n");
    out.block(&format!("**{}**", escaped(&letter.name)));
    out.block(&lines(&letter.contact));
    out.block(&lines(&letter.recipient));
    out.block(&escaped(&letter.date));
    if !letter.subject.is_empty() {
        out.block(&format!("**{}**", escaped(&letter.subject)));
    }
    out.block(&escaped(&letter.salutation));
    for paragraph in &letter.paragraphs {
        out.block(&escaped(paragraph));
    }
    out.block(&lines(&[letter.closing.clone(), letter.signature.clone()]));
    out.text
}

#[derive(Default)]
struct Markdown {
    text: String,
}

impl Markdown {
    fn block(&mut self, block: &str) {
        if block.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(block);
        self.text.push('\n');
    }

    fn section(&mut self, name: &str, there: bool) {
        if there {
            self.block(&format!("## {}", escaped(name)));
        }
    }

    fn list(&mut self, items: impl Iterator<Item = String>) {
        let items: Vec<String> = items.map(|item| format!("- {item}")).collect();
        self.block(&items.join("\n"));
    }

    fn entries(&mut self, name: &str, entries: &[EntryContent]) {
        self.section(name, !entries.is_empty());
        for entry in entries {
            let head = [&entry.title, &entry.organisation].into_iter().filter(|part| !part.is_empty());
            self.block(&format!("### {}", head.map(|part| escaped(part)).collect::<Vec<_>>().join(", ")));
            let line = [&entry.period, &entry.place].into_iter().filter(|part| !part.is_empty());
            let line = line.map(|part| escaped(part)).collect::<Vec<_>>().join(" · ");
            if !line.is_empty() {
                self.block(&format!("*{line}*"));
            }
            self.block(&escaped(&entry.summary));
            self.list(entry.points.iter().map(|point| escaped(point)));
        }
    }
}

fn group_line(group: &GroupContent) -> String {
    let items = group.items.iter().map(|item| escaped(item)).collect::<Vec<_>>().join(", ");
    match (group.name.is_empty(), items.is_empty()) {
        (true, _) => items,
        (false, true) => escaped(&group.name),
        (false, false) => format!("**{}:** {items}", escaped(&group.name)),
    }
}

/// Puts a backslash before every mark that could mean something, and joins lines.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, character) in text.trim().char_indices() {
        let means = match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' => true,
            '#' | '+' | '-' | '=' => index == 0,
            '.' | ')' => text.trim()[..index].chars().all(|before| before.is_ascii_digit()) && index > 0,
            _ => false,
        };
        if means {
            escaped.push('\\');
        }
        escaped.push(if character == '\n' { ' ' } else { character });
    }
    escaped
}
