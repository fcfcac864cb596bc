//! A profile as plain text, with the span of every field set to where it was written.

use super::{Head, Kind, Period, Profile, Sourced, Span};

/// Writes the profile and returns the text with its heads.
pub(super) fn to_text(profile: &mut Profile) -> (String, Vec<Head>) {
    let mut writer = Writer { text: String::new(), heads: Vec::new() };
    writer.contact(profile);
    writer.summary(profile);
    writer.positions(profile);
    writer.education(profile);
    writer.skills(profile);
    writer.certificates(profile);
    writer.languages(profile);
    writer.sections(profile);
    (writer.text, writer.heads)
}

/// A period as a person reads it: "2018-03 – present".
pub(crate) fn period_text(period: &Period) -> String {
    let start = period.start.map(|start| start.to_string());
    let end = match period.end {
        Some(super::End::Present) => Some("present".to_owned()),
        Some(super::End::At(month)) => Some(month.to_string()),
        None => None,
    };
    match (start, end) {
        (Some(start), Some(end)) => format!("{start} – {end}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}

struct Writer {
    text: String,
    heads: Vec<Head>,
}

impl Writer {
    fn put(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span { start, end: self.text.len() }
    }

    fn field(&mut self, field: &mut Sourced) {
        field.span = Some(self.put(&field.value.clone()));
    }

    fn optional(&mut self, field: &mut Option<Sourced>, before: &str) {
        if let Some(field) = field {
            if !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push_str(before);
            }
            self.field(field);
        }
    }

    fn period(&mut self, period: &mut Option<Sourced<Period>>) {
        if let Some(period) = period {
            if !self.text.ends_with('\n') {
                self.text.push('\t');
            }
            period.span = Some(self.put(&period_text(&period.value)));
        }
    }

    fn end(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn points(&mut self, points: &mut [Sourced]) {
        for point in points {
            self.text.push_str("• ");
            self.field(point);
            self.end();
        }
    }

    fn head(&mut self, kind: Kind, title: &str) {
        self.end();
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let span = self.put(title);
        self.heads.push(Head { kind, title: Sourced::at(title.to_owned(), span) });
        self.end();
    }

    fn contact(&mut self, profile: &mut Profile) {
        let contact = &mut profile.contact;
        self.optional(&mut contact.name, "");
        self.end();
        self.optional(&mut contact.headline, "");
        self.end();
        for field in [&mut contact.email, &mut contact.phone, &mut contact.place] {
            self.optional(field, " | ");
        }
        self.end();
        for link in &mut contact.links {
            self.field(&mut link.url);
            self.end();
        }
    }

    fn summary(&mut self, profile: &mut Profile) {
        if profile.summary.is_some() {
            self.head(Kind::Summary, "Summary");
            self.optional(&mut profile.summary, "");
            self.end();
        }
    }

    fn positions(&mut self, profile: &mut Profile) {
        if !profile.positions.is_empty() {
            self.head(Kind::Experience, "Experience");
        }
        for position in &mut profile.positions {
            self.optional(&mut position.title, "");
            self.period(&mut position.period);
            self.end();
            self.optional(&mut position.employer, "");
            self.optional(&mut position.place, ", ");
            self.end();
            self.optional(&mut position.summary, "");
            self.end();
            self.points(&mut position.bullets);
        }
    }

    fn education(&mut self, profile: &mut Profile) {
        if !profile.education.is_empty() {
            self.head(Kind::Education, "Education");
        }
        for entry in &mut profile.education {
            self.optional(&mut entry.degree, "");
            self.optional(&mut entry.field, ", ");
            self.period(&mut entry.period);
            self.end();
            self.optional(&mut entry.institution, "");
            self.optional(&mut entry.place, ", ");
            self.optional(&mut entry.score, ", ");
            self.end();
            self.points(&mut entry.notes);
        }
    }

    fn skills(&mut self, profile: &mut Profile) {
        if !profile.skills.is_empty() {
            self.head(Kind::Skills, "Skills");
        }
        for group in &mut profile.skills {
            self.optional(&mut group.name, "");
            let named = group.name.is_some();
            for (index, skill) in group.skills.iter_mut().enumerate() {
                let before = if index > 0 { ", " } else { ": " };
                if index > 0 || named {
                    self.text.push_str(before);
                }
                self.field(skill);
            }
            self.end();
        }
    }

    fn certificates(&mut self, profile: &mut Profile) {
        if !profile.certificates.is_empty() {
            self.head(Kind::Certificates, "Certificates");
        }
        for certificate in &mut profile.certificates {
            self.field(&mut certificate.name);
            self.optional(&mut certificate.issuer, ", ");
            if let Some(date) = &mut certificate.date {
                self.text.push_str(", ");
                date.span = Some(self.put(&date.value.to_string()));
            }
            self.end();
        }
    }

    fn languages(&mut self, profile: &mut Profile) {
        if !profile.languages.is_empty() {
            self.head(Kind::Languages, "Languages");
        }
        for language in &mut profile.languages {
            self.field(&mut language.name);
            self.optional(&mut language.level, ": ");
            self.end();
        }
    }

    fn sections(&mut self, profile: &mut Profile) {
        for section in &mut profile.sections {
            let title = section.title.as_ref().map_or("More", |title| title.value.as_str()).to_owned();
            self.head(Kind::Other, &title);
            if let (Some(title), Some(head)) = (&mut section.title, self.heads.last()) {
                title.span = head.title.span;
            }
            self.points(&mut section.lines);
        }
    }
}
