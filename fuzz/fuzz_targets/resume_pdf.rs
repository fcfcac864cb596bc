//! PDF files: objects, streams, fonts, columns.
#![no_main]

use aerie_documents::{Limits, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Most inputs would be turned away at the first bytes.
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend_from_slice(data);
    if let Ok(imported) = import("a.pdf", &file, &Limits::default()) {
        assert!(!imported.text.is_empty());
    }
});
