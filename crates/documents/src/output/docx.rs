//! DOCX (ISO/IEC 29500, transitional): plain paragraphs with named styles, which reads well in every office program and
//! in the scanners of hiring systems.

use std::io::{Cursor, Write};

use thiserror::Error;
use zip::{ZipWriter, result::ZipError, write::SimpleFileOptions};

use crate::content::{EntryContent, LetterContent, ResumeContent};

/// A file that could not be put together.
#[derive(Debug, Error)]
#[error("the DOCX file could not be written: {0}")]
pub struct DocxError(#[from] ZipError);

impl From<std::io::Error> for DocxError {
    fn from(error: std::io::Error) -> Self {
        Self(ZipError::Io(error))
    }
}

/// A résumé as DOCX.
///
/// # Errors
/// The archive could not be put together, which for these sizes means that memory ran out.
pub fn resume_docx(resume: &ResumeContent) -> Result<Vec<u8>, DocxError> {
    let mut body = Body::default();
    body.paragraph("Title", &resume.name);
    body.paragraph("Subtitle", &resume.headline);
    let links = resume.links.iter().map(|link| link.text.as_str());
    let contact: Vec<&str> = resume.contact.iter().map(String::as_str).chain(links).collect();
    body.paragraph("Contact", &contact.join("  ·  "));
    body.heading(&resume.labels.summary, !resume.summary.is_empty());
    body.paragraph("Normal", &resume.summary);
    body.entries(&resume.labels.experience, &resume.positions);
    body.entries(&resume.labels.education, &resume.education);
    body.heading(&resume.labels.skills, !resume.skills.is_empty());
    for group in &resume.skills {
        let items = group.items.join(", ");
        let line = if group.name.is_empty() { items } else { format!("{}: {items}", group.name) };
        body.paragraph("Normal", &line);
    }
    body.heading(&resume.labels.languages, !resume.languages.is_empty());
    body.paragraph("Normal", &resume.languages.join(", "));
    body.heading(&resume.labels.certificates, !resume.certificates.is_empty());
    resume.certificates.iter().for_each(|item| body.paragraph("ListBullet", item));
    for section in &resume.sections {
        body.heading(&section.name, true);
        section.items.iter().for_each(|item| body.paragraph("ListBullet", item));
    }
    package(&body.xml, &resume.title, &resume.name, resume.language.code())
}

/// A letter as DOCX.
///
/// # Errors
/// As [`resume_docx`].
pub fn letter_docx(letter: &LetterContent) -> Result<Vec<u8>, DocxError> {
    let mut body = Body::default();
    body.paragraph("Title", &letter.name);
    body.paragraph("Subtitle", &letter.headline);
    body.paragraph("Contact", &letter.contact.join("  ·  "));
    letter.recipient.iter().for_each(|line| body.paragraph("Address", line));
    body.paragraph("Date", &letter.date);
    body.paragraph("Subject", &letter.subject);
    body.paragraph("Normal", &letter.salutation);
    letter.paragraphs.iter().for_each(|paragraph| body.paragraph("Normal", paragraph));
    body.paragraph("Normal", &letter.closing);
    body.paragraph("Normal", &letter.signature);
    package(&body.xml, &letter.title, &letter.name, letter.language.code())
}

#[derive(Default)]
struct Body {
    xml: String,
}

impl Body {
    /// Adds a paragraph; an empty one is left out. Line breaks within it stay.
    fn paragraph(&mut self, style: &str, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let bullet = style == "ListBullet";
        let list = if bullet { "<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>" } else { "" };
        self.xml.push_str(&format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{list}</w:pPr><w:r>"));
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.xml.push_str("<w:br/>");
            }
            for (index, cell) in line.split('\t').enumerate() {
                if index > 0 {
                    self.xml.push_str("<w:tab/>");
                }
                self.xml.push_str(&format!("<w:t xml:space=\"preserve\">{}</w:t>", escaped(cell)));
            }
        }
        self.xml.push_str("</w:r></w:p>");
    }

    fn heading(&mut self, text: &str, there: bool) {
        if there {
            self.paragraph("Heading1", text);
        }
    }

    fn entries(&mut self, name: &str, entries: &[EntryContent]) {
        self.heading(name, !entries.is_empty());
        for entry in entries {
            self.paragraph("Entry", format!("{}\t{}", entry.title, entry.period).trim_matches('\t'));
            let line = [entry.organisation.as_str(), entry.place.as_str()];
            self.paragraph(
                "Employer",
                &line.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "),
            );
            self.paragraph("Normal", &entry.summary);
            entry.points.iter().for_each(|point| self.paragraph("ListBullet", point));
        }
    }
}

