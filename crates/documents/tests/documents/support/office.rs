//! The smallest writers of DOCX, ODT and LinkedIn archives.

use std::io::{Cursor, Write};

use zip::{ZipWriter, write::SimpleFileOptions};

pub fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const W: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" xmlns:v="urn:schemas-microsoft-com:vml""#;

pub fn docx(body: &str, header: Option<&str>) -> Vec<u8> {
    let document = format!("<?xml version=\"1.0\"?><w:document {W}><w:body>{body}</w:body></w:document>");
    let styles = format!(
        "<w:styles {W}><w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val=\"22\"/></w:rPr></w:rPrDefault></w:docDefaults>\
         <w:style w:styleId=\"Heading1\"><w:name w:val=\"heading 1\"/><w:rPr><w:b/><w:sz w:val=\"28\"/></w:rPr></w:style>\
         <w:style w:styleId=\"Title\"><w:name w:val=\"Title\"/><w:rPr><w:sz w:val=\"44\"/></w:rPr></w:style></w:styles>"
    );
    let header = header.map(|text| format!("<w:hdr {W}>{text}</w:hdr>"));
    let mut members =
        vec![("[Content_Types].xml", "<Types/>"), ("word/document.xml", &document), ("word/styles.xml", &styles)];
    if let Some(header) = &header {
        members.push(("word/header1.xml", header));
    }
    archive(&members)
}

pub fn p(text: &str) -> String {
    styled("", "", text)
}

pub fn styled(paragraph: &str, run: &str, text: &str) -> String {
    let text = xml(text).replace('\t', "</w:t><w:tab/><w:t xml:space=\"preserve\">");
    format!(
        "<w:p><w:pPr>{paragraph}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>"
    )
}

pub fn heading(text: &str) -> String {
    styled("<w:pStyle w:val=\"Heading1\"/>", "", text)
}

pub fn bold(text: &str) -> String {
    styled("", "<w:b/>", text)
}

pub fn item(text: &str) -> String {
    styled("<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr>", "", text)
}

pub fn table(rows: &[Vec<String>]) -> String {
    let cell = |cell: &String| format!("<w:tc>{cell}</w:tc>");
    let row = |row: &Vec<String>| format!("<w:tr>{}</w:tr>", row.iter().map(cell).collect::<String>());
    format!("<w:tbl>{}</w:tbl>", rows.iter().map(row).collect::<String>())
}

/// A text box as Word writes it: the drawing, and the older form of the same again.
pub fn text_box(paragraphs: &str) -> String {
    format!(
        "<w:p><w:r><mc:AlternateContent><mc:Choice Requires=\"wps\"><w:drawing><wps:txbx><w:txbxContent>{paragraphs}\
         </w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent>{paragraphs}\
         </w:txbxContent></v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
}

pub fn odt(body: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:draw=\"urn:oasis:names:tc:opendocument:xmlns:drawing:1.0\"><office:body><office:text>{body}</office:text></office:body>\
         </office:document-content>"
    );
    archive(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", &content)])
}
