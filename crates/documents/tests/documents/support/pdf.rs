//! The smallest PDF writer that sets text at places: pages, two standard fonts, nothing packed.

pub struct Page {
    content: String,
}

impl Page {
    pub fn new() -> Self {
        Self { content: String::new() }
    }

    /// Sets a line with its base line `y` points below the top of an A4 page.
    pub fn text(&mut self, x: f32, y: f32, size: f32, bold: bool, text: &str) {
        let font = if bold { "B" } else { "R" };
        self.content.push_str(&format!("BT /{font} {size} Tf {x} {} Td ({}) Tj ET\n", 842.0 - y, escaped(text)));
    }

    /// Sets a line that ends at `x`.
    pub fn right(&mut self, x: f32, y: f32, size: f32, bold: bool, text: &str) {
        self.text(x - width(text, size), y, size, bold, text);
    }

    /// Sets each word by itself, as some typesetters do.
    pub fn words(&mut self, x: f32, y: f32, size: f32, text: &str) {
        let mut at = x;
        for word in text.split(' ') {
            self.text(at, y, size, false, word);
            at += width(word, size) + width(" ", size);
        }
    }
}

/// About the width in Helvetica: good enough to set things flush right.
pub fn width(text: &str, size: f32) -> f32 {
    let unit = |character: char| match character {
        'i' | 'l' | 'j' | '.' | ',' | ' ' | 'I' | '\'' | ':' | '/' => 0.27,
        'm' | 'w' | 'M' | 'W' | '—' => 0.83,
        'A'..='Z' => 0.68,
        _ => 0.54,
    };
    text.chars().map(unit).sum::<f32>() * size
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '(' | ')' | '\\' => {
                escaped.push('\\');
                escaped.push(character);
            }
            ' '..='~' => escaped.push(character),
            other => escaped.push_str(&format!("\\{:03o}", windows_1252(other))),
        }
    }
    escaped
}

fn windows_1252(character: char) -> u8 {
    match character {
        '–' => 0x96,
        '—' => 0x97,
        '’' => 0x92,
        '•' => 0x95,
        'Š' => 0x8a,
        other => u8::try_from(u32::from(other)).expect("a character of Windows-1252"),
    }
}

pub fn file(pages: &[Page]) -> Vec<u8> {
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        String::new(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>".to_owned(),
    ];
    let mut kids = String::new();
    for page in pages {
        let number = objects.len() + 1;
        kids.push_str(&format!("{number} 0 R "));
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</R 3 0 R/B 4 0 R>>>>/Contents {} 0 R>>",
            number + 1
        ));
        objects.push(format!("<</Length {}>>\nstream\n{}\nendstream", page.content.len(), page.content));
    }
    objects[1] = format!("<</Type/Pages/Kids[{kids}]/Count {}>>", pages.len());
    from_objects(&objects)
}

/// A file of these objects, numbered from 1; the first is the catalogue.
pub fn from_objects(objects: &[String]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    file.extend(format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", objects.len() + 1).bytes());
    file
}
