//! Documents in what models write: any split gives the same cut, and a repaired text needs no repair.
#![no_main]

use aerie_llm_router::extract::{cut::Cut, repair::repair};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [choice, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    for may_close in [false, true] {
        if let Ok(read) = repair(text, may_close) {
            let again = repair(&read.text, false);
            assert_eq!(again.map(|again| (again.value, again.repaired)), Ok((read.value, false)));
        }
    }
    let middle = text.char_indices().map(|(index, _)| index).nth(usize::from(*choice)).unwrap_or(0);
    let (mut whole, mut parts) = (Cut::default(), Cut::default());
    let in_parts = [&text[..middle], &text[middle..]].map(|part| parts.push(part).to_owned()).concat();
    assert_eq!((whole.push(text), whole.is_whole()), (in_parts.as_str(), parts.is_whole()));
});
