//! A résumé between the wire and the domain.

use std::collections::HashSet;

use aerie_documents::{
    Profile,
    letters::Mission,
    resume::{
        Certificate, Contact, Education, End, Language, Link, Period, Position, Section, SkillGroup, Sourced, Span,
        YearMonth,
    },
};
use aerie_proto::pipeline::v1 as pb;
use aerie_rpc::RpcError;

use super::convert::timestamp;
use crate::resumes::{StoredResume, Writing, json_resume};

/// Texts are bounded far below four gigabytes.
pub(super) fn int(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn span_to_wire(span: Option<Span>) -> Option<pb::TextSpan> {
    span.map(|span| pb::TextSpan { start: int(span.start), end: int(span.end) })
}

fn text_to_wire(text: &Sourced) -> pb::SourcedText {
    pb::SourcedText { value: text.value.clone(), source: span_to_wire(text.span) }
}

fn optional_to_wire(text: &Option<Sourced>) -> Option<pb::SourcedText> {
    text.as_ref().map(text_to_wire)
}

fn texts_to_wire(texts: &[Sourced]) -> Vec<pb::SourcedText> {
    texts.iter().map(text_to_wire).collect()
}

fn period_to_wire(period: &Option<Sourced<Period>>) -> Option<pb::ResumePeriod> {
    let period = period.as_ref()?;
    Some(pb::ResumePeriod {
        start: period.value.start.map(|month| month.to_string()).unwrap_or_default(),
        end: period.value.end_month().map(|month| month.to_string()).unwrap_or_default(),
        current: period.value.is_current(),
        source: span_to_wire(period.span),
    })
}

/// The résumé with its source.
pub(super) fn to_wire(resume: &StoredResume) -> pb::Resume {
    let profile = &resume.profile;
    let contact = &profile.contact;
    pb::Resume {
        contact: Some(pb::ResumeContact {
            name: optional_to_wire(&contact.name),
            headline: optional_to_wire(&contact.headline),
            email: optional_to_wire(&contact.email),
            phone: optional_to_wire(&contact.phone),
            place: optional_to_wire(&contact.place),
            links: contact
                .links
                .iter()
                .map(|link| pb::ResumeLink {
                    url: Some(text_to_wire(&link.url)),
                    label: link.network.clone().unwrap_or_default(),
                })
                .collect(),
        }),
        summary: optional_to_wire(&profile.summary),
        positions: profile
            .positions
            .iter()
            .map(|one| pb::ResumePosition {
                employer: optional_to_wire(&one.employer),
                title: optional_to_wire(&one.title),
                place: optional_to_wire(&one.place),
                period: period_to_wire(&one.period),
                summary: optional_to_wire(&one.summary),
                bullets: texts_to_wire(&one.bullets),
            })
            .collect(),
        education: profile
            .education
            .iter()
            .map(|one| pb::ResumeEducation {
                institution: optional_to_wire(&one.institution),
                degree: optional_to_wire(&one.degree),
                field: optional_to_wire(&one.field),
                place: optional_to_wire(&one.place),
                period: period_to_wire(&one.period),
                score: optional_to_wire(&one.score),
                notes: texts_to_wire(&one.notes),
            })
            .collect(),
        skills: profile
            .skills
            .iter()
            .map(|group| pb::ResumeSkillGroup {
                name: optional_to_wire(&group.name),
                skills: texts_to_wire(&group.skills),
            })
            .collect(),
        certificates: profile
            .certificates
            .iter()
            .map(|one| pb::ResumeCertificate {
                name: Some(text_to_wire(&one.name)),
                issuer: optional_to_wire(&one.issuer),
                date: one
                    .date
                    .as_ref()
                    .map(|date| pb::SourcedText { value: date.value.to_string(), source: span_to_wire(date.span) }),
            })
            .collect(),
        languages: profile
            .languages
            .iter()
            .map(|one| pb::ResumeLanguage { name: Some(text_to_wire(&one.name)), level: optional_to_wire(&one.level) })
            .collect(),
        sections: profile
            .sections
            .iter()
            .map(|section| pb::ResumeSection {
                title: optional_to_wire(&section.title),
                lines: texts_to_wire(&section.lines),
            })
            .collect(),
        source_text: resume.source_text.clone(),
        format: resume.format.clone(),
        file_name: resume.file_name.clone(),
        json_resume: json_resume(profile),
        update_time: Some(timestamp(resume.updated_at)),
    }
}

/// Reads what a person sent back. Spans are believed only where the résumé has the same value there already; what the
/// wire does not carry (members of JSON Resume without a field) stays with the entry of the same name.
pub(super) struct Corrected<'a> {
    known: &'a Profile,
    spans: HashSet<(String, Span)>,
}