/// Escapes the marks of XML, and leaves out the control characters that it forbids.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

const W: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";

fn package(body: &str, title: &str, author: &str, language: &str) -> Result<Vec<u8>, DocxError> {
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
    let document = format!(
        "<w:document {W}><w:body>{body}<w:sectPr><w:pgSz w:w=\"11906\" w:h=\"16838\"/>\
         <w:pgMar w:top=\"1134\" w:right=\"1134\" w:bottom=\"1134\" w:left=\"1134\" w:header=\"0\" w:footer=\"0\" w:gutter=\"0\"/>\
         </w:sectPr></w:body></w:document>"
    );
    let core = format!(
        "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator>\
         <dc:language>{language}</dc:language></cp:coreProperties>",
        escaped(title),
        escaped(author)
    );
    let styles = styles(language);
    let members: [(&str, &str); 7] = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONS),
        ("docProps/core.xml", &core),
        ("word/document.xml", &document),
        ("word/_rels/document.xml.rels", DOCUMENT_RELATIONS),
        ("word/styles.xml", &styles),
        ("word/numbering.xml", NUMBERING),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, xml) in members {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(declaration.as_bytes())?;
        zip.write_all(xml.as_bytes())?;
    }
    Ok(zip.finish()?.into_inner())
}

fn styles(language: &str) -> String {
    let style = |id: &str, name: &str, paragraph: &str, run: &str| {
        format!(
            "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name w:val=\"{name}\"/><w:qFormat/>\
             <w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>"
        )
    };
    let spacing = |before: u16, after: u16| format!("<w:spacing w:before=\"{before}\" w:after=\"{after}\"/>");
    let tab = "<w:tabs><w:tab w:val=\"right\" w:pos=\"9638\"/></w:tabs>";
    let rule = "<w:pBdr><w:bottom w:val=\"single\" w:sz=\"4\" w:space=\"1\" w:color=\"888888\"/></w:pBdr>";
    let all = [
        style("Normal", "Normal", &spacing(0, 100), ""),
        style("Title", "Title", &spacing(0, 40), "<w:b/><w:sz w:val=\"40\"/>"),
        style("Subtitle", "Subtitle", &spacing(0, 40), "<w:color w:val=\"444444\"/><w:sz w:val=\"24\"/>"),
        style("Contact", "Contact", &spacing(0, 200), "<w:color w:val=\"444444\"/><w:sz w:val=\"19\"/>"),
        style(
            "Heading1",
            "heading 1",
            &format!("<w:keepNext/>{rule}{}<w:outlineLvl w:val=\"0\"/>", spacing(240, 80)),
            "<w:b/><w:sz w:val=\"25\"/>",
        ),
        style("Entry", "Entry", &format!("<w:keepNext/>{tab}{}", spacing(120, 0)), "<w:b/>"),
        style("Employer", "Employer", &format!("<w:keepNext/>{}", spacing(0, 60)), "<w:color w:val=\"444444\"/>"),
        style("ListBullet", "List Bullet", &format!("{}<w:ind w:left=\"340\" w:hanging=\"227\"/>", spacing(0, 30)), ""),
        style("Address", "Address", &spacing(0, 0), ""),
        style("Date", "Date", &spacing(240, 240), ""),
        style("Subject", "Subject", &spacing(0, 200), "<w:b/>"),
    ];
    format!(
        "<w:styles {W}><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii=\"Calibri\" w:hAnsi=\"Calibri\" w:cs=\"Calibri\"/>\
         <w:sz w:val=\"21\"/><w:lang w:val=\"{language}\"/></w:rPr></w:rPrDefault></w:docDefaults>{}</w:styles>",
        all.concat()
    )
}

const CONTENT_TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
    <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
    <Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>\
    <Override PartName=\"/word/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/>\
    <Override PartName=\"/word/numbering.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml\"/>\
    <Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/></Types>";

const RELATIONS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
    <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/>\
    <Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/></Relationships>";

const DOCUMENT_RELATIONS: &str = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
    <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/>\
    <Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering\" Target=\"numbering.xml\"/></Relationships>";

const NUMBERING: &str = "<w:numbering xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
    <w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"•\"/>\
    <w:lvlJc w:val=\"left\"/><w:pPr><w:ind w:left=\"340\" w:hanging=\"227\"/></w:pPr></w:lvl></w:abstractNum>\
    <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
