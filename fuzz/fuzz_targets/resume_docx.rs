//! Office files: whole archives, and the XML within them.
#![no_main]

use std::io::{Cursor, Write};

use aerie_documents::{Limits, import};
use libfuzzer_sys::fuzz_target;
use zip::{ZipWriter, write::SimpleFileOptions};

fuzz_target!(|data: &[u8]| {
    let _ = import("a.docx", data, &Limits::default());
    for name in ["word/document.xml", "content.xml", "Positions.csv"] {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let written = zip.start_file(name, SimpleFileOptions::default()).is_ok() && zip.write_all(data).is_ok();
        if let (true, Ok(file)) = (written, zip.finish()) {
            let _ = import("a", file.get_ref(), &Limits::default());
        }
    }
});