impl<'a> Corrected<'a> {
    pub(super) fn new(known: &'a Profile) -> Self {
        let mut spans = HashSet::new();
        let value = serde_json::to_value(known).unwrap_or_default();
        collect_spans(&value, &mut spans);
        Self { known, spans }
    }

    fn span(&self, value: &str, source: Option<&pb::TextSpan>) -> Option<Span> {
        let source = source?;
        let span = Span { start: usize::try_from(source.start).ok()?, end: usize::try_from(source.end).ok()? };
        self.spans.contains(&(value.to_owned(), span)).then_some(span)
    }

    fn text(&self, text: Option<pb::SourcedText>) -> Option<Sourced> {
        let text = text?;
        let value = text.value.trim().to_owned();
        let span = self.span(&value, text.source.as_ref());
        (!value.is_empty()).then_some(Sourced { value, span })
    }

    fn texts(&self, texts: Vec<pb::SourcedText>) -> Vec<Sourced> {
        texts.into_iter().filter_map(|text| self.text(Some(text))).collect()
    }

    fn month(&self, field: &str, text: &str) -> Result<Option<YearMonth>, RpcError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let read = text.trim().parse().map(Some);
        read.map_err(|error: aerie_documents::resume::NoMonth| RpcError::invalid_field(field, error.to_string()))
    }

    fn period(&self, field: &str, period: Option<pb::ResumePeriod>) -> Result<Option<Sourced<Period>>, RpcError> {
        let Some(period) = period else { return Ok(None) };
        let start = self.month(&format!("{field}.start"), &period.start)?;
        let end = match (period.current, self.month(&format!("{field}.end"), &period.end)?) {
            (true, _) => Some(End::Present),
            (false, end) => end.map(End::At),
        };
        if start.is_none() && end.is_none() {
            return Ok(None);
        }
        let value = Period { start, end };
        let key = serde_json::to_value(value).unwrap_or_default().to_string();
        Ok(Some(Sourced { value, span: self.span(&key, period.source.as_ref()) }))
    }

    /// The whole résumé.
    pub(super) fn profile(&self, wire: pb::Resume) -> Result<Profile, RpcError> {
        let contact = wire.contact.unwrap_or_default();
        let mut profile = Profile {
            contact: Contact {
                name: self.text(contact.name),
                headline: self.text(contact.headline),
                email: self.text(contact.email),
                phone: self.text(contact.phone),
                place: self.text(contact.place),
                links: contact.links.into_iter().filter_map(|link| self.link(link)).collect(),
                extra: self.known.contact.extra.clone(),
            },
            summary: self.text(wire.summary),
            extra: self.known.extra.clone(),
            ..Profile::default()
        };
        for (index, one) in wire.positions.into_iter().enumerate() {
            let period = self.period(&format!("resume.positions[{index}].period"), one.period)?;
            let (employer, title) = (self.text(one.employer), self.text(one.title));
            let same = self.known.positions.iter().find(|known| known.employer == employer && known.title == title);
            profile.positions.push(Position {
                employer,
                title,
                place: self.text(one.place),
                period,
                summary: self.text(one.summary),
                bullets: self.texts(one.bullets),
                extra: same.map(|known| known.extra.clone()).unwrap_or_default(),
            });
        }
        for (index, one) in wire.education.into_iter().enumerate() {
            let period = self.period(&format!("resume.education[{index}].period"), one.period)?;
            let (institution, degree) = (self.text(one.institution), self.text(one.degree));
            let same =
                self.known.education.iter().find(|known| known.institution == institution && known.degree == degree);
            profile.education.push(Education {
                institution,
                degree,
                field: self.text(one.field),
                period,
                place: self.text(one.place),
                score: self.text(one.score),
                notes: self.texts(one.notes),
                extra: same.map(|known| known.extra.clone()).unwrap_or_default(),
            });
        }
        for group in wire.skills {
            let name = self.text(group.name);
            let same = self.known.skills.iter().find(|known| known.name == name);
            let extra = same.map(|known| known.extra.clone()).unwrap_or_default();
            profile.skills.push(SkillGroup { name, skills: self.texts(group.skills), extra });
        }
        for (index, one) in wire.certificates.into_iter().enumerate() {
            let Some(name) = self.text(one.name) else { continue };
            let date = one.date.unwrap_or_default();
            let month = self.month(&format!("resume.certificates[{index}].date"), &date.value)?;
            let date = month.map(|value| Sourced { value, span: self.span(&value.to_string(), date.source.as_ref()) });
            let same = self.known.certificates.iter().find(|known| known.name == name);
            let extra = same.map(|known| known.extra.clone()).unwrap_or_default();
            profile.certificates.push(Certificate { name, issuer: self.text(one.issuer), date, extra });
        }
        for one in wire.languages {
            let Some(name) = self.text(one.name) else { continue };
            let same = self.known.languages.iter().find(|known| known.name == name);
            let extra = same.map(|known| known.extra.clone()).unwrap_or_default();
            profile.languages.push(Language { name, level: self.text(one.level), extra });
        }
        for section in wire.sections {
            profile.sections.push(Section { title: self.text(section.title), lines: self.texts(section.lines) });
        }
        Ok(profile)
    }

    fn link(&self, link: pb::ResumeLink) -> Option<Link> {
        let url = self.text(link.url)?;
        let same = self.known.contact.links.iter().find(|known| known.url == url);
        let extra = same.map(|known| known.extra.clone()).unwrap_or_default();
        Some(Link { network: Some(link.label).filter(|label| !label.is_empty()), url, extra })
    }
}

