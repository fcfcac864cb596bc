//! Any answer of unknown origin.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = aerie_boards::parse_recorded("recorded.json", data);
});