/// Every value with a span, as text; values that are no text as their JSON.
fn collect_spans(value: &serde_json::Value, spans: &mut HashSet<(String, Span)>) {
    match value {
        serde_json::Value::Object(fields) => {
            if let (Some(value), Some(span)) = (fields.get("value"), fields.get("span"))
                && let Ok(span) = serde_json::from_value::<Span>(span.clone())
            {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                spans.insert((text, span));
            }
            fields.values().for_each(|field| collect_spans(field, spans));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| collect_spans(value, spans)),
        _ => {}
    }
}

/// How a person writes.
pub(super) fn writing_to_wire(writing: Writing) -> pb::Writing {
    pb::Writing {
        voice: writing.voice,
        missions: writing
            .missions
            .into_iter()
            .map(|mission| pb::Mission { name: mission.name, words: mission.words, note: mission.note })
            .collect(),
        confidential_employers: writing.confidential_employers,
        language: writing.language,
        letter_template: writing.letter_template,
        resume_template: writing.resume_template,
        paper: writing.paper,
    }
}

/// The other way round.
pub(super) fn writing_from_wire(wire: pb::Writing) -> Writing {
    Writing {
        voice: wire.voice,
        missions: wire
            .missions
            .into_iter()
            .map(|mission| Mission { name: mission.name, words: mission.words, note: mission.note })
            .collect(),
        confidential_employers: wire.confidential_employers,
        language: wire.language,
        letter_template: wire.letter_template,
        resume_template: wire.resume_template,
        paper: wire.paper,
    }
}
